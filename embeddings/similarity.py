"""Who is like whom: exact nearest rows of any matrix of vectors by centred cosine, in blocks of bounded memory.

Vectors are centred (their mean subtracted) before the cosine is taken: vectors of one label lie in a narrow cone, and
their raw cosine measures how far along that cone they lie, which is popularity, and not likeness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graph.snapshot import Int64Array
from habitue.errors import UsageError

if TYPE_CHECKING:
    from graph.store import Progress

Float32Array = npt.NDArray[np.float32]

#: Similarities held at once (16 MB of float32), or those of one query where it has more.
_BLOCK_CELLS = 4_000_000

#: Columns whose maximum is looked at before they are.
_GROUP = 64


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Nearest rows of q queries, nearest first.

    Attributes:
        rows: int64 [q, k]: rows of the matrix that was searched; −1 where fewer than k may be returned.
        similarity: float32 [q, k]: cosine in [−1, 1]; NaN there.
    """

    rows: Int64Array
    similarity: Float32Array


def centred(vectors: npt.NDArray[np.floating]) -> Float32Array:
    """Rows with the mean row subtracted, then scaled to Euclidean length 1.

    A row that equals the mean has no direction: it becomes zero and is similar to nothing (cosine 0).

    Args:
        vectors: [n, d], finite.
    """
    if not np.isfinite(vectors).all():
        raise UsageError("Vectors must be finite to be compared.", hint="Fill or drop missing values first.")
    wide = np.asarray(vectors, np.float64)
    wide = wide - wide.mean(axis=0, keepdims=True) if len(wide) else wide
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    spread = float(length.max(initial=0.0))
    known = length > 1e-9 * spread
    return np.where(known, wide / np.where(known, length, 1.0), 0.0).astype(np.float32)


def nearest(
    unit: Float32Array,
    queries: Int64Array,
    count: int,
    *,
    allowed: npt.NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Neighbours:
    """The `count` nearest other rows of each query row, exactly; ties go to the lower row.

    Args:
        unit: [n, d] from `centred`.
        queries: Rows of `unit`, [q].
        count: How many, k.
        allowed: Rows that may be returned, bool [n]; default: all. The query itself never is.
        progress: Told after each block.
    """
    if count < 1:
        raise UsageError(f"{count} neighbours were asked for.", hint="Ask for at least 1.")
    queries = np.asarray(queries, np.int64)
    size = len(unit)
    found_rows = np.full((len(queries), count), -1, np.int64)
    found = np.full((len(queries), count), np.nan, np.float32)
    for start, stop in _blocks(len(queries), size):
        block = queries[start:stop]
        similarity = unit[block] @ unit.T
        if allowed is not None:
            similarity[:, ~allowed] = -np.inf
        similarity[np.arange(len(block)), block] = -np.inf
        rows = _top(similarity, min(count, size))
        values = np.take_along_axis(similarity, rows, axis=1)
        there = np.isfinite(values)
        found_rows[start:stop, : rows.shape[1]] = np.where(there, rows, -1)
        found[start:stop, : rows.shape[1]] = np.where(there, np.clip(values, -1, 1), np.nan)
        if progress is not None:
            progress("Nearest neighbours", stop / len(queries))
    return Neighbours(found_rows, found)


def nearest_all(unit: Float32Array, count: int, *, progress: Progress | None = None) -> Neighbours:
    """The `count` nearest other rows of every row (see `nearest`)."""
    return nearest(unit, np.arange(len(unit)), count, progress=progress)


def _blocks(queries: int, size: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK_CELLS // max(1, size))
    for start in range(0, queries, step):
        yield start, min(queries, start + step)


def _top(similarity: Float32Array, count: int) -> Int64Array:
    """Columns of the largest `count` values of each row, largest first, ties by column.

    Columns are taken in groups, and only the `count` groups with the largest maxima are looked into (of equal maxima
    the earlier): a value outside them has at least `count` values before it, one in each of these groups.
    """
    rows, size = similarity.shape
    groups = size // _GROUP
    if groups <= 2 * count:
        return np.argsort(-similarity, axis=1, kind="stable")[:, :count]
    maxima = similarity[:, : groups * _GROUP].reshape(rows, groups, _GROUP).max(axis=2)
    best = np.sort(_top(maxima, count), axis=1)
    inside = (best[:, :, None] * _GROUP + np.arange(_GROUP)).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(groups * _GROUP, size), (rows, size - groups * _GROUP))
    columns = np.concatenate([inside, rest], axis=1)
    order = np.argsort(-np.take_along_axis(similarity, columns, axis=1), axis=1, kind="stable")[:, :count]
    return np.take_along_axis(columns, order, axis=1)
