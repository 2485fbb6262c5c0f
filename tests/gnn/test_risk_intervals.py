from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from gnn.calibration import PlattCalibration
from gnn.risk_intervals import HETEROGENEITY, NORMAL_QUANTILE, risk_interval


def test_customers_spread_and_disagreement_add_as_variances_in_log_odds() -> None:
    low, high = risk_interval(np.array([0.0]), np.array([0.5]), PlattCalibration())
    half = NORMAL_QUANTILE * np.sqrt(0.25 + HETEROGENEITY**2)
    assert (low[0], high[0]) == (pytest.approx(expit(-half)), pytest.approx(expit(half)))


def test_calibration_scales_the_disagreement_but_not_the_spread_of_customers() -> None:
    calibration = PlattCalibration(slope=2.0, intercept=0.3)
    low, high = risk_interval(np.array([0.4]), np.array([0.5]), calibration)
    middle = 2.0 * 0.4 + 0.3
    half = NORMAL_QUANTILE * np.sqrt((2.0 * 0.5) ** 2 + HETEROGENEITY**2)
    np.testing.assert_allclose(logit([low[0], high[0]]), [middle - half, middle + half])


def test_four_in_five_true_probabilities_lie_within_where_they_spread_so() -> None:
    generator = np.random.default_rng(0)
    score = generator.normal(-1.0, 1.5, 20_000)
    disagreement = np.full(20_000, 0.2)
    truth = expit(score + generator.normal(0.0, np.hypot(0.2, HETEROGENEITY), 20_000))
    low, high = risk_interval(score, disagreement, PlattCalibration())
    assert np.mean((truth >= low) & (truth <= high)) == pytest.approx(0.8, abs=0.01)
