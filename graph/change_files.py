"""A load's changes as they wait to be brought in: nodes in memory, interactions in Parquet files, part after part.

A part holds the interactions of some customers (or ids), so that a load of any size needs the memory of one part.
The files of added interactions are written as the embedded engine's COPY takes them: `customer`, `target`, then the
columns of `STORED_INTERACTION_SCHEMA` in its order, times in microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.changes import GraphChanges
from graph.model import INTERACTIONS, STORED_INTERACTION_SCHEMA, SUPERSEDED_SCHEMA
from graph.tables import GraphTables

_REMOVED_SCHEMA = pa.schema([("type", pa.string()), ("id", pa.string())])


@dataclass(frozen=True)
class EventPart:
    """Changes of interactions in a directory: added ones by type, ids that are removed, superseded versions."""

    directory: Path

    def added_file(self, name: str) -> Path | None:
        """The file of added interactions of a type; None without any."""
        path = self.directory / f"{name}.parquet"
        return path if path.is_file() else None

    def read(self) -> GraphChanges:
        """The part in memory, without nodes."""
        added = {name: self._read(name, STORED_INTERACTION_SCHEMA) for name in INTERACTIONS}
        return replace(
            GraphChanges.nothing(),
            added=replace(GraphTables.empty(), interactions=added, superseded=self.superseded()),
            removed_interactions=self.removed(),
        )

    def removed(self) -> dict[str, pa.Array]:
        """Ids that are removed, by type; every type is present."""
        table = self._read("removed", _REMOVED_SCHEMA)
        return {name: table.filter(pc.equal(table["type"], name))["id"].combine_chunks() for name in INTERACTIONS}

    def superseded(self) -> pa.Table:
        """Replaced versions: `SUPERSEDED_SCHEMA`."""
        return self._read("superseded", SUPERSEDED_SCHEMA)

    def _read(self, name: str, schema: pa.Schema) -> pa.Table:
        path = self.directory / f"{name}.parquet"
        return pq.read_table(path, partitioning=None).cast(schema) if path.is_file() else schema.empty_table()


def write_part(directory: Path, changes: GraphChanges) -> EventPart:
    """Write the interactions of a part; nothing is written for what is empty. Nodes are left out."""
    directory.mkdir(parents=True, exist_ok=True)
    removed = pa.concat_tables([
        pa.table({"type": pa.array([name] * len(ids), pa.string()), "id": ids.cast(pa.string())})
        for name, ids in changes.removed_interactions.items()
    ])  # fmt: skip
    tables = {**changes.added.interactions, "removed": removed, "superseded": changes.added.superseded}
    for name, table in tables.items():
        if len(table):
            pq.write_table(table.cast(_in_microseconds(table.schema)), directory / f"{name}.parquet", compression="lz4")
    return EventPart(directory)


@dataclass(frozen=True)
class LoadChanges:
    """All that a load changes.

    Attributes:
        nodes: New and changed nodes and properties; without interactions.
        parts: The interactions. An id occurs in one part only.
        added, corrected, unchanged: Numbers of interactions by type over all parts; `added` counts corrected ones too.
    """

    nodes: GraphChanges
    parts: tuple[EventPart, ...]
    added: Counter[str]
    corrected: Counter[str]
    unchanged: Counter[str]

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return self.nodes.empty and not any(any(part.directory.iterdir()) for part in self.parts)

    def events(self) -> Iterator[GraphChanges]:
        """The parts in memory, one after the other."""
        for part in self.parts:
            yield part.read()

    @staticmethod
    def of(changes: GraphChanges, directory: Path) -> LoadChanges:
        """Changes that are in memory, as one part in an empty directory."""
        added: Mapping[str, pa.Table] = changes.added.interactions
        return LoadChanges(
            nodes=replace(
                changes,
                added=replace(changes.added, interactions=GraphTables.empty().interactions,
                              superseded=SUPERSEDED_SCHEMA.empty_table()),
                removed_interactions=GraphChanges.nothing().removed_interactions,
            ),
            parts=(write_part(directory, changes),),
            added=Counter({name: len(table) for name, table in added.items() if len(table)}),
            corrected=Counter(changes.corrected),
            unchanged=Counter(changes.unchanged),
        )  # fmt: skip


def _in_microseconds(schema: pa.Schema) -> pa.Schema:
    return pa.schema([
        field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field for field in schema
    ])  # fmt: skip
