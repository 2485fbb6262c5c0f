"""The BG/NBD model of repeat purchases: "buy till you die", where a customer may die after any purchase.

While alive, a customer buys at rate λ ~ Gamma(r, α); after each purchase it dies with probability p ~ Beta(a, b).
Source: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005) 275-284.
Time is in weeks, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

from graph.snapshot import FloatArray

#: Nodes of the quadrature over the death probability; 32 agree with the closed form to twelve digits.
_NODES: Final = 32
#: Parameters are sought between e^-9 and e^9: where nobody dies, a/(a+b) would run to zero without end.
_BOUND: Final = 9.0


@dataclass(frozen=True, eq=False)
class PurchaseSummary:
    """What the model needs of each customer; arrays of length n.

    Attributes:
        frequency: x, the number of repeat purchases (distinct days after the first).
        recency: t_x, weeks from the first to the last purchase; 0 where there is no repeat.
        age: T, weeks from the first purchase to the cutoff.
    """

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray


@dataclass(frozen=True)
class BetaGeometricNBD:
    """The fitted model; `r`, `alpha` (weeks) of the purchase rate, `a`, `b` of the death probability."""

    r: float
    alpha: float
    a: float
    b: float

    def probability_alive(self, customers: PurchaseSummary) -> FloatArray:
        """P(alive at T | x, t_x, T), length n; 1 for a customer without a repeat purchase."""
        x, age = customers.frequency, customers.age
        odds_dead = np.full(len(x), -np.inf)
        some = x > 0
        odds_dead[some] = (
            np.log(self.a)
            - np.log(self.b + x[some] - 1)
            + (self.r + x[some]) * np.log((self.alpha + age[some]) / (self.alpha + customers.recency[some]))
        )
        alive: FloatArray = expit(-odds_dead)
        return alive

    def probability_no_purchase(self, customers: PurchaseSummary, weeks: float) -> FloatArray:
        """P(no purchase in (T, T + weeks] | x, t_x, T), length n.

        A customer dies at a purchase only: without one in the window it is dead now, or alive and merely waiting,
        whose rate is Gamma(r + x, α + T) whatever p. Hence 1 - P(alive)·(1 - ((α + T)/(α + T + t))^(r + x)).
        """
        waiting = np.log1p(weeks / (self.alpha + customers.age)) * -(self.r + customers.frequency)
        return 1.0 + self.probability_alive(customers) * np.expm1(waiting)

    def expected_purchases(self, customers: PurchaseSummary, weeks: float) -> FloatArray:
        """E[purchases in (T, T + weeks] | x, t_x, T], length n.

        Given λ and p, an alive customer makes (1 - e^(-λpt))/p purchases on average. Over λ ~ Gamma(r + x, α + T) that
        is (1 - (1 + pt/(α + T))^-(r + x))/p, and over p ~ Beta(a, b + x) it is a smooth integral, taken by
        Gauss-Jacobi quadrature. It equals the paper's equation (10) with 2F1, but is stable near a = 1 and for large x.
        """
        result = np.empty(len(customers.frequency))
        for x in np.unique(customers.frequency):
            at = np.flatnonzero(customers.frequency == x)
            nodes, weights = _beta_quadrature(self.a, self.b + float(x))
            p = np.clip(nodes, 1e-12, 1.0)
            scaled = weeks / (self.alpha + customers.age[at])
            purchases = -np.expm1(-(self.r + x) * np.log1p(p[None, :] * scaled[:, None])) / p
            result[at] = purchases @ weights
        return result * self.probability_alive(customers)


def _beta_quadrature(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """Gauss-Jacobi nodes in (0, 1) and weights, summing to 1, of the expectation over Beta(a, b); length `_NODES`.

    Nodes are the eigenvalues of the Jacobi matrix, weights the squared first entries of its eigenvectors (Golub and
    Welsch, 1969). The matrix is built from the canonical moments of the Beta distribution (Dette and Studden, 1997,
    "The Theory of Canonical Moments"), sums of positive terms: unlike SciPy's `roots_jacobi`, whose weights are scaled
    by a Beta function, it neither overflows nor cancels, however large b is.
    """
    k = np.arange(1, _NODES + 1)
    odd, even = (a + k - 1) / (a + b + 2 * k - 2), k / (a + b + 2 * k - 1)
    not_odd, not_even = (b + k - 1) / (a + b + 2 * k - 2), (a + b + k - 1) / (a + b + 2 * k - 1)
    first = odd * np.append(1.0, not_even[:-1])
    second = even * not_odd
    diagonal = first + np.append(0.0, second[:-1])
    nodes, vectors = eigh_tridiagonal(diagonal, np.sqrt(first * second)[:-1])
    return nodes.astype(np.float64), np.square(vectors[0])


def fit_bg_nbd(customers: PurchaseSummary) -> BetaGeometricNBD:
    """Maximum likelihood over the logarithms of the parameters, with the exact gradient.

    Raises:
        ValueError: If there is nobody to learn from.
    """
    if not len(customers.frequency):
        raise ValueError("BG/NBD needs at least one customer.")
    distinct, many = np.unique(
        np.stack([customers.frequency, customers.recency, customers.age]), axis=1, return_counts=True
    )
    objective = negative_log_likelihood(PurchaseSummary(*distinct), many.astype(np.float64))
    mean_age = max(float(customers.age.mean()), 1.0)
    start = np.log([1.0, mean_age / (1.0 + customers.frequency.mean()), 0.5, 2.0])
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[(-_BOUND, _BOUND)] * 4)
    r, alpha, a, b = np.exp(found.x)
    return BetaGeometricNBD(float(r), float(alpha), float(a), float(b))


def negative_log_likelihood(
    customers: PurchaseSummary, many: FloatArray
) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Mean negative log-likelihood and its gradient as a function of ln(r, α, a, b).

    Args:
        customers: Distinct summaries, length n.
        many: How many customers share each, length n.
    """
    x, recency, age = customers.frequency, customers.recency, customers.age
    repeats = np.maximum(x, 1.0)
    share = many / many.sum()

    def objective(logarithms: FloatArray) -> tuple[float, FloatArray]:
        r, alpha, a, b = np.exp(logarithms)
        alive = -(r + x) * np.log(alpha + age)
        dead = np.where(x > 0, np.log(a) - np.log(b + repeats - 1) - (r + x) * np.log(alpha + recency), -np.inf)
        buying = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        surviving = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        likelihood = buying + surviving + np.logaddexp(alive, dead)
        is_alive = expit(alive - dead)
        is_dead = 1.0 - is_alive
        along_r = digamma(r + x) - digamma(r) + np.log(alpha)
        along_r -= is_alive * np.log(alpha + age) + is_dead * np.log(alpha + recency)
        along_alpha = r / alpha - (r + x) * (is_alive / (alpha + age) + is_dead / (alpha + recency))
        along_a = digamma(a + b) - digamma(a + b + x) + is_dead / a
        along_b = digamma(a + b) + digamma(b + x) - digamma(b) - digamma(a + b + x) - is_dead / (b + repeats - 1)
        gradient = np.array([share @ along_r, share @ along_alpha, share @ along_a, share @ along_b])
        return -float(share @ likelihood), -gradient * np.array([r, alpha, a, b])

    return objective
