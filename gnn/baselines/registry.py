"""The baselines in the order of the report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gnn.baselines.bg_nbd_forecaster import BgNbdGammaGamma
from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.baselines.recency import Recency
from gnn.baselines.rfm import RfmLogistic
from gnn.forecast import Forecaster
from gnn.task import Task


def baselines(task: Task) -> list[Callable[[], Forecaster]]:
    """A factory of each baseline for a task; a backtest makes a fresh forecaster for each fold."""
    return [Recency, RfmLogistic, partial(BgNbdGammaGamma, task.horizon_days), LightGBM]
