"""Gradient-boosted trees on the tabular features: the baseline to beat (Ke and others, NeurIPS 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gnn.features import align
from gnn.forecast import Examples, Forecast
from habitue.errors import NotTrainedError

if TYPE_CHECKING:
    import lightgbm

_COMMON: Final[dict[str, Any]] = {
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_child_samples": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_ROUNDS: Final = 200


class LightGBM:
    """Three boosters on the stacked training cutoffs: churn, median of value, mean of value.

    Attributes:
        names: Feature names in the order of the boosters' columns; empty before `fit`.
        boosters: `churn`, `value_median`, `value_mean`; empty before `fit`.
    """

    name: Final = "lightgbm"
    needs_labels: Final = True

    def __init__(self, **settings: Any) -> None:
        self.names: tuple[str, ...] = ()
        self.boosters: dict[str, lightgbm.Booster] = {}
        self.settings = settings

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from all training cutoffs, stacked."""
        import lightgbm

        s = dict(self.settings)
        labelled = [(each, each.outcome) for each in training if each.outcome is not None]
        self.names = labelled[-1][0].features.names
        inputs = np.concatenate([align(each.features, self.names).values for each, _ in labelled])
        churned = np.concatenate([outcome.churned for _, outcome in labelled]).astype(np.float64)
        value = np.concatenate([np.maximum(outcome.value, 0.0) for _, outcome in labelled])
        rounds = s.pop("rounds", _ROUNDS)
        mean_objective = s.pop("mean", "tweedie")
        common = {**_COMMON, **s, "seed": seed}
        for name, target, params in (
            ("churn", churned, {"objective": "binary"}),
            ("value_median", value, {"objective": "l1"}),
            ("value_mean", value, {"objective": mean_objective}),
        ):
            data = lightgbm.Dataset(inputs, label=target, feature_name=[f"feature_{i}" for i in range(len(self.names))])
            self.boosters[name] = lightgbm.train({**common, **params}, data, num_boost_round=rounds)

    def predict(self, examples: Examples) -> Forecast:
        """Churn risk and both values."""
        if not self.boosters:
            raise NotTrainedError("The trees have not been fitted.")
        inputs = align(examples.features, self.names).values
        risk = np.asarray(self.boosters["churn"].predict(inputs))
        return Forecast(
            churn_score=risk,
            churn_risk=risk,
            value_median=np.maximum(np.asarray(self.boosters["value_median"].predict(inputs)), 0.0),
            value_mean=np.maximum(np.asarray(self.boosters["value_mean"].predict(inputs)), 0.0),
        )
