"""Sorting and renumbering of long integer columns within a small multiple of their own memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from graph.snapshot import Int32Array, Int64Array

BoolArray = npt.NDArray[np.bool_]
_Integers = npt.NDArray[np.integer]
_Words = npt.NDArray[np.uint64]

_WORD = 1 << 64
#: Milliseconds in which times of a source are often whole: a day, an hour, a minute, a second.
_UNITS = (86_400_000, 3_600_000, 60_000, 1_000)
_PIECE = 1 << 20


def sorted_rows(keys: Sequence[_Integers], last_keys: Sequence[Callable[[Int64Array], _Integers]]) -> Int64Array:
    """Rows in the lexical order of several keys.

    As many keys as fit are packed into one 64-bit word, so that a sort by all of them is mostly one sort of words.

    Args:
        keys: The first keys, one value for each row.
        last_keys: Asked for their values only where all keys before them are equal: for what is costly to compare.
    """
    words, used = _pack(None, keys)
    order: Int64Array = np.argsort(words, kind="stable")
    words = words[order]
    tied, group = _tied(words)
    del words
    waiting: list[Callable[[Int64Array], _Integers]] = [key.__getitem__ for key in keys[used:]]
    for key in (*waiting, *last_keys):
        if not len(tied):
            break
        words, used = _pack(group, [key(order[tied])])
        by = np.argsort(words, kind="stable")
        order[tied] = order[tied][by]
        inside, group = _tied(words[by])
        tied = tied[inside]
    return order


def _pack(group: _Words | None, keys: Sequence[_Integers]) -> tuple[_Words, int]:
    """Words that compare as the group and then the keys do, and how many keys are in them (at least one).

    The group's memory becomes that of the words.
    """
    count = len(keys[0])
    words = np.zeros(count, np.uint64) if group is None else group
    room = _WORD // (int(words.max(initial=0)) + 1)
    used = 0
    for key in keys if count else ():
        digits, size = _digits(key)
        if size > room:
            if used:
                break
            # One key alone does not fit beside the group: its rank does, because there are fewer rows than words.
            digits, size = _digits(np.unique(key, return_inverse=True)[1])
        if size > 1:
            words *= np.uint64(size)
            words += digits
        room //= size
        used += 1
    return words, used


def _digits(key: _Integers) -> tuple[_Words, int]:
    """A key as numbers from 0, in the largest unit in which they are whole; and one more than the greatest."""
    lowest = int(key.min())
    size = int(key.max()) - lowest
    # Unsigned, so that a difference wider than a signed integer wraps around to what it is.
    digits = key.astype(np.int64).view(np.uint64)
    digits -= np.array(lowest, np.int64).view(np.uint64)
    for unit in _UNITS if size >= _UNITS[-1] else ():
        if _all_whole(digits, np.uint64(unit)):
            digits //= np.uint64(unit)
            return digits, size // unit + 1
    return digits, size + 1


def _all_whole(values: _Words, unit: np.uint64) -> bool:
    """Whether all are multiples of a unit; found out piece by piece, as most are not and the first piece tells."""
    return not any(np.any(values[start : start + _PIECE] % unit) for start in range(0, len(values), _PIECE))


def _tied(words: _Words) -> tuple[Int64Array, _Words]:
    """Of sorted words: positions of those equal to a neighbour, and the number of the group that each belongs to."""
    same = words[1:] == words[:-1]
    member = np.zeros(len(words), bool)
    member[1:] |= same
    member[:-1] |= same
    tied = np.flatnonzero(member)
    starts = np.ones(len(tied), bool)
    starts[1:] = ~same[tied[1:] - 1]
    return tied, np.cumsum(starts).astype(np.uint64)


def bounds(sorted_keys: Sequence[Callable[[Int64Array], _Integers]], count: int, wanted: Sequence[_Integers]) -> tuple[
    Int64Array, Int64Array
]:  # fmt: skip
    """Where rows belong among rows that are in the lexical order of several keys, by bisection.

    Args:
        sorted_keys: Values of the sorted rows' keys at given positions.
        count: Number of the sorted rows.
        wanted: Values of the keys of the rows to place.

    Returns:
        For each row, positions before and after the sorted rows that are equal to it.
    """
    found = []
    for after_equal in (False, True):
        low = np.zeros(len(wanted[0]), np.int64)
        high = np.full(len(wanted[0]), count, np.int64)
        open_rows = np.flatnonzero(low < high)
        while len(open_rows):
            middle = (low[open_rows] + high[open_rows]) // 2
            before = np.full(len(open_rows), after_equal)
            for key, values in zip(sorted_keys[::-1], wanted[::-1], strict=True):
                there, here = key(middle), values[open_rows]
                before = (there < here) | ((there == here) & before)
            low[open_rows[before]] = middle[before] + 1
            high[open_rows[~before]] = middle[~before]
            open_rows = open_rows[low[open_rows] < high[open_rows]]
        found.append(low)
    return found[0], found[1]


def by_first_appearance(codes: Int32Array, size: int) -> tuple[Int32Array, Int64Array]:
    """Renumber codes to 0, 1, … in the order in which they first appear; -1 stays.

    Args:
        codes: Below `size`, or -1.
        size: More than the greatest code.

    Returns:
        The new codes, and the former code of each new one.
    """
    count = len(codes)
    first = np.full(size + 1, count, np.int64)
    first[codes[::-1]] = np.arange(count - 1, -1, -1)  # the last written stands: the first appearance
    starts = np.zeros(count + 1, bool)
    starts[first[:size]] = True
    former: Int64Array = codes[np.flatnonzero(starts[:count])].astype(np.int64)
    return renumbering(size, former)[codes], former


def used(size: int, codes: Sequence[_Integers]) -> Int64Array:
    """Sorted codes below `size` that occur in any of the arrays; -1 is left out."""
    seen = np.zeros(size + 1, bool)
    for each in codes:
        seen[each] = True  # -1 marks the last, spare place
    return np.flatnonzero(seen[:size])


def renumbering(size: int, rows: _Integers) -> Int32Array:
    """Lookup from old row to new row; old -1 stays -1 because the last, spare place is -1."""
    lookup = np.full(size + 1, -1, np.int32)
    lookup[rows] = np.arange(len(rows), dtype=np.int32)
    return lookup
