"""Calibration of churn risk, fitted on predictions made out of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.special import logit as _logit

from graph.snapshot import FloatArray

#: Probabilities are kept this far from 0 and 1 before their logit is taken.
_EDGE = 1e-6


def logit(probability: FloatArray) -> FloatArray:
    """log(p / (1 - p)), with p kept within [1e-6, 1 - 1e-6]."""
    result: FloatArray = _logit(np.clip(probability, _EDGE, 1.0 - _EDGE))
    return result


@dataclass(frozen=True)
class PlattCalibration:
    """Probability σ(slope·z + intercept) of a raw logit z (Platt, 1999).

    Attributes:
        slope: 1 leaves the spread of the logits alone; above zero, so that the order of customers never changes.
        intercept: 0 leaves the level alone.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, logits: FloatArray) -> FloatArray:
        """The calibrated probabilities."""
        result: FloatArray = expit(self.slope * logits + self.intercept)
        return result


def fit_platt(
    logits: FloatArray, happened: FloatArray, *, miscalibration: float = 0.2, drift: float = 0.2
) -> PlattCalibration:
    """Level and slope learnt at one validation cutoff, in so far as they can be expected to hold at the next.

    What one cutoff shows differs from what is to be corrected by its sampling noise, and by a drift that no number of
    customers takes away: another month, and a model that learnt from a shorter past. With normal priors, the expected
    correction is the penalised fit under both spreads together, times the share of their variance that lasts; equal
    spreads go half the way. In trials on Complete Journey (five cutoffs, horizons of 30 and 60 days) fits that trust
    the cutoff whole, isotonic regression among them, made risks worse than none; so did fits that pool several
    validation cutoffs, whose older models learnt from a shorter past still.

    Level and slope are taken at the centre of the logits, weighted by p(1 - p), where the two hardly depend on each
    other.

    Args:
        logits: Raw logits of n customers, predicted out of time.
        happened: 0/1 of length n.
        miscalibration: Standard deviation, among models, of the lasting error of level and log-slope.
        drift: Standard deviation of what comes and goes from one cutoff to another.
    """
    from scipy.optimize import minimize

    if not len(logits):
        return PlattCalibration()
    risk = expit(logits)
    centre = float(np.average(logits, weights=np.maximum(risk * (1.0 - risk), _EDGE)))
    around = logits - centre
    precision = 1.0 / (miscalibration**2 + drift**2)

    def negative_log_posterior(parameters: FloatArray) -> tuple[float, FloatArray]:
        log_slope, level = parameters
        scaled = np.exp(log_slope) * around
        z = centre + level + scaled
        residual = expit(z) - happened
        loss = np.sum(np.logaddexp(0.0, z) - happened * z) + precision * (parameters @ parameters) / 2
        return loss, np.array([residual @ scaled, residual.sum()]) + precision * parameters

    found = minimize(negative_log_posterior, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-3, 3), (-5, 5)])
    log_slope, level = found.x * miscalibration**2 * precision
    slope = float(np.exp(log_slope))
    return PlattCalibration(slope=slope, intercept=float(level + centre * (1.0 - slope)))
