"""What a backtest tries beyond its folds: leak controls and the learning curve, both on the newest fold."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from gnn.bootstrap import JudgedFold, resample
from gnn.leak_checks import Trial, leak_checks
from gnn.metrics import Prepared, prepare

#: Figures along the learning curve.
CURVE_METRICS: Final[tuple[str, ...]] = (
    "churn_auc",
    "churn_average_precision",
    "churn_log_loss",
    "value_mae",
    "value_spearman",
)
Progress = Callable[[str, float], None]


def trials(trial: Trial, *, resamples: int, progress: Progress) -> dict[str, Any]:
    """`leak_checks` and `learning_curve`, as plain values for JSON.

    Args:
        trial: The newest fold, with the model that was fitted for it.
        resamples: Of customers.
        progress: Told what is being done and the share done, 0 to 1.
    """
    progress("leak controls", 0.0)
    checks = leak_checks(trial, resamples=resamples)
    progress("learning curve", 0.7)
    return {"leak_checks": checks, "learning_curve": learning_curve(trial, resamples=resamples)}


def learning_curve(trial: Trial, *, resamples: int) -> dict[str, Any]:
    """How good the model is with one training cutoff (the newest) and with all of them, and what either costs."""
    points: list[dict[str, Any]] = []
    judged: dict[str, dict[str, Prepared]] = {}
    outcome = trial.test.outcome
    if outcome is None:
        return {}
    for count in sorted({1, len(trial.training)}):
        clock = time.perf_counter()
        if count == len(trial.training):
            forecast = trial.forecasts[trial.fitted.name]
        else:
            model = trial.make()
            model.fit(list(trial.training[-count:]), seed=trial.seed)
            forecast = model.predict(trial.test)
        seconds = time.perf_counter() - clock
        known = prepare(outcome, forecast)
        judged[str(count)] = {metric: known[metric] for metric in CURVE_METRICS if metric in known}
        points.append(
            {
                "training_cutoffs": count,
                "examples": sum(len(each.rows) for each in trial.training[-count:]),
                **({} if count == len(trial.training) else {"seconds": round(seconds, 3)}),
            }
        )
    drawn = resample([JudgedFold(np.arange(len(outcome.churned)), judged)], resamples=resamples, seed=trial.seed)
    for point in points:
        found = ((metric, drawn.interval(str(point["training_cutoffs"]), metric)) for metric in CURVE_METRICS)
        point["figures"] = {
            metric: {"mean": each.mean, "low": each.low, "high": each.high}
            for metric, each in found
            if each is not None
        }
    return {"cutoff": trial.test.cutoff.isoformat()[:10], "model": trial.fitted.name, "points": points}
