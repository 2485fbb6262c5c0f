"""Interactions as a store hands them out, coded and set aside column by column, so that memory stays bounded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.hashes import hash_rows
from graph.indexing import NEVER, Words, milliseconds, numbers, rows_of
from graph.snapshot import Int32Array
from graph.tables import GraphTables
from habitue.errors import StoreError

Array = npt.NDArray[Any]

#: Dtypes of a staged event's columns: those of `HistoryEvents`, but for `order`, which is a hash (0: none).
STAGED = {
    "customer": np.int32,
    "target": np.int32,
    "at": np.int64,
    "known_at": np.int64,
    "superseded_at": np.int64,
    "quantity": np.float64,
    "amount": np.float64,
    "discount": np.float64,
    "rating": np.float64,
    "order": np.uint64,
    "channel": np.int32,
}

_ROWS_AT_ONCE = 1 << 20
_BYTES_IN_MEMORY = 1 << 23  # of a column; what is longer waits in a file


class EventSource(Protocol):
    """What a history is made from: the part of a graph store that tells of the past (see `graph.store.GraphStore`)."""

    def nodes(self) -> GraphTables:
        """Nodes and properties."""
        ...

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        """Interactions of one type."""
        ...

    def superseded(self, *, after: int = 0) -> pa.Table:
        """Versions that a later correction replaced."""
        ...

    def held(self, staged: GraphTables) -> GraphTables:
        """Interactions that the store holds under some ids."""
        ...


class TextWriter(Protocol):
    """Takes texts one array after the other and gives them back as one column."""

    def append(self, texts: pa.Array) -> None:
        """Add some."""
        ...

    def finish(self) -> pa.ChunkedArray:
        """All of them."""
        ...


class Shelf(Protocol):
    """Where finished arrays and texts are kept: in memory, or in the files of a cache."""

    @property
    def directory(self) -> Path | None:
        """For intermediate files; None for the system's."""
        ...

    def keep(self, part: str, name: str, array: Array) -> Array:
        """Keep an array of a part; returns the one to use from then on, equal to it."""
        ...

    def texts(self, part: str) -> TextWriter:
        """A writer of texts of a part."""
        ...


class _TextsInMemory:
    def __init__(self) -> None:
        self._texts: list[pa.Array] = []

    def append(self, texts: pa.Array) -> None:
        self._texts.append(texts)

    def finish(self) -> pa.ChunkedArray:
        return pa.chunked_array(self._texts, pa.string())


class MemoryShelf:
    """Keeps everything in memory."""

    directory = None

    def keep(self, _part: str, _name: str, array: Array) -> Array:
        """The array itself."""
        return array

    def texts(self, _part: str) -> TextWriter:
        """A list of arrays."""
        return _TextsInMemory()


class Column:
    """A growing array: in memory while it is short, then in a file. One value that repeats takes no room at all."""

    def __init__(self, dtype: npt.DTypeLike, directory: Path | None) -> None:
        self._dtype = np.dtype(dtype)
        self._bits = np.dtype(f"u{self._dtype.itemsize}")  # in which not-a-number equals itself
        folder = None if directory is None else str(directory)
        self._file = tempfile.SpooledTemporaryFile(_BYTES_IN_MEMORY, dir=folder)  # noqa: SIM115 (closed by `close`)
        self._same: np.unsignedinteger[Any] | None = None
        self._count = 0
        self._varies = False

    def append(self, array: Array) -> None:
        """Add values at the end."""
        bits = np.ascontiguousarray(array, self._dtype).view(self._bits)
        if not len(bits):
            return
        if self._same is None:
            self._same = bits[0]
        if not self._varies and bool((bits != self._same).any()):
            self._varies = True
            self._file.write(np.full(self._count, self._same, self._bits).data)
        if self._varies:
            self._file.write(bits.data)
        self._count += len(bits)

    def read(self) -> Array:
        """All values; read-only."""
        if not self._varies:
            value = np.zeros(1, self._bits) if self._same is None else np.array([self._same], self._bits)
            return np.broadcast_to(value.view(self._dtype), (self._count,))
        self._file.seek(0)
        return np.frombuffer(self._file.read(), self._dtype)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


class StagedEvents:
    """Interactions of one type as they come in, in any order.

    Args:
        customers: Sorted ids of all customers.
        targets: Sorted ids of the products or campaigns; what is not among them becomes -1.
        channels: Names that have codes already.
        shelf: Where ids are kept.
        name: Of the type.
    """

    def __init__(
        self, customers: pa.StringArray, targets: pa.StringArray, channels: Iterable[str], shelf: Shelf, name: str
    ) -> None:
        self._customers, self._targets = customers, targets
        self._channels = {channel: code for code, channel in enumerate(channels)}
        self._columns = {column: Column(dtype, shelf.directory) for column, dtype in STAGED.items()}
        self._ids = shelf.texts(name)
        self._all_ids: pa.ChunkedArray | None = None
        self.seen = np.zeros(len(customers), bool)
        self.count = 0

    def append(self, table: pa.Table) -> None:
        """Add interactions: `STORED_INTERACTION_SCHEMA`, with `superseded_at` where they are superseded.

        Raises:
            StoreError: If a customer is unknown.
        """
        if not len(table):
            return
        customer = rows_of(table["customer"], self._customers)
        if bool((customer < 0).any()):
            raise StoreError(
                "The graph holds interactions of customers that it does not hold.",
                hint="Run `habitue doctor`, then load the data again.",
            )
        self.seen[customer] = True
        at = milliseconds(table["at"])
        superseded = "superseded_at" in table.column_names
        self._put(
            customer=customer,
            target=rows_of(table["target"], self._targets),
            at=at,
            known_at=np.maximum(milliseconds(table["known_at"], default=np.iinfo(np.int64).min), at),
            superseded_at=milliseconds(table["superseded_at"], NEVER) if superseded else _repeated(NEVER, len(table)),
            order=_order_hashes(table),
            channel=self._channel_codes(table["channel"]),
            **{name: numbers(table[name]) for name in ("quantity", "amount", "discount", "rating")},
        )
        for chunk in table["id"].chunks:
            self._ids.append(chunk.cast(pa.string()))
        self.count += len(table)

    def column(self, name: str) -> Array:
        """All values of a column, read-only."""
        return self._columns[name].read()

    def ids(self) -> pa.ChunkedArray:
        """All ids; nothing may be added afterwards."""
        if self._all_ids is None:
            self._all_ids = self._ids.finish()
        return self._all_ids

    @property
    def channels(self) -> tuple[str, ...]:
        """Names by code."""
        return tuple(self._channels)

    def close(self) -> None:
        """Give intermediate files back."""
        for column in self._columns.values():
            column.close()

    def _put(self, **columns: Array) -> None:
        for name, values in columns.items():
            self._columns[name].append(values)

    def _channel_codes(self, column: pa.ChunkedArray) -> Int32Array:
        if column.null_count == len(column):
            return _repeated(-1, len(column)).astype(np.int32)
        encoded = column.combine_chunks().dictionary_encode()
        names = encoded.dictionary.to_pylist()
        codes = np.array([self._channels.setdefault(name, len(self._channels)) for name in names] + [-1], np.int32)
        result: Int32Array = codes[pc.fill_null(encoded.indices, len(names)).to_numpy()]
        return result


def regrouped(tables: Iterable[pa.Table], rows: int = _ROWS_AT_ONCE) -> Iterator[pa.Table]:
    """The same rows in fewer, longer tables: coding a text costs less among many."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= rows:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def stage(staged: StagedEvents, tables: Iterable[pa.Table], watch: Callable[[int], None]) -> StagedEvents:
    """Stage a stream; `watch` is told how many rows came."""
    for table in regrouped(tables):
        staged.append(table)
        watch(len(table))
    return staged


def _order_hashes(table: pa.Table) -> Words:
    column = table["order_id"]
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64)
    hashes = np.maximum(hash_rows(table.select(["order_id"])), np.uint64(1))
    return np.where(pc.is_valid(column).to_numpy(), hashes, np.uint64(0))


def _repeated(value: int, count: int) -> npt.NDArray[np.int64]:
    return np.broadcast_to(np.int64(value), (count,))
