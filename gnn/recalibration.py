"""Whether stated risks can be taken at their word: slope and intercept of a logistic recalibration, and chance's share.

Cox (1958) regresses what came to pass on the logit of the stated risk: log-odds = intercept + slope · logit(risk). A
forecast that is right has slope 1 and intercept 0; a slope below 1 says that risks are too extreme, above 1 that they
are too timid. `in_the_large` is the intercept where the slope is held at 1: whether the level is right (Van Calster and
others, Journal of Clinical Epidemiology 74 (2016) 167-176).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from gnn.calibration import logit
from gnn.metrics import CALIBRATION_BINS, Prepared, calibration_bins
from graph.snapshot import FloatArray

#: Newton's method ends when no parameter moves further than this, or after so many steps.
_TOLERANCE: Final = 1e-10
_MOST_STEPS: Final = 100
#: A step is no longer than this, and parameters beyond the farthest have no finite optimum.
_LONGEST_STEP: Final = 2.0
_FARTHEST: Final = 50.0
_FLAT: Final = 1e-12
#: Forecasts simulated at once: about this many cells.
_CELLS: Final = 2_000_000


@dataclass(frozen=True)
class Recalibration:
    """The most likely recalibration; NaN where it is not defined (one class, or one risk for everybody)."""

    slope: float
    intercept: float
    in_the_large: float


def recalibration(truth: FloatArray, risk: FloatArray) -> Recalibration:
    """Fit it to n outcomes (0/1) and their stated risks.

    Where risks separate the two classes perfectly there is no finite slope, and it is NaN.
    """
    z = logit(risk)
    both = _newton(truth, np.stack([np.ones(len(z)), z], axis=1), np.zeros(len(z))) if np.ptp(z) > 0 else None
    level = _newton(truth, np.ones((len(z), 1)), z)
    intercept, slope = (float(each) for each in both) if both is not None else (np.nan, np.nan)
    return Recalibration(slope, intercept, np.nan if level is None else float(level[0]))


def recalibrations(truth: FloatArray, risk: FloatArray) -> dict[str, Prepared]:
    """`slope`, `intercept` and `in_the_large` as functions of the customers' weights, for the bootstrap.

    On the sample itself they are exact; on a resample they are one step of Newton's method from there, whose error is
    of second order in what the resample differs (Schucany and Wang, 1991), and which costs two matrix products.
    """
    z, found = logit(risk), recalibration(truth, risk)
    start = np.array([found.intercept, found.slope])
    inputs = np.stack([np.ones(len(z)), z], axis=1)
    both = _one_step(truth, inputs, np.zeros(len(z)), start)
    level = _one_step(truth, np.ones((len(z), 1)), z, np.array([found.in_the_large]))
    return {
        "slope": lambda weights: both(weights)[:, 1],
        "intercept": lambda weights: both(weights)[:, 0],
        "in_the_large": lambda weights: level(weights)[:, 0],
    }


def perfect_calibration_error(risk: FloatArray, *, draws: int, seed: int) -> FloatArray:
    """Expected calibration errors that a forecast of these n risks shows when each of them is true, by simulation.

    Even a perfectly calibrated forecast misses on a finite sample; what a model shows beyond the mean of these is its
    own. Customers are drawn independently: rows of one customer at several dates fall together more than that, so that
    the true figure of chance is rather larger.

    Returns:
        One error for each draw.
    """
    generator = np.random.default_rng(seed)
    count = len(risk)
    if not count:
        return np.full(draws, np.nan)
    bins = np.zeros((count, CALIBRATION_BINS), np.float32)
    bins[np.arange(count), calibration_bins(risk)] = 1.0
    expected = risk @ bins
    block = max(1, _CELLS // count)
    found = []
    for first in range(0, draws, block):
        happened = generator.random((min(block, draws - first), count)) < risk
        found.append(np.abs(happened.astype(np.float32) @ bins - expected).sum(axis=1) / count)
    return np.concatenate(found)


def _newton(truth: FloatArray, inputs: FloatArray, offset: FloatArray) -> FloatArray | None:
    """Coefficients of a logistic regression with an offset; None where it has no finite solution."""
    if not 0.0 < truth.mean() < 1.0:
        return None
    found: FloatArray = np.zeros(inputs.shape[1])
    for _ in range(_MOST_STEPS):
        step = _step(truth, inputs, offset, found, np.ones((1, len(truth))))[0]
        found = found + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        if not np.isfinite(found).all() or np.abs(found).max() > _FARTHEST:
            return None
        if np.abs(step).max() < _TOLERANCE:
            return found
    return None


def _one_step(truth: FloatArray, inputs: FloatArray, offset: FloatArray, start: FloatArray) -> Prepared:
    """The coefficients (b by k) after one step of Newton's method from `start` under weights (b by n)."""

    def figure(weights: FloatArray) -> FloatArray:
        if not np.isfinite(start).all():
            return np.full((len(weights), len(start)), np.nan)
        return start + _step(truth, inputs, offset, start, weights)

    return figure


def _step(truth: FloatArray, inputs: FloatArray, offset: FloatArray, at: FloatArray, weights: FloatArray) -> FloatArray:
    """Newton's step of the weighted log-likelihood, b by k; NaN where the curvature is none."""
    fitted = expit(inputs @ at + offset)
    gradient = weights @ ((truth - fitted)[..., None] * inputs).reshape(-1, inputs.shape[1])
    products = (inputs[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1)
    curvature = (weights @ (products * (fitted * (1.0 - fitted))[:, None])).reshape(-1, len(at), len(at))
    singular = np.abs(np.linalg.det(curvature)) < _FLAT
    curvature[singular] = np.eye(len(at))
    step: FloatArray = np.linalg.solve(curvature, gradient[..., None])[..., 0].astype(np.float64)
    step[singular] = np.nan
    return step
