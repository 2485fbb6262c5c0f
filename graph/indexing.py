"""From a store's texts to integers: the rows of ids, times as epoch milliseconds, and the form of indexed events."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.snapshot import FloatArray, Int32Array, Int64Array

#: Epoch milliseconds of what never comes to pass.
NEVER = int(np.iinfo(np.int64).max)

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class HistoryEvents:
    """Interactions of one type, superseded versions included, in the order of `Events`; all arrays of length n.

    `known_at` is when the source learnt of the event and `superseded_at` when a correction replaced this version
    (the largest integer: never), both in epoch milliseconds. The other fields are those of `Events`, with codes into
    the whole history. Arrays may be read-only, mapped from files, or one value repeated without memory.
    """

    customer: Int32Array
    target: Int32Array
    at: Int64Array
    known_at: Int64Array
    superseded_at: Int64Array
    quantity: FloatArray
    amount: FloatArray
    discount: FloatArray
    rating: FloatArray
    order: Int32Array
    channel: Int32Array
    channels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, eq=False)
class EventKeys:
    """By what the events of one type are recognised: needed to extend a history, not to read it.

    Attributes:
        ids: Interaction ids in the order in which they came, those of events that are gone included.
        row: Row in `ids` of each event.
        orders: 64-bit hash of the order id behind each code of `HistoryEvents.order`.
    """

    ids: pa.ChunkedArray
    row: Int32Array
    orders: Words


def sorted_ids(columns: list[pa.ChunkedArray], leave_out: str | None = None) -> pa.StringArray:
    """The distinct texts of several columns, sorted, without null and without `leave_out`."""
    chunks = [pc.unique(column.drop_null()).cast(pa.string()) for column in columns]
    ids = pc.unique(pa.concat_arrays(chunks)) if chunks else pa.array([], pa.string())
    if leave_out is not None:
        ids = ids.filter(pc.not_equal(ids, leave_out))
    return ids.sort()


def rows_of(values: pa.Array | pa.ChunkedArray, ids: pa.StringArray) -> Int32Array:
    """Row of each value in `ids`, -1 where it is null or not there."""
    rows = pc.fill_null(pc.index_in(values, value_set=ids), -1)
    if isinstance(rows, pa.ChunkedArray):
        rows = rows.combine_chunks()
    result: Int32Array = rows.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    if values.null_count:
        result = np.where(pc.is_null(values).to_numpy(zero_copy_only=False), np.int32(-1), result)
    return result


def texts_at(texts: pa.ChunkedArray, rows: npt.NDArray[np.integer]) -> pa.LargeStringArray:
    """Some of a long column's texts, in the order asked for, without the rest of it in memory."""
    starts = np.concatenate([[0], np.cumsum([len(chunk) for chunk in texts.chunks])]).astype(np.int64)
    order = np.argsort(rows, kind="stable")
    places = np.searchsorted(rows[order], starts)
    found = [
        texts.chunk(number).take(pa.array(rows[order[first:end]] - starts[number])).cast(pa.large_string())
        for number, (first, end) in enumerate(pairwise(places.tolist()))
        if end > first
    ]
    back = np.empty(len(rows), np.int64)
    back[order] = np.arange(len(rows))
    return pa.concat_arrays(found or [pa.array([], pa.large_string())]).take(pa.array(back))


def numbers(column: pa.ChunkedArray) -> FloatArray:
    """Floating point numbers, NaN for null."""
    result: FloatArray = pc.fill_null(column, float("nan")).to_numpy().astype(np.float64, copy=False)
    return result


def milliseconds(column: pa.ChunkedArray, default: int = 0) -> Int64Array:
    """Epoch milliseconds of a timestamp column, with a default for null."""
    whole = column.cast(pa.timestamp("ms")).cast(pa.int64())
    result: Int64Array = pc.fill_null(whole, default).to_numpy()
    return result
