"""Recency, frequency, monetary value: logistic regression for churn, two regressions for value."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from gnn.forecast import Examples, Forecast
from graph.snapshot import FloatArray
from habitue.errors import NotTrainedError

#: Logarithms of these are the regressors. Spend is left out where the source has no amounts.
_COLUMNS: Final = ("recency_days", "orders", "tenure_days", "spend")
#: The linear programme of the median regression takes half a second on so many examples and grows with the square.
_MOST_MEDIAN_EXAMPLES: Final = 3_000


class RfmLogistic:
    """Linear models on the logarithms of recency, frequency, tenure and spend, standardised.

    Churn: logistic regression. Value, mean: a generalised linear model with logarithmic link and Tweedie deviance of
    power 1.5 (compound Poisson-gamma: a mass at zero and a skew tail). Value, median: linear quantile regression of
    ln(1 + value), whose median carries over to the value itself because the logarithm is increasing.
    """

    name: Final = "rfm_logistic"
    needs_labels: Final = True

    def __init__(self) -> None:
        self._models: tuple[Any, Any, Any] | None = None
        self._churn_rate = 0.0

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from all training cutoffs, stacked."""
        from sklearn.linear_model import LogisticRegression, QuantileRegressor, TweedieRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        labelled = [(each, each.outcome) for each in training if each.outcome is not None]
        inputs = np.concatenate([_regressors(each) for each, _ in labelled])
        churned = np.concatenate([outcome.churned for _, outcome in labelled])
        value = np.concatenate([np.maximum(outcome.value, 0.0) for _, outcome in labelled])
        self._churn_rate = float(churned.mean())
        churn = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
        mean = make_pipeline(StandardScaler(), TweedieRegressor(power=1.5, link="log", alpha=1e-4, max_iter=1000))
        median = make_pipeline(StandardScaler(), QuantileRegressor(quantile=0.5, alpha=0.0, solver="highs"))
        if 0.0 < self._churn_rate < 1.0:
            churn.fit(inputs, churned)
        scale = max(float(value.mean()), 1e-9)
        mean.fit(inputs, value / scale)
        mean.scale = scale
        some = _sample(len(value), seed)
        median.fit(inputs[some], np.log1p(value[some]))
        self._models = (churn, median, mean)

    def predict(self, examples: Examples) -> Forecast:
        """Churn risk and both values."""
        if self._models is None:
            raise NotTrainedError("The RFM regression has not been fitted.")
        churn, median, mean = self._models
        inputs = _regressors(examples)
        if 0.0 < self._churn_rate < 1.0:
            risk = churn.predict_proba(inputs)[:, 1]
        else:
            risk = np.full(len(inputs), self._churn_rate)
        return Forecast(
            churn_score=risk,
            churn_risk=risk,
            value_median=np.maximum(np.expm1(median.predict(inputs)), 0.0),
            value_mean=mean.predict(inputs) * mean.scale,
        )


def _regressors(examples: Examples) -> FloatArray:
    """Logarithms of the columns there are, n by 3 or 4."""
    features = examples.features
    columns = [np.log1p(np.maximum(features.column(name), 0.0)) for name in _COLUMNS if name in features.names]
    return np.nan_to_num(np.stack(columns, axis=1))


def _sample(count: int, seed: int) -> Any:
    if count <= _MOST_MEDIAN_EXAMPLES:
        return slice(None)
    return np.random.default_rng(seed).choice(count, _MOST_MEDIAN_EXAMPLES, replace=False)
