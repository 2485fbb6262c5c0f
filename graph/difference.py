"""How what was staged differs from what a store holds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.changes import GraphChanges
from graph.comparing import contains, equal_values
from graph.model import INTERACTIONS, PROPERTY_OWNERS, STORED_INTERACTION_SCHEMA, SUPERSEDED_SCHEMA
from graph.tables import GraphTables


def difference(held: GraphTables, staged: GraphTables) -> GraphChanges:
    """What turns `held` into `held` plus `staged`: of nodes and of interactions."""
    nodes, events = node_changes(held, staged), interaction_changes(held, staged)
    added = replace(nodes.added, interactions=events.added.interactions, superseded=events.added.superseded)
    return replace(events, **{name: getattr(nodes, name) for name in _OF_NODES}, added=added)


_ALWAYS = int(np.iinfo(np.int64).min)
_OF_NODES = ("changed_products", "changed_campaigns", "removed_properties", "counts")


def node_changes(held: GraphTables, staged: GraphTables) -> GraphChanges:
    """The difference of nodes and properties; interactions are left out.

    What is staged bare, because an interaction names it, never overwrites what is known better. An undated property
    takes the place of the former value; a dated one stands beside it.
    """
    customers = _new(staged.customers, held.customers)
    categories = _new(staged.categories, held.categories)
    brands = _new(staged.brands, held.brands)
    products, changed_products = _upserts(_keep_known(staged.products, held.products), held.products)
    campaigns, changed_campaigns = _upserts(_keep_dated(staged.campaigns, held.campaigns), held.campaigns)
    added_properties, removed_properties = {}, {}
    for label in PROPERTY_OWNERS:
        added_properties[label], removed_properties[label] = _property_changes(
            held.properties[label], staged.properties[label]
        )
    nothing = GraphChanges.nothing()
    return replace(
        nothing,
        added=replace(
            nothing.added, customers=customers, products=products, categories=categories, brands=brands,
            campaigns=campaigns, properties=added_properties,
        ),
        changed_products=changed_products,
        changed_campaigns=changed_campaigns,
        removed_properties=removed_properties,
        counts=+Counter({
            "Customer": len(customers), "Product": len(products) - len(changed_products), "Category": len(categories),
            "Brand": len(brands), "Campaign": len(campaigns) - len(changed_campaigns),
        }),
    )  # fmt: skip


def interaction_changes(held: GraphTables, staged: GraphTables) -> GraphChanges:
    """The difference of interactions; nodes are left out.

    An interaction is known by its id: equal values leave it unchanged, other values replace it. The replaced version
    is kept as superseded where the source says when it learnt of the correction (`known_at` later than before), so
    that earlier dates still see what was known then; a version older than the held one goes there directly.

    Args:
        held: All interactions and superseded versions with an id that is staged; more do no harm.
        staged: Ids are unique within a type.
    """
    unchanged: Counter[str] = Counter()
    corrected: Counter[str] = Counter()
    added, removed, replaced = {}, {}, []
    for name in INTERACTIONS:
        between = staged.superseded.filter(pc.equal(staged.superseded["type"], name))
        change = _changes_of_type(name, held.interactions[name], staged.interactions[name], between)
        added[name], removed[name] = change.added, change.removed
        unchanged[name], corrected[name] = change.unchanged, len(change.removed)
        replaced.append(change.superseded)
    for name, other in (("PURCHASED", "RETURNED"), ("RETURNED", "PURCHASED")):
        moved = _moved(staged.interactions, held.interactions, name, other)
        if not len(moved):
            continue
        move = _kind_changes(name, other, moved, staged.interactions[name], held.interactions[other])
        stays = added[name].filter(pc.invert(pc.is_in(added[name]["id"], value_set=move.late)))
        former = held.interactions[other]
        added[name] = _known_since(stays, former.filter(pc.is_in(former["id"], value_set=move.removed)))
        removed[other] = pa.concat_arrays([removed[other], move.removed])
        corrected[name] += len(move.removed)
        unchanged[name] += len(move.late)
        replaced.append(move.superseded)
    superseded = pa.concat_tables([staged.superseded, *replaced])
    superseded = superseded.filter(pa.array(~contains(held.superseded, superseded, ("type", "id", "known_at"))))
    nothing = GraphChanges.nothing()
    return replace(
        nothing,
        added=replace(nothing.added, interactions=added, superseded=superseded),
        removed_interactions=removed,
        unchanged=+unchanged,
        corrected=+corrected,
    )


def _new(staged: pa.Table, held: pa.Table) -> pa.Table:
    return staged.filter(pc.invert(pc.is_in(staged["id"], value_set=held["id"].combine_chunks())))


def _keep_known(staged: pa.Table, held: pa.Table) -> pa.Table:
    """A stub never overwrites a product that is known better."""
    held_ids = held["id"].combine_chunks()
    return staged.filter(pc.invert(pc.and_(staged["stub"], pc.is_in(staged["id"], value_set=held_ids))))


def _keep_dated(staged: pa.Table, held: pa.Table) -> pa.Table:
    """A campaign without dates never overwrites one that is there."""
    bare = pc.and_(pc.is_null(staged["start"]), pc.is_null(staged["end"]))
    return staged.filter(pc.invert(pc.and_(bare, pc.is_in(staged["id"], value_set=held["id"].combine_chunks()))))


def _upserts(staged: pa.Table, held: pa.Table) -> tuple[pa.Table, pa.Array]:
    """Rows that are new or differ, and the ids of those that differ."""
    if not len(held):
        return staged, pa.array([], pa.string())
    place = pc.index_in(staged["id"], value_set=held["id"].combine_chunks())
    is_new = pc.is_null(place).to_numpy()
    old = held.take(pc.fill_null(place, 0).combine_chunks())
    differs = np.zeros(len(staged), bool)
    for column in staged.column_names:
        differs |= ~equal_values(staged[column], old[column])
    changed = ~is_new & differs
    return staged.filter(pa.array(is_new | changed)), staged["id"].filter(pa.array(changed)).combine_chunks()


def _property_changes(held: pa.Table, staged: pa.Table) -> tuple[pa.Table, pa.Table]:
    """New property rows, and held undated rows whose value is replaced. A dated row with a new value stands beside."""
    if not len(held) or not len(staged):
        return staged, held.slice(0, 0)
    held = held.filter(pc.is_in(held["owner"], value_set=pc.unique(staged["owner"])))
    added = staged.filter(pa.array(~contains(held, staged, ("owner", "name", "value", "valid_from"))))
    undated = added.filter(pc.is_null(added["valid_from"]))
    stale = contains(undated, held, ("owner", "name")) & pc.is_null(held["valid_from"]).to_numpy()
    return added, held.filter(pa.array(stale))


@dataclass(frozen=True)
class _InteractionChanges:
    added: pa.Table
    removed: pa.Array
    superseded: pa.Table
    unchanged: int


def _changes_of_type(name: str, held: pa.Table, staged: pa.Table, between: pa.Table) -> _InteractionChanges:
    """The changes of one type; `between` are the versions that staged ones replaced in the same load."""
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
            differs |= ~equal_values(met[column], old[column])
    when_new, when_old = _known(met), _known(old)
    later = when_new > when_old
    # What was corrected and taken back since is a version of its own, although its values are the held ones.
    differs |= later & _has_version_after(when_old, met, between)
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
        added=pa.concat_tables([staged.filter(pa.array(is_new)), _known_since(met.filter(pa.array(replace)), old)]),
        removed=met["id"].filter(pa.array(replace)).combine_chunks(),
        superseded=superseded,
        unchanged=len(met) - int(replace.sum()),
    )


def _has_version_after(when: npt.NDArray[np.int64], rows: pa.Table, versions: pa.Table) -> npt.NDArray[np.bool_]:
    """For which rows there is a version that was known after some instant of theirs."""
    place = pc.index_in(versions["id"], value_set=rows["id"].combine_chunks())
    versions, place = versions.filter(pc.is_valid(place)), pc.drop_null(place).to_numpy()
    found = np.zeros(len(rows), bool)
    found[place[_known(versions) > when[place]]] = True
    return found


def _known_since(rows: pa.Table, former: pa.Table) -> pa.Table:
    """Rows that do not say when they became known take that from the former ones with their ids."""
    place = pc.index_in(rows["id"], value_set=former["id"].combine_chunks())
    known = pc.coalesce(rows["known_at"], former["known_at"].take(place))
    return rows.set_column(rows.schema.get_field_index("known_at"), rows.schema.field("known_at"), known)


def _moved(staged: Mapping[str, pa.Table], held: Mapping[str, pa.Table], name: str, other: str) -> pa.Array:
    """Ids of lines held as `other` that a correction turned into `name` (purchase or return): same id, same ends.

    Where both are held, or both are staged, under one id, they are two lines: of sources that number by themselves.
    """
    here, former = staged[name], held[other]
    same_line = contains(here, former, ("id", "customer", "target"))
    two_lines = contains(staged[other], former, ("id",)) | contains(held[name], former, ("id",))
    return former["id"].filter(pa.array(same_line & ~two_lines)).combine_chunks()


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
    """When versions became known; what does not say so was known before all that does."""
    when: npt.NDArray[np.int64] = pc.fill_null(table["known_at"].cast(pa.int64()), _ALWAYS).to_numpy()
    return when
