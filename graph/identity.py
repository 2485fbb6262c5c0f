"""The stable id of an interaction that its source does not number: a hash of its content and of its position.

Loading the same file twice gives the same ids, so that it changes nothing. The position counts equal rows, so that
two identical lines stay two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graph.snapshot import Int64Array

_Words = npt.NDArray[np.uint64]
_ALPHABET = np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", dtype=np.uint8)  # Crockford's base 32
_KEYS = ("habitue-content1", "habitue-content2")
_LENGTH = 20  # characters of 5 bits: 100 bits, a collision among 30 million rows has probability 4e-16


def content_ids(table: pa.Table, salt: str) -> pa.StringArray:
    """Ids from the content of the rows.

    Args:
        table: The columns that identify a row; equal rows are told apart by their position among each other.
        salt: What else identifies them, such as the relationship type.

    Returns:
        One id per row: 20 characters, and `-k` for the k-th repetition of an equal row (k ≥ 1).
    """
    high, low = row_hashes(table, salt)
    text = _base32(high, low)
    repetition = _position_among_equal(high, low)
    again = repetition > 0
    if not again.any():
        return text
    suffix = pa.array(np.where(again, np.char.add("-", repetition.astype(str)), ""))
    return pc.binary_join_element_wise(text, suffix, "")


def row_hashes(table: pa.Table, salt: str) -> tuple[_Words, _Words]:
    """Two independent 64-bit hashes of each row; columns may be text, numbers, truth values and times."""
    return _hash_rows(table, salt, _KEYS[0]), _hash_rows(table, salt, _KEYS[1])


def _hash_rows(table: pa.Table, salt: str, key: str) -> _Words:
    state = np.full(len(table), pd.util.hash_array(np.array([salt], dtype=object), hash_key=key)[0], np.uint64)
    for column in table.columns:
        state = _mix(state * np.uint64(0x9E3779B97F4A7C15) + _hash_column(column, key))
    return state


def _hash_column(column: pa.ChunkedArray, key: str) -> _Words:
    if pa.types.is_string(column.type):
        encoded = column.combine_chunks().dictionary_encode()
        values = encoded.dictionary.to_numpy(zero_copy_only=False)
        hashes = np.append(pd.util.hash_array(values, hash_key=key, categorize=False), np.uint64(0))
        rows = pc.fill_null(encoded.indices, len(values)).to_numpy()
        result: _Words = hashes[rows]
        return result
    if pa.types.is_timestamp(column.type) or pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    present = pc.is_valid(column).to_numpy()
    if pa.types.is_floating(column.type):
        bits = (pc.fill_null(column, 0.0).to_numpy() + 0.0).view(np.uint64)  # + 0.0 makes -0.0 equal 0.0
    else:
        bits = pc.fill_null(column, 0).to_numpy().astype(np.int64).view(np.uint64)
    seed = pd.util.hash_array(np.array(["number"], dtype=object), hash_key=key)[0]
    return np.where(present, _mix(bits ^ seed), np.uint64(0))


def _mix(word: _Words) -> _Words:
    """The finalising step of SplitMix64 (Steele, Lea, Flood 2014): spreads each bit over all of them."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _position_among_equal(high: _Words, low: _Words) -> Int64Array:
    order = np.lexsort((low, high))  # stable: equal rows keep their order
    starts = np.ones(len(order), bool)
    starts[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0)) if len(order) else order
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order)) - begin
    return position


def _base32(high: _Words, low: _Words) -> pa.StringArray:
    letters = np.empty((len(high), _LENGTH), np.uint8)
    for word, first in ((high, 0), (low, _LENGTH // 2)):
        for place in range(_LENGTH // 2):
            letters[:, first + place] = _ALPHABET[(word >> np.uint64(5 * place)) & np.uint64(31)]
    offsets = np.arange(0, (len(high) + 1) * _LENGTH, _LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(len(high), pa.py_buffer(offsets.tobytes()), pa.py_buffer(letters.tobytes()))
