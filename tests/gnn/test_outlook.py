from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gnn.baselines.bg_nbd import BetaGeometricNBD, PurchaseSummary
from gnn.forecast import Forecast
from gnn.outlook import COLUMNS, at_horizon, discounted_value, expected_orders, outlook
from gnn.task import Task, population
from tests.gnn.shops import START, fading_shop

TASK = Task(30, None)
CUSTOMERS = PurchaseSummary(np.array([0.0, 3.0, 12.0]), np.array([0.0, 20.0, 50.0]), np.array([10.0, 30.0, 52.0]))
MODEL = BetaGeometricNBD(r=0.6, alpha=5.0, a=0.8, b=2.5)


def test_discounting_by_hand() -> None:
    # 12 a quarter: 12 · (1.1^-1/8 + 1.1^-3/8 + 1.1^-5/8 + 1.1^-7/8).
    steady = discounted_value(lambda days: np.array([12.0 * days / (365.25 / 4)]), 4)
    assert steady[0] == pytest.approx(12.0 * sum(1.1**-each for each in (0.125, 0.375, 0.625, 0.875)))
    at_once = discounted_value(lambda days: np.array([100.0]), 8)  # all of it in the first quarter
    assert at_once[0] == pytest.approx(100.0 * 1.1**-0.125)


def test_at_the_horizon_risk_and_value_are_the_forecasts() -> None:
    risk, value = np.array([0.9, 0.4, 0.1]), np.array([3.0, 40.0, 200.0])
    at = at_horizon(MODEL, CUSTOMERS, risk, value, 60)
    np.testing.assert_allclose(at(60)[0], risk)
    np.testing.assert_allclose(at(60)[1], value)


def test_with_the_horizon_risk_falls_and_value_grows_ever_more_slowly() -> None:
    risk, value = np.array([0.9, 0.4, 0.1]), np.array([3.0, 40.0, 200.0])
    at = at_horizon(MODEL, CUSTOMERS, risk, value, 60)
    risks, values = np.stack([at(days)[0] for days in (30, 60, 120)]), np.stack([at(days)[1] for days in (30, 60, 120)])
    assert (np.diff(risks, axis=0) < 0).all()
    assert (np.diff(values, axis=0) > 0).all()
    assert (values[2] < 2 * values[1]).all()  # customers die
    assert (values[1] < 2 * values[0]).all()


def test_a_forecast_that_is_bg_nbd_itself_stays_so_at_every_horizon() -> None:
    weeks = 60 / 7
    risk = MODEL.probability_no_purchase(CUSTOMERS, weeks)
    at = at_horizon(MODEL, CUSTOMERS, risk, 25.0 * MODEL.expected_purchases(CUSTOMERS, weeks), 60)
    np.testing.assert_allclose(at(90)[0], MODEL.probability_no_purchase(CUSTOMERS, 90 / 7), rtol=1e-9)
    np.testing.assert_allclose(at(90)[1], 25.0 * MODEL.expected_purchases(CUSTOMERS, 90 / 7), rtol=1e-9)


def test_expected_orders_are_as_likely_as_the_forecast_says_and_at_least_one_if_any() -> None:
    history = fading_shop()
    snapshot = history.at(START + (history.complete_until - START) * 0.9)
    rows = population(snapshot, TASK)
    orders = expected_orders(snapshot, rows, np.zeros(len(rows)), TASK)
    assert (orders >= 1).all()
    bought = np.bincount(snapshot.purchases.customer, minlength=len(snapshot.customers))[rows]
    assert np.corrcoef(orders, bought)[0, 1] > 0.5
    np.testing.assert_allclose(expected_orders(snapshot, rows, np.full(len(rows), 0.75), TASK), orders / 4)
    assert (expected_orders(snapshot, rows, np.ones(len(rows)), TASK) == 0).all()


def test_the_outlook_of_a_shop() -> None:
    history = fading_shop()
    snapshot = history.at(START + (history.complete_until - START) * 0.9)
    rows = population(snapshot, TASK)
    count = len(rows)
    risk, value = np.linspace(0.05, 0.9, count), np.linspace(5.0, 50.0, count)
    forecast = Forecast(
        churn_risk=risk, value_mean=value, churn_risk_low=risk / 2, churn_risk_high=np.minimum(risk * 1.1, 1.0),
        value_low=value / 2, value_high=value * 2, value_level=0.8,
    )  # fmt: skip
    found = outlook(snapshot, rows, forecast, TASK)
    assert tuple(found) == COLUMNS
    assert all(each.shape == (count,) for each in found.values())
    np.testing.assert_array_equal(found["at_stake"], risk * value)
    assert (found["at_stake_low"] <= found["at_stake"]).all()
    assert (found["at_stake"] <= found["at_stake_high"]).all()
    assert ((found["p_alive"] > 0) & (found["p_alive"] <= 1)).all()
    assert (found["value_12_months"] < value * 365.25 / 30).all()
    assert (found["value_12_months"] < found["value_24_months"]).all()
    lapsed = found["days_since_purchase"] > found["lapse_after_days"]
    np.testing.assert_array_equal(found["lapsed"], lapsed)
    assert 0 < lapsed.sum() < count
    # Who buys within the horizon is alive.
    assert (found["p_alive"] >= 1 - risk).all()
    assert (found["p_alive"] == 1 - risk).any()
    # Who has lapsed is less surely alive.
    alive = outlook(snapshot, rows, replace(forecast, churn_risk=np.ones(count)), TASK)["p_alive"]
    assert alive[lapsed].mean() < alive[~lapsed].mean()
    np.testing.assert_array_equal(found["p_alive"], np.maximum(alive, 1 - risk))
    bare = outlook(snapshot, rows, replace(forecast, value_low=None, value_high=None, value_level=None), TASK)
    assert np.isnan(bare["value_low"]).all()


def test_without_amounts_there_is_no_value_at_stake() -> None:
    snapshot = fading_shop(amounts=False).at(START + (fading_shop().complete_until - START) * 0.9)
    rows = population(snapshot, TASK)
    given = Forecast(churn_risk=np.full(len(rows), 0.3), value_mean=np.zeros(len(rows)))
    found = outlook(snapshot, rows, given, TASK)
    assert np.isnan(found["at_stake"]).all()
    assert np.isnan(found["value_12_months"]).all()
    assert np.isfinite(found["p_alive"]).all()
