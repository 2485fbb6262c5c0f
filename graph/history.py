"""All that a store holds of the past, from which the snapshot as of any date is cut.

A store is exported once; each cutoff of a backtest then costs a slice. `History.until(T)` hands out a source that
refuses anything later than T, so that code which must not look ahead cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.history_build import IndexedGraph, build, channel_codes, taken
from graph.history_staging import MemoryShelf
from graph.indexing import NEVER, HistoryEvents, milliseconds, sorted_ids
from graph.model import interaction_target
from graph.ordering import by_first_appearance, renumbering, used
from graph.snapshot import CustomerProperty, Events, FloatArray, Int32Array, Int64Array, Snapshot
from graph.store import DatasetFacts
from graph.tables import GraphTables
from graph.time import midnight_after, to_epoch_ms
from habitue.errors import CutoffError, NothingLoadedError


@dataclass(frozen=True)
class StoreTables:
    """What a store exports, as Arrow tables with ids as strings, rows in any order (schemas in `graph.model`).

    Attributes:
        dataset: Name of the data set.
        complete_until: Until when the source says its events are complete; None where it does not say.
        sensitive: Names of sensitive customer properties.
        products: `id`, `category`, `brand`.
        categories: `id`, `parent`.
        campaigns: `id`.
        properties: Customer properties: `owner`, `name`, `value`, `valid_from`.
        interactions: By type, `STORED_INTERACTION_SCHEMA`.
        superseded: `SUPERSEDED_SCHEMA`.
    """

    dataset: str
    complete_until: datetime | None
    sensitive: frozenset[str]
    products: pa.Table
    categories: pa.Table
    campaigns: pa.Table
    properties: pa.Table
    interactions: Mapping[str, pa.Table]
    superseded: pa.Table

    @staticmethod
    def of(tables: GraphTables, facts: DatasetFacts) -> StoreTables:
        """A store's whole export with its facts."""
        return StoreTables(
            dataset=facts.name,
            complete_until=facts.complete_until,
            sensitive=facts.sensitive,
            products=tables.products,
            categories=tables.categories,
            campaigns=tables.campaigns,
            properties=tables.properties["Customer"],
            interactions=tables.interactions,
            superseded=tables.superseded,
        )


@dataclass(frozen=True, eq=False)
class History(IndexedGraph):
    """Everything that happened, integer-indexed. `at(T)` cuts the snapshot as of T.

    Attributes:
        dataset: Name of the data set.
        complete_until: The latest date that it answers for.
        sensitive: Names of sensitive customer properties.
    """

    dataset: str
    complete_until: datetime
    sensitive: frozenset[str]

    @staticmethod
    def of(tables: StoreTables) -> History:
        """Index a store's export that fits in memory.

        Raises:
            NothingLoadedError: If there is no interaction at all.
        """
        graph, _ = build(_TableSource(tables), MemoryShelf())
        return History.over(graph, tables.dataset, tables.complete_until, tables.sensitive)

    @staticmethod
    def over(graph: IndexedGraph, dataset: str, complete_until: datetime | None, sensitive: frozenset[str]) -> History:
        """A history over an indexed graph and what the store knows of the data set.

        Raises:
            NothingLoadedError: If there is no interaction at all.
        """
        latest = _latest(graph.events)
        until = complete_until or midnight_after(latest)
        return History(**vars(graph), dataset=dataset, complete_until=until, sensitive=sensitive)

    def until(self, limit: datetime) -> BoundedHistory:
        """A source of snapshots that refuses every date later than `limit`."""
        return BoundedHistory(self, limit)

    def at(self, as_of: datetime) -> Snapshot:
        """The snapshot as of a date.

        Args:
            as_of: The cutoff T, naive UTC. Events with `at < T` and `known_at < T` are in it, in the version that
                was current then.

        Raises:
            CutoffError: If T is later than the data are complete.
        """
        if as_of > self.complete_until:
            raise CutoffError(
                f"The cutoff {as_of.isoformat()} is later than the data are complete "
                f"({self.complete_until.isoformat()}): what happened in between is unknown.",
                hint=f"Choose a cutoff of {self.complete_until.isoformat()} or earlier, or load newer data.",
            )
        cutoff = to_epoch_ms(as_of)
        visible = {name: _visible(events, cutoff) for name, events in self.events.items()}
        customer_rows = used(len(self.customers), [self.events[name].customer[keep] for name, keep in visible.items()])
        target_rows = {
            label: used(
                len(ids),
                [self.events[n].target[keep] for n, keep in visible.items() if interaction_target(n) == label],
            )
            for label, ids in (("Product", self.products), ("Campaign", self.campaigns))
        }
        product_rows = target_rows["Product"]
        category_rows = self._with_ancestors(self.product_category[product_rows])
        brand_rows = used(len(self.brands), [self.product_brand[product_rows]])
        new_customer = _lookup(len(self.customers), customer_rows)
        new_target = {
            "Product": _lookup(len(self.products), product_rows),
            "Campaign": _lookup(len(self.campaigns), target_rows["Campaign"]),
        }
        new_category = renumbering(len(self.categories), category_rows)
        new_brand = renumbering(len(self.brands), brand_rows)
        customers = _taken(self.customers, customer_rows)
        return Snapshot(
            dataset=self.dataset,
            as_of=as_of,
            customers=customers,
            products=_taken(self.products, product_rows),
            categories=_taken(self.categories, category_rows),
            brands=_taken(self.brands, brand_rows),
            campaigns=_taken(self.campaigns, target_rows["Campaign"]),
            events={
                name: _cut(self.events[name], keep, new_customer, new_target[interaction_target(name)])
                for name, keep in visible.items()
            },
            product_category=new_category[self.product_category[product_rows]],
            category_parent=new_category[self.category_parent[category_rows]],
            product_brand=new_brand[self.product_brand[product_rows]],
            properties=self._properties_at(cutoff, customer_rows),
        )

    def _with_ancestors(self, leaves: Int32Array) -> Int64Array:
        """Rows of the given categories and all above them, sorted."""
        rows = frontier = np.unique(leaves[leaves >= 0])
        while len(frontier):
            above = self.category_parent[frontier]
            frontier = np.setdiff1d(above[above >= 0], rows)
            rows = np.union1d(rows, frontier)
        return rows.astype(np.int64)

    def _properties_at(self, cutoff: int, customer_rows: Int64Array) -> tuple[CustomerProperty, ...]:
        """The customers' properties as of the cutoff: of a dated one, the latest value valid before it."""
        table = self.properties
        if not len(table):
            return ()
        owner = renumbering(len(self.customers), customer_rows)[table["owner"].to_numpy()]
        valid_from = milliseconds(table["valid_from"], default=NEVER)
        dated = pc.is_valid(table["valid_from"]).to_numpy()
        (names, name_codes), (values, value_codes) = (_dictionary(table[each]) for each in ("name", "value"))
        result = []
        for number, name in enumerate(names):
            of_name = name_codes == number
            for is_dated in (False, True):
                keep = np.flatnonzero(of_name & (owner >= 0) & (dated == is_dated) & (~dated | (valid_from < cutoff)))
                if not len(keep):
                    continue
                codes = np.full(len(customer_rows), -1, np.int32)
                codes[owner[keep]] = value_codes[keep]  # rows are oldest first: the latest value stands
                codes, current = channel_codes(codes, values)
                result.append(CustomerProperty(name, is_dated, name in self.sensitive, codes, current))
        return tuple(result)


@dataclass(frozen=True)
class BoundedHistory:
    """A history that knows nothing later than `limit`: what a training run is handed."""

    history: History
    limit: datetime

    @property
    def complete_until(self) -> datetime:
        """The latest date it answers for."""
        return min(self.limit, self.history.complete_until)

    def at(self, as_of: datetime) -> Snapshot:
        """The snapshot as of a date no later than the limit.

        Raises:
            CutoffError: If the date is later than the limit: the caller is looking ahead.
        """
        if as_of > self.limit:
            raise CutoffError(
                f"A snapshot as of {as_of.isoformat()} was asked for where only the past before "
                f"{self.limit.isoformat()} may be used.",
                hint="This is a leak in the calling code: learn from earlier dates only.",
            )
        return self.history.at(as_of)


def _latest(events: Mapping[str, HistoryEvents]) -> int:
    """When the last standing purchase became known (without purchases, the last event): data are complete until then.

    Views and contacts may outlast the export of purchases; the time after it would look as if everybody had left.

    Raises:
        NothingLoadedError: If there is no event at all.
    """
    never = int(np.iinfo(np.int64).min)
    for names in (("PURCHASED",), tuple(events)):
        standing = [np.max(events[n].known_at, initial=never, where=events[n].superseded_at == NEVER) for n in names]
        if (latest := int(max(standing))) > never:
            return latest
    raise NothingLoadedError("The graph holds no interactions.", hint="Run `habitue load` first.")


def _visible(events: HistoryEvents, cutoff: int) -> Int64Array | slice:
    """Which events are seen: where it is simply all that happened before, a slice, so that nothing is copied."""
    before = int(np.searchsorted(events.at, cutoff, side="left"))
    keep = (events.known_at[:before] < cutoff) & (events.superseded_at[:before] >= cutoff)
    return slice(before) if keep.all() else np.flatnonzero(keep)


def _cut(
    events: HistoryEvents, keep: Int64Array | slice, new_customer: Int32Array | None, new_target: Int32Array | None
) -> Events:
    order = events.order[keep]
    if not isinstance(keep, slice):  # the beginning of a history is numbered by first appearance already
        order, _ = by_first_appearance(order, int(order.max(initial=-1)) + 1)
    channel, channels = channel_codes(events.channel[keep], events.channels)
    customer, target = events.customer[keep], events.target[keep]
    return Events(
        customer=customer if new_customer is None else new_customer[customer],
        target=target if new_target is None else new_target[target],
        at=events.at[keep],
        quantity=_at(events.quantity, keep),
        amount=_at(events.amount, keep),
        discount=_at(events.discount, keep),
        rating=_at(events.rating, keep),
        order=order,
        channel=channel,
        channels=channels,
    )


def _at(column: FloatArray, keep: Int64Array | slice) -> FloatArray:
    """Some of a column's values; one value that repeats stays one."""
    return column[keep] if isinstance(keep, slice) else taken(column, keep)


def _lookup(size: int, rows: Int64Array) -> Int32Array | None:
    """Lookup from old row to new row; None where all stay."""
    return None if len(rows) == size else renumbering(size, rows)


def _taken(ids: pa.StringArray, rows: Int64Array) -> pa.StringArray:
    return ids if len(rows) == len(ids) else ids.take(pa.array(rows))


def _dictionary(column: pa.ChunkedArray) -> tuple[tuple[str, ...], Int32Array]:
    """Values and codes of a dictionary-encoded column without null."""
    encoded = column.combine_chunks()
    return tuple(encoded.dictionary.to_pylist()), encoded.indices.to_numpy()


class _TableSource:
    """Tables in memory as a source of a history."""

    def __init__(self, tables: StoreTables) -> None:
        self._tables = tables

    def nodes(self) -> GraphTables:
        """What the tables tell of nodes; customers are those of the interactions."""
        tables = self._tables
        met = sorted_ids([table["customer"] for table in (*tables.interactions.values(), tables.superseded)])
        return replace(
            GraphTables.empty(),
            customers=pa.table({"id": met}),
            products=tables.products,
            categories=tables.categories,
            campaigns=tables.campaigns,
            properties={"Customer": tables.properties},
        )

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        """Interactions of one type of loads with a greater number."""
        table = self._tables.interactions[name]
        yield table.filter(pc.greater(table["load"], after))

    def superseded(self, *, after: int = 0) -> pa.Table:
        """Superseded versions of loads with a greater number."""
        return self._tables.superseded.filter(pc.greater(self._tables.superseded["load"], after))

    def held(self, staged: GraphTables) -> GraphTables:
        """Interactions with the same ids."""
        found: dict[str, Any] = {}
        ids = pa.chunked_array([chunk for table in staged.interactions.values() for chunk in table["id"].chunks])
        for name, table in self._tables.interactions.items():
            found[name] = table.filter(pc.is_in(table["id"], value_set=ids.combine_chunks()))
        return replace(GraphTables.empty(), interactions=found)
