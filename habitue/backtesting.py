"""A backtest from the workspace's graph, kept on disk for the report."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from gnn.backtest import BacktestResult, backtest
from gnn.baselines.registry import Extent, baselines
from gnn.curves import curves
from gnn.habitue_forecaster import ForecasterSettings, HabitueForecaster
from gnn.shared_work import SharedWork
from gnn.task import Task
from graph.store import Progress
from habitue.histories import current_history
from habitue.runs import BACKTEST, CURVES, SOURCE, TaskSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gnn.forecast import Forecaster
    from habitue.engine import Engine

PREDICTIONS = "predictions.parquet"


def contenders(
    task: Task, extent: Extent = "standard", *, shared: SharedWork | None = None
) -> list[Callable[[], Forecaster]]:
    """Habitué, its control without the graph, and the baselines; what they have in common is done once."""
    shared = shared or SharedWork()
    return [
        lambda: HabitueForecaster(task, shared=shared),
        lambda: HabitueForecaster(task, use_graph=False, shared=shared),
        *baselines(task, extent),
    ]


def repeated(task: Task, shared: SharedWork) -> Callable[[], Forecaster]:
    """Habitué for the trials of a backtest, which look at its predictions alone."""
    settings = ForecasterSettings(value_intervals=False)
    return lambda: HabitueForecaster(task, settings=settings, shared=shared)


def run_backtest(
    engine: Engine,
    task: Task,
    cutoffs: list[datetime] | None,
    *,
    folds: int,
    seed: int,
    progress: Progress,
    extent: Extent = "standard",
) -> BacktestResult:
    """Backtest all contenders on the graph as it is, and keep figures, curves and predictions below `backtests/`."""
    history = current_history(engine.store, engine.workspace, progress)
    with engine.workspace.new_directory(engine.workspace.backtests, "backtest") as directory:
        shared = SharedWork()
        models = contenders(task, extent, shared=shared)
        result = backtest(
            history,
            task,
            models,
            cutoffs=cutoffs,
            folds=folds,
            seed=seed,
            on_trial=models[0],
            repeat=repeated(task, shared),
            progress=progress,
        )
        (directory / BACKTEST).write_text(json.dumps(result.to_json(), indent=2, allow_nan=False), encoding="utf-8")
        (directory / CURVES).write_text(json.dumps(curves(result.folds), allow_nan=False), encoding="utf-8")
        facts = engine.store.facts()
        settings = TaskSettings(
            horizon_days=task.horizon_days, active_window_days=task.active_window_days, properties=task.properties
        )
        source = {"graph": facts.fingerprint if facts else "", "task": settings.model_dump(mode="json")}
        (directory / SOURCE).write_text(json.dumps(source), encoding="utf-8")
        result.frame().to_parquet(directory / PREDICTIONS, index=False)
    return result
