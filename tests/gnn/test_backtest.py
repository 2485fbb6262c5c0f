from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gnn.backtest import BacktestResult, backtest
from gnn.baselines.recency import Recency
from gnn.baselines.registry import baselines
from gnn.cutoffs import default_cutoffs, first_purchase, training_dates
from gnn.examples import PastExamples, SharedExamples
from gnn.forecast import Examples, Forecast
from gnn.metrics import measure
from gnn.task import Task
from graph.model import SUPERSEDED_SCHEMA
from graph.time import to_epoch_ms
from habitue.errors import CutoffError
from tests.gnn.shops import DAYS, START, fading_shop
from tests.support import history_of, interactions_table

TASK = Task(horizon_days=30, active_window_days=None)
END = START + timedelta(days=DAYS)


class Spy:
    """Foretells a constant and remembers what it was given."""

    name = "habitue"

    def __init__(self) -> None:
        self.fitted: list[Examples] = []
        self.asked: list[Examples] = []

    def fit(self, training: list[Examples], *, seed: int) -> None:
        self.fitted = training

    def predict(self, examples: Examples) -> Forecast:
        self.asked.append(examples)
        return Forecast(churn_risk=np.full(len(examples.rows), 0.5))


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    models = [Spy, *baselines(TASK)]
    return backtest(fading_shop(), TASK, models, folds=3, training_cutoffs=2, seed=7, resamples=40)


def test_models_see_nothing_at_or_after_the_cutoff_and_no_outcome_of_it() -> None:
    spies: list[Spy] = []

    def make() -> Spy:
        spies.append(Spy())
        return spies[-1]

    found = backtest(fading_shop(), TASK, [make], folds=3, training_cutoffs=3, resamples=5)
    assert len(spies) == len(found.folds) == 3  # a fresh forecaster for each fold
    for spy, fold in zip(spies, found.folds, strict=True):
        limit = to_epoch_ms(fold.cutoff)
        assert [examples.cutoff for examples in spy.asked] == [fold.cutoff]
        assert spy.asked[0].outcome is None
        assert spy.asked[0].snapshot.purchases.at.max() < limit
        assert [each.cutoff for each in spy.fitted] == list(fold.training_cutoffs)
        assert fold.training_cutoffs == tuple(fold.cutoff - timedelta(days=days) for days in (90, 60, 30))
        for each in spy.fitted:
            assert each.outcome is not None
            assert each.snapshot.purchases.at.max() < to_epoch_ms(each.cutoff)


def test_a_look_ahead_is_refused() -> None:
    cutoff = END - timedelta(days=30)
    past = PastExamples(SharedExamples(fading_shop(), TASK), cutoff)
    assert past.at(cutoff).cutoff == cutoff
    assert past.labelled(cutoff - TASK.horizon).outcome is not None
    with pytest.raises(CutoffError, match="may be used"):
        past.labelled(cutoff - TASK.horizon + timedelta(days=1))
    with pytest.raises(CutoffError, match="may be used"):
        past.at(cutoff + timedelta(milliseconds=1))


def test_what_happens_after_a_folds_window_changes_nothing() -> None:
    """The same figures whether or not the future beyond the last outcome window is in the history."""
    cutoffs = [START + timedelta(days=day) for day in (150, 180)]
    whole = fading_shop()
    purchases = whole.events["PURCHASED"]
    frame = pd.DataFrame(
        {
            "customer": whole.customers.take(purchases.customer).to_pandas(),
            "at": pd.to_datetime(purchases.at, unit="ms").astype("datetime64[ms]"),
            "amount": purchases.amount,
        }
    )
    end = cutoffs[-1] + TASK.horizon
    cut = history_of({"PURCHASED": frame[frame["at"] < end]}, complete_until=end)
    full, short = (backtest(each, TASK, baselines(TASK), cutoffs=cutoffs, resamples=5) for each in (whole, cut))
    assert full.models == short.models
    pd.testing.assert_frame_equal(full.frame(), short.frame())


def test_default_cutoffs_are_the_latest_whose_outcome_is_known() -> None:
    history = fading_shop()
    found = default_cutoffs(history, TASK, folds=3, step_days=30)
    assert found == [END - timedelta(days=days) for days in (90, 60, 30)]
    # As many as the data allow: each fold learns from a cutoff with 60 days of data before it, 30 days earlier. The
    # first purchase is some hours after the start, so that day 120 is the first of them.
    many = default_cutoffs(history, TASK, folds=99, step_days=30)
    assert many[0] == START + timedelta(days=120)
    assert len(many) == 6
    assert all(training_dates(history, TASK, cutoff, count=4, step_days=30) for cutoff in many)
    assert not training_dates(history, TASK, many[0] - timedelta(days=30), count=4, step_days=30)


def test_a_corrected_date_does_not_stretch_the_past() -> None:
    frame = pd.DataFrame({"customer": ["a", "a"], "at": pd.to_datetime(["2024-01-01", "2024-06-01"]), "amount": 1.0})
    slip = interactions_table(frame[:1].assign(at=pd.Timestamp("1924-01-01")))
    slip = slip.append_column("type", pa.array(["PURCHASED"]))
    slip = slip.append_column("superseded_at", pa.array([datetime(2024, 1, 2)], pa.timestamp("ms")))
    history = history_of({"PURCHASED": frame}, superseded=slip.cast(SUPERSEDED_SCHEMA))
    assert first_purchase(history) == datetime(2024, 1, 1)


def test_short_data_leave_one_fold_and_only_models_without_labels() -> None:
    long = Task(horizon_days=200, active_window_days=None)
    found = backtest(fading_shop(), long, baselines(long), resamples=5)
    assert [fold.cutoff for fold in found.folds] == [END - timedelta(days=200)]
    assert found.folds[0].training_cutoffs == ()
    assert set(found.models) == {"recency", "bg_nbd_gamma_gamma"}  # the supervised ones are absent, not faked
    with pytest.raises(CutoffError, match="too short"):
        default_cutoffs(fading_shop(), Task(horizon_days=400), folds=5)


def test_cutoffs_without_a_known_outcome_or_a_past_are_refused() -> None:
    with pytest.raises(CutoffError, match="not known"):
        backtest(fading_shop(), TASK, [Recency], cutoffs=[END - timedelta(days=29)])
    with pytest.raises(CutoffError, match="Nobody had bought"):
        backtest(fading_shop(), TASK, [Recency], cutoffs=[START])


def test_a_cutoff_after_a_silence_longer_than_the_active_window_is_refused() -> None:
    frame = pd.DataFrame({"customer": ["anna"], "at": pd.to_datetime(["2024-01-01"]), "amount": [1.0]})
    history = history_of({"PURCHASED": frame}, complete_until=datetime(2024, 12, 31))
    with pytest.raises(CutoffError, match="in the 90 days before it"):
        backtest(history, Task(30, active_window_days=90), [Recency], cutoffs=[datetime(2024, 6, 1)])


def test_the_figures_are_the_means_of_the_folds(result: BacktestResult) -> None:
    for model, metrics in result.models.items():
        for metric, interval in metrics.items():
            by_fold = [measure(fold.outcome, fold.forecasts[model])[metric] for fold in result.folds]
            assert interval.mean == pytest.approx(np.mean(by_fold)), (model, metric)
            assert interval.low <= interval.high


def test_the_outcome_of_a_fold_by_hand() -> None:
    frame = pd.DataFrame(
        [
            ("anna", "2024-01-01", 5.0),
            ("ben", "2024-02-01", 5.0),
            ("anna", "2024-03-10", 3.0),  # the cutoff itself belongs to the outcome
            ("anna", "2024-04-08", 4.0),
            ("ben", "2024-04-09", 9.0),  # T + H does not
            ("cleo", "2024-03-15", 8.0),  # not a customer before the cutoff
        ],
        columns=["customer", "at", "amount"],
    ).assign(at=lambda frame: pd.to_datetime(frame["at"]))
    history = history_of({"PURCHASED": frame})
    found = backtest(history, TASK, [Recency], cutoffs=[datetime(2024, 3, 10)], resamples=5)
    table = found.frame().set_index("customer_id")
    assert table["churned"].to_dict() == {"anna": False, "ben": True}
    assert table["value"].to_dict() == {"anna": 7.0, "ben": 0.0}
    assert table["churn_score"].to_dict() == {"anna": 69.0, "ben": 38.0}
    assert found.models["recency"]["churn_auc"].mean == 0.0


def test_json_is_the_contract(result: BacktestResult) -> None:
    found = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert found["dataset"] == "hand-made"
    assert found["task"] == {"horizon_days": 30, "active_window_days": None}
    assert [fold["cutoff"] for fold in found["folds"]] == ["2024-07-29", "2024-08-28", "2024-09-27"]
    assert all(0 < fold["churn_rate"] < 1 and fold["customers"] > 50 for fold in found["folds"])
    assert set(found["models"]) == {"habitue", "recency", "rfm_logistic", "bg_nbd_gamma_gamma", "lightgbm"}
    assert set(found["models"]["recency"]) == {"churn_auc", "churn_average_precision", "churn_auc_within_frequency"}
    assert set(found["models"]["lightgbm"]["value_mae"]) == {"mean", "low", "high"}
    assert {(each["model"], each["versus"]) for each in found["paired"]} == {
        ("habitue", other) for other in ("recency", "rfm_logistic", "bg_nbd_gamma_gamma", "lightgbm")
    }
    constant = next(each for each in found["paired"] if each["versus"] == "lightgbm" and each["metric"] == "churn_auc")
    assert constant["difference"] == pytest.approx(0.5 - found["models"]["lightgbm"]["churn_auc"]["mean"])
    assert set(found["seconds"]) >= {"habitue", "lightgbm", "features", "intervals"}
    assert found["peak_memory_bytes"] > 10_000_000


def test_the_same_seed_gives_the_same_figures(result: BacktestResult) -> None:
    told: list[tuple[str, float]] = []
    again = backtest(
        fading_shop(),
        TASK,
        [Spy, *baselines(TASK)],
        folds=3,
        training_cutoffs=2,
        seed=7,
        resamples=40,
        progress=lambda what, share: told.append((what, share)),
    )
    assert again.models == result.models
    assert again.paired == result.paired
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
