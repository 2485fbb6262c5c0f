"""What the embedded store holds of some interactions, found through the index beside it (see `graph.ladybug_index`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import ladybug
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.change_files import EventPart
from graph.comparing import contains
from graph.ladybug_export import export_superseded, fetch, types_that_occur
from graph.ladybug_index import InteractionIndex
from graph.model import INTERACTIONS, STORED_INTERACTION_SCHEMA
from graph.tables import GraphTables

_FEW_CUSTOMERS = 2_000  # up to here asking customer by customer is faster than a scan of 30 million interactions

_MET = ["customer", "id"]
#: What is asked for: an interaction's id, whose it probably is, of what, and its probable type, where they are known.
_ASKED = pa.schema([(name, pa.string()) for name in ("id", "customer", "target", "type")])
_NOTHING_MET = STORED_INTERACTION_SCHEMA.empty_table().select(_MET)

#: Gives the interactions of a type, table after table.
Stream = Callable[[str], Iterator[pa.Table]]


#: By type: `customer` and `id` of interactions.
Removed = Mapping[str, pa.Table]


@dataclass(frozen=True)
class Found:
    """What the store holds of some interactions.

    Attributes:
        held: All of it; the node tables are empty.
        read: By type, `customer` and `id` of those that were read from the store.
    """

    held: GraphTables
    read: Removed


class Met:
    """The interactions that were read from one version of the store: what a load then removes is among them."""

    def __init__(self) -> None:
        self._version = ""
        self._rows: list[Removed] = []

    def note(self, version: str, rows: Removed) -> None:
        """Remember some; those of another version are forgotten."""
        if version != self._version:
            self._version, self._rows = version, []
        if any(map(len, rows.values())):
            self._rows.append(rows)

    def rows(self, version: str) -> Removed:
        """All that were met in a version."""
        kept = self._rows if version == self._version else []
        return {name: pa.concat_tables([_NOTHING_MET, *(each[name] for each in kept)]) for name in INTERACTIONS}


def find_held(connection: ladybug.Connection, index: InteractionIndex, stream: Stream, staged: GraphTables) -> Found:
    """All interactions and superseded versions with the ids in `staged`.

    What the index knows to be held just as staged is not read again; the rest is asked of the store.
    """
    same: dict[str, pa.Table] = {}
    asked: list[pa.Table] = []
    for name, table in staged.interactions.items():
        known = index.look_up(name, table)
        held = table.filter(pa.array(known.same))
        load = held.schema.get_field_index("load")
        same[name] = held.set_column(load, "load", pa.array(known.load[known.same])).cast(STORED_INTERACTION_SCHEMA)
        asked.append(_asked(table.filter(pa.array(known.ask)), name))
    if len(staged.superseded):
        held_ids = index.contains(staged.superseded["id"])
        asked.append(_asked(staged.superseded.filter(pa.array(held_ids)), None))
    ask = pa.concat_tables([_ASKED.empty_table(), *asked])
    if not len(ask):
        return Found(replace(GraphTables.empty(), interactions=same), dict.fromkeys(INTERACTIONS, _NOTHING_MET))
    ids = pc.unique(ask["id"])
    fetched = fetch_held(connection, stream, ask)
    held = replace(
        fetched,
        interactions={
            name: pa.concat_tables([
                same[name].filter(pc.invert(pc.is_in(same[name]["id"], value_set=ids))), fetched.interactions[name]
            ])
            for name in INTERACTIONS
        },
    )  # fmt: skip
    return Found(held, {name: table.select(_MET) for name, table in fetched.interactions.items()})


def fetch_held(connection: ladybug.Connection, stream: Stream, asked: pa.Table) -> GraphTables:
    """Interactions and superseded versions with some ids, read from the store.

    Args:
        connection: To it.
        stream: Its interactions of a type.
        asked: `id`, `customer`, `target` and `type` of interactions: only what is not found of this type with this
            customer is looked for among the customer's others, and only what is not found there takes a scan.
    """
    names = types_that_occur(connection)
    found = {name: STORED_INTERACTION_SCHEMA.empty_table() for name in INTERACTIONS}

    def keep(name: str, tables: Iterable[pa.Table]) -> None:
        """What is missing, and was not met before."""
        met, kept = found[name]["id"].combine_chunks(), [found[name]]
        for table in tables:
            new = pc.and_not(pc.is_in(table["id"], value_set=missing), pc.is_in(table["id"], value_set=met))
            kept.append(table.filter(new))
        found[name] = pa.concat_tables(kept)

    ids = missing = pc.unique(asked["id"])
    if len(pc.unique(asked["customer"])) <= _FEW_CUSTOMERS:
        for own_type in (True, False):
            rows = asked.filter(pc.is_in(asked["id"], value_set=missing))
            for name in names:
                probable = rows.filter(pc.equal(rows["type"], name)) if own_type else rows
                customers = pc.unique(probable["customer"]).drop_null().to_pylist()
                held = f"held_{name.lower()}"
                # One after the other: an answer holds a megabyte or two until it is filtered.
                keep(name, (fetch(connection, held, STORED_INTERACTION_SCHEMA, customer=each) for each in customers))
            missing = _unmet(asked, found)
    superseded = export_superseded(connection)
    superseded = superseded.filter(pc.is_in(superseded["id"], value_set=ids))
    # An id that is only among the superseded or the removed ones is in no interaction: the scan cannot know.
    if len(missing):
        for name in names:
            keep(name, stream(name))
    return replace(GraphTables.empty(), interactions=found, superseded=superseded)


def _unmet(asked: pa.Table, found: Mapping[str, pa.Table]) -> pa.Array:
    """Ids of which there may be more in the store than was found.

    One id can be a purchase and a return, of sources that number by themselves. So what is asked for as of one type is
    met by that type, or by a line with the same ends that has become of this type (see `graph.difference`), and by no
    other line of the same id.
    """
    met = np.zeros(len(asked), bool)
    untyped, ended = _mask(pc.is_null(asked["type"])), _mask(pc.is_valid(asked["target"]))
    for name, table in found.items():
        own = _mask(pc.fill_null(pc.equal(asked["type"], name), False))
        met |= (own | untyped) & contains(table, asked, ("id",))
        asked_as_both = contains(asked.filter(pa.array(own)), asked, ("id",))
        met |= ended & ~asked_as_both & contains(table, asked, ("id", "customer", "target"))
    return pc.unique(asked["id"].filter(pa.array(~met)))


def _mask(found: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = found.to_numpy()
    return mask


def find_removed(connection: ladybug.Connection, stream: Stream, parts: Sequence[EventPart], met: Removed) -> Removed:
    """Whose the interactions are that a load's changes remove, by type.

    Args:
        connection: To the store.
        stream: Its interactions of a type.
        parts: Of the load.
        met: Interactions that were read before from the same version; the others are asked of the store.
    """
    gone = [part.removed() for part in parts]
    wanted = {name: pc.unique(pa.chunked_array([each[name] for each in gone], pa.string())) for name in INTERACTIONS}
    known = {name: table.filter(pc.is_in(table["id"], value_set=wanted[name])) for name, table in met.items()}
    missing = {
        name: ids.filter(pc.invert(pc.is_in(ids, value_set=known[name]["id"].combine_chunks())))
        for name, ids in wanted.items()
    }
    if any(map(len, missing.values())):
        held = fetch_held(connection, stream, _probable(parts, missing))
        for name, table in held.interactions.items():
            found = table.filter(pc.is_in(table["id"], value_set=wanted[name])).select(_MET)
            known[name] = pa.concat_tables([known[name], found])
    # A line can come in several parts of a load, and then was met several times.
    return {name: table.group_by(_MET).aggregate([]) for name, table in known.items()}


def _probable(parts: Sequence[EventPart], ids: Mapping[str, pa.Array]) -> pa.Table:
    """Whose removed interactions probably are, by type: what replaces them is mostly of the same customers."""
    added = [table.select(_MET) for part in parts for table in part.read().added.interactions.values()]
    replacing = pa.concat_tables([_NOTHING_MET, *added]).group_by(_MET).aggregate([])
    rows = (_asked(pa.table({"id": wanted}).join(replacing, "id"), name) for name, wanted in ids.items())
    return pa.concat_tables(rows)


def _asked(rows: pa.Table, name: str | None) -> pa.Table:
    """Interactions that are asked for as being of a type."""
    empty = pa.nulls(len(rows), pa.string())
    target = rows["target"] if "target" in rows.column_names else empty
    kind = empty if name is None else pa.array([name] * len(rows), pa.string())
    return pa.table([rows["id"], rows["customer"], target, kind], schema=_ASKED)
