"""How the forecaster's two halves become one prediction, and how far its members disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnn.calibration import logit
from graph.snapshot import FloatArray


@dataclass(frozen=True)
class BlendWeights:
    """Share of the network in each blended prediction, in [0, 1]; the trees have the rest.

    Attributes:
        churn: Of the churn logit.
        value_median: Of the logarithm of 1 + median value.
        value_mean: Of the mean value.
    """

    churn: float = 0.5
    value_median: float = 0.5
    value_mean: float = 0.5


@dataclass(frozen=True, eq=False)
class HalfForecasts:
    """What both halves foretell for n customers.

    Attributes:
        churn_logits: Raw churn logits of the m network members and, last, of the trees ((m+1)×n).
        network_median, trees_median: Median value, in currency (n).
        network_mean, trees_mean: Mean value, in currency (n).
    """

    churn_logits: FloatArray
    network_median: FloatArray
    trees_median: FloatArray
    network_mean: FloatArray
    trees_mean: FloatArray

    def member_weights(self, share: float) -> FloatArray:
        """Weight of each row of `churn_logits`, summing to 1, when the network has this share."""
        members = len(self.churn_logits) - 1
        return np.array([share / members] * members + [1.0 - share])

    def churn_logit(self, share: float) -> FloatArray:
        """The blended churn logit."""
        result: FloatArray = self.member_weights(share) @ self.churn_logits
        return result

    def value_median(self, share: float) -> FloatArray:
        """The blended median, between the two on the scale of log(1 + value)."""
        result: FloatArray = np.expm1(
            share * np.log1p(self.network_median) + (1.0 - share) * np.log1p(self.trees_median)
        )
        return np.maximum(result, 0.0)

    def value_mean(self, share: float) -> FloatArray:
        """The blended mean."""
        return share * self.network_mean + (1.0 - share) * self.trees_mean


def deviation(members: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted standard deviation over members (k×n, weights of length k summing to 1), length n."""
    centre = weights @ members
    result: FloatArray = np.sqrt(weights @ (members - centre) ** 2)
    return result


def out_of_time_weights(halves: HalfForecasts, churned: FloatArray, value: FloatArray) -> BlendWeights:
    """The shares that served best at a cutoff that neither half learnt from, drawn half-way to an equal blend.

    Judged by logarithmic loss (churn), absolute error (median) and squared error (mean).
    """
    shares = np.linspace(0.0, 1.0, 11)
    churn = [float(np.mean(np.logaddexp(0.0, z) - churned * z)) for z in map(halves.churn_logit, shares)]
    median = [float(np.mean(np.abs(v - value))) for v in map(halves.value_median, shares)]
    mean = [float(np.mean((v - value) ** 2)) for v in map(halves.value_mean, shares)]
    return BlendWeights(best_share(churn), best_share(median), best_share(mean))


def best_share(losses: list[float]) -> float:
    """The share with the least loss, drawn half-way to one half.

    One cutoff says which half is better, less surely by how much; and the loss of a blend is flat around its best
    share, so that half a step keeps most of what there is to gain and risks little.

    Args:
        losses: Losses at evenly spaced shares from 0 to 1.
    """
    shares = np.linspace(0.0, 1.0, len(losses))
    return float((shares[int(np.argmin(losses))] + 0.5) / 2.0)


def stacked_logits(network: FloatArray, trees_risk: FloatArray) -> FloatArray:
    """Rows of network logits (m×n) with the trees' logit (of a probability, n) as the last row."""
    return np.concatenate([network, logit(trees_risk)[None]])
