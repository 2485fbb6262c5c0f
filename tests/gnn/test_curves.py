from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score, roc_curve

from gnn.backtest import backtest
from gnn.baselines.registry import baselines
from gnn.curves import MOST_POINTS, curves, gains_value, lift, reliability, roc, wilson_interval
from gnn.task import Task
from tests.gnn.shops import fading_shop


def test_roc_by_hand() -> None:
    found = roc(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.6, 0.1]))
    assert found["false_positive_rate"] == [0, 0, 0.5, 0.5, 1]
    assert found["true_positive_rate"] == [0, 0.5, 0.5, 1, 1]


def test_roc_is_that_of_scikit_learn_and_long_ones_are_thinned() -> None:
    generator = np.random.default_rng(0)
    score = generator.integers(0, 50, 3000) / 50
    churned = (generator.random(3000) < score).astype(float)
    found = roc(churned, score)
    false, true, _ = roc_curve(churned, score, drop_intermediate=False)
    np.testing.assert_allclose(found["false_positive_rate"], false, atol=1e-6)
    np.testing.assert_allclose(found["true_positive_rate"], true, atol=1e-6)
    fine = generator.random(3000)
    long = roc(churned, fine)
    assert len(long["false_positive_rate"]) == MOST_POINTS
    assert auc(long["false_positive_rate"], long["true_positive_rate"]) == pytest.approx(
        roc_auc_score(churned, fine), abs=0.003
    )


def test_lift_and_gains_by_hand() -> None:
    churned, value = np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.0, 30.0, 10.0, 0.0])
    found = lift(churned, np.array([0.9, 0.1, 0.5, 0.5]))  # two of equal risk are contacted together
    assert found == {"share_contacted": [0, 0.25, 0.75, 1], "share_of_churners": [0, 0.5, 1, 1]}
    gains = gains_value(value, np.array([1.0, 4.0, 3.0, 2.0]))
    assert gains == {"share_contacted": [0, 0.25, 0.5, 0.75, 1], "share_of_value": [0, 0.75, 1, 1, 1]}


def test_curves_of_one_class_are_the_diagonal() -> None:
    assert roc(np.zeros(3), np.arange(3.0))["true_positive_rate"] == [0, 1]
    assert lift(np.zeros(3), np.arange(3.0))["share_of_churners"] == [0, 1]


def test_reliability_by_hand() -> None:
    risk = np.repeat([0.1, 0.6], 50)
    churned = np.concatenate([np.arange(50) < 10, np.arange(50) < 25]).astype(float)
    found = reliability(churned, risk)
    assert found["count"] == [50, 50]
    assert found["predicted"] == pytest.approx([0.1, 0.6])
    assert found["observed"] == pytest.approx([0.2, 0.5])
    assert found["low"][0] < 0.2 < found["high"][0]


def test_wilson_interval_as_tabulated() -> None:
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    low, high = wilson_interval(np.array([81 / 263, 15 / 148, 0.0, 1 / 29]), np.array([263.0, 148.0, 20.0, 29.0]))
    assert low == pytest.approx([0.2553, 0.0624, 0.0, 0.0061], abs=1e-4)
    assert high == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=1e-4)


def test_curves_of_a_backtest() -> None:
    task = Task(horizon_days=30, active_window_days=None)
    result = backtest(fading_shop(), task, baselines(task), folds=2, resamples=5)
    found = json.loads(json.dumps(curves(result.folds), allow_nan=False))["models"]
    assert set(found["recency"]) == {"roc", "lift"}
    assert set(found["lightgbm"]) == {"roc", "lift", "reliability", "gains_value"}
    assert sum(found["lightgbm"]["reliability"]["count"]) == sum(len(fold.customers) for fold in result.folds)
    for curve in found["lightgbm"].values():
        assert len({len(column) for column in curve.values()}) == 1
