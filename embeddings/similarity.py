"""Who is like whom: exact nearest rows of any matrix of vectors by centred cosine, in blocks of bounded memory.

Vectors are centred (their mean subtracted) before the cosine is taken: vectors of one label lie in a narrow cone, and
their raw cosine measures how far along that cone they lie, which is popularity, and not likeness. Whitening them as
well made neighbours less alike in what they bought afterwards (`bench/bench_similarity.py`), so it is not done.

Products are taken in single precision by BLAS, whose rounding depends on the shape of a block; whoever may be among the
nearest is then compared in double precision, so that the answer depends on neither blocks nor threads and equal vectors
are equally similar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graph.snapshot import FloatArray, Int64Array
from habitue.errors import UsageError

if TYPE_CHECKING:
    from graph.store import Progress

Float32Array = npt.NDArray[np.float32]

#: Similarities held at once (16 MB of float32), or those of so many queries where they have more.
_BLOCK_CELLS = 4_000_000
_LEAST_QUERIES = 16

#: Rows centred at once (8 MB of float64 at dimension 64).
_BLOCK_ROWS = 16_384

#: Twice what single precision can be wrong by in a product of two unit vectors, for each of their dimensions.
_ROUNDING = 2.0**-23

#: Rows as near as the last one asked for, to within rounding, that are compared in double precision.
_MOST_CANDIDATES = 4_096


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Nearest rows of q queries, nearest first.

    Attributes:
        rows: int64 [q, k]: rows of the matrix that was searched; −1 where fewer than k may be returned.
        similarity: float32 [q, k]: cosine in [−1, 1]; NaN there.
    """

    rows: Int64Array
    similarity: Float32Array

    @classmethod
    def none(cls, queries: int, count: int) -> Neighbours:
        """Nobody yet, to be filled in."""
        return cls(np.full((queries, count), -1, np.int64), np.full((queries, count), np.nan, np.float32))


def mean_of(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """The mean row, float64 [d]; zero of no rows.

    Raises:
        UsageError: If a vector is not finite.
    """
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), _BLOCK_ROWS):
        total += vectors[start : start + _BLOCK_ROWS].sum(axis=0, dtype=np.float64)
    if not np.isfinite(total).all():
        raise UsageError("Vectors must be finite to be compared.", hint="Fill or drop missing values first.")
    return total / max(1, len(vectors))


def centred(vectors: npt.NDArray[np.floating], mean: FloatArray | None = None) -> Float32Array:
    """Rows with the mean row subtracted, then scaled to Euclidean length 1.

    A row that equals the mean has no direction: it becomes zero and is similar to nothing (cosine 0).

    Args:
        vectors: [n, d], finite. Beside it only the result is held.
        mean: What to subtract, [d]; default: their own mean. Rows that came later are compared with others by the
            mean of those (`mean_of`).

    Raises:
        UsageError: If a vector is not finite.
    """
    own = mean_of(vectors)
    origin = own if mean is None else mean
    result = np.empty(vectors.shape, np.float32)
    length = np.empty((len(vectors), 1))
    for start in range(0, len(vectors), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        moved = vectors[rows] - origin
        length[rows] = np.linalg.norm(moved, axis=1, keepdims=True)
        result[rows] = moved
    known = length > 1e-9 * length.max(initial=0.0)
    np.divide(result, length, out=result, where=known, casting="unsafe")
    np.copyto(result, 0.0, where=~known)
    return result


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

    Raises:
        UsageError: If none is asked for.
    """
    if count < 1:
        raise UsageError(f"{count} neighbours were asked for.", hint="Ask for at least 1.")
    queries = np.asarray(queries, np.int64)
    found = Neighbours.none(len(queries), count)
    excluded = None if allowed is None else ~allowed
    for start, stop in _blocks(len(queries), len(unit)):
        block = queries[start:stop]
        # One query is a product with a vector, at the speed at which the matrix can be read.
        similarity = (unit @ unit[block[0]])[None] if len(block) == 1 else unit[block] @ unit.T
        if excluded is not None:
            np.copyto(similarity, -np.inf, where=excluded)
        similarity[np.arange(len(block)), block] = -np.inf
        place, row = _candidates(similarity, count, _ROUNDING * unit.shape[1])
        choose(found, unit, block, place, row, start)
        if progress is not None:
            progress("Nearest neighbours", stop / len(queries))
    return found


def nearest_all(unit: Float32Array, count: int, *, progress: Progress | None = None) -> Neighbours:
    """The `count` nearest other rows of every row (see `nearest`)."""
    return nearest(unit, np.arange(len(unit)), count, progress=progress)


def choose(
    found: Neighbours, unit: Float32Array, queries: Int64Array, place: Int64Array, row: Int64Array, start: int
) -> None:
    """Fill in the nearest among candidates, by cosine in double precision, ties to the lower row.

    Args:
        found: Where; rows from `start` on are the queries'.
        unit: [n, d].
        queries: Rows of `unit`, [q].
        place: For each candidate which query it is of, 0 to q − 1, ascending, [c].
        row: The candidate's row of `unit`, [c].
        start: Place of the first query in `found`.
    """
    cosine = np.empty(len(row))
    for begin in range(0, len(row), _BLOCK_ROWS):
        part = slice(begin, begin + _BLOCK_ROWS)
        ours = unit[queries[place[part]]].astype(np.float64)
        cosine[part] = np.multiply(ours, unit[row[part]], out=ours).sum(axis=1)
    order = np.lexsort((row, -cosine, place))
    place, row, cosine = place[order], row[order], cosine[order]
    rank = np.arange(len(place)) - np.searchsorted(place, place)
    kept = rank < found.rows.shape[1]
    where = place[kept] + start, rank[kept]
    found.rows[where] = row[kept]
    found.similarity[where] = np.clip(cosine[kept], -1.0, 1.0)


def _blocks(queries: int, size: int) -> Iterator[tuple[int, int]]:
    step = max(_LEAST_QUERIES, _BLOCK_CELLS // max(1, size))
    for start in range(0, queries, step):
        yield start, min(queries, start + step)


def _candidates(similarity: Float32Array, count: int, rounding: float) -> tuple[Int64Array, Int64Array]:
    """Places (row, column) of all values that may be among the `count` largest of their row, in order.

    Columns are dealt out to groups. The `count` largest maxima of groups are as many different values, so none of the
    largest is below the last of them; what comes near that bound from below to within rounding may be above in truth.
    """
    rows, size = similarity.shape
    groups = size // 64 if size > 512 * count else size
    width = size // max(1, groups)
    maxima = similarity[:, : groups * width].reshape(rows, width, groups).max(axis=1)
    if groups > count:
        bound = np.partition(maxima, groups - count, axis=1)[:, groups - count]
    else:
        bound = np.full(rows, -np.inf, np.float32)
    bound = np.maximum(bound - np.float32(rounding), np.finfo(np.float32).min)
    flat = np.flatnonzero(similarity >= bound[:, None])
    place, column = np.divmod(flat, max(1, size))
    found = np.bincount(place, minlength=rows)
    if found.max(initial=0) > _MOST_CANDIDATES + count:
        return _fewer(similarity, place, column, count)
    return place, column


def _fewer(
    similarity: Float32Array, place: Int64Array, column: Int64Array, count: int
) -> tuple[Int64Array, Int64Array]:
    """The best candidates of each row, by single precision: where thousands of rows have one vector."""
    order = np.lexsort((column, -similarity[place, column], place))
    place, column = place[order], column[order]
    kept = np.arange(len(place)) - np.searchsorted(place, place) < _MOST_CANDIDATES + count
    return place[kept], column[kept]
