from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from gnn.calibration import PlattCalibration, fit_platt, logit

FREE = {"miscalibration": 100.0, "drift": 0.0}


def test_logit_of_known_probabilities_and_of_the_edges() -> None:
    np.testing.assert_allclose(logit(np.array([0.5, 0.8, 0.2])), [0.0, np.log(4), -np.log(4)], atol=1e-12)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_without_a_prior_it_is_logistic_regression_on_the_logit() -> None:
    generator = np.random.default_rng(0)
    z = generator.normal(0, 2, 4000)
    happened = (generator.random(4000) < 1 / (1 + np.exp(-(0.6 * z - 0.7)))).astype(float)
    calibration = fit_platt(z, happened, **FREE)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(z[:, None], happened)
    assert calibration.slope == pytest.approx(reference.coef_[0, 0], rel=1e-3)
    assert calibration.intercept == pytest.approx(reference.intercept_[0], rel=1e-3)


def test_the_prior_holds_where_there_is_little_to_learn_from_and_half_of_what_is_seen_remains() -> None:
    z, happened = np.repeat([-1.0, 1.0], 4), np.array([0.0, 0, 1, 1, 0, 1, 1, 1])
    free = fit_platt(z, happened, **FREE)
    assert (free.slope, free.intercept) == pytest.approx(
        (np.log(3) / 2, np.log(3) / 2), rel=1e-3
    )  # through 1/2 and 3/4

    def fitted(copies: int) -> PlattCalibration:
        return fit_platt(np.tile(z, copies), np.tile(happened, copies))

    assert 0.0 < fitted(1).intercept < fitted(10).intercept < fitted(100).intercept
    # Equal spreads: however many customers, half of the way on the scales of log-slope and level is gone.
    many = fitted(100_000)
    assert many.slope == pytest.approx(np.sqrt(np.log(3) / 2), rel=1e-3)
    assert many.intercept == pytest.approx(np.log(3) / 4, rel=1e-3)


def test_without_drift_many_customers_are_believed() -> None:
    z, happened = np.tile([-1.0, -1.0, 1.0, 1.0], 50_000), np.tile([0.0, 1.0, 1.0, 1.0], 50_000)
    happened[-4:] = 0.0  # one stayed, so that the fit is finite
    assert fit_platt(z, happened, drift=0.0).intercept > 3 * fit_platt(z, happened, drift=0.4).intercept > 0.0


def test_nothing_to_learn_from_leaves_the_risk_as_it_is() -> None:
    calibration = fit_platt(np.zeros(0), np.zeros(0))
    assert (calibration.slope, calibration.intercept) == pytest.approx((1.0, 0.0))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-8, 8), st.booleans()), min_size=1, max_size=40))
def test_calibration_never_changes_the_order(pairs: list[tuple[float, bool]]) -> None:
    z, happened = np.array([pair[0] for pair in pairs]), np.array([float(pair[1]) for pair in pairs])
    risks = fit_platt(z, happened, **FREE)(np.sort(z))
    assert (np.diff(risks) >= 0).all()
    assert ((risks >= 0) & (risks <= 1)).all()


def test_the_identity_is_the_logistic_function() -> None:
    np.testing.assert_allclose(PlattCalibration()(np.array([0.0, np.log(3)])), [0.5, 0.75])
