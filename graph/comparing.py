"""Rows of Arrow tables compared with each other: element by element, or by several columns as a key. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

BoolArray = npt.NDArray[np.bool_]


def contains(table: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> BoolArray:
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


def equal_values(one: pa.ChunkedArray, other: pa.ChunkedArray) -> BoolArray:
    """Element-wise equality in which null equals null."""
    same = pc.fill_null(pc.equal(one, other), False).to_numpy()
    both_null = pc.and_(pc.is_null(one), pc.is_null(other)).to_numpy()
    result: BoolArray = same | both_null
    return result
