"""Rolling-origin backtest: every model foretells the same customers from the same past, at several dates.

At a fold's cutoff T, models learn from examples at T - H and earlier, whose outcomes were complete by T, and are judged
on what happened in [T, T + H). Nothing later than T reaches a model: see `PastExamples`.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from gnn.bootstrap import Interval, JudgedFold, PairedDifference, Resampled, resample
from gnn.cutoffs import check_cutoffs, date_text, default_cutoffs, training_dates
from gnn.examples import PastExamples, SharedExamples
from gnn.fold import Fold, customer_numbers
from gnn.forecast import Examples, Forecast, Forecaster
from gnn.leak_checks import Trial
from gnn.metrics import METRICS, prepare
from gnn.report_card import further_figures, report_card
from gnn.task import Task
from gnn.trials import trials
from graph.history import History
from habitue.errors import CutoffError

#: The model that is compared, pairwise, with all others.
COMPARED: Final = "habitue"
Progress = Callable[[str, float], None]
#: Columns of `BacktestResult.frame` for each forecast.
_KEPT: Final = ("churn_score", "churn_risk", "value_median", "value_mean", "value_low", "value_high")


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """What the backtest found.

    Attributes:
        dataset, task, seed: What was asked.
        folds: Oldest first, with each customer's outcome and forecasts.
        models: By model and metric, the mean over folds with its interval.
        paired: Differences of `habitue` from every other model.
        seconds: Wall time by model, what it shares with others included, and of `features`, `intervals` and `trials`.
        peak_memory_bytes: Of the process, up to the end of the backtest.
        card: What the report card holds beyond that: see `gnn.report_card` and `gnn.trials`.
    """

    dataset: str
    task: Task
    seed: int
    folds: tuple[Fold, ...]
    models: Mapping[str, Mapping[str, Interval]]
    paired: tuple[PairedDifference, ...]
    seconds: Mapping[str, float]
    peak_memory_bytes: int
    card: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object that `habitue backtest --json` prints."""
        return {
            "dataset": self.dataset,
            "task": {
                "horizon_days": self.task.horizon_days,
                "active_window_days": self.task.active_window_days,
                **({"properties": list(self.task.properties)} if self.task.properties else {}),
            },
            "seed": self.seed,
            "folds": [
                {
                    "cutoff": date_text(fold.cutoff),
                    "customers": len(fold.customers),
                    "churn_rate": float(fold.outcome.churned.mean()),
                    "training_cutoffs": [date_text(cutoff) for cutoff in fold.training_cutoffs],
                }
                for fold in self.folds
            ],
            "models": {
                model: {
                    **{name: {"mean": it.mean, "low": it.low, "high": it.high} for name, it in metrics.items()},
                    **further_figures(self.card, model),
                }
                for model, metrics in self.models.items()
            },
            "paired": [
                {
                    "metric": each.metric,
                    "model": each.model,
                    "versus": each.versus,
                    "difference": each.difference,
                    "low": each.low,
                    "high": each.high,
                }
                for each in self.paired
            ],
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "peak_memory_bytes": self.peak_memory_bytes,
            **self.card,
        }

    def frame(self) -> pd.DataFrame:
        """Every customer's outcome and forecasts: one row per fold, customer and model; NaN where one is not given."""
        parts = []
        for fold in self.folds:
            for model, forecast in fold.forecasts.items():
                part = pd.DataFrame(
                    {
                        "cutoff": fold.cutoff,
                        "customer_id": fold.customers.to_pandas(),
                        "model": model,
                        "churned": fold.outcome.churned,
                        "value": fold.outcome.value,
                    }
                )
                for name in _KEPT:
                    predicted = getattr(forecast, name)
                    part[name] = np.nan if predicted is None else predicted
                parts.append(part)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def backtest(
    history: History,
    task: Task,
    models: Sequence[Callable[[], Forecaster]],
    *,
    cutoffs: Sequence[datetime] | None = None,
    folds: int = 5,
    step_days: int = 30,
    training_cutoffs: int = 4,
    seed: int = 0,
    resamples: int = 500,
    on_trial: Callable[[], Forecaster] | None = None,
    repeat: Callable[[], Forecaster] | None = None,
    progress: Progress | None = None,
) -> BacktestResult:
    """Judge models by what they would have foretold at past dates.

    Args:
        history: All the data.
        task: What is foretold, and for whom.
        models: Factories; each makes a fresh forecaster for each fold.
        cutoffs: The folds' cutoffs; by default see `gnn.cutoffs.default_cutoffs`.
        folds: How many there are by default.
        step_days: Days between them, and between training cutoffs.
        training_cutoffs: At most so many training cutoffs for each fold: T - H, T - H - step, …
        seed: Of the models and of the resamples.
        resamples: Number of bootstrap resamples of customers.
        on_trial: The factory, among `models`, of the model that goes through leak controls and a learning curve on the
            newest fold (see `gnn.trials`); None for none.
        repeat: The same model for those trials, spared what its predictions there do not need; `on_trial` by default.
        progress: Told what is being done and the share done, 0 to 1.

    Raises:
        CutoffError: If an outcome window is not over by the end of the data, the data are too short for a fold,
            or nobody was active before a cutoff.
    """
    tell = progress or (lambda _what, _share: None)
    dates = sorted(set(cutoffs)) if cutoffs else default_cutoffs(history, task, folds=folds, step_days=step_days)
    check_cutoffs(history, task, dates)
    shared = SharedExamples(history, task)
    seconds: dict[str, float] = {"features": 0.0}
    done: list[Fold] = []
    tried: Trial | None = None
    for number, cutoff in enumerate(dates):
        start = number / len(dates)
        tell(f"features as of {date_text(cutoff)}", 0.9 * start)
        clock = time.perf_counter()
        past = PastExamples(shared, cutoff)
        learn_at = training_dates(history, task, cutoff, count=training_cutoffs, step_days=step_days)
        training = [each for each in map(past.labelled, learn_at) if len(each.rows)]
        examples = past.at(cutoff)
        judged = shared.labelled(cutoff)
        _refuse_nobody(examples, task)
        seconds["features"] += time.perf_counter() - clock
        forecasts: dict[str, Forecast] = {}
        for place, make in enumerate(models):
            forecaster = make()
            tell(f"{forecaster.name} as of {date_text(cutoff)}", 0.9 * (start + place / len(models) / len(dates)))
            clock = time.perf_counter()
            forecast = _foretell(forecaster, training, examples, seed)
            if forecast is not None:
                forecasts[forecaster.name] = forecast
                if make is on_trial and cutoff == dates[-1]:
                    tried = Trial(history, task, repeat or make, forecaster, training, judged, forecasts, seed)
            seconds[forecaster.name] = seconds.get(forecaster.name, 0.0) + time.perf_counter() - clock
        customers = examples.snapshot.customers.take(pa.array(examples.rows))
        if judged.outcome is not None:
            learnt_at = tuple(each.cutoff for each in training)
            known = examples.features
            days, since = known.column("purchase_days"), known.column("recency_days")
            done.append(Fold(cutoff, learnt_at, customers, judged.outcome, forecasts, days, since))
        following = dates[number + 1 : number + 2]
        shared.forget_before(_earliest_needed(history, task, following, training_cutoffs, step_days))
    clock = time.perf_counter()
    resampled = judge(
        done, resamples=resamples, seed=seed, progress=lambda share: tell("intervals", 0.9 + 0.02 * share)
    )
    card = report_card(done, resamples=resamples, seed=seed)
    seconds["intervals"] = time.perf_counter() - clock
    if tried is not None and tried.training:
        clock = time.perf_counter()
        card |= trials(tried, resamples=resamples, progress=lambda what, share: tell(what, 0.92 + 0.08 * share))
        seconds["trials"] = time.perf_counter() - clock
    tell("done", 1.0)
    names = list(dict.fromkeys(name for fold in done for name in fold.forecasts))
    return BacktestResult(
        dataset=history.dataset,
        task=task,
        seed=seed,
        folds=tuple(done),
        models={name: _intervals(resampled, name) for name in names},
        paired=_paired(resampled, names),
        seconds=seconds,
        peak_memory_bytes=peak_memory_bytes(),
        card=card,
    )


def judge(
    folds: Sequence[Fold], *, resamples: int, seed: int, progress: Callable[[float], None] | None = None
) -> Resampled:
    """The figures of all models in all folds, on the sample and on the same resamples of customers."""
    judged = [
        JudgedFold(number, {name: prepare(fold.outcome, forecast) for name, forecast in fold.forecasts.items()})
        for fold, number in zip(folds, customer_numbers(folds), strict=True)
    ]
    return resample(judged, resamples=resamples, seed=seed, progress=progress)


def peak_memory_bytes() -> int:
    """The largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _foretell(forecaster: Forecaster, training: list[Examples], examples: Examples, seed: int) -> Forecast | None:
    """The forecast, or None where a model that needs labels has none: it is absent, not faked."""
    if not training and forecaster.needs_labels:
        return None
    forecaster.fit(training, seed=seed)
    return forecaster.predict(examples)


def _refuse_nobody(examples: Examples, task: Task) -> None:
    if not len(examples.rows):
        raise CutoffError(
            f"At the cutoff {date_text(examples.cutoff)} nobody had bought anything in the {task.active_window_days} "
            "days before it.",
            hint="Choose another cutoff, or a longer active window.",
        )


def _earliest_needed(
    history: History, task: Task, following: Sequence[datetime], count: int, step_days: int
) -> datetime | None:
    """The earliest date the next fold asks for; None after the last fold."""
    if not following:
        return None
    return min([following[0], *training_dates(history, task, following[0], count=count, step_days=step_days)])


def _intervals(resampled: Resampled, model: str) -> dict[str, Interval]:
    found = ((metric, resampled.interval(model, metric)) for metric in METRICS)
    return {metric: interval for metric, interval in found if interval is not None}


def _paired(resampled: Resampled, names: Sequence[str]) -> tuple[PairedDifference, ...]:
    if COMPARED not in names:
        return ()
    found = (
        resampled.difference(COMPARED, other, metric) for metric in METRICS for other in names if other != COMPARED
    )
    return tuple(each for each in found if each is not None)
