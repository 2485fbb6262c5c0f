"""Nearest rows of every row of a large matrix, approximately, where looking at all pairs would take too long.

An inverted file (Jégou, Douze & Schmid 2011, "Product quantization for nearest neighbor search", without the
quantization of products) of the library faiss: rows are put in cells around centres found by k-means, and a row is
compared with those of the cells nearest to it, held in half precision. What it finds is then compared exactly
(`embeddings.similarity.choose`), so that similarities are true and ties go to the lower row; only a row that lies in
none of the cells looked into is missed. How many are missed is measured on a sample, each time.

faiss is optional (`pip install habitue[large]`): it brings an OpenMP runtime of its own, which small shops do not need.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from embeddings.similarity import Float32Array, Neighbours, choose, nearest, nearest_all
from habitue.errors import UsageError

if TYPE_CHECKING:
    from graph.store import Progress

#: Rows from which it pays: below, all pairs take minutes at most (`bench/bench_similarity.py` has both).
FROM_ROWS: Final = 250_000

#: Cells looked into for each row, among 2 √n of them.
_CELLS = 96
_QUERIES_AT_ONCE = 8_192
#: Rows whose neighbours are searched exactly as well, to know how many are missed.
_SAMPLE = 500


@dataclass(frozen=True)
class Search:
    """How neighbours were searched.

    Attributes:
        method: `exact` or `inverted file`.
        recall: Share of the true nearest that were found, on a sample of rows; 1 where all were looked at.
        sample: Rows in the sample; 0 where none is needed.
    """

    method: str
    recall: float = 1.0
    sample: int = 0


def available() -> bool:
    """Whether faiss is installed."""
    return importlib.util.find_spec("faiss") is not None


def pays(rows: int) -> bool:
    """Whether so many rows are searched approximately: there are enough of them, and faiss is installed."""
    return rows >= FROM_ROWS and available()


def neighbours_of_all(unit: Float32Array, count: int, *, progress: Progress | None = None) -> tuple[Neighbours, Search]:
    """The `count` nearest other rows of every row, exactly below the size from which approximation pays.

    Args:
        unit: [n, d] from `embeddings.similarity.centred`.
        count: How many, k.
        progress: Told after each block.
    """
    if not pays(len(unit)):
        return nearest_all(unit, count, progress=progress), Search("exact")
    found = approximate_all(unit, count, progress=progress)
    sample = np.random.default_rng(0).choice(len(unit), min(_SAMPLE, len(unit)), replace=False)
    return found, Search("inverted file", recall_of(unit, found, sample), len(sample))


def approximate_all(
    unit: Float32Array,
    count: int,
    *,
    cells: int = _CELLS,
    allowed: npt.NDArray[np.bool_] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Neighbours:
    """Nearly the `count` nearest other rows of every row, whatever the size.

    Args:
        unit: [n, d] from `embeddings.similarity.centred`. Beside it half as much is held.
        count: How many, k.
        cells: Cells looked into for each row: more find more and take longer.
        allowed: Rows that may be returned, bool [n]; default: all. The row itself never is.
        seed: Of the centres.
        progress: Told after each block.

    Raises:
        UsageError: If faiss is not installed, or no neighbour is asked for.
    """
    if count < 1:
        raise UsageError(f"{count} neighbours were asked for.", hint="Ask for at least 1.")
    index = _index(unit, allowed, seed)
    index.nprobe = cells
    found = Neighbours.none(len(unit), count)
    for start in range(0, len(unit), _QUERIES_AT_ONCE):
        queries = np.arange(start, min(len(unit), start + _QUERIES_AT_ONCE))
        # Twice as many, and the row itself: half precision may have put them in another order.
        _, rows = index.search(unit[queries], min(2 * count + 1, len(unit)))
        place = np.repeat(np.arange(len(queries)), rows.shape[1])
        row = rows.ravel()
        there = (row >= 0) & (row != queries[place])
        choose(found, unit, queries, place[there], row[there], start)
        if progress is not None:
            progress("Nearest neighbours, approximately", (queries[-1] + 1) / len(unit))
    return found


def recall_of(unit: Float32Array, found: Neighbours, sample: npt.NDArray[np.int64]) -> float:
    """Share of the true nearest rows of some rows that are among those found, in [0, 1]."""
    truth = nearest(unit, sample, found.rows.shape[1]).rows
    hits = (truth[:, :, None] == found.rows[sample][:, None, :]).any(axis=2) & (truth >= 0)
    return float(hits.sum() / max(1, (truth >= 0).sum()))


def _index(unit: Float32Array, allowed: npt.NDArray[np.bool_] | None, seed: int) -> Any:
    """The rows that may be returned, in cells, under their numbers."""
    if not available():
        raise UsageError("Approximate search needs faiss.", hint="Install it with `pip install habitue[large]`.")
    import faiss

    members = np.arange(len(unit)) if allowed is None else np.flatnonzero(allowed)
    centres = max(1, min(2 * int(len(members) ** 0.5), len(members) // 4))
    quantizer = faiss.IndexFlatIP(unit.shape[1])
    index = faiss.IndexIVFScalarQuantizer(
        quantizer,
        unit.shape[1],
        centres,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
        False,
    )
    index.cp.niter, index.cp.seed = 8, seed + 1
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, 64
    chosen = np.random.default_rng(seed).permutation(members)[: 64 * centres]
    index.train(unit[np.sort(chosen)])
    for start in range(0, len(members), _QUERIES_AT_ONCE):
        part = members[start : start + _QUERIES_AT_ONCE]
        index.add_with_ids(unit[part], part)
    return index
