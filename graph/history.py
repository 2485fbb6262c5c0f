"""All that a store holds of the past, from which the snapshot as of any date is cut.

A store is exported once; each cutoff of a backtest then costs a slice. `History.until(T)` hands out a source that
refuses anything later than T, so that code which must not look ahead cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.indexing import NEVER, HistoryEvents, index_events, milliseconds, rows_of, sorted_ids
from graph.model import INTERACTIONS, NO_PRODUCT, interaction_target
from graph.snapshot import CustomerProperty, Events, Int32Array, Int64Array, Snapshot
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
class History:
    """Everything that happened, integer-indexed. `at(T)` cuts the snapshot as of T."""

    dataset: str
    complete_until: datetime
    customers: pa.StringArray
    products: pa.StringArray
    categories: pa.StringArray
    brands: pa.StringArray
    campaigns: pa.StringArray
    events: Mapping[str, HistoryEvents]
    product_category: Int32Array
    category_parent: Int32Array
    product_brand: Int32Array
    properties: pa.Table
    sensitive: frozenset[str]

    @staticmethod
    def of(tables: StoreTables) -> History:
        """Index a store's export.

        Raises:
            NothingLoadedError: If there is no interaction at all.
        """
        superseded = tables.superseded
        whole: dict[str, pa.Table] = {}
        for name in INTERACTIONS:
            table = tables.interactions[name]
            table = table.append_column("superseded_at", pa.nulls(len(table), pa.timestamp("ms")))
            replaced = superseded.filter(pc.equal(superseded["type"], name)).select(table.column_names)
            whole[name] = pa.concat_tables([table, replaced])
        customers = sorted_ids([table["customer"] for table in whole.values()])
        products = sorted_ids([tables.products["id"]], leave_out=NO_PRODUCT)
        campaigns = sorted_ids([tables.campaigns["id"]])
        categories = sorted_ids([tables.categories["id"]])
        brands = sorted_ids([tables.products["brand"]])
        ordered_products = tables.products.filter(pc.not_equal(tables.products["id"], NO_PRODUCT)).sort_by("id")
        ordered_categories = tables.categories.sort_by("id")
        events = {
            name: index_events(table, customers, products if interaction_target(name) == "Product" else campaigns)
            for name, table in whole.items()
        }
        latest = _latest(events)
        return History(
            dataset=tables.dataset,
            complete_until=tables.complete_until or midnight_after(latest),
            customers=customers,
            products=products,
            categories=categories,
            brands=brands,
            campaigns=campaigns,
            events=events,
            product_category=rows_of(ordered_products["category"], categories),
            category_parent=rows_of(ordered_categories["parent"], categories),
            product_brand=rows_of(ordered_products["brand"], brands),
            properties=tables.properties,
            sensitive=tables.sensitive,
        )

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
        customer_rows = _used(len(self.customers), [self.events[name].customer[keep] for name, keep in visible.items()])
        target_rows = {
            label: _used(
                len(ids),
                [self.events[n].target[keep] for n, keep in visible.items() if interaction_target(n) == label],
            )
            for label, ids in (("Product", self.products), ("Campaign", self.campaigns))
        }
        product_rows = target_rows["Product"]
        category_rows = self._with_ancestors(self.product_category[product_rows])
        brand_rows = _used(len(self.brands), [self.product_brand[product_rows]])
        new_customer = _renumber(len(self.customers), customer_rows)
        new_target = {
            "Product": _renumber(len(self.products), product_rows),
            "Campaign": _renumber(len(self.campaigns), target_rows["Campaign"]),
        }
        new_category = _renumber(len(self.categories), category_rows)
        new_brand = _renumber(len(self.brands), brand_rows)
        return Snapshot(
            dataset=self.dataset,
            as_of=as_of,
            customers=self.customers.take(pa.array(customer_rows)),
            products=self.products.take(pa.array(product_rows)),
            categories=self.categories.take(pa.array(category_rows)),
            brands=self.brands.take(pa.array(brand_rows)),
            campaigns=self.campaigns.take(pa.array(target_rows["Campaign"])),
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
        table = self.properties.sort_by([("valid_from", "ascending"), ("owner", "ascending"), ("value", "ascending")])
        if not len(table):
            return ()
        owner = rows_of(table["owner"], self.customers.take(pa.array(customer_rows)))
        valid_from = milliseconds(table["valid_from"], default=NEVER)
        dated = pc.is_valid(table["valid_from"]).to_numpy(zero_copy_only=False)
        names = table["name"].combine_chunks()
        result = []
        for name in sorted(pc.unique(names).to_pylist()):
            of_name = pc.equal(names, name).to_numpy(zero_copy_only=False)
            for is_dated in (False, True):
                keep = np.flatnonzero(of_name & (owner >= 0) & (dated == is_dated) & (~dated | (valid_from < cutoff)))
                if not len(keep):
                    continue
                texts = table["value"].take(pa.array(keep)).combine_chunks()
                values = pc.unique(texts).sort()
                codes = np.full(len(customer_rows), -1, np.int32)
                codes[owner[keep]] = rows_of(texts, values)  # rows are oldest first: the latest value stands
                codes, values = _compact(codes, values.to_pylist())
                result.append(CustomerProperty(name, is_dated, name in self.sensitive, codes, tuple(values)))
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
    for names in (("PURCHASED",), tuple(events)):
        standing = [events[name].known_at[events[name].superseded_at == NEVER] for name in names]
        if latest := [int(known_at.max()) for known_at in standing if len(known_at)]:
            return max(latest)
    raise NothingLoadedError("The graph holds no interactions.", hint="Run `habitue load` first.")


def _visible(events: HistoryEvents, cutoff: int) -> Int64Array:
    before = int(np.searchsorted(events.at, cutoff, side="left"))
    keep = (events.known_at[:before] < cutoff) & (events.superseded_at[:before] >= cutoff)
    return np.flatnonzero(keep)


def _cut(events: HistoryEvents, keep: Int64Array, new_customer: Int32Array, new_target: Int32Array) -> Events:
    order, _ = _compact(events.order[keep], None)
    channel, channels = _compact(events.channel[keep], events.channels)
    return Events(
        customer=new_customer[events.customer[keep]],
        target=new_target[events.target[keep]],
        at=events.at[keep],
        quantity=events.quantity[keep],
        amount=events.amount[keep],
        discount=events.discount[keep],
        rating=events.rating[keep],
        order=order,
        channel=channel,
        channels=tuple(channels),
    )


def _compact(codes: Int32Array, names: Sequence[str] | None) -> tuple[Int32Array, list[str]]:
    """Renumber codes to 0, 1, … without gaps, keeping their order and -1; with the names still used."""
    present = np.unique(codes[codes >= 0])
    size = (int(present[-1]) + 1) if len(present) else 0
    return _renumber(size, present)[codes] if size else codes, [names[row] for row in present] if names else []


def _used(size: int, rows: list[Int32Array]) -> Int64Array:
    """Sorted rows below `size` that occur in any of the arrays; -1 is left out."""
    seen = np.zeros(size + 1, bool)
    for each in rows:
        seen[each] = True  # -1 marks the last, spare place
    return np.flatnonzero(seen[:size])


def _renumber(size: int, rows: npt.NDArray[np.integer]) -> Int32Array:
    """Lookup from old row to new row; old -1 stays -1 because the last, spare place is -1."""
    lookup = np.full(size + 1, -1, np.int32)
    lookup[rows] = np.arange(len(rows), dtype=np.int32)
    return lookup
