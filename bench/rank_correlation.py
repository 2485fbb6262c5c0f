"""Rank correlations over several dates with intervals by bootstrap over customers, overall and at equal activity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embeddings.ranks import midrank
from graph.snapshot import FloatArray

_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Dated:
    """Signals and an outcome as of one date; arrays over the same n customers, all known.

    Attributes:
        customer: Who it is, the same text at every date.
        outcome: What happened afterwards.
        stratum: Group of like activity, 0 to s − 1.
        signals: By name.
    """

    customer: npt.NDArray[np.str_]
    outcome: FloatArray
    stratum: npt.NDArray[np.int64]
    signals: Mapping[str, FloatArray]


def correlations(dates: list[Dated], versus: list[str], *, resamples: int, seed: int = 0) -> dict[str, dict[str, dict]]:
    """Spearman's rank correlation of each signal with the outcome, mean over dates, with 95 % intervals.

    A resample draws customers, who bring their rows at all dates; a signal's differences to others are paired on the
    same resamples. Ranks are those of the whole sample: a resample weighs them.

    Returns:
        By signal: `overall` and `within` (mean over strata of ranks taken within them), each with `mean`, `low`, `high`
        and for each of `versus` the difference to it.
    """
    everybody = np.unique(np.concatenate([each.customer for each in dates]))
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(everybody), np.full(len(everybody), 1 / len(everybody)), resamples)
    weight = np.concatenate([np.ones((1, len(everybody))), drawn]).astype(np.float64)
    figures: dict[str, dict[str, FloatArray]] = {}
    for name in dates[0].signals:
        figures[name] = {
            "overall": np.mean([_overall(each, name, _weights(each, everybody, weight)) for each in dates], axis=0),
            "within": np.mean([_within(each, name, _weights(each, everybody, weight)) for each in dates], axis=0),
        }
    return {
        name: {
            kind: {**_interval(values), **{
                f"minus {other}": _interval(values - figures[other][kind]) for other in versus if other != name
            }}
            for kind, values in found.items()
        }
        for name, found in figures.items()
    }  # fmt: skip


def _weights(each: Dated, everybody: npt.NDArray[np.str_], weight: FloatArray) -> FloatArray:
    return weight[:, np.searchsorted(everybody, each.customer)]


def _interval(values: FloatArray) -> dict[str, float]:
    """The first value, which is of the sample itself, with the interval of the others."""
    low, high = np.quantile(values[1:], [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return {"mean": round(float(values[0]), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _overall(each: Dated, name: str, weight: FloatArray) -> FloatArray:
    return weighted_correlation(midrank(each.signals[name]), midrank(each.outcome), weight)


def _within(each: Dated, name: str, weight: FloatArray) -> FloatArray:
    groups = [np.flatnonzero(each.stratum == stratum) for stratum in np.unique(each.stratum)]
    found = [
        weighted_correlation(midrank(each.signals[name][rows]), midrank(each.outcome[rows]), weight[:, rows])
        for rows in groups
        if len(rows) > 2
    ]
    mean: FloatArray = np.mean(found, axis=0)
    return mean


def weighted_correlation(x: FloatArray, y: FloatArray, weight: FloatArray) -> FloatArray:
    """Pearson's correlation of x and y, [n], under each weighting, [b, n]; 0 where one of them does not vary."""
    total = np.maximum(weight.sum(axis=1), 1e-12)
    mean_x, mean_y = weight @ x / total, weight @ y / total
    covariance = weight @ (x * y) / total - mean_x * mean_y
    variance = (weight @ (x * x) / total - mean_x**2) * (weight @ (y * y) / total - mean_y**2)
    return np.where(variance > 1e-16, covariance / np.sqrt(np.maximum(variance, 1e-16)), 0.0)
