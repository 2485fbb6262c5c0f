"""The baselines in the order of the report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from gnn.baselines.bg_nbd_forecaster import BgNbdGammaGamma
from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.baselines.mlp import Perceptron
from gnn.baselines.random_forest import RandomForest
from gnn.baselines.recency import Recency
from gnn.baselines.rfm import RfmLogistic
from gnn.baselines.sequence import Sequence
from gnn.baselines.tuned_lightgbm import TunedLightGBM, Tuning
from gnn.forecast import Forecaster
from gnn.task import Task

#: How many baselines, and how much is spent on them.
Extent = Literal["standard", "full"]


def baselines(task: Task, extent: Extent = "standard") -> list[Callable[[], Forecaster]]:
    """A factory of each baseline for a task; a backtest makes a fresh forecaster for each fold.

    Args:
        task: What is foretold.
        extent: `full` tunes LightGBM, and adds a random forest, a perceptron and two sequence models.
    """
    simple: list[Callable[[], Forecaster]] = [Recency, RfmLogistic, partial(BgNbdGammaGamma, task.horizon_days)]
    if extent == "standard":
        return [*simple, LightGBM]
    tuning = Tuning(task.horizon)
    return [
        *simple,
        partial(TunedLightGBM, tuning),
        RandomForest,
        Perceptron,
        Sequence,
        partial(Sequence, "tanh"),
    ]
