"""64-bit hashes of rows, at some 10 million texts a second: to recognise rows, not to hide them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Words = npt.NDArray[np.uint64]

_ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
_NULL = np.uint64(0xD1B54A32D192ED03)


def hash_rows(table: pa.Table, *, seed: int = 0) -> Words:
    """One hash for each row, from all of its columns in their order; equal values and nulls hash alike.

    Args:
        table: Columns of text, floating point numbers, integers or times; times of one unit.
        seed: Rows of another kind hash otherwise.

    Returns:
        64-bit words: among n different rows some two agree with probability n² / 2⁶⁵.
    """
    state = np.full(len(table), _mix(np.array([seed], np.uint64))[0])
    for column in table.columns:
        state = _mix(state * np.uint64(0x9E3779B97F4A7C15) + _hash_column(column))
    return state


def surely_differ(table: pa.Table) -> bool:
    """Whether no two rows are equal: never said wrongly, and said of nearly all tables of which it is true.

    Args:
        table: As for `hash_rows`; of rows that differ two hash alike with the probability given there.
    """
    hashed = np.sort(hash_rows(table))
    return not bool((hashed[1:] == hashed[:-1]).any())


def _hash_column(column: pa.ChunkedArray) -> Words:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        parts = [_hash_text(chunk.cast(pa.large_string())) for chunk in column.chunks]
        hashed: Words = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    elif pa.types.is_floating(column.type):
        # Adding zero makes -0.0 equal 0.0.
        hashed = _mix((pc.fill_null(column, 0.0).to_numpy().astype(np.float64) + 0.0).view(np.uint64))
    else:
        hashed = _mix(pc.fill_null(column.cast(pa.int64()), 0).to_numpy().view(np.uint64))
    return np.where(pc.is_valid(column).to_numpy(), hashed, _NULL) if column.null_count else hashed


def _hash_text(text: pa.LargeStringArray) -> Words:
    """Eight bytes of every text at once: as many steps as the longest text has words."""
    _, offsets, data = text.buffers()
    starts = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    content = np.frombuffer(data, np.uint8)[starts[0] : starts[-1]] if data else np.empty(0, np.uint8)
    padded = np.concatenate([content, np.zeros(8, np.uint8)])
    words = np.ndarray((len(content) + 1,), "<u8", padded.data, strides=(1,))  # the word that begins at each byte
    begins, lengths = starts[:-1] - starts[0], np.diff(starts)
    state = _mix(lengths.astype(np.uint64))
    for done in range(0, int(lengths.max(initial=0)), 8):
        rows = np.flatnonzero(lengths > done)
        bytes_left = np.minimum(lengths[rows] - done, 8).astype(np.uint64)
        word = words[begins[rows] + done] & (_ALL_BITS >> (np.uint64(64) - np.uint64(8) * bytes_left))
        state[rows] = _mix(state[rows] ^ word)
    return state


def _mix(word: Words) -> Words:
    """The finalising step of SplitMix64 (Steele, Lea, Flood 2014): spreads each bit over all of them."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
