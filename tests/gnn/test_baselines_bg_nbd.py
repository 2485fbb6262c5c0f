from __future__ import annotations

import importlib.util
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.optimize import check_grad
from scipy.special import betaincinv, hyp2f1
from scipy.stats import beta, gamma

from gnn.baselines.bg_nbd import BetaGeometricNBD, PurchaseSummary, fit_bg_nbd, negative_log_likelihood
from gnn.baselines.bg_nbd_forecaster import BgNbdGammaGamma, purchase_summary
from gnn.baselines.gamma_gamma import GammaGamma, fit_gamma_gamma
from gnn.features import customer_features
from gnn.forecast import Examples
from tests.support import history_of

#: As published for the CDNOW sample (Fader, Hardie and Lee, 2005, table 2).
PUBLISHED = BetaGeometricNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)


def summary(*rows: tuple[float, float, float]) -> PurchaseSummary:
    frequency, recency, age = np.array(rows, float).T
    return PurchaseSummary(frequency, recency, age)


def shipped(name: str) -> pd.DataFrame:
    """A table shipped with the package `lifetimes`, found without importing it."""
    found = importlib.util.find_spec("lifetimes")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package `lifetimes`, which ships the CDNOW sample, is not installed")
    return pd.read_csv(Path(found.submodule_search_locations[0]) / "datasets" / name)


def test_published_parameters_of_the_cdnow_sample() -> None:
    table = shipped("cdnow_customers_summary.csv")
    assert len(table) == 2357
    model = fit_bg_nbd(PurchaseSummary(*(table[name].to_numpy(float) for name in ("frequency", "recency", "T"))))
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), rel=2e-3)


def test_published_parameters_of_the_amounts() -> None:
    # Fader and Hardie (2013): p 6.25, q 3.74, v 15.44, over the customers with a repeat purchase.
    table = shipped("cdnow_customers_summary_with_transactions.csv")
    model = fit_gamma_gamma(table["x"].to_numpy(float), table["zbar"].to_numpy(float))
    assert model is not None
    assert (model.p, model.q, model.v) == pytest.approx((6.25, 3.74, 15.44), rel=2e-3)


def test_published_conditional_expectation() -> None:
    # Fader, Hardie and Lee's worked customer: x = 2, t_x = 30.43, T = 38.86, 39 weeks ahead: 1.226 purchases.
    assert PUBLISHED.expected_purchases(summary((2, 30.43, 38.86)), 39)[0] == pytest.approx(1.226, abs=5e-4)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 30), st.floats(0.05, 1), st.floats(5, 100), st.floats(1, 60), st.floats(0.2, 3), st.floats(0.3, 5)
)
def test_expected_purchases_equal_the_closed_form(
    x: int, part: float, age: float, weeks: float, a: float, b: float
) -> None:
    if abs(a - 1) < 0.05:  # where the closed form divides by zero
        a = 1.2
    r, alpha = 0.5, 6.0
    recency = part * age if x else 0.0
    odds = (a / (b + x - 1) * ((alpha + age) / (alpha + recency)) ** (r + x)) if x else 0.0
    tail = ((alpha + age) / (alpha + age + weeks)) ** (r + x)
    closed = (a + b + x - 1) / (a - 1) * (1 - tail * hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks)))
    found = BetaGeometricNBD(r, alpha, a, b).expected_purchases(summary((x, recency, age)), weeks)
    assert found[0] == pytest.approx(closed / (1 + odds), rel=1e-6)


@pytest.mark.parametrize("b", [1200.0, float(np.exp(9.0))])
@pytest.mark.parametrize("a", [float(np.exp(-9.0)), 0.5, 40.0])
def test_expected_purchases_where_hardly_anybody_dies(a: float, b: float) -> None:
    # E[(1 - (1 + pt/(α + T))^-(r + x))/p] over p ~ Beta(a, b + x), by adaptive quadrature in the quantile of p.
    x, recency, age, weeks, r, alpha = 3.0, 18.0, 20.0, 12.0, 0.8, 5.0

    def purchases(quantile: float) -> float:
        p = max(float(betaincinv(a, b + x, quantile)), 1e-12)
        return float(-np.expm1(-(r + x) * np.log1p(p * weeks / (alpha + age))) / p)

    model, customer = BetaGeometricNBD(r, alpha, a, b), summary((x, recency, age))
    expected = quad(purchases, 0, 1, epsabs=0, epsrel=1e-9, limit=200)[0] * model.probability_alive(customer)[0]
    assert model.expected_purchases(customer, weeks)[0] == pytest.approx(expected, rel=1e-6)


def test_probability_of_no_purchase_equals_integration_over_rate_and_death() -> None:
    """Bayes' rule by brute force: the chance of the past, and of no purchase after it, over all rates and deaths."""
    r, alpha, a, b = 0.8, 5.0, 0.9, 2.5
    x, recency, age, weeks = 3, 10.0, 20.0, 8.0

    def density(p: float, rate: float) -> float:
        return float(gamma.pdf(rate, r, scale=1 / alpha) * beta.pdf(p, a, b))

    def past(p: float, rate: float, silence: float) -> float:
        alive = (1 - p) ** x * rate**x * np.exp(-rate * (age + silence))
        dead = p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * recency)
        return float((alive + dead) * density(p, rate))

    both = dblquad(lambda p, rate: past(p, rate, weeks), 0, 8, 0, 1)[0]
    known = dblquad(lambda p, rate: past(p, rate, 0.0), 0, 8, 0, 1)[0]
    found = BetaGeometricNBD(r, alpha, a, b).probability_no_purchase(summary((x, recency, age)), weeks)
    assert found[0] == pytest.approx(both / known, rel=1e-5)


def test_probabilities_behave_at_the_ends() -> None:
    customers = summary((0, 0, 30), (400, 39.9, 40), (5, 2, 500))
    assert PUBLISHED.probability_alive(customers)[0] == 1.0
    assert PUBLISHED.probability_alive(customers)[2] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(PUBLISHED.probability_no_purchase(customers, 1e-9), 1.0, atol=1e-6)
    soon, late = (PUBLISHED.probability_no_purchase(customers, weeks) for weeks in (4, 40))
    assert (late <= soon).all()
    assert ((late >= 0) & (soon <= 1)).all()
    assert np.isfinite(PUBLISHED.expected_purchases(customers, 40)).all()


def test_gradient_of_the_likelihood() -> None:
    customers = summary((0, 0, 30), (2, 10, 25), (7, 38, 40))
    objective = negative_log_likelihood(customers, np.array([3.0, 1.0, 2.0]))
    error = check_grad(lambda at: objective(at)[0], lambda at: objective(at)[1], np.array([0.1, 1.0, -0.4, 0.5]))
    assert error < 1e-6


def test_amounts_shrink_to_the_population_by_hand() -> None:
    model = GammaGamma(p=6.0, q=4.0, v=15.0)
    found = model.expected_amount(np.array([0.0, 2.0]), np.array([99.0, 50.0]))
    assert found == pytest.approx([6 * 15 / 3, 6 * (15 + 100) / (12 + 3)])
    assert fit_gamma_gamma(np.array([0.0, 1.0]), np.array([0.0, 5.0])) is None


def purchases() -> pd.DataFrame:
    rows = [
        ("anna", "2024-01-01 09:00", 10.0),
        ("anna", "2024-01-01 18:00", 5.0),  # the same day: no repeat purchase
        ("anna", "2024-01-15 12:00", 20.0),
        ("anna", "2024-01-29 12:00", 40.0),
        ("ben", "2024-02-05 08:00", 7.0),
    ]
    frame = pd.DataFrame(rows, columns=["customer", "at", "amount"])
    return frame.assign(at=pd.to_datetime(frame["at"]))


def test_summary_of_a_snapshot_by_hand() -> None:
    snapshot = history_of({"PURCHASED": purchases()}, complete_until=datetime(2025, 1, 1)).at(datetime(2024, 2, 12))
    found, amounts = purchase_summary(snapshot, np.array([0, 1], np.int32))
    assert found.frequency.tolist() == [2, 0]
    assert found.recency.tolist() == [4, 0]
    assert found.age.tolist() == [6, 1]
    assert amounts.tolist() == [30, 0]


def test_the_forecaster_needs_no_labels_and_counts_only_the_asked_customers() -> None:
    generator = np.random.default_rng(0)
    count = 300
    frame = pd.DataFrame(
        {
            "customer": generator.integers(0, 60, count).astype(str),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 100, count), unit="D"),
            "amount": generator.gamma(3.0, 10.0, count),
        }
    )
    snapshot = history_of({"PURCHASED": frame}, complete_until=datetime(2025, 1, 1)).at(datetime(2024, 4, 15))
    whole = np.arange(len(snapshot.customers), dtype=np.int32)
    part = whole[3:20]
    forecasts = []
    for rows in (whole, part):
        forecaster = BgNbdGammaGamma(30)
        forecaster.fit([], seed=0)
        forecasts.append(forecaster.predict(Examples(snapshot, rows, customer_features(snapshot, rows), None)))
    everybody, some = forecasts
    assert everybody.churn_risk is not None
    assert some.churn_risk is not None
    np.testing.assert_allclose(everybody.churn_risk[3:20], some.churn_risk)
    assert everybody.value_median is not None
    assert everybody.value_mean is not None
    np.testing.assert_array_equal(everybody.value_median == 0, everybody.churn_risk >= 0.5)
    assert (everybody.value_mean > 0).all()
