"""Gradient-boosted trees on the tabular features: the baseline to beat (Ke and others, NeurIPS 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from gnn.features import Features, align
from gnn.forecast import Examples, Forecast
from graph.snapshot import FloatArray
from habitue.errors import NotTrainedError

if TYPE_CHECKING:
    import lightgbm

_COMMON: Final[dict[str, Any]] = {
    "min_child_samples": 40,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "deterministic": True,
    "verbosity": -1,
}
#: By target: its own settings. Churners are few, hence the smaller trees for them. A fixed number of rounds
#: instead of early stopping: the newest training cutoff is too valuable to be held back for it.
TARGETS: Final[dict[str, dict[str, Any]]] = {
    "churn": {"objective": "binary", "learning_rate": 0.04, "num_leaves": 7, "feature_fraction": 0.3, "rounds": 200},
    "value_median": {
        "objective": "l1",
        "learning_rate": 0.04,
        "num_leaves": 15,
        "feature_fraction": 0.5,
        "rounds": 200,
    },
    "value_mean": {
        "objective": "tweedie",
        "learning_rate": 0.04,
        "num_leaves": 15,
        "feature_fraction": 0.5,
        "rounds": 200,
    },
}
#: Parameters that features are put in bins by: those that could not split a leaf are left out then.
_OF_BINS: Final = ("max_bin", "min_child_samples")
#: With fewer examples a second thread costs more in waiting than it brings. The trees are the same either way.
FEWEST_FOR_THREADS: Final = 50_000


class LightGBM:
    """Three boosters on the stacked training cutoffs.

    Churn by binary cross-entropy; the median of value by absolute error; its mean by Tweedie deviance (power 1.5: a
    mass at zero and a skew tail).

    Args:
        settings: Of each target's booster; by default those that served best on Complete Journey.

    Attributes:
        targets: Those settings.
        names: Feature names in the order of the boosters' columns; empty before `fit`.
        boosters: By target (`churn`, `value_median`, `value_mean`); a target that was the same for all training
            examples has none.
        constants: That same value of such a target.
    """

    name = "lightgbm"
    needs_labels: Final = True
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = TARGETS

    def __init__(self, settings: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.targets = settings or self.settings
        self.names: tuple[str, ...] = ()
        self.boosters: dict[str, lightgbm.Booster] = {}
        self.constants: dict[str, float] = {}

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from all training cutoffs, stacked."""
        labelled = [(each, each.outcome) for each in training if each.outcome is not None]
        self.names = labelled[-1][0].features.names
        inputs = np.concatenate([align(each.features, self.names).values for each, _ in labelled])
        churned = np.concatenate([outcome.churned for _, outcome in labelled]).astype(np.float64)
        value = np.concatenate([np.maximum(outcome.value, 0.0) for _, outcome in labelled])
        self.boosters, self.constants = {}, {}
        binned: dict[tuple[Any, ...], lightgbm.Dataset] = {}
        for name, target in (("churn", churned), ("value_median", value), ("value_mean", value)):
            if name not in self.targets:
                continue
            if np.ptp(target) > 0:
                parameters = booster_parameters(len(inputs), self.targets[name], seed)
                way = tuple(parameters[each] for each in _OF_BINS)
                if way not in binned:
                    binned[way] = binned_inputs(inputs, parameters)
                self.boosters[name] = train_booster(binned[way], target, parameters)
            else:
                self.constants[name] = float(target[0])

    def predict(self, examples: Examples) -> Forecast:
        """Churn risk and both values."""
        risk = self.predict_target("churn", examples.features)
        median, mean = (
            np.maximum(self.predict_target(name, examples.features), 0.0) if name in self.targets else None
            for name in ("value_median", "value_mean")
        )
        return Forecast(churn_score=risk, churn_risk=risk, value_median=median, value_mean=mean)

    def predict_target(self, target: str, features: Features) -> FloatArray:
        """One target's prediction for each row of the features.

        Raises:
            NotTrainedError: Before `fit`.
        """
        if target in self.constants:
            return np.full(len(features), self.constants[target])
        if target not in self.boosters:
            raise NotTrainedError("The trees have not been fitted.")
        return booster_values(self.boosters[target], align(features, self.names).values)


class ChurnTrees(LightGBM):
    """The booster of churn alone, for a blend that has its values from other parts."""

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"churn": TARGETS["churn"]}


def booster_parameters(examples: int, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """All that a booster on so many examples is told; equal parameters, inputs and targets give equal trees."""
    threads = threads_for(examples)
    # The same trees either way: columns are the faster way through few examples, rows through many.
    way = "force_col_wise" if threads == 1 else "force_row_wise"
    return {**_COMMON, **settings, "seed": seed, "num_threads": threads, way: True}


def threads_for(examples: int) -> int:
    """Threads for so many examples, in LightGBM's terms: 0 is as many as there are cores.

    LightGBM keeps this number in one place for the whole process: a call with another one beside a fit would have that
    fit go on with more threads than it has buffers for, and crash.
    """
    return 1 if examples < FEWEST_FOR_THREADS else 0


def binned_inputs(inputs: FloatArray, parameters: Mapping[str, Any]) -> lightgbm.Dataset:
    """The features of n examples (n×f) in bins, which all targets of the same examples can share."""
    import lightgbm

    return lightgbm.Dataset(inputs, params=_without_rounds(parameters)).construct()


def train_booster(inputs: lightgbm.Dataset, target: FloatArray, parameters: Mapping[str, Any]) -> lightgbm.Booster:
    """A booster on the targets (n) of the examples that were binned."""
    import lightgbm

    inputs.set_label(target)
    return lightgbm.train(_without_rounds(parameters), inputs, num_boost_round=parameters["rounds"])


def booster_values(booster: lightgbm.Booster, inputs: FloatArray, *, raw_score: bool = False) -> FloatArray:
    """What a booster says of n examples (n×f): [n]; by one thread, as it may be asked beside fits (see `threads_for`).

    Args:
        booster: Trained.
        inputs: Features in the order of its columns.
        raw_score: The sum of its trees in place of what follows from it.
    """
    return np.asarray(booster.predict(inputs, raw_score=raw_score, num_threads=1), np.float64)


def _without_rounds(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "rounds"}
