"""Value by boosted trees that start from the customer's own pace of spending, as a generalised linear model's offset.

A leaf of a tree says one figure to all who fall into it. Where a few customers spend a hundred times what most do, as
where wholesalers buy beside households, those at the top share a leaf with many who spend far less. Here the leaves say
by how much a customer's value lies above or below what its pace so far would make, so that the pace carries the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from gnn.baselines.lightgbm_forecaster import LightGBM, binned_inputs, booster_parameters, booster_values, train_booster
from gnn.features import Features, align
from gnn.forecast import Examples
from graph.snapshot import FloatArray

#: The pace: spend for 30 days since the first purchase.
_PACE: Final = "spend_per_30_observed_days"
_MEDIAN, _MEAN = "value_median", "value_mean"
#: What is learnt besides trees: the pace's factors in median and mean, and what is added to the mean's, in currency.
_MEDIAN_FACTOR, _MEAN_FACTOR, _FLOOR = "median_of_pace", "mean_of_pace", "floor"
#: The floor as a share of the mean value: somebody who never paid anything may still buy.
_FLOOR_SHARE: Final = 0.1
_TREES: Final[Mapping[str, Any]] = {"learning_rate": 0.04, "num_leaves": 15, "feature_fraction": 0.5, "rounds": 200}


class PacedValue(LightGBM):
    """Median and mean of value.

    The median by absolute error of log(1 + value), which has the same median, from log(1 + a·pace), where a is the
    factor with the least absolute error; the mean by Tweedie deviance with its logarithmic link, from log(b·pace + c),
    where b·pace adds up to all value and c is a tenth of its mean.
    """

    name = "paced_value"
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        _MEDIAN: {"objective": "l1", **_TREES},
        _MEAN: {"objective": "tweedie", **_TREES},
    }

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from all training cutoffs, stacked."""
        labelled = [(each, each.outcome) for each in training if each.outcome is not None]
        self.names = labelled[-1][0].features.names
        inputs = np.concatenate([align(each.features, self.names).values for each, _ in labelled])
        value = np.concatenate([np.maximum(outcome.value, 0.0) for _, outcome in labelled])
        self.boosters = {}
        if np.ptp(value) == 0:
            self.constants = dict.fromkeys((_MEDIAN, _MEAN), float(value[0]))
            return
        pace = np.concatenate([pace_of(each.features) for each, _ in labelled])
        self.constants = {
            _MEDIAN_FACTOR: median_factor(pace, value),
            _MEAN_FACTOR: float(value.sum() / pace.sum()) if pace.sum() > 0 else 0.0,
            _FLOOR: _FLOOR_SHARE * float(value.mean()),
        }
        binned = binned_inputs(inputs, booster_parameters(len(inputs), _TREES, seed))
        for name, target in ((_MEDIAN, np.log1p(value)), (_MEAN, value)):
            binned.set_init_score(self._start(name, pace))
            self.boosters[name] = train_booster(
                binned, target, booster_parameters(len(inputs), self.targets[name], seed)
            )

    def predict_target(self, target: str, features: Features) -> FloatArray:
        """Median or mean of value for each row of the features, in currency."""
        if target not in self.boosters:
            return super().predict_target(target, features)
        above = booster_values(self.boosters[target], align(features, self.names).values, raw_score=True)
        found = above + self._start(target, pace_of(features))
        result: FloatArray = np.expm1(np.maximum(found, 0.0)) if target == _MEDIAN else np.exp(found)
        return result

    def _start(self, target: str, pace: FloatArray) -> FloatArray:
        """Where the trees of a target start from, on their scale."""
        if target == _MEDIAN:
            return np.log1p(self.constants[_MEDIAN_FACTOR] * pace)
        return np.log(self.constants[_MEAN_FACTOR] * pace + self.constants[_FLOOR])


def pace_of(features: Features) -> FloatArray:
    """Each customer's spend for 30 days since the first purchase, not below zero; 0 where it is not known."""
    if _PACE not in features.names:
        return np.zeros(len(features))
    return np.maximum(np.nan_to_num(features.column(_PACE)), 0.0)


def median_factor(pace: FloatArray, value: FloatArray) -> float:
    """The a with the least sum of |value - a·pace|: the median of value / pace, weighted by pace; 0 without any."""
    known = pace > 0
    if not known.any():
        return 0.0
    ratio = value[known] / pace[known]
    order = np.argsort(ratio, kind="stable")
    weight = np.cumsum(pace[known][order])
    return float(ratio[order][np.searchsorted(weight, weight[-1] / 2.0)])
