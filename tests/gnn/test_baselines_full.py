from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
import torch

from gnn.baselines.lightgbm_forecaster import TARGETS, LightGBM
from gnn.baselines.mlp import Perceptron
from gnn.baselines.random_forest import ChurnForest, RandomForest
from gnn.baselines.registry import baselines
from gnn.baselines.rfm import RfmLogistic
from gnn.baselines.sequence import Sequence
from gnn.baselines.tuned_lightgbm import TunedLightGBM, Tuning
from gnn.forecast import Examples, ExampleSource, Forecaster
from gnn.hurdle import Amounts
from gnn.linear_half import FEW_VARIANCE, RFM_FEATURES, fit_linear
from gnn.task import Task
from gnn.temporal import TemporalEncoder
from tests.gnn.shops import DAYS, START, fading_shop

TASK = Task(horizon_days=30, active_window_days=120)


@pytest.fixture(scope="module")
def dated() -> tuple[list[Examples], Examples]:
    """Three training cutoffs a month apart, and the one to foretell."""
    source, latest = ExampleSource(fading_shop(), TASK), START + timedelta(days=DAYS - 30)
    return [source.labelled(latest - timedelta(days=30 * back)) for back in (3, 2, 1)], source.labelled(latest)


def test_the_published_recurrence_by_hand() -> None:
    torch.manual_seed(0)
    encoder = TemporalEncoder(2, 3, "tanh")
    series = torch.randn(4, 5, 2)
    weights = {name: value.detach() for name, value in encoder.cells.named_parameters()}
    state = torch.zeros(4, 3)
    for week in (4, 3, 2, 1, 0):  # the latest week stands first and is read last
        state = torch.tanh(
            state @ weights["weight_hh_l0"].T
            + series[:, week] @ weights["weight_ih_l0"].T
            + weights["bias_ih_l0"]
            + weights["bias_hh_l0"]
        )
    torch.testing.assert_close(encoder(series), state)


@pytest.mark.parametrize("make", [RandomForest, Perceptron, Sequence, lambda: Sequence("tanh")])
def test_each_baseline_tells_who_falls_silent(make: type, dated: tuple[list[Examples], Examples]) -> None:
    training, test = dated
    model: Forecaster = make()
    model.fit(training, seed=0)
    forecast = model.predict(test)
    assert test.outcome is not None
    assert forecast.churn_risk is not None
    assert forecast.value_median is not None
    assert forecast.value_mean is not None
    assert ((forecast.churn_risk >= 0) & (forecast.churn_risk <= 1)).all()
    assert min(forecast.value_median.min(), forecast.value_mean.min()) >= 0
    gone = test.outcome.churned
    assert np.median(forecast.churn_risk[gone]) > np.median(forecast.churn_risk[~gone])
    again: Forecaster = make()
    again.fit(training, seed=0)
    np.testing.assert_array_equal(again.predict(test).churn_risk, forecast.churn_risk)


def test_the_forest_of_a_blend_foretells_the_same_churn_and_no_value(dated: tuple[list[Examples], Examples]) -> None:
    forest, whole = ChurnForest(), RandomForest()
    forest.fit(dated[0], seed=0)
    whole.fit(dated[0], seed=0)
    found = forest.predict(dated[1])
    np.testing.assert_array_equal(found.churn_risk, whole.predict(dated[1]).churn_risk)
    assert (found.value_median, found.value_mean) == (None, None)
    assert set(forest.boosters) == {"churn"}


def test_tuning_keeps_windows_apart_searches_once_and_is_never_worse_than_the_defaults(
    dated: tuple[list[Examples], Examples],
) -> None:
    training, _ = dated
    assert Tuning(timedelta(days=61)).settings(training, seed=0) is TARGETS
    tuning = Tuning(timedelta(days=30), trials=3)
    found = tuning.settings(training, seed=0)
    assert tuning.settings(training[:1], seed=5) is found
    assert set(found) == set(TARGETS)
    newest = training[-1]
    assert newest.outcome is not None

    def loss(model: LightGBM) -> float:
        model.fit(training[:2], seed=0)
        risk = np.clip(model.predict_target("churn", newest.features), 1e-6, 1 - 1e-6)
        assert newest.outcome is not None
        return float(-np.mean(np.where(newest.outcome.churned, np.log(risk), np.log1p(-risk))))

    assert loss(LightGBM({"churn": found["churn"]})) <= loss(LightGBM({"churn": TARGETS["churn"]})) + 1e-12
    model = TunedLightGBM(tuning)
    model.fit(training, seed=0)
    assert model.targets is found
    assert model.name == "lightgbm"


def test_the_short_regression_is_that_of_the_rfm_baseline(dated: tuple[list[Examples], Examples]) -> None:
    training, test = dated
    baseline = RfmLogistic()
    baseline.fit(training, seed=0)
    part = fit_linear(training, RFM_FEATURES, prior_variance=FEW_VARIANCE)
    risk = 1 / (1 + np.exp(-part.churn_logit(test.features)))
    np.testing.assert_allclose(risk, baseline.predict(test).churn_risk, atol=2e-3)


def test_targets_with_bins_of_their_own_are_fitted_as_if_alone(dated: tuple[list[Examples], Examples]) -> None:
    training, asked = dated
    coarse = {**TARGETS["value_mean"], "min_child_samples": 10, "max_bin": 15}
    together = LightGBM({"churn": TARGETS["churn"], "value_median": TARGETS["value_median"], "value_mean": coarse})
    together.fit(training, seed=1)
    for target, settings in together.targets.items():
        alone = LightGBM({target: settings})
        alone.fit(training, seed=1)
        np.testing.assert_array_equal(
            together.predict_target(target, asked.features), alone.predict_target(target, asked.features)
        )


def test_few_buyers_get_their_mean_amount(dated: tuple[list[Examples], Examples]) -> None:
    training, test = dated
    amounts = Amounts()
    amounts.fit(training[:1], seed=0)
    assert training[0].outcome is not None
    value = training[0].outcome.value
    assert (value > 0).sum() < 200
    risk = np.linspace(0, 1, len(test.rows))
    np.testing.assert_allclose(amounts.expected_value(risk, test.features), (1 - risk) * value[value > 0].mean())


def test_the_full_extent_adds_and_tunes() -> None:
    names = [make().name for make in baselines(TASK, "full")]
    assert names == ["recency", "rfm_logistic", "bg_nbd_gamma_gamma", "lightgbm", "random_forest", "mlp", "sequence",
                     "sequence_tanh"]  # fmt: skip
    assert [make().name for make in baselines(TASK)] == names[:4]
