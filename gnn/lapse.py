"""Lapse: a gap longer than a customer's own rhythm explains, from a hierarchical model of the days between purchases.

The logarithms of a customer's gaps are normal, with a mean and a variance of its own; over customers these have the
conjugate normal-inverse-gamma distribution, whose parameters are the most likely ones (empirical Bayes). A customer's
next gap then has Student's t distribution on the logarithmic scale (Gelman and others, Bayesian Data Analysis, 3rd
edition, section 3.3): narrow for one with many regular gaps, the population's for one with none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, stdtrit

from gnn.feature_input import FeatureInput, sums
from graph.snapshot import FloatArray, Int32Array, Snapshot

#: A customer has lapsed when the present gap is beyond this quantile of the predictive distribution of the next.
LAPSE_QUANTILE: Final = 0.95
#: The parameters are learnt from at most so many customers.
_MOST: Final = 50_000
_BOUND: Final = 8.0


@dataclass(frozen=True, eq=False)
class GapSummary:
    """Sufficient statistics of the gaps of n customers.

    Attributes:
        count: How many gaps between purchase days (n).
        mean: Mean of their logarithms (n); 0 where there is none.
        squares: Sum of the squared deviations from it (n).
        present: Days since the last purchase day (n).
    """

    count: FloatArray
    mean: FloatArray
    squares: FloatArray
    present: FloatArray


@dataclass(frozen=True)
class GapModel:
    """The distribution over customers: log-gaps ~ N(μ, σ²), μ ~ N(centre, σ²/strength), σ² ~ InvGamma(shape, scale)."""

    centre: float
    strength: float
    shape: float
    scale: float

    def quantile(self, customers: GapSummary, share: float = LAPSE_QUANTILE) -> FloatArray:
        """The days that each customer's next gap does not exceed with this probability (n)."""
        strength, centre, shape, scale = self._given(customers)
        spread = np.sqrt(scale * (strength + 1.0) / (shape * strength))
        result: FloatArray = np.exp(centre + spread * stdtrit(2.0 * shape, share))
        return result

    def log_likelihood(self, customers: GapSummary) -> FloatArray:
        """Logarithm of the density of each customer's log-gaps, μ and σ² integrated out (n)."""
        strength, _, shape, scale = self._given(customers)
        result: FloatArray = (
            -0.5 * customers.count * np.log(2.0 * np.pi)
            + 0.5 * np.log(self.strength / strength)
            + self.shape * np.log(self.scale)
            - shape * np.log(scale)
            + gammaln(shape)
            - gammaln(self.shape)
        )
        return result

    def _given(self, customers: GapSummary) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The parameters after a customer's gaps."""
        count, mean = customers.count, customers.mean
        strength = self.strength + count
        centre = (self.strength * self.centre + count * mean) / strength
        away = self.strength * count * (mean - self.centre) ** 2 / strength
        return strength, centre, self.shape + 0.5 * count, self.scale + 0.5 * (customers.squares + away)


def gap_summary(snapshot: Snapshot, rows: Int32Array) -> GapSummary:
    """Of the customers at `rows` of a snapshot, each with at least one purchase."""
    given = FeatureInput.of(snapshot, rows)
    customer, age = given.purchase_days
    inside = customer[1:] == customer[:-1]
    who, gap = customer[1:][inside], (age[:-1] - age[1:])[inside]
    logarithm = np.log(np.maximum(gap, 1.0))
    count = sums(who, len(rows))
    mean = np.divide(sums(who, len(rows), logarithm), count, out=np.zeros(len(rows)), where=count > 0)
    squares = sums(who, len(rows), (logarithm - mean[who]) ** 2)
    present = np.zeros(len(rows))
    present[customer] = age  # ages fall within a customer: the last one stays
    return GapSummary(count, mean, squares, present)


def fit_gaps(customers: GapSummary, *, seed: int = 0) -> GapModel | None:
    """The most likely parameters; None where there are fewer than two gaps to learn from."""
    some = np.flatnonzero(customers.count > 0)
    if customers.count.sum() < 2:
        return None
    if len(some) > _MOST:
        some = np.sort(np.random.default_rng(seed).choice(some, _MOST, replace=False))
    chosen = GapSummary(*(each[some] for each in (customers.count, customers.mean, customers.squares,
                                                 customers.present)))  # fmt: skip
    middle = float(np.average(chosen.mean, weights=chosen.count))

    def objective(parameters: FloatArray) -> float:
        strength, shape, scale = np.exp(parameters[1:])
        model = GapModel(float(parameters[0]), float(strength), float(shape), float(scale))
        return -float(model.log_likelihood(chosen).mean())

    start = np.array([middle, 0.0, 1.0, 0.5])
    bounds = [(middle - _BOUND, middle + _BOUND), *[(-_BOUND, _BOUND)] * 3]
    found = minimize(objective, start, method="L-BFGS-B", bounds=bounds)
    return GapModel(float(found.x[0]), *(float(each) for each in np.exp(found.x[1:])))
