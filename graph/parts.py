"""The second step of a load: partition after partition is settled, compared with the store and laid down as a part.

Each part that is done is kept, so that an interrupted load goes on with the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.change_files import EventPart, write_part
from graph.difference import interaction_changes
from graph.model import interaction_target
from graph.parallel import in_order
from graph.partitions import read_partition
from graph.quarantine import Quarantine
from graph.sealing import sealed, unsealed
from graph.settling import Settled, settle
from graph.staging import Reading
from graph.store import Progress
from graph.tables import GraphTables

#: Which nodes interactions name, and how many lines do.
MET_SCHEMA = pa.schema([("label", pa.string()), ("id", pa.string()), ("lines", pa.int64())])


@dataclass(frozen=True)
class Part:
    """A partition, compared.

    Attributes:
        directory: With the changes and the refused rows.
        staged: Interactions by type.
        added, corrected, unchanged: What becomes of them; `added` counts corrected ones too.
        repeated: Rows whose id came again.
        quarantined: Rows with an id that another source uses, by reason.
        kept: Whether it was done by a load that was interrupted.
    """

    directory: Path
    staged: Counter[str]
    added: Counter[str]
    corrected: Counter[str]
    unchanged: Counter[str]
    repeated: int
    quarantined: Counter[str]
    kept: bool = False

    @property
    def changes(self) -> EventPart:
        """What it changes."""
        return EventPart(self.directory / "changes")

    @property
    def quarantine(self) -> Path:
        """The file of refused rows; it exists only when there are any."""
        return self.directory / "quarantine.csv"

    def met(self) -> pa.Table:
        """Which nodes its interactions name: `MET_SCHEMA`."""
        return pq.read_table(self.directory / "met.parquet", partitioning=None).cast(MET_SCHEMA)


def make_parts(
    reading: Reading,
    directory: Path,
    sequence: int,
    held: Callable[[GraphTables], GraphTables] | None,
    progress: Progress,
) -> list[Part]:
    """Settle and compare all partitions.

    Args:
        reading: What was read.
        directory: For the parts; those that lie there already are kept.
        sequence: The load's number, written on each interaction.
        held: `GraphStore.held`; None where the store is empty.
        progress: Called with how far comparing is.
    """
    kept = {number: _kept(directory, number) for number in range(reading.partitions)}
    parts = [part for part in kept.values() if part]
    todo = [number for number, part in kept.items() if part is None]
    nothing = GraphTables.empty()

    def settled(number: int) -> tuple[int, Settled]:
        return number, settle(read_partition(reading.directory, number), reading.files, sequence)

    def with_held() -> Iterator[tuple[int, Settled, GraphTables]]:
        # The store is asked by one thread.
        for number, rows in in_order(settled, todo, ahead=1):
            yield number, rows, nothing if held is None else held(_tables(rows))

    progress("comparing with the graph", len(parts) / reading.partitions)
    for part in in_order(lambda work: _make(directory, *work), with_held(), ahead=1):
        parts.append(part)
        progress("comparing with the graph", len(parts) / reading.partitions)
    return sorted(parts, key=lambda part: part.directory)


def _tables(rows: Settled) -> GraphTables:
    return replace(GraphTables.empty(), interactions=rows.interactions, superseded=rows.superseded)


def _part_directory(directory: Path, number: int) -> Path:
    return directory / f"part-{number:04d}"


def _make(directory: Path, number: int, rows: Settled, held: GraphTables) -> Part:
    changes = interaction_changes(held, _tables(rows))
    added = {name: _by_customer(table) for name, table in changes.added.interactions.items()}
    changes = replace(changes, added=replace(changes.added, interactions=added))
    with sealed(_part_directory(directory, number)) as (draft, content):
        part = Part(
            directory=draft,
            staged=_counted(rows.interactions),
            added=_counted(added),
            corrected=changes.corrected,
            unchanged=changes.unchanged,
            repeated=rows.repeated,
            quarantined=Counter(),
        )
        quarantine = Quarantine(part.quarantine)
        quarantine.add(rows.refusals)
        part = replace(part, quarantined=quarantine.counts)
        write_part(part.changes.directory, changes)
        pq.write_table(nodes_met(rows.interactions), draft / "met.parquet", compression="lz4")
        content.update((name, value) for name, value in vars(part).items() if name not in ("directory", "kept"))
    return replace(part, directory=_part_directory(directory, number))


def _kept(directory: Path, number: int) -> Part | None:
    """The part that an interrupted load has left; None where there is none, or it is damaged."""
    path = _part_directory(directory, number)
    content = unsealed(path)
    if content is None:
        return None
    values: dict[str, Any] = {k: Counter(v) if isinstance(v, dict) else v for k, v in content.items()}
    return Part(**values, directory=path, kept=True)


def _counted(tables: Mapping[str, pa.Table]) -> Counter[str]:
    return Counter({name: len(table) for name, table in tables.items() if len(table)})


def _by_customer(table: pa.Table) -> pa.Table:
    """Interactions of a customer one after the other: the embedded engine takes them in faster."""
    codes = table["customer"].combine_chunks().dictionary_encode()
    rank = np.empty(len(codes.dictionary), np.int64)
    rank[pc.array_sort_indices(codes.dictionary).to_numpy()] = np.arange(len(rank))
    return table.take(pa.array(np.argsort(rank[codes.indices.to_numpy()], kind="stable")))


def nodes_met(interactions: Mapping[str, pa.Table]) -> pa.Table:
    """Which nodes interactions name: `MET_SCHEMA`."""
    columns: dict[str, list[pa.Array]] = {"Customer": []}
    for name, table in interactions.items():
        columns["Customer"] += table["customer"].chunks
        columns.setdefault(interaction_target(name), []).extend(table["target"].chunks)
    return pa.concat_tables([_counts(label, pa.chunked_array(ids, pa.string())) for label, ids in columns.items()])


def _counts(label: str, ids: pa.ChunkedArray) -> pa.Table:
    found = pc.value_counts(ids)
    labels = pa.array([label] * len(found), pa.string())
    return pa.table([labels, found.field("values"), found.field("counts")], schema=MET_SCHEMA)
