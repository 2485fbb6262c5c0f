from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from gnn.backtest import backtest
from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.features import Features
from gnn.forecast import Examples, ExampleSource, Forecast
from gnn.holdout import split_customers
from gnn.leak_checks import Trial, feature_too_good, future_events, leak_checks, rewired_graph, shuffled_labels
from gnn.rewiring import disturbed, rewired, without_products
from gnn.trials import learning_curve
from graph.history import History
from tests.gnn.shops import DAYS, START
from tests.gnn.test_forecaster import TASK, examples, shop_with_products

CUTOFF = START + timedelta(days=DAYS - 30)


class Peeking:
    """Foretells what it is given to see, with or without a graph: by product, or by the outcome itself."""

    needs_labels = True

    def __init__(self, name: str, how: str) -> None:
        self.name, self.how = name, how
        self.taught = 0

    def fit(self, training: list[Examples], *, seed: int) -> None:
        self.taught = len(training)

    def predict(self, given: Examples) -> Forecast:
        if self.how == "first product":
            lines = given.snapshot.purchases
            first = np.full(len(given.snapshot.customers), -1.0)
            first[lines.customer[::-1]] = lines.target[::-1]
            score = first[given.rows]
        else:
            score = given.features.column("recency_days")
        return Forecast(churn_score=score, churn_risk=np.full(len(score), 0.3))


@pytest.fixture(scope="module")
def history() -> History:
    return shop_with_products()


def trial_of(history: History, how: str, seed: int = 0) -> Trial:
    training, test = examples(ExampleSource(history, TASK), 2)
    model = Peeking("habitue", how)
    control = Peeking("habitue_without_graph", "recency")
    forecasts = {each.name: each.predict(test) for each in (model, control)}
    return Trial(history, TASK, lambda: Peeking("habitue", how), model, training, test, forecasts, seed)


def test_rewiring_keeps_every_degree_by_month(history: History) -> None:
    snapshot = history.at(CUTOFF)
    found = rewired(snapshot, seed=3)
    before, after = snapshot.purchases, found.purchases
    assert not np.array_equal(before.target, after.target)
    np.testing.assert_array_equal(before.customer, after.customer)
    np.testing.assert_array_equal(before.amount, after.amount)
    month = before.at.astype("datetime64[ms]").astype("datetime64[M]").astype(int)
    for each in np.unique(month):
        lines = month == each
        np.testing.assert_array_equal(np.sort(before.target[lines]), np.sort(after.target[lines]))
    # Lines without a product take no part.
    some = without_products(snapshot, np.arange(len(snapshot.products)) < 10)
    gone = some.purchases.target < 0
    np.testing.assert_array_equal(gone, before.target < 10)
    np.testing.assert_array_equal(rewired(some, seed=3).purchases.target < 0, gone)


def test_falsifying_the_future_leaves_the_past_alone(history: History) -> None:
    false = disturbed(history, CUTOFF, seed=1)
    assert false.at(CUTOFF).fingerprint == history.at(CUTOFF).fingerprint
    later = CUTOFF + timedelta(days=20)
    assert false.at(later).fingerprint != history.at(later).fingerprint


def test_predictions_of_the_past_do_not_depend_on_the_future(history: History) -> None:
    found = future_events(trial_of(history, "recency"))
    assert found["passed"]
    assert all(found["equal"].values())
    assert future_events(trial_of(history, "recency"), refit=True)["refitted"]
    trial = trial_of(history, "recency")
    some = split_customers(trial.training)[0]  # models may learn from a sample of the customers
    assert future_events(replace(trial, training=some))["passed"]


def test_examples_that_know_the_future_are_caught(history: History) -> None:
    trial = trial_of(history, "recency")
    outcome = trial.test.outcome
    assert outcome is not None
    values = trial.test.features.values.copy()
    values[:, 0] = outcome.value
    leaking = replace(trial.test, features=Features(trial.test.features.names, values, trial.test.features.labels))
    found = future_events(replace(trial, test=leaking))
    assert not found["passed"]
    assert not found["equal"]["examples"]


def test_a_gain_that_rewiring_keeps_is_no_gain_of_the_graph(history: History) -> None:
    """A "graph" model that in truth is told who churns keeps its gain when the graph is rewired."""
    trial = trial_of(history, "recency")
    outcome = trial.test.outcome
    assert outcome is not None
    told = Forecast(churn_score=outcome.churned.astype(float))

    class Told(Peeking):
        def predict(self, given: Examples) -> Forecast:
            return told

    cheating = replace(
        trial,
        make=lambda: Told("habitue", ""),
        forecasts={**trial.forecasts, "habitue": told},
    )
    found = rewired_graph(cheating, resamples=40)
    assert found["gain"]["mean"] == found["gain_rewired"]["mean"] > 0
    assert not found["passed"]
    # A model of the first product bought, of which nothing follows, gains nothing either way.
    assert rewired_graph(trial_of(history, "first product"), resamples=40)["passed"]


def test_labels_dealt_out_at_random_teach_nothing(history: History) -> None:
    training, test = examples(ExampleSource(history, TASK), 2)
    model = LightGBM()
    model.fit(training, seed=0)
    trial = Trial(history, TASK, LightGBM, model, training, test, {"lightgbm": model.predict(test)}, 0)
    found = shuffled_labels(trial, shuffles=5)
    assert len(found["each"]) == 5
    assert found["churn_auc"] == pytest.approx(np.mean(found["each"]))
    honest = shuffled_labels(trial_of(history, "recency"))  # learns from no label, and ranks well all the same
    assert honest["churn_auc"] > 0.6
    assert not honest["passed"]


def test_a_feature_that_holds_the_outcome_is_named(history: History) -> None:
    _, test = examples(ExampleSource(history, TASK), 1)
    clean = feature_too_good(test)
    assert clean["passed"]
    assert clean["threshold"] == pytest.approx((1 + clean["recency"]) / 2)
    outcome, features = test.outcome, test.features
    assert outcome is not None
    told = Features(
        (*features.names, "cancelled"), np.column_stack([features.values, ~outcome.churned]), features.labels
    )
    found = feature_too_good(replace(test, features=told))
    assert found["too_good"] == ["cancelled"]
    assert found["best"][0] == {"feature": "cancelled", "churn_auc": 1.0}  # whichever way round
    assert not found["passed"]


def test_a_backtest_holds_controls_and_a_learning_curve_as_plain_json(history: History) -> None:
    def make() -> LightGBM:
        return LightGBM()

    result = backtest(history, TASK, [make], folds=2, training_cutoffs=2, resamples=20, on_trial=make)
    found = json.loads(json.dumps(result.to_json(), allow_nan=False))
    checks = found["leak_checks"]
    assert checks["cutoff"] == found["folds"][-1]["cutoff"]
    assert checks["future_events"]["passed"]
    assert "skipped" in checks["rewired_graph"]  # no control took part
    points = found["learning_curve"]["points"]
    assert [each["training_cutoffs"] for each in points] == [1, 2]
    assert points[0]["examples"] < points[1]["examples"]
    assert found["seconds"]["trials"] > 0
    assert "leak_checks" not in backtest(history, TASK, [make], folds=1, resamples=5).to_json()


def test_the_curve_ends_with_the_folds_own_forecast(history: History) -> None:
    trial = trial_of(history, "recency")
    points = learning_curve(trial, resamples=10)["points"]
    assert points[0]["figures"]["churn_auc"] == points[1]["figures"]["churn_auc"]  # it learns nothing
    assert "seconds" in points[0]
    assert set(leak_checks(trial, resamples=10)) == {
        "cutoff", "model", "rewired_graph", "shuffled_labels", "future_events", "feature_too_good",
    }  # fmt: skip
