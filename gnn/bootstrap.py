"""Confidence intervals of backtest figures, by bootstrap over customers.

A resample draws customers with replacement; a drawn customer brings its rows in all folds (they are not independent),
and every model is judged on the same resamples, so that differences between models are paired. A figure pooled over
folds is the mean of the folds' figures: churn rates that differ between folds can then not pass for skill.
Percentile intervals (Efron and Tibshirani, 1993, chapter 13).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from gnn.metrics import Prepared
from graph.snapshot import FloatArray, Int64Array

#: Level of all intervals.
LEVEL: Final = 0.95
#: Cells (resamples by customers) worked on at once: about a dozen arrays of this size are alive in a metric.
_BLOCK: Final = 400_000


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """How much a figure of one model exceeds that of another, on the same resamples (95 % interval)."""

    metric: str
    model: str
    versus: str
    difference: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class JudgedFold:
    """One fold, ready to be judged under any weighting of its customers.

    Attributes:
        customer: Which customer each row is, the same number in all folds; length n.
        models: By model and metric, the figure as a function of weights (b by n).
    """

    customer: Int64Array
    models: Mapping[str, Mapping[str, Prepared]]


#: Figures that every resample inflates: with customers repeated, bins deviate from their risk more than in the sample.
_INFLATED = frozenset({"churn_ece"})


@dataclass(frozen=True, eq=False)
class Resampled:
    """Figures by (model, metric): on the sample itself (length f) and on each resample (f by b), for each of f folds.

    NaN where a model is absent from a fold, or a figure is undefined there.
    """

    figures: Mapping[tuple[str, str], FloatArray]
    resamples: Mapping[tuple[str, str], FloatArray]

    def interval(self, model: str, metric: str) -> Interval | None:
        """A model's figure, the mean over its folds, with its interval; None where it has none."""
        key = (model, metric)
        if key not in self.figures:
            return None
        return _interval(self.figures[key], self.resamples[key], centre=metric in _INFLATED)

    def difference(self, model: str, versus: str, metric: str) -> PairedDifference | None:
        """The paired difference `model - versus` over the folds both are in; None where there is none."""
        first, second = (model, metric), (versus, metric)
        if first not in self.figures or second not in self.figures:
            return None
        found = _interval(self.figures[first] - self.figures[second], self.resamples[first] - self.resamples[second])
        return None if found is None else PairedDifference(metric, model, versus, found.mean, found.low, found.high)


def resample(
    folds: Sequence[JudgedFold],
    *,
    resamples: int,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> Resampled:
    """Judge all models on the sample and on the same random resamples of its customers.

    Args:
        folds: At least one; a model absent from a fold is pooled over the folds it is in.
        resamples: Number of resamples, at least 1; 500 or more for intervals worth reading.
        seed: The same seed draws the same customers.
        progress: Told the share done, 0 to 1.
    """
    count = 1 + max((int(fold.customer.max(initial=-1)) for fold in folds), default=-1)
    present = np.zeros(count, bool)
    for fold in folds:
        present[fold.customer] = True
    customers = np.flatnonzero(present)
    block = max(1, _BLOCK // max(len(customers), 1))
    generator = np.random.default_rng(seed)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        sample = _judge(folds, present[None, :].astype(np.float64), pool)
        parts: dict[tuple[str, str], list[FloatArray]] = {key: [] for key in sample}
        for first in range(0, resamples, block):
            weights = np.zeros((min(block, resamples - first), count))
            for row in weights:
                drawn = generator.integers(0, len(customers), len(customers))
                row[customers] = np.bincount(drawn, minlength=len(customers))
            for key, figures in _judge(folds, weights, pool).items():
                parts[key].append(figures)
            if progress is not None:
                progress((first + len(weights)) / resamples)
    return Resampled(
        figures={key: figures[:, 0] for key, figures in sample.items()},
        resamples={key: np.concatenate(part, axis=1) for key, part in parts.items()},
    )


def _judge(folds: Sequence[JudgedFold], weights: FloatArray, pool: Executor) -> dict[tuple[str, str], FloatArray]:
    """Each figure in each fold (rows) under each weighting (columns)."""
    found: dict[tuple[str, str], FloatArray] = {}
    for number, of_fold in enumerate(pool.map(lambda fold: _judge_fold(fold, weights), folds)):
        for key, figures in of_fold.items():
            found.setdefault(key, np.full((len(folds), len(weights)), np.nan))[number] = figures
    return found


def _judge_fold(fold: JudgedFold, weights: FloatArray) -> dict[tuple[str, str], FloatArray]:
    of_fold = weights[:, fold.customer]
    return {
        (model, metric): figure(of_fold) for model, metrics in fold.models.items() for metric, figure in metrics.items()
    }


def _interval(figures: FloatArray, resamples: FloatArray, *, centre: bool = False) -> Interval | None:
    """Mean over folds, and percentiles of that mean over resamples; folds where it is undefined are left out.

    With `centre`, the resamples' own bias (their mean less the figure) is taken off both ends, never below 0.
    """
    mean = float(_mean_of_folds(figures[:, None])[0])
    means = _mean_of_folds(resamples)
    means = means[np.isfinite(means)]
    if not np.isfinite(mean) or not len(means):
        return None
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(means, [tail, 100 - tail])
    if centre:
        bias = float(means.mean()) - mean
        low, high = max(0.0, low - bias), max(0.0, high - bias)
    return Interval(mean, float(low), float(high))


def _mean_of_folds(figures: FloatArray) -> FloatArray:
    defined = np.isfinite(figures)
    many = defined.sum(axis=0)
    total = np.where(defined, figures, 0.0).sum(axis=0)
    result: FloatArray = np.divide(total, many, out=np.full(len(many), np.nan), where=many > 0)
    return result
