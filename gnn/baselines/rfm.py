"""Recency, frequency, monetary value: logistic regression for churn, two regressions for value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from gnn.features import align
from gnn.forecast import Examples, Forecast
from graph.snapshot import FloatArray, Int64Array
from habitue.errors import NotTrainedError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: Logarithms of these are the regressors of churn and value alike …
_LOGARITHMS: Final = ("recency_days", "orders", "tenure_days", "spend")
#: … and these, as they are, of value besides: value is additive in the pace of spend, not multiplicative.
_PACES: Final = ("spend_per_30_observed_days", "spend_90_days")
#: The linear programme of the median regression takes half a second on so many examples, and grows faster than they do.
_MOST_MEDIAN_EXAMPLES: Final = 3_000


class RfmLogistic:
    """Linear models on standardised recency, frequency, tenure and spend.

    Churn: logistic regression on their logarithms. Value: on these and the pace of spend, ridge regression for the mean
    and linear quantile regression (Koenker and Bassett, 1978) for the median, both cut off at zero. (Regressions with a
    logarithmic link were measured too: they extrapolate exponentially, which the heaviest buyers do not follow.)
    """

    name: Final = "rfm_logistic"
    needs_labels: Final = True

    def __init__(self) -> None:
        self._churn: Pipeline | None = None
        self._median: Pipeline | None = None
        self._mean: Pipeline | None = None
        self._churn_rate = 0.0
        self._names: tuple[str, ...] = ()

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from all training cutoffs, stacked."""
        from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        labelled = [(each, each.outcome) for each in training if each.outcome is not None]
        # The newest cutoff has met the most: a shop may have begun to record amounts only after the oldest.
        self._names = labelled[-1][0].features.names
        churn_inputs, value_inputs = (
            np.concatenate(parts) for parts in zip(*(_inputs(each, self._names) for each, _ in labelled), strict=True)
        )
        churned = np.concatenate([outcome.churned for _, outcome in labelled])
        value = np.concatenate([np.maximum(outcome.value, 0.0) for _, outcome in labelled])
        self._churn_rate = float(churned.mean())
        if 0.0 < self._churn_rate < 1.0:
            self._churn = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(churn_inputs, churned)
        self._mean = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(value_inputs, value)
        some = _sample(len(value), seed)
        median = QuantileRegressor(quantile=0.5, alpha=0.0, solver="highs")
        self._median = make_pipeline(StandardScaler(), median).fit(value_inputs[some], value[some])

    def predict(self, examples: Examples) -> Forecast:
        """Churn risk and both values."""
        if self._mean is None or self._median is None:
            raise NotTrainedError("The RFM regressions have not been fitted.")
        churn_inputs, value_inputs = _inputs(examples, self._names)
        if self._churn is not None:
            risk = self._churn.predict_proba(churn_inputs)[:, 1]
        else:  # everybody churned in training, or nobody
            risk = np.full(len(churn_inputs), self._churn_rate)
        return Forecast(
            churn_score=risk,
            churn_risk=risk,
            value_median=np.maximum(self._median.predict(value_inputs), 0.0),
            value_mean=np.maximum(self._mean.predict(value_inputs), 0.0),
        )


def _inputs(examples: Examples, names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Regressors of churn and of value, one row per customer.

    Which they are is told by the features that training knew: spend only where the source has amounts. What a cutoff
    does not know counts as 0.
    """
    features = align(examples.features, [name for name in (*_LOGARITHMS, *_PACES) if name in names])
    known = {name: np.nan_to_num(features.column(name), nan=0.0) for name in features.names}
    logarithms = [np.log1p(np.maximum(known[name], 0.0)) for name in _LOGARITHMS if name in known]
    paces = [known[name] for name in _PACES if name in known]
    return np.stack(logarithms, axis=1), np.stack(logarithms + paces, axis=1)


def _sample(count: int, seed: int) -> Int64Array:
    """Rows of a random sample without replacement, or all rows where there are few enough."""
    if count <= _MOST_MEDIAN_EXAMPLES:
        return np.arange(count)
    return np.random.default_rng(seed).choice(count, _MOST_MEDIAN_EXAMPLES, replace=False)
