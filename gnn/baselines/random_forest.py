"""A random forest on the tabular features (Breiman, 2001), grown by LightGBM so that it can be kept as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from gnn.baselines.lightgbm_forecaster import LightGBM

_COMMON: Final[dict[str, Any]] = {
    "boosting": "rf",
    "rounds": 200,
    "num_leaves": 63,
    "min_child_samples": 10,
    "bagging_fraction": 0.5,
    "feature_fraction": 0.2,
    "lambda_l2": 0.0,
}


class RandomForest(LightGBM):
    """Averages of 200 trees, each on half of the examples and a fifth of the features.

    Churn and the mean of value by squared error, so that a leaf says its share of churners, its mean value; the median
    of value by absolute error.
    """

    name = "random_forest"
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "churn": {**_COMMON, "objective": "l2"},
        "value_median": {**_COMMON, "objective": "l1"},
        "value_mean": {**_COMMON, "objective": "l2"},
    }


class ChurnForest(RandomForest):
    """The forest of churn alone, for a blend that has its values from other parts."""

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"churn": RandomForest.settings["churn"]}
