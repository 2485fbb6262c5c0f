"""A ridge-penalised logistic regression on all features: the part of the blend that cannot overfit a corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gnn.features import Features
from gnn.forecast import Examples
from gnn.tabular import TabularTransform
from graph.snapshot import FloatArray

#: Variance of the normal prior on the coefficient of a standardised feature, chosen among .001 to .03.
_PRIOR_VARIANCE: Final = 0.001


@dataclass(frozen=True, eq=False)
class LinearHalf:
    """The fitted regression.

    Attributes:
        transform: From features to regressors, standardised logarithms.
        coefficients: Of the regressors (width of the transform).
        intercept: Log-odds of the average training customer.
    """

    transform: TabularTransform
    coefficients: FloatArray
    intercept: float

    def churn_logit(self, features: Features) -> FloatArray:
        """Log-odds of churn, length n."""
        result: FloatArray = self.transform(features) @ self.coefficients + self.intercept
        return result


def fit_linear(training: Sequence[Examples]) -> LinearHalf:
    """Learn from labelled examples, stacked; where the labels are all alike, the intercept alone stands."""
    from sklearn.linear_model import LogisticRegression

    labelled = [(each, each.outcome) for each in training if each.outcome is not None]
    transform = TabularTransform.of([each.features for each, _ in labelled])
    churned = np.concatenate([outcome.churned for _, outcome in labelled]).astype(np.float64)
    if churned.min() == churned.max() or not transform.width:
        rate = (churned.sum() + 0.5) / (len(churned) + 1.0)
        return LinearHalf(transform, np.zeros(transform.width), float(np.log(rate / (1.0 - rate))))
    inputs = np.concatenate([transform(each.features) for each, _ in labelled])
    found = LogisticRegression(C=_PRIOR_VARIANCE, max_iter=300).fit(inputs, churned)
    return LinearHalf(transform, found.coef_[0].astype(np.float64), float(found.intercept_[0]))
