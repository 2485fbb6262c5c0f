"""Penalised logistic regressions: on all features, and on recency, frequency, tenure and spend alone.

They are the parts of a blend that cannot overfit a corner: among the few at the very top, where trees have seen hardly
anybody, the short one orders best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gnn.features import Features, align
from gnn.forecast import Examples
from gnn.tabular import TabularTransform
from graph.snapshot import FloatArray

#: Variance of the normal prior on the coefficient of a standardised feature among many, chosen among .001 to .03 …
MANY_VARIANCE: Final = 0.001
#: … and among few, where it is next to none.
FEW_VARIANCE: Final = 1.0
#: The few.
RFM_FEATURES: Final = ("recency_days", "orders", "tenure_days", "spend")


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


def fit_linear(
    training: Sequence[Examples], names: Sequence[str] = (), *, prior_variance: float = MANY_VARIANCE
) -> LinearHalf:
    """Learn from labelled examples, stacked; where the labels are all alike, the intercept alone stands.

    Args:
        training: At one or more cutoffs, oldest first.
        names: Features to use, those of them that there are; all of them by default.
        prior_variance: Of the coefficients of the standardised features.
    """
    from sklearn.linear_model import LogisticRegression

    labelled = [(each, each.outcome) for each in training if each.outcome is not None]
    known = labelled[-1][0].features.names
    used = [name for name in names or known if name in known]
    transform = TabularTransform.of([align(each.features, used) for each, _ in labelled])
    churned = np.concatenate([outcome.churned for _, outcome in labelled]).astype(np.float64)
    if churned.min() == churned.max() or not transform.width:
        rate = (churned.sum() + 0.5) / (len(churned) + 1.0)
        return LinearHalf(transform, np.zeros(transform.width), float(np.log(rate / (1.0 - rate))))
    inputs = np.concatenate([transform(each.features) for each, _ in labelled])
    found = LogisticRegression(C=prior_variance, max_iter=300).fit(inputs, churned)
    return LinearHalf(transform, found.coef_[0].astype(np.float64), float(found.intercept_[0]))
