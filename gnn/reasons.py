"""Why a customer's churn risk is what it is: the features that move it most.

The contributions are the exact Shapley values of the trees (TreeSHAP, Lundberg and others, 2020, as LightGBM computes
them), in log-odds against the average training customer. They speak for the trees' half of the blend only: what the
network and the graph add is not in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gnn.features import align

if TYPE_CHECKING:
    from gnn.baselines.lightgbm_forecaster import LightGBM
    from gnn.features import Features
    from gnn.forecast import Examples
    from gnn.habitue_forecaster import HabitueForecaster
    from graph.snapshot import FloatArray

#: Contributions smaller than this, in log-odds, are no reason: they move a risk of one half by a quarter of a percent.
_SMALLEST = 0.01


def churn_contributions(trees: LightGBM, features: Features) -> FloatArray:
    """Contributions of each feature to the trees' churn log-odds, and last the average: n×(f+1), rows sum to the logit.

    Args:
        trees: Fitted trees; without a churn booster (all labels alike) everything is zero.
        features: Features of n customers.
    """
    if "churn" not in trees.boosters:
        return np.zeros((len(features), len(trees.names) + 1))
    values = align(features, trees.names).values
    result: FloatArray = np.asarray(trees.boosters["churn"].predict(values, pred_contrib=True), np.float64)
    return result


def churn_reasons(forecaster: HabitueForecaster, examples: Examples, *, most: int = 5) -> list[list[dict[str, Any]]]:
    """The few features that move each customer's risk most, largest first.

    Args:
        forecaster: A fitted one, whose trees are asked.
        examples: The n customers, with their features.
        most: At most so many reasons each; fewer where few features matter.

    Returns:
        One list for each customer of JSON objects: `feature` (its name), `label` (what it means to a reader, with its
        unit), `value` (the customer's; None where undefined), `contribution` (what it adds to the log-odds of churn
        against the average training customer) and `direction` (whether that `raises` or `lowers` the risk).

    Raises:
        NotTrainedError: Before the forecaster is fitted.
    """
    trees, features = forecaster.require_fitted().trees, examples.features
    contributions = churn_contributions(trees, features)[:, :-1]
    aligned = align(features, trees.names)
    leading = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :most]
    return [
        [
            _reason(aligned, row, column, float(contributions[row, column]))
            for column in columns.tolist()
            if abs(contributions[row, column]) >= _SMALLEST
        ]
        for row, columns in enumerate(leading)
    ]


def _reason(features: Features, row: int, column: int, contribution: float) -> dict[str, Any]:
    name, value = features.names[column], float(features.values[row, column])
    return {
        "feature": name,
        "label": features.labels.get(name, name),
        "value": value if np.isfinite(value) else None,
        "contribution": contribution,
        "direction": "raises" if contribution > 0 else "lowers",
    }
