"""What a load changes in a graph: the difference between what was staged and what the store holds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.model import INTERACTIONS, PROPERTY_OWNERS, PROPERTY_SCHEMA, STORED_INTERACTION_SCHEMA, SUPERSEDED_SCHEMA
from graph.tables import GraphTables

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GraphChanges:
    """Rows to add, and keys of rows to remove first (they are replaced by added ones).

    Attributes:
        added: New rows, and the new form of changed ones.
        changed_products, changed_campaigns: Ids among the added that exist already.
        removed_properties: By owner's label: rows of undated properties whose value changed.
        removed_interactions: By type: ids that are replaced.
        unchanged: Interactions by type that the store held already.
        corrected: Interactions by type whose values changed.
        counts: New nodes by label.
    """

    added: GraphTables
    changed_products: pa.Array
    changed_campaigns: pa.Array
    removed_properties: Mapping[str, pa.Table]
    removed_interactions: Mapping[str, pa.Array]
    unchanged: Counter[str] = field(default_factory=Counter)
    corrected: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    @staticmethod
    def nothing() -> GraphChanges:
        """Changes that change nothing."""
        no_ids = pa.array([], pa.string())
        return GraphChanges(
            added=GraphTables.empty(),
            changed_products=no_ids,
            changed_campaigns=no_ids,
            removed_properties={label: PROPERTY_SCHEMA.empty_table() for label in PROPERTY_OWNERS},
            removed_interactions=dict.fromkeys(INTERACTIONS, no_ids),
        )

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return (
            not self.added.counts()
            and not len(self.added.superseded)
            and not any(map(len, self.added.properties.values()))
        )


def difference(held: GraphTables, staged: GraphTables) -> GraphChanges:
    """What turns `held` into `held` plus `staged`.

    An interaction is known by its id: equal values leave it unchanged, other values replace it. The replaced version
    is kept as superseded where the source says when it learnt of the correction (`known_at` later than before), so
    that earlier dates still see what was known then; a version older than the held one goes there directly.
    """
    customers = _new(staged.customers, held.customers)
    categories = _new(staged.categories, held.categories)
    brands = _new(staged.brands, held.brands)
    products, changed_products = _upserts(_keep_known(staged.products, held.products), held.products)
    campaigns, changed_campaigns = _upserts(staged.campaigns, held.campaigns)
    added_properties, removed_properties = {}, {}
    for label in PROPERTY_OWNERS:
        added_properties[label], removed_properties[label] = _property_changes(
            held.properties[label], staged.properties[label]
        )
    unchanged: Counter[str] = Counter()
    corrected: Counter[str] = Counter()
    added, removed, replaced = {}, {}, []
    for name in INTERACTIONS:
        change = _interaction_changes(name, held.interactions[name], staged.interactions[name])
        added[name], removed[name] = change.added, change.removed
        unchanged[name], corrected[name] = change.unchanged, len(change.removed)
        replaced.append(change.superseded)
    for name, other in (("PURCHASED", "RETURNED"), ("RETURNED", "PURCHASED")):
        moved = _moved(staged.interactions[name], held.interactions[other], staged.interactions[other])
        move = _kind_changes(name, other, moved, staged.interactions[name], held.interactions[other])
        added[name] = added[name].filter(pc.invert(pc.is_in(added[name]["id"], value_set=move.late)))
        removed[other] = pa.concat_arrays([removed[other], move.removed])
        corrected[name] += len(move.removed)
        unchanged[name] += len(move.late)
        replaced.append(move.superseded)
    superseded = pa.concat_tables([staged.superseded, *replaced])
    superseded = superseded.filter(pa.array(~_contains(held.superseded, superseded, ("type", "id", "known_at"))))
    counts = Counter({"Customer": len(customers), "Category": len(categories), "Brand": len(brands)})
    counts["Product"] = len(products) - len(changed_products)
    counts["Campaign"] = len(campaigns) - len(changed_campaigns)
    return GraphChanges(
        added=GraphTables(customers, products, categories, brands, campaigns, added_properties, added, superseded),
        changed_products=changed_products,
        changed_campaigns=changed_campaigns,
        removed_properties=removed_properties,
        removed_interactions=removed,
        unchanged=+unchanged,
        corrected=+corrected,
        counts=+counts,
    )


def merge(held: GraphTables, changes: GraphChanges) -> GraphTables:
    """The whole graph after the changes."""
    added = changes.added

    def replace(table: pa.Table, removed: pa.Array, rows: pa.Table) -> pa.Table:
        kept = table.filter(pc.invert(pc.is_in(table["id"], value_set=removed))) if len(removed) else table
        return pa.concat_tables([kept, rows])

    properties = {}
    for label, table in held.properties.items():
        keys = ("owner", "name", "value", "valid_from")
        kept = table.filter(pa.array(~_contains(changes.removed_properties[label], table, keys)))
        properties[label] = pa.concat_tables([kept, added.properties[label]])
    return GraphTables(
        customers=pa.concat_tables([held.customers, added.customers]),
        products=replace(held.products, changes.changed_products, added.products),
        categories=pa.concat_tables([held.categories, added.categories]),
        brands=pa.concat_tables([held.brands, added.brands]),
        campaigns=replace(held.campaigns, changes.changed_campaigns, added.campaigns),
        properties=properties,
        interactions={
            name: replace(table, changes.removed_interactions[name], added.interactions[name])
            for name, table in held.interactions.items()
        },
        superseded=pa.concat_tables([held.superseded, added.superseded]),
    )


@dataclass(frozen=True)
class _InteractionChanges:
    added: pa.Table
    removed: pa.Array
    superseded: pa.Table
    unchanged: int


def _interaction_changes(name: str, held: pa.Table, staged: pa.Table) -> _InteractionChanges:
    nothing = _InteractionChanges(staged, pa.array([], pa.string()), SUPERSEDED_SCHEMA.empty_table(), 0)
    if not len(held) or not len(staged):
        return nothing
    place = pc.index_in(staged["id"], value_set=held["id"].combine_chunks())
    is_new = pc.is_null(place).to_numpy()
    old = held.take(pc.drop_null(place).combine_chunks())
    met = staged.filter(pa.array(~is_new))
    differs = np.zeros(len(met), bool)
    for column in STORED_INTERACTION_SCHEMA.names:
        if column not in ("load", "known_at"):
            differs |= ~_equal(met[column], old[column])
    when_new, when_old = _known(met), _known(old)
    later = when_new > when_old
    # A correction that does not say when it became known is the newest word there is.
    earlier = (when_new < when_old) & pc.is_valid(met["known_at"]).to_numpy()
    replace = differs & ~earlier
    keep_old = old.filter(pa.array(replace & later))
    late = met.filter(pa.array(differs & earlier))
    superseded = pa.concat_tables([
        _as_superseded(keep_old, name, met["known_at"].filter(pa.array(replace & later))),
        _as_superseded(late, name, old["known_at"].filter(pa.array(differs & earlier))),
    ])  # fmt: skip
    return _InteractionChanges(
        added=pa.concat_tables([staged.filter(pa.array(is_new)), met.filter(pa.array(replace))]),
        removed=met["id"].filter(pa.array(replace)).combine_chunks(),
        superseded=superseded,
        unchanged=len(met) - int(replace.sum()),
    )


def _moved(staged: pa.Table, held_other: pa.Table, staged_other: pa.Table) -> pa.Array:
    """Ids of held lines that a correction turned from a purchase into a return, or back: same id, same ends."""
    ends = ("id", "customer", "target")
    same_line = _contains(staged, held_other, ends) & ~_contains(staged_other, held_other, ("id",))
    return held_other["id"].filter(pa.array(same_line)).combine_chunks()


@dataclass(frozen=True)
class _KindChanges:
    removed: pa.Array
    late: pa.Array
    superseded: pa.Table


def _kind_changes(name: str, other: str, ids: pa.Array, staged: pa.Table, held_other: pa.Table) -> _KindChanges:
    """What becomes of lines held as `other` and staged as `name`; an older version goes into the past directly."""
    new = staged.take(pc.index_in(ids, value_set=staged["id"].combine_chunks()))
    old = held_other.take(pc.index_in(ids, value_set=held_other["id"].combine_chunks()))
    when_new, when_old = _known(new), _known(old)
    later, late = pa.array(when_new > when_old), pa.array(when_new < when_old)
    superseded = [
        _as_superseded(old.filter(later), other, new["known_at"].filter(later)),
        _as_superseded(new.filter(late), name, old["known_at"].filter(late)),
    ]
    return _KindChanges(ids.filter(pc.invert(late)), ids.filter(late), pa.concat_tables(superseded))


def _as_superseded(table: pa.Table, name: str, when: pa.ChunkedArray) -> pa.Table:
    table = table.append_column("type", pa.array([name] * len(table), pa.string()))
    return table.append_column("superseded_at", when).cast(SUPERSEDED_SCHEMA)


def _known(table: pa.Table) -> npt.NDArray[np.int64]:
    when: npt.NDArray[np.int64] = pc.fill_null(
        pc.coalesce(table["known_at"], table["at"]).cast(pa.int64()), 0
    ).to_numpy()
    # Without a date of its own an event is known from when it happened: a correction then simply replaces it.
    return np.where(pc.is_null(table["known_at"]).to_numpy(), np.int64(0), when)


def _new(staged: pa.Table, held: pa.Table) -> pa.Table:
    return staged.filter(pc.invert(pc.is_in(staged["id"], value_set=held["id"].combine_chunks())))


def _keep_known(staged: pa.Table, held: pa.Table) -> pa.Table:
    """A stub never overwrites a product that is known better."""
    held_ids = held["id"].combine_chunks()
    return staged.filter(pc.invert(pc.and_(staged["stub"], pc.is_in(staged["id"], value_set=held_ids))))


def _upserts(staged: pa.Table, held: pa.Table) -> tuple[pa.Table, pa.Array]:
    """Rows that are new or differ, and the ids of those that differ."""
    if not len(held):
        return staged, pa.array([], pa.string())
    place = pc.index_in(staged["id"], value_set=held["id"].combine_chunks())
    is_new = pc.is_null(place).to_numpy()
    old = held.take(pc.fill_null(place, 0).combine_chunks())
    differs = np.zeros(len(staged), bool)
    for column in staged.column_names:
        differs |= ~_equal(staged[column], old[column])
    changed = ~is_new & differs
    return staged.filter(pa.array(is_new | changed)), staged["id"].filter(pa.array(changed)).combine_chunks()


def _property_changes(held: pa.Table, staged: pa.Table) -> tuple[pa.Table, pa.Table]:
    """New property rows, and held undated rows whose value is replaced. A dated row with a new value stands beside."""
    if not len(held) or not len(staged):
        return staged, held.slice(0, 0)
    added = staged.filter(pa.array(~_contains(held, staged, ("owner", "name", "value", "valid_from"))))
    undated = added.filter(pc.is_null(added["valid_from"]))
    stale = _contains(undated, held, ("owner", "name")) & pc.is_null(held["valid_from"]).to_numpy()
    return added, held.filter(pa.array(stale))


def _contains(table: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> BoolArray:
    """Which of `rows` occur in `table` by their keys."""
    if not len(table) or not len(rows):
        return np.zeros(len(rows), bool)
    found: BoolArray = pc.is_in(_key(rows, keys), value_set=_key(table, keys).combine_chunks()).to_numpy()
    return found


def _key(table: pa.Table, keys: tuple[str, ...]) -> pa.ChunkedArray:
    """The keys as one text, with a separator that no trimmed text holds and a mark for null."""
    parts = []
    for name in keys:
        column = table[name]
        column = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        parts.append(pc.fill_null(column.cast(pa.string()), "\x01"))
    joined = pc.binary_join_element_wise(*parts, "\x00")
    return joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([joined])


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> BoolArray:
    """Element-wise equality in which null equals null."""
    same = pc.fill_null(pc.equal(one, other), False).to_numpy()
    both_null = pc.and_(pc.is_null(one), pc.is_null(other)).to_numpy()
    result: BoolArray = same | both_null
    return result
