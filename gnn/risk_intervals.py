"""The interval of a churn risk: where a customer's own probability lies, as far as the forecast can tell."""

from __future__ import annotations

from typing import Final

import numpy as np

from gnn.calibration import PlattCalibration
from graph.snapshot import FloatArray

#: Coverage that the interval aims at, and its normal quantile.
LEVEL: Final = 0.8
NORMAL_QUANTILE: Final = 1.2816
#: Standard deviation, in log-odds, of customers' own probabilities about what can be known of them at the cutoff.
HETEROGENEITY: Final = 0.0


def risk_interval(
    score: FloatArray, disagreement: FloatArray, calibration: PlattCalibration
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends for n customers.

    Args:
        score: Blended churn logits, not calibrated.
        disagreement: Standard deviation of the members' logits.
        calibration: From logits to probabilities.
    """
    slope = max(calibration.slope, 1e-9)
    half = NORMAL_QUANTILE * np.sqrt(disagreement**2 + (HETEROGENEITY / slope) ** 2)
    return calibration(score - half), calibration(score + half)
