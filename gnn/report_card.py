"""The report card of a backtest beyond its table: calibration, segments, gains, value by decile, coverage.

All intervals are 95 %, from resamples of customers that are the same for every figure and model. Calibration pools the
rows of all folds, for whether a risk can be taken at its word is a question about all of them; the other figures are
means over folds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from gnn.bootstrap import Interval, JudgedFold, Resampled, resample
from gnn.fold import Fold, customer_numbers
from gnn.forecast import Forecast
from gnn.metrics import (
    METRICS,
    Prepared,
    area_under_roc,
    capture,
    expected_calibration_error,
    mean_absolute_error,
    prepare,
)
from gnn.recalibration import perfect_calibration_error, recalibrations
from graph.snapshot import FloatArray, Int64Array

#: Shares of customers contacted, riskiest (or most valuable) first.
CONTACTED: Final = (0.05, 0.1, 0.2, 0.3)
#: Figures of each segment.
SEGMENT_METRICS: Final = ("churn_auc", "churn_brier", "value_mae")
#: Groups of customers, by quartile of what was known as of the cutoff.
SEGMENTATIONS: Final[Mapping[str, Callable[[Fold], FloatArray]]] = {
    "purchase_frequency": lambda fold: fold.purchase_days,
    "recency": lambda fold: fold.recency_days,
}
_DRAWS: Final = 400


def report_card(folds: Sequence[Fold], *, resamples: int, seed: int) -> dict[str, Any]:
    """All of it, as plain values for JSON; what a model does not give is absent.

    Args:
        folds: Of a backtest, at least one.
        resamples: Of customers.
        seed: Of the resamples and of the simulated perfect forecasts.
    """
    numbers = customer_numbers(folds)
    groups = [{by: quartiles(of(fold)) for by, of in SEGMENTATIONS.items()} for fold in folds]
    judged = [
        JudgedFold(number, {name: _figures(fold, name, group) for name in fold.forecasts})
        for fold, number, group in zip(folds, numbers, groups, strict=True)
    ]
    found = resample(judged, resamples=resamples, seed=seed)
    names = list(dict.fromkeys(name for fold in folds for name in fold.forecasts))
    return {
        "calibration": calibration(folds, numbers, resamples=resamples, seed=seed),
        "within_frequency": {
            name: {"churn_auc": of}
            for name in names
            if (of := _json(found.interval(name, "within purchase_frequency"))) is not None
        },
        "segments": [
            {
                "by": by,
                "segment": number + 1,
                **_described(folds, groups, by, number),
                "models": _by_model(found, names, [(m, f"{m} {by} {number}") for m in SEGMENT_METRICS]),
            }
            for by in SEGMENTATIONS
            for number in range(max(int(group[by].max(initial=-1)) for group in groups) + 1)
        ],
        "gains": {
            name: [
                {"contacted": share, **_named(found, name, [(key, f"{key} {share}") for key in _GAINS])}
                for share in CONTACTED
            ]
            for name in names
            if found.interval(name, f"share_of_churners {CONTACTED[0]}") is not None
        },
        "value_by_decile": {name: deciles for name in names if (deciles := value_by_decile(folds, name)) is not None},
        "value_intervals": {
            name: intervals for name in names if (intervals := _coverage(folds, found, name)) is not None
        },
    }


def further_figures(card: Mapping[str, Any], model: str) -> dict[str, Any]:
    """What of the card stands among a model's figures too, under the names of the backtest's JSON."""
    of_model = {
        "churn_ece_perfect": card.get("calibration", {}).get(model, {}).get("ece_perfect_of_a_fold"),
        "churn_auc_within_frequency": card.get("within_frequency", {}).get(model, {}).get("churn_auc"),
        "value_coverage": card.get("value_intervals", {}).get(model, {}).get("coverage"),
        "value_interval_width": card.get("value_intervals", {}).get(model, {}).get("width"),
    }
    return {name: figure for name, figure in of_model.items() if figure is not None}


def quartiles(values: FloatArray) -> Int64Array:
    """The quartile of each value, from 0 up; equal values stay together, so that there may be fewer than four."""
    if not len(values):
        return np.zeros(0, np.int64)
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75]))
    found = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)[1]
    return found.astype(np.int64)


def calibration(
    folds: Sequence[Fold], numbers: Sequence[Int64Array], *, resamples: int, seed: int
) -> dict[str, dict[str, dict[str, float]]]:
    """By model, over the rows of all folds it is in: slope, intercept, level, and calibration error beside chance's.

    `ece_perfect` is what a perfectly calibrated forecast of the same risks would show; its interval holds 95 % of the
    simulated ones. `ece_perfect_of_a_fold` is the same within folds, on their mean: the like of `churn_ece`.
    """
    names = list(dict.fromkeys(name for fold in folds for name in fold.forecasts))
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in names:
        risks = [(each.forecasts[name].churn_risk, place) for place, each in enumerate(folds) if name in each.forecasts]
        given = [(risk, place) for risk, place in risks if risk is not None]
        if not given:
            continue
        risk = np.concatenate([each for each, _ in given])
        truth = np.concatenate([folds[place].outcome.churned for _, place in given]).astype(np.float64)
        number = np.concatenate([numbers[place] for _, place in given])
        figures = {**recalibrations(truth, risk), "churn_ece": expected_calibration_error(truth, risk)}
        drawn = resample([JudgedFold(number, {name: figures})], resamples=resamples, seed=seed)
        perfect = perfect_calibration_error(risk, draws=_DRAWS, seed=seed)
        by_fold = np.mean([perfect_calibration_error(each, draws=_DRAWS, seed=seed) for each, _ in given], axis=0)
        intervals = {key: _json(drawn.interval(name, key)) for key in figures}
        intervals["ece"] = intervals.pop("churn_ece")
        intervals |= {"ece_perfect": _spread(perfect), "ece_perfect_of_a_fold": _spread(by_fold)}
        found[name] = {key: interval for key, interval in intervals.items() if interval is not None}
    return found


def value_by_decile(folds: Sequence[Fold], name: str) -> list[dict[str, float]] | None:
    """Errors of a model's value by decile of its predicted mean, lowest first, rows of all folds together."""
    parts = []
    for fold in folds:
        forecast = fold.forecasts.get(name)
        if forecast is None or forecast.value_mean is None or not (fold.outcome.value != 0).any():
            continue
        median = forecast.value_mean if forecast.value_median is None else forecast.value_median
        decile = deciles(forecast.value_mean)
        parts.append(np.stack([decile, forecast.value_mean, median, fold.outcome.value]))
    if not parts:
        return None
    decile, mean, median, value = np.concatenate(parts, axis=1)
    result = []
    for number in np.unique(decile):
        rows = decile == number
        result.append(
            {
                "decile": int(number) + 1,
                "customers": int(rows.sum()),
                "predicted": float(mean[rows].mean()),
                "observed": float(value[rows].mean()),
                "mean_absolute_error": float(np.abs(median[rows] - value[rows]).mean()),
                "share_without_purchase": float((value[rows] == 0).mean()),
            }
        )
    return result


def deciles(values: FloatArray) -> Int64Array:
    """The tenth, 0 to 9, that each value's rank lies in; equal values in the order given."""
    rank = np.empty(len(values), np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return rank * 10 // max(len(values), 1)


_GAINS: Final = ("share_of_churners", "lift", "share_of_value")


def _figures(fold: Fold, name: str, groups: Mapping[str, Int64Array]) -> dict[str, Prepared]:
    forecast, churned = fold.forecasts[name], fold.outcome.churned.astype(np.float64)
    given = prepare(fold.outcome, forecast)
    found: dict[str, Prepared] = {}
    score = forecast.churn_score if forecast.churn_score is not None else forecast.churn_risk
    for by, group in groups.items():
        for number in range(int(group.max(initial=-1)) + 1):
            rows = np.flatnonzero(group == number)
            for metric in SEGMENT_METRICS:
                if metric in given:
                    found[f"{metric} {by} {number}"] = _within(fold, forecast, metric, rows)
    if score is not None:
        group = groups["purchase_frequency"]
        parts = [
            (rows, area_under_roc(churned[rows], score[rows]))
            for number in range(int(group.max(initial=-1)) + 1)
            if len(rows := np.flatnonzero(group == number))
        ]
        found["within purchase_frequency"] = _mean_of(parts)
        for share in CONTACTED:
            reached = capture(churned, score, share)
            found[f"share_of_churners {share}"] = reached
            found[f"lift {share}"] = _scaled(reached, 1.0 / share)
    if forecast.value_mean is not None and "value_mae" in given:
        for share in CONTACTED:
            found[f"share_of_value {share}"] = capture(fold.outcome.value, forecast.value_mean, share)
    if forecast.value_low is not None and forecast.value_high is not None:
        inside = (fold.outcome.value >= forecast.value_low) & (fold.outcome.value <= forecast.value_high)
        # Means over customers: the error of a constant is one.
        found["coverage"] = mean_absolute_error(np.zeros(len(inside)), inside.astype(np.float64))
        found["width"] = mean_absolute_error(forecast.value_low, forecast.value_high)
    return found


def _within(fold: Fold, forecast: Forecast, metric: str, rows: Int64Array) -> Prepared:
    kind = METRICS[metric]
    predicted = kind.predicted(forecast)
    assert predicted is not None  # noqa: S101 - `prepare` gave this metric
    figure = kind.prepare(kind.observed(fold.outcome)[rows], predicted[rows])
    return lambda weights: figure(weights[:, rows])


def _mean_of(parts: Sequence[tuple[Int64Array, Prepared]]) -> Prepared:
    """Mean of the parts' figures, those undefined left out."""

    def figure(weights: FloatArray) -> FloatArray:
        each = np.stack([part(weights[:, rows]) for rows, part in parts])
        defined = np.isfinite(each)
        many = defined.sum(axis=0)
        total = np.where(defined, each, 0.0).sum(axis=0)
        result: FloatArray = np.divide(total, many, out=np.full(len(many), np.nan), where=many > 0)
        return result

    return figure


def _scaled(figure: Prepared, factor: float) -> Prepared:
    return lambda weights: factor * figure(weights)


def _described(
    folds: Sequence[Fold], groups: Sequence[Mapping[str, Int64Array]], by: str, number: int
) -> dict[str, Any]:
    """Bounds of a segment, its rows in all folds, and how many of them churned."""
    values = np.concatenate(
        [SEGMENTATIONS[by](fold)[group[by] == number] for fold, group in zip(folds, groups, strict=True)]
    )
    churned = np.concatenate(
        [fold.outcome.churned[group[by] == number] for fold, group in zip(folds, groups, strict=True)]
    )
    if not len(values):
        return {"from": None, "to": None, "rows": 0, "churn_rate": None}
    return {
        "from": float(values.min()),
        "to": float(values.max()),
        "rows": len(values),
        "churn_rate": float(churned.mean()),
    }


def _coverage(folds: Sequence[Fold], found: Resampled, name: str) -> dict[str, Any] | None:
    """Coverage and width of a model's value intervals: over folds, by fold, by decile of the predicted mean."""
    rows = []
    for place, fold in enumerate(folds):
        forecast = fold.forecasts.get(name)
        if forecast is None or forecast.value_low is None or forecast.value_high is None or forecast.value_mean is None:
            continue
        value = fold.outcome.value
        inside = (value >= forecast.value_low) & (value <= forecast.value_high)
        width = forecast.value_high - forecast.value_low
        rows.append(np.stack([np.full(len(value), place), deciles(forecast.value_mean), inside, width, value == 0]))
    if not rows:
        return None
    place, decile, inside, width, nothing = np.concatenate(rows, axis=1)
    level = next(
        each.forecasts[name].value_level
        for each in folds
        if name in each.forecasts and each.forecasts[name].value_level
    )
    return {
        "level": level,
        "coverage": _json(found.interval(name, "coverage")),
        "width": _json(found.interval(name, "width")),
        "median_width": float(np.median(width)),
        "share_without_purchase": float(nothing.mean()),
        "by_cutoff": [float(inside[place == each].mean()) for each in np.unique(place)],
        "by_decile": [
            {
                "decile": int(each) + 1,
                "coverage": float(inside[decile == each].mean()),
                "width": float(width[decile == each].mean()),
            }
            for each in np.unique(decile)
        ],
    }


def _by_model(found: Resampled, names: Sequence[str], keys: Sequence[tuple[str, str]]) -> dict[str, Any]:
    parts = ((name, _named(found, name, keys)) for name in names)
    return {name: part for name, part in parts if part}


def _named(found: Resampled, name: str, keys: Sequence[tuple[str, str]]) -> dict[str, Any]:
    parts = ((key, _json(found.interval(name, figure))) for key, figure in keys)
    return {key: part for key, part in parts if part is not None}


def _json(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _spread(values: FloatArray) -> dict[str, float] | None:
    if not np.isfinite(values).all():
        return None
    low, high = np.percentile(values, (2.5, 97.5))
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}
