"""A history extended by what later loads brought, equal to one that is read anew, without reading the rest again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.history_build import IndexedGraph, Nodes, channel_codes, event_order, one_after_another
from graph.history_staging import STAGED, Array, EventSource, Shelf, StagedEvents, stage
from graph.indexing import NEVER, EventKeys, HistoryEvents, Words, rows_of, texts_at
from graph.model import INTERACTIONS, NO_PRODUCT, STORED_INTERACTION_SCHEMA, interaction_target
from graph.ordering import BoolArray, bounds, by_first_appearance, renumbering, used
from graph.snapshot import Int32Array, Int64Array
from graph.store import Progress, no_progress
from graph.tables import GraphTables

#: Ids of events that are gone stay in the files of ids; from this many for each event on, all is read anew.
_MOST_GONE = 0.5
_KINDS = {"PURCHASED": "RETURNED", "RETURNED": "PURCHASED"}


def extend(
    former: IndexedGraph,
    keys: Mapping[str, EventKeys],
    source: EventSource,
    after: int,
    shelf: Shelf,
    progress: Progress = no_progress,
) -> tuple[IndexedGraph, dict[str, EventKeys]] | None:
    """The graph as it now is, from a former state of it and what later loads brought.

    Only interactions of later loads and superseded versions are read from the store. Interactions that later loads
    corrected are known by their ids; those that became another type (a purchase that was a return) are asked for.

    Args:
        former: As it was after the load `after`. Nothing has been erased since, and all loads up to that were complete.
        keys: Of the former state.
        source: The store.
        after: The number of the last load that the former state holds.
        shelf: Where arrays are kept; its texts start with those of `keys`.
        progress: Called with what is being done.

    Returns:
        The graph and its keys, equal to those of `graph.history_build.build`; None where it must be read anew.
    """
    nodes = Nodes.of(source.nodes())
    lookup = {
        "Customer": rows_of(former.customers, nodes.customers),
        "Product": rows_of(former.products, nodes.products),
        "Campaign": rows_of(former.campaigns, nodes.campaigns),
    }
    if any((rows < 0).any() for rows in lookup.values()):
        return None
    lookup = {label: np.append(rows, np.int32(-1)) for label, rows in lookup.items()}  # -1 stays -1
    superseded = one_after_another(source.superseded())
    staged: dict[str, StagedEvents] = {}
    current: dict[str, int] = {}
    rows = 0

    def watch(more: int) -> None:
        nonlocal rows
        rows += more
        progress(f"reading only what is new, {rows:,} interactions", 0.0)

    for name in INTERACTIONS:
        channels = former.events[name].channels
        staged[name] = StagedEvents(nodes.customers, nodes.targets(name), channels, shelf, name)
        current[name] = stage(staged[name], source.interactions(name, after=after), watch).count
        staged[name].append(superseded.filter(pc.equal(superseded["type"], name)))
        events = len(former.events[name]) + staged[name].count
        if len(keys[name].ids) + staged[name].count > (1 + _MOST_GONE) * events + 1000:
            return None
    added = {name: staged[name].ids().slice(0, current[name]) for name in INTERACTIONS}
    of_both = _ids_of_both(keys)
    merges = {}
    for name in INTERACTIONS:
        gone = _replaced(former.events[name], keys[name], added[name])
        if other := _KINDS.get(name):
            suspects = pa.chunked_array([*added[other].chunks, *of_both.chunks], pa.string())
            gone |= _became_another(former, name, keys[name], gone, suspects, source)
        target = lookup[interaction_target(name)]
        merges[name] = _merge(former.events[name], keys[name], staged[name], gone, lookup["Customer"], target)
    with_events = used(len(nodes.customers), [rows for each in merges.values() for rows in each.customers()])
    new_customer = renumbering(len(nodes.customers), with_events)
    extended, new_keys = {}, {}
    for number, (name, merge) in enumerate(merges.items()):
        progress("adding what is new", number / len(merges))
        extended[name], new_keys[name] = merge.settled(new_customer, shelf, name)
        staged[name].close()
    return nodes.indexed(with_events, extended), new_keys


@dataclass(frozen=True, eq=False)
class _Merge:
    """Former events and new ones, and how they go together.

    Attributes:
        former, keys: As they were.
        staged: What was read.
        customer, target: Lookups from former codes to present ones.
        kept: Which of the former events stay where they are.
        pulled: Former events that are sorted again with the new ones, because they are equal to one but for the id.
        order: Of the new events, then the pulled ones.
        places: Where these are among all events, in that order.
    """

    former: HistoryEvents
    keys: EventKeys
    staged: StagedEvents
    customer: Int32Array
    target: Int32Array
    kept: BoolArray
    pulled: Int64Array
    order: Int64Array
    places: Int64Array

    def customers(self) -> list[Int32Array]:
        """Customers of all events, in present codes before any is left out."""
        return [self.customer[self.former.customer[self.kept]], self._new("customer", self.customer)]

    def settled(self, new_customer: Int32Array, shelf: Shelf, name: str) -> tuple[HistoryEvents, EventKeys]:
        """All events in their order, kept column by column."""
        columns: dict[str, Array] = {}
        for column in STAGED:
            if column not in ("order", "channel"):
                lookup = {"customer": new_customer[self.customer], "target": self.target}.get(column)
                new = self._new(column, self.target if column == "target" else self.customer)
                new = new_customer[new] if column == "customer" else new
                columns[column] = shelf.keep(name, column, self._joined(getattr(self.former, column), new, lookup))
        channel, channels = channel_codes(self._joined(self.former.channel, self._new("channel")), self.staged.channels)
        order, hashes = self._orders()
        columns["channel"] = shelf.keep(name, "channel", channel)
        columns["order"] = shelf.keep(name, "order", order)
        ids = pa.chunked_array([*self.keys.ids.chunks, *self.staged.ids().chunks], pa.string())
        first = len(self.keys.ids)
        new_rows = np.arange(first, first + self.staged.count, dtype=np.int32)
        row = self._joined(self.keys.row, np.concatenate([new_rows, self.keys.row[self.pulled]]))
        return (
            HistoryEvents(**columns, channels=channels),
            EventKeys(ids, shelf.keep(name, "row", row), shelf.keep(name, "orders", hashes)),
        )

    def _new(self, column: str, lookup: Int32Array | None = None) -> Array:
        """Values of the new events, then of the pulled ones."""
        pulled = getattr(self.former, column)[self.pulled]
        if column in ("customer", "target") and lookup is not None:
            pulled = lookup[pulled]
        return np.concatenate([self.staged.column(column), pulled])

    def _joined(self, former: Array, new: Array, lookup: Int32Array | None = None) -> Array:
        """A column of all events."""
        from_former = self._from_former
        if former.strides == (0,) and lookup is None and _all_equal(former, new):
            return np.broadcast_to(new[:1] if len(new) else former[:1], from_former.shape)
        kept = former if self.kept.all() else former[self.kept]
        result = np.empty(len(from_former), former.dtype)
        result[from_former] = kept if lookup is None else lookup[kept]
        result[self.places] = new[self.order]
        return result

    @cached_property
    def _from_former(self) -> BoolArray:
        """Which of all events stay from before, in their order."""
        result = np.ones(int(self.kept.sum()) + len(self.order), bool)
        result[self.places] = False
        return result

    def _orders(self) -> tuple[Int32Array, Words]:
        hashes = self.staged.column("order")
        values = np.unique(hashes[hashes > 0])
        place = pc.index_in(pa.array(self.keys.orders), value_set=pa.array(values))
        is_known = pc.is_valid(place).to_numpy(zero_copy_only=False)
        code = np.full(len(values), -1, np.int32)
        code[pc.drop_null(place).to_numpy()] = np.flatnonzero(is_known)
        is_new = code < 0
        code[is_new] = len(self.keys.orders) + np.arange(is_new.sum())
        all_hashes = np.concatenate([self.keys.orders, values[is_new]])
        new = np.full(len(hashes), -1, np.int32)
        new[hashes > 0] = code[np.searchsorted(values, hashes[hashes > 0])]
        joined = self._joined(self.former.order, np.concatenate([new, self.former.order[self.pulled]]))
        codes, former = by_first_appearance(joined, len(all_hashes))
        return codes, all_hashes[former]


def _merge(
    former: HistoryEvents,
    keys: EventKeys,
    staged: StagedEvents,
    gone: BoolArray,
    customer: Int32Array,
    target: Int32Array,
) -> _Merge:
    """Find the place of new events among former ones."""
    sorted_keys: tuple[Callable[[Int64Array], Int64Array | Int32Array], ...] = (
        lambda rows: former.at[rows],
        lambda rows: customer[former.customer[rows]],
        lambda rows: target[former.target[rows]],
    )
    wanted = [staged.column(name) for name in ("at", "customer", "target")]
    first, last = bounds(sorted_keys, len(former), wanted)
    pulled = _between(first, last)
    pulled = pulled[~gone[pulled]]
    kept = ~gone
    kept[pulled] = False
    away = np.flatnonzero(~kept)
    new_ids = [chunk.cast(pa.large_string()) for chunk in staged.ids().chunks]
    ids = pa.chunked_array([*new_ids, texts_at(keys.ids, keys.row[pulled])], pa.large_string())
    key_values = [np.concatenate([new, key(pulled)]) for new, key in zip(wanted, sorted_keys, strict=True)]
    superseded_at = np.concatenate([staged.column("superseded_at"), former.superseded_at[pulled]])
    order = event_order(key_values[0], key_values[1], key_values[2], superseded_at, ids)
    # A pulled event is equal to a new one, and belongs where all of its equals begin.
    begins = np.concatenate([first, bounds(sorted_keys, len(former), [key(pulled) for key in sorted_keys])[0]])[order]
    places = begins - np.searchsorted(away, begins) + np.arange(len(order))
    return _Merge(former, keys, staged, customer, target, kept, pulled, order, places)


def _replaced(former: HistoryEvents, keys: EventKeys, added: pa.ChunkedArray) -> BoolArray:
    """Events that are read again: superseded ones, and those whose id came again."""
    gone: BoolArray = np.asarray(former.superseded_at != NEVER)
    if len(added):
        gone |= _with_ids(keys, added)
    return gone


def _with_ids(keys: EventKeys, ids: pa.ChunkedArray) -> BoolArray:
    """Which events have one of some ids."""
    wanted = pa.concat_arrays(ids.chunks)
    found = [pc.is_in(chunk, value_set=wanted).to_numpy(zero_copy_only=False) for chunk in keys.ids.chunks]
    among_ids = np.concatenate(found) if found else np.zeros(0, bool)
    if not among_ids.any():
        return np.zeros(len(keys.row), bool)
    result: BoolArray = among_ids[keys.row]
    return result


def _ids_of_both(keys: Mapping[str, EventKeys]) -> pa.ChunkedArray:
    """Ids that purchases and returns have in common."""
    few, many = sorted((keys[name].ids for name in _KINDS), key=len)
    value_set = pa.concat_arrays([pa.array([], pa.string()), *few.chunks])
    chunks = many.chunks if len(few) else []
    return pa.chunked_array([chunk.filter(pc.is_in(chunk, value_set=value_set)) for chunk in chunks], pa.string())


def _became_another(
    former: IndexedGraph, name: str, keys: EventKeys, gone: BoolArray, suspects: pa.ChunkedArray, source: EventSource
) -> BoolArray:
    """Of purchases or returns whose id is, or came again, among the others: those that the store no longer holds."""
    events = former.events[name]
    result = np.zeros(len(events), bool)
    rows = np.flatnonzero(_with_ids(keys, suspects) & ~gone) if len(suspects) and len(events) else result.nonzero()[0]
    if not len(rows):
        return result
    ids = texts_at(keys.ids, keys.row[rows]).cast(pa.string())
    target = events.target[rows]
    columns = {field.name: pa.nulls(len(rows), field.type) for field in STORED_INTERACTION_SCHEMA}
    columns |= {
        "id": ids,
        "customer": former.customers.take(pa.array(events.customer[rows])),
        "target": pc.fill_null(former.products.take(pa.array(target, mask=target < 0)), NO_PRODUCT),
        "at": pa.array(events.at[rows]).cast(pa.timestamp("ms")),
    }
    asked = pa.table(columns, schema=STORED_INTERACTION_SCHEMA)
    empty = GraphTables.empty()
    held = source.held(replace(empty, interactions={**empty.interactions, name: asked})).interactions[name]
    result[rows] = pc.invert(pc.is_in(ids, value_set=held["id"].combine_chunks())).to_numpy(zero_copy_only=False)
    return result


def _between(first: Int64Array, last: Int64Array) -> Int64Array:
    """All positions in some ranges, each once, sorted."""
    sizes = last - first
    if not sizes.any():
        return np.zeros(0, np.int64)
    starts = np.repeat(first - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    positions: Int64Array = np.unique(starts + np.arange(sizes.sum()))
    return positions


def _all_equal(former: Array, new: Array) -> bool:
    values = np.concatenate([former[:1], new]).view(f"u{former.dtype.itemsize}")
    return not np.any(values != values[:1])
