"""Value in two steps: whether anything is bought, and how much by those who buy (a zero-inflated lognormal).

The mean is (1 - churn risk) · exp(μ + σ²/2), where μ is foretold by boosted trees on the logarithm of buyers' value and
σ² is what they leave over (Wang, Liu and Miao, 2019, with trees in the place of a network). Where most buy nothing it
orders customers better than a mean learnt in one step does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from gnn.baselines.lightgbm_forecaster import LightGBM, binned_inputs, booster_parameters, booster_values, train_booster
from gnn.features import Features, align
from gnn.forecast import Examples
from graph.snapshot import FloatArray

#: Fewer buyers than this get their mean logarithm instead of trees.
_FEWEST_BUYERS: Final = 200
_TARGET: Final = "log_amount"
_VARIANCE: Final = "variance"
#: Logarithm of the amount where nobody ever bought for money.
_NOTHING: Final = -30.0


class Amounts(LightGBM):
    """How much those buy who buy anything; `constants` holds σ²."""

    name = "amounts"
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        _TARGET: {"objective": "l2", "learning_rate": 0.04, "num_leaves": 15, "feature_fraction": 0.3, "rounds": 150}
    }

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from those of all training cutoffs who bought."""
        labelled = [(each, each.outcome) for each in training if each.outcome is not None]
        self.names = labelled[-1][0].features.names
        value = np.concatenate([outcome.value for _, outcome in labelled])
        bought = value > 0
        logarithm = np.log(value[bought])
        self.boosters, self.constants = {}, {_VARIANCE: 0.0}
        if len(logarithm) < _FEWEST_BUYERS or np.ptp(logarithm) == 0:
            self.constants[_TARGET] = float(np.log(np.mean(value[bought]))) if len(logarithm) else _NOTHING
            return
        inputs = np.concatenate([align(each.features, self.names).values for each, _ in labelled])[bought]
        parameters = booster_parameters(len(inputs), self.targets[_TARGET], seed)
        booster = train_booster(binned_inputs(inputs, parameters), logarithm, parameters)
        self.boosters[_TARGET] = booster
        self.constants[_VARIANCE] = float(np.var(logarithm - booster_values(booster, inputs)))

    def expected_value(self, churn_risk: FloatArray, features: Features) -> FloatArray:
        """Mean value of n customers, in currency."""
        amount = np.exp(self.predict_target(_TARGET, features) + self.constants[_VARIANCE] / 2.0)
        result: FloatArray = (1.0 - churn_risk) * amount
        return result
