"""A history from a store's stream: every interaction coded, sorted and kept, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.history_staging import STAGED, Array, EventSource, Shelf, StagedEvents, stage
from graph.indexing import EventKeys, HistoryEvents, milliseconds, rows_of, sorted_ids, texts_at
from graph.model import INTERACTIONS, NO_PRODUCT, TIMESTAMP, interaction_target
from graph.ordering import by_first_appearance, renumbering, sorted_rows, used
from graph.snapshot import Int32Array, Int64Array
from graph.store import Progress, no_progress
from graph.tables import GraphTables


@dataclass(frozen=True, eq=False)
class IndexedGraph:
    """Everything that happened, integer-indexed: all texts are sorted, and codes are rows in them.

    Attributes:
        customers: Those with any event.
        products, categories, brands, campaigns: All that the store knows.
        events: By type; every type is present.
        product_category, category_parent, product_brand: As in `Snapshot`.
        properties: Of the customers, by `valid_from`, `owner` (row in `customers`), `value` and `name`; the last two
            are dictionary-encoded.
    """

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


@dataclass(frozen=True, eq=False)
class Nodes:
    """Nodes of a store, sorted by id; customers without events included."""

    customers: pa.StringArray
    products: pa.StringArray
    categories: pa.StringArray
    brands: pa.StringArray
    campaigns: pa.StringArray
    tables: GraphTables

    @staticmethod
    def of(tables: GraphTables) -> Nodes:
        """Sort a store's nodes."""
        return Nodes(
            customers=sorted_ids([tables.customers["id"]]),
            products=sorted_ids([tables.products["id"]], leave_out=NO_PRODUCT),
            categories=sorted_ids([tables.categories["id"]]),
            brands=sorted_ids([tables.products["brand"]]),
            campaigns=sorted_ids([tables.campaigns["id"]]),
            tables=tables,
        )

    def targets(self, name: str) -> pa.StringArray:
        """Ids at the far end of a type of interaction."""
        return self.products if interaction_target(name) == "Product" else self.campaigns

    def indexed(self, with_events: Int64Array, events: Mapping[str, HistoryEvents]) -> IndexedGraph:
        """The whole graph, of the customers with events."""
        products, categories = self.tables.products, self.tables.categories.sort_by("id")
        products = products.filter(pc.not_equal(products["id"], NO_PRODUCT)).sort_by("id")
        all_have = len(with_events) == len(self.customers)
        customers = self.customers if all_have else self.customers.take(pa.array(with_events))
        return IndexedGraph(
            customers=customers,
            products=self.products,
            categories=self.categories,
            brands=self.brands,
            campaigns=self.campaigns,
            events=events,
            product_category=rows_of(products["category"], self.categories),
            category_parent=rows_of(categories["parent"], self.categories),
            product_brand=rows_of(products["brand"], self.brands),
            properties=_properties(self.tables.properties["Customer"], customers),
        )


def build(
    source: EventSource, shelf: Shelf, progress: Progress = no_progress
) -> tuple[IndexedGraph, dict[str, EventKeys]]:
    """Index all of a store's past.

    Args:
        source: The store.
        shelf: Where arrays are kept as they become ready.
        progress: Called with what is being done.
    """
    progress("exporting the graph", 0.0)
    nodes = Nodes.of(source.nodes())
    superseded = one_after_another(source.superseded())
    rows = 0

    def watch(more: int) -> None:
        nonlocal rows
        rows += more
        progress(f"exporting the graph, {rows:,} interactions", 0.0)

    staged = {}
    for name in INTERACTIONS:
        staged[name] = StagedEvents(nodes.customers, nodes.targets(name), (), shelf, name)
        stage(staged[name], source.interactions(name), watch)
        staged[name].append(superseded.filter(pc.equal(superseded["type"], name)))
    with_events = np.flatnonzero(np.logical_or.reduce([each.seen for each in staged.values()]))
    new_customer = renumbering(len(nodes.customers), with_events)
    pa.default_memory_pool().release_unused()  # what the stream left behind
    events, keys = {}, {}
    for number, (name, each) in enumerate(staged.items()):
        progress("sorting interactions", number / len(staged))
        events[name], keys[name] = _settled(each, new_customer, shelf, name)
        each.close()
    return nodes.indexed(with_events, events), keys


def one_after_another(superseded: pa.Table) -> pa.Table:
    """Superseded versions, each until the next one of its interaction became known.

    A version that came late was known between two that a store holds already: the earlier of these is said to last
    until the later one, as if there were none between them.
    """
    frame = superseded.select(["type", "id", "known_at"]).to_pandas(date_as_object=False)
    if not frame.duplicated(["type", "id"]).any():
        return superseded
    ordered = frame.sort_values("known_at", na_position="first", kind="stable")
    following = ordered.groupby(["type", "id"])["known_at"].shift(-1).reindex(frame.index)
    until = pc.min_element_wise(superseded["superseded_at"], pa.array(following, TIMESTAMP, from_pandas=True))
    return superseded.set_column(superseded.schema.get_field_index("superseded_at"), "superseded_at", until)


def event_order(
    at: Int64Array, customer: Int32Array, target: Int32Array, superseded_at: Int64Array, ids: pa.ChunkedArray
) -> Int64Array:
    """The order of `Events`: by time, customer, target, interaction id; and then versions as they were superseded.

    Ids are compared as text only where all else is equal: sorting millions of texts is the costly part.
    """

    def rank(rows: Int64Array) -> Int64Array:
        ranks: Int64Array = pc.rank(texts_at(ids, rows), tiebreaker="dense").to_numpy().astype(np.int64)
        return ranks

    return sorted_rows([at, customer, target], [rank, superseded_at.__getitem__])


def channel_codes(codes: Int32Array, names: tuple[str, ...]) -> tuple[Int32Array, tuple[str, ...]]:
    """Renumber channels to those in use, sorted by name."""
    present = used(len(names), [codes])
    ordered = sorted(present.tolist(), key=names.__getitem__)
    lookup = renumbering(len(names), np.array(ordered, np.int64))
    unchanged = ordered == list(range(len(names)))
    return codes if unchanged else lookup[codes], tuple(names[code] for code in ordered)


def taken(column: Array, order: Int64Array) -> Array:
    """Values in another order; one value that repeats stays one."""
    if column.strides == (0,):
        return np.broadcast_to(column[:1], (len(order),)) if len(column) else column
    return column[order]


def _settled(
    staged: StagedEvents, new_customer: Int32Array, shelf: Shelf, name: str
) -> tuple[HistoryEvents, EventKeys]:
    """Staged events in their order, kept column by column: never more than one of them is in memory."""
    ids = staged.ids()
    order = _order_of(staged, new_customer, ids)
    codes, hashes = order_codes(staged.column("order")[order])
    kept = {"order": shelf.keep(name, "order", codes)}
    orders = shelf.keep(name, "orders", hashes)
    del codes, hashes
    kept["customer"] = shelf.keep(name, "customer", new_customer[staged.column("customer")[order]])
    channel, channels = channel_codes(staged.column("channel"), staged.channels)
    kept["channel"] = shelf.keep(name, "channel", taken(channel, order))
    del channel
    for column in STAGED:
        if column not in kept:
            kept[column] = shelf.keep(name, column, taken(staged.column(column), order))
    keys = EventKeys(ids, shelf.keep(name, "row", order.astype(np.int32)), orders)
    return HistoryEvents(**kept, channels=channels), keys


def _order_of(staged: StagedEvents, new_customer: Int32Array, ids: pa.ChunkedArray) -> Int64Array:
    """Rows of staged events in the order of events."""
    customer = new_customer[staged.column("customer")]
    return event_order(staged.column("at"), customer, staged.column("target"), staged.column("superseded_at"), ids)


def order_codes(hashes: Array) -> tuple[Int32Array, Array]:
    """Orders by first appearance, -1 for none; and the hash of each.

    Lines of an order mostly follow one another: one of them stands for all. The heads are sorted, where a table of
    hashes would take three times the memory.
    """
    if not hashes.any():
        return np.broadcast_to(np.int32(-1), (len(hashes),)), np.zeros(0, np.uint64)
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    heads = hashes[starts]
    by_hash = np.argsort(heads, kind="stable")
    ordered = heads[by_hash]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    codes = np.empty(len(heads), np.int32)
    codes[by_hash] = np.cumsum(first, dtype=np.int32) - 1
    codes[heads == 0] = -1
    del by_hash, heads
    distinct = ordered[first]
    codes, former = by_first_appearance(codes, len(distinct))
    return np.repeat(codes, np.diff(starts, append=len(hashes))), distinct[former]


def _properties(table: pa.Table, customers: pa.StringArray) -> pa.Table:
    owner = rows_of(table["owner"], customers)
    known = pa.array(owner >= 0)
    table = table.filter(known)
    coded = {}
    codes = [owner[owner >= 0]]
    for name in ("value", "name"):
        texts = sorted_ids([table[name]])
        codes.append(rows_of(table[name], texts))
        coded[name] = pa.DictionaryArray.from_arrays(pa.array(codes[-1]), texts)
    valid_from = milliseconds(table["valid_from"], default=np.iinfo(np.int64).max)
    order = pa.array(sorted_rows([valid_from, *codes], []))
    return pa.table({
        "owner": pa.array(codes[0]), **coded, "valid_from": table["valid_from"].cast(pa.timestamp("ms"))
    }).take(order).combine_chunks()  # fmt: skip
