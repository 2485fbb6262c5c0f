"""Percentile ranks: how quantities of different units are brought to one scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from graph.snapshot import FloatArray


def midrank(values: npt.ArrayLike) -> FloatArray:
    """Mid-rank percentile of each value among all known ones, in (0, 1).

    (number below + ½ × number equal, itself included) / number known: the median value gets ½, and equal values get
    equal ranks. NaN stays NaN and is not counted.

    Args:
        values: [n].
    """
    array = np.asarray(values, np.float64)
    known = ~np.isnan(array)
    ranks = np.full(array.shape, np.nan)
    ranks[known] = (rankdata(array[known], method="average") - 0.5) / max(1, int(known.sum()))
    return ranks
