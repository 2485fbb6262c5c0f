"""Checked rows on their way from reading to settling: in files of bounded size, in which all that must meet meets.

Rows with an id are divided by it, whatever their type, so that versions of one line meet; rows without one by their
customer, so that equal rows meet. Within a file they keep the order in which they were read.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.hashes import hash_rows
from graph.model import INTERACTIONS
from graph.settling import CHECKED_SCHEMA

#: More files than this are not open at once: beyond, partitions grow.
MOST_PARTITIONS = 400

_SCHEMA = CHECKED_SCHEMA.append(pa.field("type", pa.int8()))
_COMPRESSION = "lz4"


def partitions_for(rows: int, rows_in_each: int) -> int:
    """How many partitions a load of about so many rows takes."""
    return min(MOST_PARTITIONS, max(1, -(-rows // rows_in_each)))


def divide(rows: Mapping[str, pa.Table], partitions: int) -> dict[int, pa.Table]:
    """Rows by the partition to which they belong.

    Args:
        rows: By type: `CHECKED_SCHEMA`.
        partitions: How many there are.
    """
    tables = [
        table.append_column("type", pa.array(np.full(len(table), INTERACTIONS.index(name), np.int8)))
        for name, table in rows.items()
        if len(table)
    ]
    if not tables:
        return {}
    table = pa.concat_tables(tables).cast(_SCHEMA)
    if partitions == 1:
        return {0: table}
    key = pc.coalesce(table["id"], table["customer"])
    belongs = (hash_rows(pa.table({"key": key})) % np.uint64(partitions)).astype(np.uint16)
    order = np.argsort(belongs, kind="stable")
    table = table.take(pa.array(order))
    bounds = np.searchsorted(belongs[order], np.arange(partitions + 1))
    return {
        number: table.slice(bounds[number], bounds[number + 1] - bounds[number])
        for number in range(partitions)
        if bounds[number + 1] > bounds[number]
    }


class PartitionWriter:
    """Writes rows into the files of their partitions, as a context that closes them.

    Args:
        directory: Exists.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[int, tuple[pa.NativeFile, pa.ipc.RecordBatchStreamWriter]] = {}

    def write(self, rows: Mapping[int, pa.Table]) -> None:
        """Append rows, as `divide` gives them."""
        for number, table in rows.items():
            if number not in self._open:
                stream = pa.OSFile(str(partition_file(self._directory, number)), "wb")
                options = pa.ipc.IpcWriteOptions(compression=_COMPRESSION)
                self._open[number] = stream, pa.ipc.new_stream(stream, _SCHEMA, options=options)
            self._open[number][1].write_table(table.combine_chunks())

    def __enter__(self) -> PartitionWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for stream, writer in self._open.values():
            try:
                writer.close()
            finally:
                stream.close()


def partition_file(directory: Path, number: int) -> Path:
    """Where the rows of a partition lie; there is no file for one without rows."""
    return directory / f"rows-{number:04d}.arrow"


def read_partition(directory: Path, number: int) -> dict[str, pa.Table]:
    """The rows of a partition by type, those that occur: `CHECKED_SCHEMA`, in the order in which they were read."""
    path = partition_file(directory, number)
    if not path.exists():
        return {}
    found: dict[int, list[pa.RecordBatch]] = {}
    with pa.OSFile(str(path), "rb") as stream, pa.ipc.open_stream(stream) as batches:
        for batch in batches:
            kinds = batch["type"].to_numpy()  # rows of one type lie together (`divide`): slices, and not copies
            bounds = [0, *(np.flatnonzero(kinds[1:] != kinds[:-1]) + 1), len(kinds)]
            for first, last in itertools.pairwise(bounds):
                if last > first:
                    found.setdefault(int(kinds[first]), []).append(batch.slice(first, last - first))
    return {INTERACTIONS[kind]: pa.Table.from_batches(slices).drop_columns(["type"]) for kind, slices in found.items()}
