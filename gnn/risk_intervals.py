"""The interval of a churn risk: where a customer's own probability lies, as far as the forecast can tell.

A stated risk is right on average over customers who look alike; each of them has a probability of its own, for what is
not seen (has the customer lapsed or merely paused? how fast does it really buy?). How far these lie apart cannot be
known from outcomes, one for each customer; it was measured where the truth is known. On the synthetic retailer 80 % of
true log-odds lay within 1.6 to 1.8 of those that boosted trees stated, whatever the horizon, cutoff and seed
(docs/trust.md; `bench/bench_intervals.py` measures the same of the forecaster). To that comes the disagreement of the
blend's members, which alone would be far too narrow. For another retailer the spread is an assumption, and where
customers are more alike it is too wide.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gnn.calibration import PlattCalibration
from graph.snapshot import FloatArray

#: Coverage that the interval aims at, and its normal quantile.
LEVEL: Final = 0.8
NORMAL_QUANTILE: Final = 1.2816
#: Standard deviation, in log-odds, of customers' own probabilities about what can be known of them at the cutoff.
HETEROGENEITY: Final = 1.3


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
