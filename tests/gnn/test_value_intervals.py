from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.forecast import ExampleSource
from gnn.habitue_forecaster import HabitueForecaster
from gnn.holdout import split_customers
from gnn.model_files import load, save
from gnn.value_intervals import ValueIntervals, fit_value_intervals
from tests.gnn.shops import fading_shop
from tests.gnn.test_forecaster import QUICK, TASK, examples


def test_one_group_by_hand() -> None:
    # 99 ratios 0.01 … 0.99: the tenth of a hundred gaps ends at 0.1, the ninetieth at 0.9.
    found = fit_value_intervals(np.zeros(99), np.full(99, 10.0), np.arange(1, 100) / 10.0)
    assert found is not None
    low, high = found(np.zeros(2), np.array([10.0, 50.0]))
    np.testing.assert_allclose([low, high], [[1.0, 5.0], [9.0, 45.0]])


def test_a_risk_moves_the_ends() -> None:
    # The same buyers. With risk r, value lies below the multiple q with probability r + (1 - r) q.
    found = fit_value_intervals(np.zeros(99), np.full(99, 10.0), np.arange(1, 100) / 10.0)
    assert found is not None
    risk = np.array([0.05, 0.4, 0.9])
    low, high = found(risk, 10.0 * (1.0 - risk))  # of a buyer, 10 is expected
    assert low[0] == pytest.approx(10.0 * 0.05 / 0.95)  # r + (1 - r) q = .1
    assert high[0] == pytest.approx(10.0 * 0.85 / 0.95)  # … = .9
    assert (low[1], high[1]) == (0.0, pytest.approx(10.0 * 0.4 / 0.6))  # … = .8, from 0 up
    assert (low[2], high[2]) == (0.0, 0.0)  # nothing at all is likelier than the level


def test_buyers_of_whom_more_is_expected_have_a_spread_of_their_own() -> None:
    generator = np.random.default_rng(0)
    mean = generator.uniform(1.0, 11.0, 1000)
    spread = np.where(mean < 6.0, 0.1, 0.5)
    found = fit_value_intervals(np.zeros(1000), mean, mean * np.exp(generator.normal(0.0, spread)))
    assert found is not None
    assert len(found.quantiles) == 10
    centres = np.arange(1.5, 11.0)
    low, high = found(np.zeros(10), centres)
    width = (high - low) / centres
    assert width[5:].min() > 2 * width[:5].max()


def drawn(generator: np.random.Generator, count: int, riskiest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Risks from 0 up to some, means that know of them, and values."""
    risk = generator.uniform(0.0, riskiest, count)
    expected = generator.gamma(1.0, 100.0, count)
    value = expected * generator.gamma(1.5, 1.0 / 1.5, count) * (generator.random(count) >= risk)
    return risk, expected * (1.0 - risk), value


@pytest.mark.parametrize("riskiest", [0.0, 0.2, 0.7])
def test_it_covers_new_customers_of_the_same_kind_whatever_their_risk(riskiest: float) -> None:
    generator = np.random.default_rng(1)
    found = fit_value_intervals(*drawn(generator, 20_000, riskiest))
    assert found is not None
    risk, mean, value = drawn(generator, 20_000, riskiest)
    low, high = found(risk, mean)
    for by in (risk, mean):
        for rows in np.array_split(np.argsort(by, kind="stable"), 10):
            inside = np.mean((value[rows] >= low[rows]) & (value[rows] <= high[rows]))
            assert inside == pytest.approx(0.8, abs=0.04)  # 2,000 of 2,000 customers: deviation .013


def test_who_surely_buys_is_not_said_to_buy_nothing() -> None:
    # Half of those who spend as much buy nothing, but this one's risk is small: 0 is not among what may be.
    generator = np.random.default_rng(2)
    risk = np.where(np.arange(4_000) % 2 == 0, 0.01, 0.99)
    value = 100.0 * generator.gamma(4.0, 0.25, 4_000) * (generator.random(4_000) >= risk)
    found = fit_value_intervals(risk, np.full(4_000, 50.0), value)
    assert found is not None
    low, _ = found(np.array([0.01]), np.array([50.0]))
    assert low[0] > 0.0


def test_too_few_customers_or_no_value_give_no_intervals() -> None:
    assert fit_value_intervals(np.zeros(49), np.ones(49), np.ones(49)) is None
    assert fit_value_intervals(np.zeros(100), np.ones(100), np.zeros(100)) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(50, 200), st.integers(0, 99), st.floats(0.0, 1.0))
def test_ends_are_in_order_and_travel_as_json(count: int, seed: int, zeros: float) -> None:
    generator = np.random.default_rng(seed)
    mean = np.round(generator.gamma(0.5, 10.0, count), 1)  # with ties, and zeros
    risk = np.round(generator.random(count), 1)  # with 0 and 1
    value = generator.gamma(1.0, 10.0, count) * (generator.random(count) >= zeros)
    found = fit_value_intervals(risk, mean, value)
    if found is None:
        assert not value.any()
        return
    low, high = found(risk, mean)
    assert (low >= 0.0).all()
    assert (low <= high).all()
    assert ValueIntervals.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_halves_of_the_customers_are_the_same_at_every_cutoff() -> None:
    training, _ = examples(ExampleSource(fading_shop(), TASK))
    learn, judge = split_customers(training)
    names = [
        [set(each.snapshot.customers.to_numpy(zero_copy_only=False)[each.rows]) for each in part]
        for part in (learn, judge)
    ]
    assert not set().union(*names[0]) & set().union(*names[1])
    for whole, first, second in zip(training, learn, judge, strict=True):
        assert sorted([*first.rows, *second.rows]) == whole.rows.tolist()
        assert min(len(first.rows), len(second.rows)) > 0.3 * len(whole.rows)
        place = np.searchsorted(whole.rows, first.rows)
        np.testing.assert_array_equal(first.features.values, whole.features.values[place])
        assert whole.outcome is not None
        assert first.outcome is not None
        np.testing.assert_array_equal(first.outcome.value, whole.outcome.value[place])


def test_a_forecaster_gives_them_and_keeps_them_when_it_is_saved(tmp_path: Path) -> None:
    training, test = examples(ExampleSource(fading_shop(customers=300), TASK))
    for part in (training, training[-1:]):  # with a cutoff to hold out, and with half of the customers instead
        model = HabitueForecaster(TASK, settings=QUICK)
        model.fit(part, seed=0)
        forecast = model.predict(test)
        assert forecast.value_low is not None
        assert forecast.value_high is not None
        assert forecast.value_level == 0.8
        assert (forecast.value_low <= forecast.value_high).all()
        save(model, tmp_path / str(len(part)))
        again = load(tmp_path / str(len(part)), TASK).predict(test)
        np.testing.assert_array_equal(again.value_low, forecast.value_low)
        np.testing.assert_array_equal(again.value_high, forecast.value_high)
