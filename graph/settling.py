"""Rows as they were read become interactions with one id each: numbered by content, repeated ids settled. Pure.

Whatever has the same id, and whatever is equal without one, must be in the same tables here (see `graph.partitions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graph.hashes import surely_differ
from graph.identity import content_ids
from graph.model import INTERACTION_SCHEMA, INTERACTIONS, STORED_INTERACTION_SCHEMA, SUPERSEDED_SCHEMA
from graph.validation import Refusal

#: A checked row and where it came from: its number in its file, and numbers of the description's source and the file.
CHECKED_SCHEMA = pa.schema(
    [*INTERACTION_SCHEMA, pa.field("row", pa.int64()), pa.field("source", pa.int32()), pa.field("file", pa.int32())]
)

# What makes up the id of an interaction without one of its own (`known_at` may change from export to export).
_IDENTITY = ("customer", "target", "at", "quantity", "amount", "discount", "order_id", "channel", "rating", "treatment")


@dataclass(frozen=True)
class Settled:
    """Interactions with ids that are unique within their type.

    Attributes:
        interactions: By type, every type is present: `STORED_INTERACTION_SCHEMA`.
        superseded: Versions that a later one in the same rows replaced: `SUPERSEDED_SCHEMA`.
        refusals: Rows with an id that another source uses.
        repeated: Rows whose id came again; the last one stands.
    """

    interactions: dict[str, pa.Table]
    superseded: pa.Table
    refusals: list[Refusal]
    repeated: int


def settle(rows: Mapping[str, pa.Table], file_names: Sequence[str], sequence: int) -> Settled:
    """Give ids to rows without one, and settle repeated ids: the last version, by `known_at`, stands.

    Args:
        rows: By type, those that occur: `CHECKED_SCHEMA`, in the order in which they were read.
        file_names: By number of the file, for refusals.
        sequence: The load's number.
    """
    settled, superseded = {}, []
    refusals: list[Refusal] = []
    repeated = 0
    for name in INTERACTIONS:
        table = rows.get(name, CHECKED_SCHEMA.empty_table())
        without, given = _by_id(table)
        numbered, replaced, refused, again = _settle_ids(name, given, file_names)
        settled[name] = pa.concat_tables([_number(name, without), numbered])
        superseded.append(replaced)
        refusals += refused
        repeated += again
    replaced, again = _settle_kinds(settled)
    return Settled(
        interactions={
            name: _with_load(table.select(INTERACTION_SCHEMA.names), sequence).cast(STORED_INTERACTION_SCHEMA)
            for name, table in settled.items()
        },
        superseded=_with_load(pa.concat_tables([*superseded, replaced]), sequence),
        refusals=refusals,
        repeated=repeated + again,
    )


def _by_id(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows without an id, and those with one; nothing is copied where all are of one kind."""
    missing = table["id"].null_count
    if missing in (0, len(table)):
        return (table, table[:0]) if missing else (table[:0], table)
    without = pc.is_null(table["id"])
    return table.filter(without), table.filter(pc.invert(without))


def _with_load(table: pa.Table, sequence: int) -> pa.Table:
    loads = pa.array(np.full(len(table), sequence, np.int64))
    place = table.schema.get_field_index("load")
    return table.append_column("load", loads) if place < 0 else table.set_column(place, "load", loads)


def _number(name: str, table: pa.Table) -> pa.Table:
    if not len(table):
        return table
    ids = content_ids(table.select(_IDENTITY), name)
    return table.set_column(table.schema.get_field_index("id"), "id", ids)


def _settle_ids(name: str, table: pa.Table, file_names: Sequence[str]) -> tuple[pa.Table, pa.Table, list[Refusal], int]:
    """The table with each id once; the replaced versions, the refused rows and the number of repeated ones."""
    each_once = table, SUPERSEDED_SCHEMA.empty_table(), list[Refusal](), 0
    if surely_differ(table.select(["id"])):
        return each_once
    occurring = pc.value_counts(table["id"])
    twice = occurring.field("values").filter(pc.greater(occurring.field("counts"), 1))
    if not len(twice):  # two ids that hash alike
        return each_once
    is_repeated = pc.is_in(table["id"], value_set=twice)
    frame = table.filter(is_repeated).to_pandas(date_as_object=False)
    content = [column for column in INTERACTION_SCHEMA.names if column != "known_at"]
    clash = frame["source"] != frame.groupby("id")["source"].transform("min")
    said_by_first = (~clash).groupby([frame[column] for column in content], dropna=False).transform("any")
    other_source = clash & ~said_by_first
    refusals = [
        Refusal(file_names[row.file], int(row.row), "id", "the id is used by another source (give `id_prefix`)", row.id)
        for row in frame[other_source].itertuples()
    ]
    frame = frame[~other_source]
    frame["order"] = np.arange(len(frame))
    frame = frame.sort_values(["id", "known_at", "order"], na_position="first", kind="stable")
    repeated = int(frame.duplicated("id", keep="last").sum())
    frame = frame[~_says_the_same_again(frame, content)]
    frame["next_known_at"] = frame.groupby("id")["known_at"].shift(-1)
    last = ~frame.duplicated("id", keep="last")
    undated_before = frame["known_at"].isna() & frame["next_known_at"].notna()
    older = frame[~last & ((frame["known_at"] < frame["next_known_at"]) | undated_before)]
    standing = pa.Table.from_pandas(frame[last][CHECKED_SCHEMA.names], schema=CHECKED_SCHEMA, preserve_index=False)
    replaced = older.rename(columns={"next_known_at": "superseded_at"}).assign(type=name)
    return (
        pa.concat_tables([table.filter(pc.invert(is_repeated)), standing]),
        _superseded(replaced),
        refusals,
        repeated,
    )


def _settle_kinds(settled: dict[str, pa.Table]) -> tuple[pa.Table, int]:
    """A line that one source gives as a purchase and as a return, by its sign, is what its last version says.

    Former versions leave `settled`.

    Returns:
        Those of them that were known before, and how many left.
    """
    kinds = ("PURCHASED", "RETURNED")
    fewer, more = sorted((settled[name]["id"] for name in kinds), key=len)
    both_say = more.filter(pc.is_in(more, value_set=fewer.combine_chunks()))  # a table of the fewer, asked by the many
    if not len(both_say):
        return SUPERSEDED_SCHEMA.empty_table(), 0
    both_say = both_say.combine_chunks()
    met = {name: settled[name].filter(pc.is_in(settled[name]["id"], value_set=both_say)) for name in kinds}
    frames = [table.to_pandas(date_as_object=False).assign(type=name) for name, table in met.items()]
    both = pd.concat(frames).sort_values(["known_at", "file", "row"], na_position="first", kind="stable")
    pairs = both.groupby(["id", "source"])
    is_former = (pairs["type"].transform("size") == 2) & (pairs.cumcount() == 0)
    both["superseded_at"] = pairs["known_at"].shift(-1)
    former = both[is_former]
    for name in kinds:
        gone = pa.array(former.loc[former["type"] == name, "id"], pa.string())
        settled[name] = settled[name].filter(pc.invert(pc.is_in(settled[name]["id"], value_set=gone)))
    return _superseded(former[former["known_at"] < former["superseded_at"]]), len(former)


def _superseded(frame: pd.DataFrame) -> pa.Table:
    columns = frame.assign(load=0)[SUPERSEDED_SCHEMA.names]
    return pa.Table.from_pandas(columns, schema=SUPERSEDED_SCHEMA, preserve_index=False)


def _says_the_same_again(frame: pd.DataFrame, content: list[str]) -> pd.Series:
    """Rows that repeat the version just before them, which was known first."""
    before = frame[content].shift(1)
    same = (frame[content] == before) | (frame[content].isna() & before.isna())
    return same.all(axis=1)
