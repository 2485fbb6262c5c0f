"""The curves of the report card, pooled over a backtest's folds: ROC, reliability, lift, value gains.

Pooling puts the folds' customers on one list; unlike the figures of the table, which are means over folds, a curve can
therefore gain or lose a little from churn rates that differ between folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from gnn.fold import Fold
from graph.snapshot import FloatArray

#: Points kept of a curve.
MOST_POINTS: Final = 200
#: Bins of the reliability curve, of equally many customers.
RELIABILITY_BINS: Final = 10
#: Standard normal quantile of a two-sided 95 % interval.
_Z: Final = 1.959963984540054

Curve = dict[str, list[float]]


def curves(folds: Sequence[Fold]) -> dict[str, Any]:
    """The content of `curves.json`: by model, the curves that its forecasts allow.

    Args:
        folds: Of a backtest; a model's curves pool the folds it is in.
    """
    names = dict.fromkeys(name for fold in folds for name in fold.forecasts)
    return {"models": {name: _of_model(name, [fold for fold in folds if name in fold.forecasts]) for name in names}}


def roc(churned: FloatArray, score: FloatArray) -> Curve:
    """True against false positive rate over all thresholds, equal scores together; from (0, 0) to (1, 1)."""
    hits, misses = _cumulated(score, churned), _cumulated(score, 1.0 - churned)
    if not hits[-1] or not misses[-1]:
        return {"false_positive_rate": [0.0, 1.0], "true_positive_rate": [0.0, 1.0]}
    return _thinned(false_positive_rate=misses / misses[-1], true_positive_rate=hits / hits[-1])


def lift(churned: FloatArray, score: FloatArray) -> Curve:
    """Share of the churners reached by contacting the riskiest share of customers."""
    return _gains(score, churned, "share_of_churners")


def gains_value(value: FloatArray, predicted: FloatArray) -> Curve:
    """Share of the realised value reached by contacting the customers of the highest predicted value."""
    return _gains(predicted, value, "share_of_value")


def reliability(churned: FloatArray, risk: FloatArray, bins: int = RELIABILITY_BINS) -> Curve:
    """Observed churn rate against mean predicted risk, in bins of equally many customers, with 95 % intervals.

    The intervals are Wilson's (1927) for a proportion; equal risks stay in one bin.
    """
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, bins + 1)[1:-1])) if len(risk) else np.empty(0)
    place = np.searchsorted(edges, risk, side="left")
    count = np.bincount(place, minlength=len(edges) + 1).astype(np.float64)
    used = count > 0
    predicted = np.bincount(place, risk, minlength=len(edges) + 1)[used] / count[used]
    observed = np.bincount(place, churned, minlength=len(edges) + 1)[used] / count[used]
    low, high = wilson_interval(observed, count[used])
    return {
        "predicted": predicted.tolist(),
        "observed": observed.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "count": count[used].tolist(),
    }


def wilson_interval(share: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Wilson's 95 % score interval for shares observed among so many; arrays of one length."""
    square = _Z**2 / count
    middle = (share + square / 2) / (1 + square)
    half = np.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _of_model(name: str, folds: Sequence[Fold]) -> dict[str, Curve]:
    churned = np.concatenate([fold.outcome.churned for fold in folds]).astype(np.float64)
    value = np.concatenate([fold.outcome.value for fold in folds])
    risk = _pooled(folds, name, "churn_risk")
    score = risk if risk is not None else _pooled(folds, name, "churn_score")
    mean = _pooled(folds, name, "value_mean")
    found: dict[str, Curve] = {}
    if score is not None:
        found["roc"] = roc(churned, score)
        found["lift"] = lift(churned, score)
    if risk is not None:
        found["reliability"] = reliability(churned, risk)
    if mean is not None:
        found["gains_value"] = gains_value(value, mean)
    return found


def _pooled(folds: Sequence[Fold], model: str, prediction: str) -> FloatArray | None:
    parts = [getattr(fold.forecasts[model], prediction) for fold in folds]
    given: list[FloatArray] = [part for part in parts if part is not None]
    return np.concatenate(given) if given and len(given) == len(parts) else None


def _gains(score: FloatArray, worth: FloatArray, name: str) -> Curve:
    contacted, reached = _cumulated(score, np.ones(len(score))), _cumulated(score, worth)
    if not reached[-1] > 0:
        return {"share_contacted": [0.0, 1.0], name: [0.0, 1.0]}
    return _thinned(**{"share_contacted": contacted / contacted[-1], name: reached / reached[-1]})


def _cumulated(score: FloatArray, worth: FloatArray) -> FloatArray:
    """Running sum of worth from the highest score down, at the end of each group of equal scores; begins with 0."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else np.empty(0, np.int64)
    return np.concatenate([[0.0], np.cumsum(worth[order])[last]])


def _thinned(**columns: FloatArray) -> Curve:
    """At most `MOST_POINTS` points, evenly along the curve, its ends included."""
    length = len(next(iter(columns.values())))
    keep = np.unique(np.linspace(0, length - 1, min(length, MOST_POINTS)).round().astype(np.int64))
    return {name: [round(float(value), 6) for value in values[keep]] for name, values in columns.items()}
