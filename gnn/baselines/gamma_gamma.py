"""The Gamma-Gamma model of the amount of a purchase.

A customer's purchases are Gamma(p, ν) with ν ~ Gamma(q, v), independent of how often it buys.
Source: Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from graph.snapshot import FloatArray

_BOUND: Final = 12.0


@dataclass(frozen=True)
class GammaGamma:
    """The fitted model: shapes `p` and `q` (above 1, so that the mean is finite), scale `v` (currency)."""

    p: float
    q: float
    v: float

    def expected_amount(self, frequency: FloatArray, mean_amount: FloatArray) -> FloatArray:
        """E[mean amount of a purchase | x purchases of mean m], length n: p·(v + m·x)/(p·x + q - 1).

        Args:
            frequency: x, number of purchases the mean is over; 0 gives the population's mean.
            mean_amount: m, their mean amount; not read where x is 0.
        """
        spent = np.where(frequency > 0, mean_amount * frequency, 0.0)
        expected: FloatArray = self.p * (self.v + spent) / (self.p * frequency + self.q - 1)
        return expected


def fit_gamma_gamma(frequency: FloatArray, mean_amount: FloatArray) -> GammaGamma | None:
    """Maximum likelihood over customers with at least one purchase of a positive mean amount.

    Args:
        frequency: x, number of purchases, length n.
        mean_amount: m, their mean amount, length n.

    Returns:
        The model, or None where fewer than two customers can be learnt from.
    """
    use = (frequency > 0) & (mean_amount > 0)
    x, m = frequency[use], mean_amount[use]
    if len(x) < 2:
        return None
    scale = float(m.mean())
    m = m / scale

    def objective(logarithms: FloatArray) -> tuple[float, FloatArray]:
        p, beyond, v = np.exp(logarithms)
        q = 1.0 + beyond
        shape, spent = p * x, m * x
        likelihood = (
            gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v)
            + (shape - 1) * np.log(m) + shape * np.log(x) - (shape + q) * np.log(v + spent)
        )  # fmt: skip
        along_p = x * (digamma(shape + q) - digamma(shape) + np.log(spent) - np.log(v + spent))
        along_q = digamma(shape + q) - digamma(q) + np.log(v) - np.log(v + spent)
        along_v = q / v - (shape + q) / (v + spent)
        gradient = np.array([along_p.mean() * p, along_q.mean() * beyond, along_v.mean() * v])
        return -float(likelihood.mean()), -gradient

    found = minimize(objective, np.log([3.0, 2.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[(-_BOUND, _BOUND)] * 3)
    p, beyond, v = np.exp(found.x)
    return GammaGamma(float(p), float(1.0 + beyond), float(v * scale))
