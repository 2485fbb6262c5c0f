"""Whether a backtest could have known what it should not: four controls on its newest fold.

- **Rewired graph**: the model learns and foretells on purchases rewired at random within each month, all degrees kept
  (features as they were). What the graph adds must vanish; a gain that stays comes from elsewhere.
- **Shuffled labels**: taught outcomes that were dealt out at random, and the opposite of them, it must rank no better
  than chance on average. A model of noise follows some feature, for or against: one alone may rank very well or very
  badly; its opposite then does the reverse.
- **Future events**: with everything after the cutoff falsified, examples, labels to learn from and predictions must be
  equal bit for bit.
- **Too good a feature**: a single column that ranks churners far better than recency does is named; it may hold what
  came to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from gnn.bootstrap import JudgedFold, resample
from gnn.features import Features
from gnn.forecast import Examples, ExampleSource, Forecast, Forecaster
from gnn.metrics import area_under_roc
from gnn.rewiring import disturbed, rewired
from gnn.task import Outcome, Task
from graph.history import History
from graph.snapshot import FloatArray

#: How far from one half the AUROC of a model of noise and of its opposite may be on average.
SHUFFLED_TOLERANCE: Final = 0.05
#: A feature is too good when its AUROC is beyond recency's by more than this share of what recency leaves to gain.
TOO_GOOD_SHARE: Final = 0.5
_NAMED: Final = 5
_FIELDS: Final = ("churn_score", "churn_risk", "value_median", "value_mean")


@dataclass(frozen=True, eq=False)
class Trial:
    """What the controls are made on: a fold of the backtest with the model fitted for it.

    Attributes:
        history: All the data.
        task: What is foretold.
        make: A fresh, unfitted forecaster of the kind on trial.
        fitted: The one fitted for the fold.
        training: What it learnt from, oldest first.
        test: The population at the fold's cutoff, with its outcome.
        forecasts: By model, what was foretold of it.
        seed: Of models and of chance.
    """

    history: History
    task: Task
    make: Callable[[], Forecaster]
    fitted: Forecaster
    training: Sequence[Examples]
    test: Examples
    forecasts: Mapping[str, Forecast]
    seed: int


def leak_checks(trial: Trial, *, resamples: int = 500, shuffles: int = 1, refit: bool = False) -> dict[str, Any]:
    """All four controls; each says whether it `passed`, with its figures, or why it was `skipped`.

    Args:
        trial: A labelled fold.
        resamples: Of customers, for the interval of the graph's gain.
        shuffles: How often labels are shuffled; with more than one, all training cutoffs are used, else the newest.
        refit: Also fit anew on the falsified history; else the fitted model foretells from it.
    """
    return {
        "cutoff": trial.test.cutoff.isoformat()[:10],
        "model": trial.fitted.name,
        "rewired_graph": rewired_graph(trial, resamples=resamples),
        "shuffled_labels": shuffled_labels(trial, shuffles=shuffles),
        "future_events": future_events(trial, refit=refit),
        "feature_too_good": feature_too_good(trial.training[-1]),
    }


def rewired_graph(trial: Trial, *, resamples: int = 500, control: str = "habitue_without_graph") -> dict[str, Any]:
    """The gain of the graph over the control without it, as it is and rewired, with 95 % intervals."""
    if not all(len(each.snapshot.products) for each in (*trial.training, trial.test)):
        return {"skipped": "there are no products, hence no graph"}
    if control not in trial.forecasts:
        return {"skipped": "there is no control without the graph to compare with"}
    model = trial.make()
    model.fit([_rewired(each, trial.seed) for each in trial.training], seed=trial.seed)
    by_chance = model.predict(replace(_rewired(trial.test, trial.seed), outcome=None))
    scores = {
        "graph": trial.forecasts[trial.fitted.name].churn_score,
        "rewired": by_chance.churn_score,
        "control": trial.forecasts[control].churn_score,
    }
    truth = _churned(trial.test)
    figures = {name: {"churn_auc": area_under_roc(truth, score)} for name, score in scores.items() if score is not None}
    drawn = resample([JudgedFold(np.arange(len(truth)), figures)], resamples=resamples, seed=trial.seed)
    gain, chance = (drawn.difference(name, "control", "churn_auc") for name in ("graph", "rewired"))
    if gain is None or chance is None:
        return {"skipped": "the outcome has one class only"}
    return {
        "gain": {"mean": gain.difference, "low": gain.low, "high": gain.high},
        "gain_rewired": {"mean": chance.difference, "low": chance.low, "high": chance.high},
        "passed": chance.low <= 0.0,
    }


def shuffled_labels(trial: Trial, *, shuffles: int = 1) -> dict[str, Any]:
    """AUROC of models that were taught outcomes dealt out at random, and of those taught the opposite."""
    pairs = []
    for number in range(shuffles):
        generator = np.random.default_rng([trial.seed, number])
        given = [_shuffled(each, generator) for each in (trial.training if shuffles > 1 else trial.training[-1:])]
        areas = []
        for taught in (given, [_opposite(each) for each in given]):
            model = trial.make()
            model.fit(taught, seed=trial.seed + number)
            score = model.predict(replace(trial.test, outcome=None)).churn_score
            if score is not None:
                areas.append(float(area_under_roc(_churned(trial.test), score)(np.ones((1, len(score))))[0]))
        if areas and np.isfinite(areas).all():
            pairs.append(areas)
    if not pairs:
        return {"skipped": "the outcome has one class only"}
    mean = float(np.mean(pairs))
    return {
        "churn_auc": mean,
        "each": pairs,
        "tolerance": SHUFFLED_TOLERANCE,
        "passed": abs(mean - 0.5) <= SHUFFLED_TOLERANCE,
    }


def future_events(trial: Trial, *, refit: bool = False) -> dict[str, Any]:
    """Whether anything differs when all that lies beyond the cutoff is falsified."""
    cutoff = trial.test.cutoff
    source = ExampleSource(disturbed(trial.history, cutoff, seed=trial.seed).until(cutoff), trial.task)
    examples = source.at(cutoff)
    training = [_of_rows(source.labelled(each.cutoff), each) for each in trial.training]
    same = {
        "examples": _same_examples(examples, trial.test),
        "training": all(
            _same_examples(now, then) and _same_outcome(now.outcome, then.outcome)
            for now, then in zip(training, trial.training, strict=True)
        ),
    }
    model = trial.fitted
    if refit:
        model = trial.make()
        model.fit(training, seed=trial.seed)
    again, before = model.predict(examples), trial.forecasts[trial.fitted.name]
    same["predictions"] = all(_same(getattr(again, name), getattr(before, name)) for name in _FIELDS)
    return {"refitted": refit, "equal": same, "passed": all(same.values())}


def feature_too_good(examples: Examples) -> dict[str, Any]:
    """The features that rank churners best by themselves, and those beyond the threshold that recency sets."""
    truth, features = _churned(examples), examples.features
    if truth.min() == truth.max():
        return {"skipped": "the outcome has one class only"}
    weights = np.ones((1, len(truth)))
    areas = {}
    for name, column in zip(features.names, features.values.T, strict=True):
        # Unknown is a value of its own, at the bottom.
        known = np.where(np.isfinite(column), column, -np.inf)
        area = float(area_under_roc(truth, known)(weights)[0])
        areas[name] = max(area, 1.0 - area)
    recency = areas.get("recency_days", 0.5)
    threshold = recency + TOO_GOOD_SHARE * (1.0 - recency)
    best = sorted(areas.items(), key=lambda each: (-each[1], each[0]))
    too_good = [name for name, area in best if area > threshold]
    return {
        "threshold": threshold,
        "recency": recency,
        "best": [{"feature": name, "churn_auc": area} for name, area in best[:_NAMED]],
        "too_good": too_good,
        "passed": not too_good,
    }


def _rewired(examples: Examples, seed: int) -> Examples:
    return replace(examples, snapshot=rewired(examples.snapshot, seed=seed))


def _shuffled(examples: Examples, generator: np.random.Generator) -> Examples:
    outcome = examples.outcome
    if outcome is None:
        return examples
    order = generator.permutation(len(outcome.churned))
    return replace(examples, outcome=Outcome(outcome.churned[order], outcome.value[order], outcome.purchases[order]))


def _opposite(examples: Examples) -> Examples:
    """Who churned did not, and the reverse; value and purchases stay."""
    outcome = examples.outcome
    if outcome is None:
        return examples
    return replace(examples, outcome=Outcome(~outcome.churned, outcome.value, outcome.purchases))


def _churned(examples: Examples) -> FloatArray:
    return np.zeros(0) if examples.outcome is None else examples.outcome.churned.astype(np.float64)


def _of_rows(whole: Examples, sample: Examples) -> Examples:
    """The customers of a sample among all; all where one of them is not there."""
    place = np.searchsorted(whole.rows, sample.rows)
    if len(place) == len(whole.rows) or not np.isin(sample.rows, whole.rows).all():
        return whole
    features, outcome = whole.features, whole.outcome
    return replace(
        whole,
        rows=whole.rows[place],
        features=Features(features.names, features.values[place], features.labels),
        outcome=outcome and Outcome(outcome.churned[place], outcome.value[place], outcome.purchases[place]),
    )


def _same_examples(first: Examples, second: Examples) -> bool:
    return (
        first.features.names == second.features.names
        and _same(first.rows, second.rows)
        and _same(first.features.values, second.features.values)
    )


def _same_outcome(first: Outcome | None, second: Outcome | None) -> bool:
    if first is None or second is None:
        return first is second
    return _same(first.churned, second.churned) and _same(first.value, second.value)


def _same(first: Any, second: Any) -> bool:
    """Equal to the last bit."""
    if first is None or second is None:
        return first is second
    return bool(first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes())
