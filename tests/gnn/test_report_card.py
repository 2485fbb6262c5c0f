from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from gnn.fold import Fold, customer_numbers
from gnn.forecast import Forecast
from gnn.recalibration import recalibration
from gnn.report_card import deciles, further_figures, quartiles, report_card
from gnn.task import Outcome

COUNT = 400


def fold(number: int, seed: int) -> Fold:
    """Customers whose stated risk is true, bought more often the less they risk, and whose interval holds most."""
    generator = np.random.default_rng(seed)
    risk = generator.uniform(0.05, 0.6, COUNT)
    churned = generator.random(COUNT) < risk
    value = np.where(churned, 0.0, generator.gamma(2.0, 20.0, COUNT))
    mean = 40.0 * (1.0 - risk)
    forecast = Forecast(
        churn_score=risk, churn_risk=risk, value_median=mean, value_mean=mean,
        value_low=np.zeros(COUNT), value_high=np.full(COUNT, 60.0), value_level=0.8,
    )  # fmt: skip
    ids = pa.array([f"c{each:04d}" for each in generator.permutation(COUNT)])
    days = np.round(20.0 * (1.0 - risk))
    return Fold(
        datetime(2024, 6, 1) + timedelta(days=30 * number),
        (),
        ids,
        Outcome(churned, value, (~churned).astype(np.int64)),
        {"habitue": forecast, "recency": Forecast(churn_score=risk)},
        days,
        100.0 * risk,
    )


FOLDS = [fold(0, 1), fold(1, 2)]
CARD = report_card(FOLDS, resamples=60, seed=0)


def test_numbers_are_the_same_customers_in_every_fold() -> None:
    first, second = customer_numbers(FOLDS)
    by_number = dict(zip(first.tolist(), FOLDS[0].customers.to_pylist(), strict=True))
    assert [by_number[number] for number in second.tolist()] == FOLDS[1].customers.to_pylist()


def test_calibration_pools_the_rows_of_all_folds() -> None:
    truth = np.concatenate([each.outcome.churned for each in FOLDS]).astype(float)
    risk = np.concatenate([each.forecasts["habitue"].churn_risk for each in FOLDS])
    whole = recalibration(truth, risk)
    found = CARD["calibration"]["habitue"]
    assert found["slope"]["mean"] == pytest.approx(whole.slope)
    assert found["intercept"]["mean"] == pytest.approx(whole.intercept)
    assert found["in_the_large"]["mean"] == pytest.approx(whole.in_the_large)
    assert found["slope"]["low"] < 1.0 < found["slope"]["high"]  # the risks are the true ones
    assert 0.0 < found["ece_perfect"]["mean"] < found["ece_perfect_of_a_fold"]["mean"]  # fewer rows, more chance
    assert "recency" not in CARD["calibration"]


def test_segments_are_quartiles_and_their_figures_those_of_their_customers() -> None:
    frequent = [each for each in CARD["segments"] if each["by"] == "purchase_frequency"]
    assert [each["segment"] for each in frequent] == [1, 2, 3, 4]
    for number, segment in enumerate(frequent):
        areas, rows = [], 0
        for each in FOLDS:
            inside = quartiles(each.purchase_days) == number
            areas.append(roc_auc_score(each.outcome.churned[inside], each.forecasts["habitue"].churn_risk[inside]))
            rows += int(inside.sum())
        assert segment["rows"] == rows
        assert segment["models"]["habitue"]["churn_auc"]["mean"] == pytest.approx(np.mean(areas))
        assert segment["models"]["habitue"]["churn_auc"]["low"] < np.mean(areas)
    parts = [segment["models"]["habitue"]["churn_auc"]["mean"] for segment in frequent]
    within = CARD["within_frequency"]["habitue"]["churn_auc"]
    assert within["mean"] == pytest.approx(np.mean(parts))
    whole = [roc_auc_score(each.outcome.churned, each.forecasts["habitue"].churn_risk) for each in FOLDS]
    assert within["mean"] < np.mean(whole)  # frequency alone no longer helps


def test_quartiles_keep_equal_values_together() -> None:
    assert quartiles(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [0, 1, 2, 3]
    assert quartiles(np.array([1.0, 1.0, 1.0, 1.0, 9.0])).tolist() == [0, 0, 0, 0, 1]
    assert quartiles(np.zeros(0)).tolist() == []


def test_gains_by_hand() -> None:
    tenth = next(each for each in CARD["gains"]["habitue"] if each["contacted"] == 0.1)
    shares = []
    for each in FOLDS:
        top = np.argsort(-each.forecasts["habitue"].churn_risk)[: COUNT // 10]
        shares.append(each.outcome.churned[top].sum() / each.outcome.churned.sum())
    assert tenth["share_of_churners"]["mean"] == pytest.approx(np.mean(shares))
    assert tenth["lift"]["mean"] == pytest.approx(10 * np.mean(shares))
    assert "share_of_value" not in CARD["gains"]["recency"][0]


def test_value_by_decile_by_hand() -> None:
    assert deciles(np.arange(20.0)[::-1]).tolist() == [9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]
    found = CARD["value_by_decile"]["habitue"]
    assert [each["customers"] for each in found] == [80] * 10
    top = [np.argsort(each.forecasts["habitue"].value_mean, kind="stable")[-40:] for each in FOLDS]
    values = np.concatenate([each.outcome.value[rows] for each, rows in zip(FOLDS, top, strict=True)])
    assert found[-1]["observed"] == pytest.approx(values.mean())
    assert found[-1]["share_without_purchase"] == pytest.approx(np.mean(values == 0))
    assert set(CARD["value_by_decile"]) == {"habitue"}


def test_coverage_is_the_share_inside_and_the_width_its_mean() -> None:
    found = CARD["value_intervals"]["habitue"]
    inside = [float(np.mean(each.outcome.value <= 60.0)) for each in FOLDS]
    assert found["level"] == 0.8
    assert found["coverage"]["mean"] == pytest.approx(np.mean(inside))
    assert found["by_cutoff"] == pytest.approx(inside)
    assert found["width"]["mean"] == pytest.approx(60.0)
    assert found["median_width"] == 60.0
    assert sum(each["coverage"] for each in found["by_decile"]) / 10 == pytest.approx(np.mean(inside))


def test_it_is_plain_json_and_names_the_figures_of_the_table() -> None:
    assert json.loads(json.dumps(CARD, allow_nan=False)) == CARD
    figures = further_figures(CARD, "habitue")
    assert set(figures) == {
        "churn_ece_perfect", "churn_auc_within_frequency", "value_coverage", "value_interval_width",
    }  # fmt: skip
    assert set(further_figures(CARD, "recency")) == {"churn_auc_within_frequency"}
    assert further_figures({}, "habitue") == {}
