"""From a store's tables, with ids as text, to integer-indexed arrays in one fixed order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.snapshot import FloatArray, Int32Array, Int64Array

#: Epoch milliseconds of what never comes to pass.
NEVER = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, eq=False)
class HistoryEvents:
    """Interactions of one type, superseded versions included, in the order of `Events`; all arrays of length n.

    `known_at` is when the source learnt of the event and `superseded_at` when a correction replaced this version
    (the largest integer: never), both in epoch milliseconds. The other fields are those of `Events`, with codes into
    the whole history.
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


def index_events(table: pa.Table, customers: pa.StringArray, targets: pa.StringArray) -> HistoryEvents:
    """Interactions of one type, indexed and in the order of `Events`.

    Args:
        table: `STORED_INTERACTION_SCHEMA` with `superseded_at`, rows in any order.
        customers: Sorted customer ids.
        targets: Sorted ids of the products or campaigns; what is not among them becomes -1.
    """
    order_codes, _ = _codes(table["order_id"])
    channel_codes, channels = _codes(table["channel"])
    customer = rows_of(table["customer"], customers)
    target = rows_of(table["target"], targets)
    at = milliseconds(table["at"])
    known_at = np.maximum(milliseconds(table["known_at"], default=np.iinfo(np.int64).min), at)
    superseded_at = milliseconds(table["superseded_at"], default=NEVER)
    ids = table["id"].combine_chunks()
    # Ids are compared as text only where all else is equal: sorting a million strings is the costly part.
    order = np.lexsort((superseded_at, target, customer, at))
    tied = _tied(at[order], customer[order], target[order])
    if tied.any():
        rank = np.zeros(len(order), np.int64)
        positions = np.flatnonzero(tied)
        rank[positions] = pc.rank(ids.take(pa.array(order[positions])), tiebreaker="dense").to_numpy()
        by_row = np.empty(len(order), np.int64)
        by_row[order] = rank
        order = np.lexsort((superseded_at, by_row, target, customer, at))
    number = {name: _numbers(table[name])[order] for name in ("quantity", "amount", "discount", "rating")}
    return HistoryEvents(
        customer=customer[order],
        target=target[order],
        at=at[order],
        known_at=known_at[order],
        superseded_at=superseded_at[order],
        order=order_codes[order],
        channel=channel_codes[order],
        channels=tuple(channels.to_pylist()),
        **number,
    )


def _tied(*sorted_keys: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Rows equal to a neighbour in all of the keys."""
    count = len(sorted_keys[0])
    same_as_previous = np.zeros(count, bool)
    if count > 1:
        same_as_previous[1:] = np.logical_and.reduce([key[1:] == key[:-1] for key in sorted_keys])
    tied = same_as_previous.copy()
    tied[:-1] |= same_as_previous[1:]
    return tied


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
    if pc.any(pc.is_null(values)).as_py():
        result = np.where(pc.is_null(values).to_numpy(zero_copy_only=False), np.int32(-1), result)
    return result


def _codes(column: pa.ChunkedArray) -> tuple[Int32Array, pa.StringArray]:
    """Codes of a text column in the sorted order of its values, -1 for null; and the values."""
    values = sorted_ids([column])
    return rows_of(column, values), values


def _numbers(column: pa.ChunkedArray) -> FloatArray:
    result: FloatArray = pc.fill_null(column, float("nan")).to_numpy().astype(np.float64, copy=False)
    return result


def milliseconds(column: pa.ChunkedArray, default: int = 0) -> Int64Array:
    """Epoch milliseconds of a timestamp column, with a default for null."""
    whole = column.cast(pa.timestamp("ms")).cast(pa.int64())
    result: Int64Array = pc.fill_null(whole, default).to_numpy()
    return result
