"""LightGBM with settings searched for out of time, so that the baseline to beat is not beaten by its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gnn.baselines.lightgbm_forecaster import TARGETS, LightGBM
from gnn.forecast import Examples

if TYPE_CHECKING:
    import optuna

    from gnn.task import Outcome
    from graph.snapshot import FloatArray

#: Settings tried for each target, the defaults first.
TRIALS: Final = 20


class Tuning:
    """The settings found, one search for a whole backtest: at its first fold, whose past is every later fold's too.

    Args:
        horizon: The outcome windows of what is learnt from and what is judged are kept apart.
        trials: Settings tried for each target.
    """

    def __init__(self, horizon: timedelta, trials: int = TRIALS) -> None:
        self.horizon = horizon
        self.trials = trials
        self._found: Mapping[str, Mapping[str, Any]] | None = None

    def settings(self, training: list[Examples], seed: int) -> Mapping[str, Mapping[str, Any]]:
        """The best settings of each target: learnt on the older cutoffs, judged on the newest.

        Judged by logarithmic loss, absolute error and squared error (Akiba and others, 2019, for the search). The
        defaults stand where no cutoff ends before the newest one's outcome window begins.
        """
        if self._found is None:
            newest = training[-1]
            older = [each for each in training if each.cutoff + self.horizon <= newest.cutoff]
            if not older:
                return TARGETS
            self._found = {name: self._searched(name, older, newest, seed) for name in TARGETS}
        return self._found

    def _searched(self, target: str, older: list[Examples], newest: Examples, seed: int) -> Mapping[str, Any]:
        import optuna

        defaults = TARGETS[target]

        def loss(trial: optuna.Trial) -> float:
            model = LightGBM({target: {**defaults, **_suggested(trial)}})
            model.fit(older, seed=seed)
            return _loss(target, model.predict_target(target, newest.features), newest.outcome)

        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
            study.enqueue_trial(
                {
                    "learning_rate": defaults["learning_rate"],
                    "num_leaves": defaults["num_leaves"],
                    "feature_fraction": defaults["feature_fraction"],
                    "rounds": defaults["rounds"],
                    "min_child_samples": 40,
                    "lambda_l2": 5.0,
                }
            )
            study.optimize(loss, n_trials=self.trials)
        finally:
            optuna.logging.set_verbosity(before)
        return {**defaults, **study.best_params}


class TunedLightGBM(LightGBM):
    """LightGBM with the settings of a `Tuning` that the folds of a backtest share."""

    def __init__(self, tuning: Tuning) -> None:
        super().__init__()
        self._tuning = tuning

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Tune where that has not been done, then learn from all training cutoffs, stacked."""
        self.targets = self._tuning.settings(training, seed)
        super().fit(training, seed=seed)


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.15, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 31, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 0.8),
        "rounds": trial.suggest_int("rounds", 50, 400, step=50),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 120, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
    }


def _loss(target: str, predicted: FloatArray, outcome: Outcome | None) -> float:
    if outcome is None:
        return 0.0
    if target == "churn":
        risk = np.clip(predicted, 1e-6, 1.0 - 1e-6)
        return float(-np.mean(np.where(outcome.churned, np.log(risk), np.log1p(-risk))))
    difference = predicted - np.maximum(outcome.value, 0.0)
    return float(np.mean(np.abs(difference)) if target == "value_median" else np.mean(difference**2))
