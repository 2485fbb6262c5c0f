from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from gnn.calibration import logit
from gnn.metrics import expected_calibration_error
from gnn.recalibration import perfect_calibration_error, recalibration, recalibrations


def foretold(count: int, seed: int, slope: float = 0.7, intercept: float = -0.4) -> tuple[np.ndarray, np.ndarray]:
    """Risks, and outcomes whose log-odds are slope times theirs plus the intercept."""
    generator = np.random.default_rng(seed)
    z = generator.normal(-1.0, 1.5, count)
    happened = generator.random(count) < expit(slope * z + intercept)
    return happened.astype(float), expit(z)


def test_it_is_logistic_regression_on_the_logit() -> None:
    truth, risk = foretold(3000, 0)
    found = recalibration(truth, risk)
    reference = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logit(risk)[:, None], truth)
    assert found.slope == pytest.approx(reference.coef_[0, 0], abs=1e-5)
    assert found.intercept == pytest.approx(reference.intercept_[0], abs=1e-5)


def test_by_hand_two_groups_are_fitted_exactly() -> None:
    # Stated 20 % and 50 %, observed 1 in 5 and 4 in 5: through both points, slope ln 16 / ln 4 = 2, intercept ln 4.
    risk, truth = np.repeat([0.2, 0.5], 5), np.array([1.0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
    found = recalibration(truth, risk)
    assert found.slope == pytest.approx(2.0)
    assert found.intercept == pytest.approx(np.log(4.0))
    # At slope 1 the level makes the expected number of churners the observed one, five.
    assert 5 * expit(logit(np.array(0.2)) + found.in_the_large) + 5 * expit(found.in_the_large) == pytest.approx(5.0)


def test_a_step_from_the_sample_is_close_to_a_fit_of_the_resample() -> None:
    truth, risk = foretold(2000, 1)
    figures = recalibrations(truth, risk)
    generator = np.random.default_rng(2)
    drawn = generator.integers(0, 2000, (30, 2000))
    weights = np.stack([np.bincount(each, minlength=2000) for each in drawn]).astype(float)
    exact = [recalibration(truth[each], risk[each]) for each in drawn]
    for name in ("slope", "intercept", "in_the_large"):
        found = figures[name](weights)
        wanted = np.array([getattr(each, name) for each in exact])
        assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.1 * wanted.std()
        # On the sample itself nothing is left to step.
        assert figures[name](np.ones((1, 2000)))[0] == pytest.approx(getattr(recalibration(truth, risk), name))


def test_what_has_no_finite_recalibration_is_nan() -> None:
    one_class = recalibration(np.zeros(4), np.array([0.1, 0.2, 0.3, 0.4]))
    assert np.isnan([one_class.slope, one_class.intercept, one_class.in_the_large]).all()
    one_risk = recalibration(np.array([0.0, 1.0]), np.array([0.3, 0.3]))
    assert np.isnan(one_risk.slope)
    assert one_risk.in_the_large == pytest.approx(-logit(np.array(0.3)))
    separated = recalibration(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.7, 0.8]))
    assert np.isnan(separated.slope)
    assert np.isnan(recalibrations(np.zeros(3), np.full(3, 0.2))["slope"](np.ones((2, 3)))).all()


def test_chance_alone_misses_as_a_simulation_row_by_row_says() -> None:
    generator = np.random.default_rng(3)
    risk = generator.beta(1, 9, 700)
    found = perfect_calibration_error(risk, draws=400, seed=0)
    plain = [
        expected_calibration_error((generator.random(700) < risk).astype(float), risk)(np.ones((1, 700)))[0]
        for _ in range(400)
    ]
    assert found.shape == (400,)
    assert found.mean() == pytest.approx(np.mean(plain), rel=0.05)
    assert found.std() == pytest.approx(np.std(plain), rel=0.2)
    # At sure risks there is no chance.
    assert not perfect_calibration_error(np.array([0.0, 1.0]), draws=5, seed=0).any()
