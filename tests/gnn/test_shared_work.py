"""What forecasters of a backtest share: the same trees, fitted once."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from gnn.baselines.lightgbm_forecaster import ChurnTrees, LightGBM
from gnn.forecast import ExampleSource
from gnn.shared_work import SharedWork
from gnn.task import Task
from tests.gnn.shops import START, fading_shop


def test_trees_are_fitted_once_for_equal_examples_and_seeds() -> None:
    source, shared = ExampleSource(fading_shop(), Task(30, 180)), SharedWork()
    training = [source.labelled(START + timedelta(days=day)) for day in (60, 90)]
    asked = source.at(START + timedelta(days=120)).features
    found = shared.fitted(ChurnTrees, training, seed=3)
    assert shared.fitted(ChurnTrees, list(training), seed=3) is found
    assert shared.fitted(ChurnTrees, training, seed=4) is not found
    assert shared.fitted(ChurnTrees, training[:1], seed=3) is not found
    assert type(shared.fitted(LightGBM, training, seed=3)) is LightGBM
    alone = LightGBM()
    alone.fit(training, seed=3)
    np.testing.assert_array_equal(found.predict_target("churn", asked), alone.predict_target("churn", asked))
    assert set(found.boosters) == {"churn"}
