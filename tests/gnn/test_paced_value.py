"""Value from the customer's own pace: its factor by hand and by search, and customers beyond all that was met."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.features import Features
from gnn.forecast import Examples, ExampleSource
from gnn.paced_value import PacedValue, median_factor, pace_of
from gnn.task import Outcome, Task
from graph.snapshot import FloatArray, Snapshot
from tests.gnn.shops import START, fading_shop

PACE = "spend_per_30_observed_days"
MONEY = st.floats(0, 1e4).map(lambda amount: round(amount, 2))


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return ExampleSource(fading_shop(customers=20), Task(horizon_days=30)).at(START + timedelta(days=200)).snapshot


def examples(snapshot: Snapshot, pace: FloatArray, value: FloatArray | None) -> Examples:
    """Customers with this pace of spending and a second feature that says nothing."""
    features = Features((PACE, "noise"), np.stack([pace, np.arange(len(pace)) % 7.0], axis=1), {})
    outcome = None if value is None else Outcome(value == 0, value, (value > 0).astype(np.int64))
    return Examples(snapshot, np.arange(len(pace), dtype=np.int32), features, outcome)


def test_the_factor_by_hand() -> None:
    # Ratios 1, 3 and 5 weigh 1, 2 and 1: half of the weight is reached at 3. Who has no pace has no say.
    assert median_factor(np.array([1.0, 2.0, 1.0, 0.0]), np.array([5.0, 6.0, 1.0, 99.0])) == 3.0
    assert median_factor(np.zeros(2), np.ones(2)) == 0.0


@given(
    st.integers(1, 12).flatmap(lambda n: st.tuples(arrays(float, n, elements=MONEY), arrays(float, n, elements=MONEY)))
)
def test_no_other_factor_has_a_smaller_error(drawn: tuple[FloatArray, FloatArray]) -> None:
    pace, value = drawn
    found = median_factor(pace, value)
    tried = [found, 0.0, *(value[pace > 0] / pace[pace > 0])]  # the error is least at one of the ratios
    errors = [np.abs(value - factor * pace).sum() for factor in tried]
    assert errors[0] <= min(errors) * (1 + 1e-9) + 1e-9


def test_somebody_far_beyond_the_others_keeps_their_pace(snapshot: Snapshot) -> None:
    generator = np.random.default_rng(0)
    pace = generator.uniform(10, 100, 1_000)
    training = [examples(snapshot, pace, 2.0 * pace * generator.uniform(0.9, 1.1, 1_000))]
    asked = examples(snapshot, np.array([20.0, 50_000.0]), None).features
    paced, trees = PacedValue(), LightGBM()
    paced.fit(training, seed=0)
    trees.fit(training, seed=0)
    for target in ("value_median", "value_mean"):
        small, large = paced.predict_target(target, asked)
        assert small == pytest.approx(40.0, rel=0.15)
        assert large == pytest.approx(100_000.0, rel=0.15)
        assert trees.predict_target(target, asked)[1] < 250.0  # a leaf knows nobody beyond


def test_what_is_bought_without_a_pace_is_learnt(snapshot: Snapshot) -> None:
    pace, value = np.zeros(400), np.where(np.arange(400) % 7 < 3, 10.0, 0.0)
    paced = PacedValue()
    paced.fit([examples(snapshot, pace, value)], seed=0)
    mean = paced.predict_target("value_mean", examples(snapshot, np.zeros(7), None).features)
    np.testing.assert_allclose(mean[[0, 1, 3, 4, 5, 6]], [10, 10, 0, 0, 0, 0], atol=0.5)


@pytest.mark.parametrize("value", [0.0, 12.5])
def test_where_all_are_alike_everybody_is_foretold_the_same(snapshot: Snapshot, value: float) -> None:
    paced = PacedValue()
    paced.fit([examples(snapshot, np.arange(50.0), np.full(50, value))], seed=0)
    for target in ("value_median", "value_mean"):
        found = paced.predict_target(target, examples(snapshot, np.arange(3.0), None).features)
        np.testing.assert_array_equal(found, np.full(3, value))


def test_a_pace_is_never_missing_nor_below_zero() -> None:
    features = Features((PACE,), np.array([[np.nan], [-3.0], [4.0]]), {})
    np.testing.assert_array_equal(pace_of(features), [0, 0, 4])
    np.testing.assert_array_equal(pace_of(Features(("orders",), np.ones((2, 1)), {})), [0, 0])
