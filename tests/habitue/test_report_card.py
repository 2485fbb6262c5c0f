from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pyarrow as pa

from gnn.backtest import BacktestResult
from gnn.bootstrap import Interval
from gnn.fold import Fold
from gnn.forecast import Forecast
from gnn.report_card import report_card
from gnn.task import Outcome, Task
from habitue.report.card import Table, card_tables, control_rows
from habitue.report.model_card import model_card

CHECKS = {
    "cutoff": "2024-06-01",
    "rewired_graph": {
        "gain": {"mean": 0.004, "low": 0.001, "high": 0.007},
        "gain_rewired": {"mean": 0.003, "low": 0.001, "high": 0.005},
        "passed": False,
    },
    "shuffled_labels": {"churn_auc": 0.513, "tolerance": 0.1, "each": [0.513], "passed": True},
    "future_events": {"equal": {"examples": True, "training": True, "predictions": True}, "passed": True},
    "feature_too_good": {"skipped": "the outcome has one class only"},
}


def backtest_json() -> dict[str, object]:
    generator = np.random.default_rng(0)
    count = 200
    risk = generator.uniform(0.1, 0.5, count)
    churned = generator.random(count) < risk
    value = np.where(churned, 0.0, 30.0)
    forecast = Forecast(
        churn_score=risk, churn_risk=risk, value_median=np.full(count, 20.0), value_mean=20 * (1 - risk),
        value_low=np.zeros(count), value_high=np.full(count, 40.0), value_level=0.8,
    )  # fmt: skip
    fold = Fold(
        datetime(2024, 6, 1), (), pa.array([f"c{n}" for n in range(count)]),
        Outcome(churned, value, np.zeros(count, np.int64)), {"habitue": forecast},
        np.arange(count, dtype=float), risk * 100,
    )  # fmt: skip
    card = {**report_card([fold], resamples=20, seed=0), "leak_checks": CHECKS}
    models = {"habitue": {"churn_auc": Interval(0.8, 0.75, 0.85)}}
    result = BacktestResult("shop", Task(60, 180), 7, (fold,), models, (), {"habitue": 3.0, "trials": 2.0}, 10**8, card)
    found: dict[str, object] = json.loads(json.dumps(result.to_json(), allow_nan=False))
    return found


def named(tables: list[Table], start: str) -> Table:
    return next(each for each in tables if each.caption.startswith(start))


def test_controls_say_what_passed_what_did_not_and_what_was_left_out() -> None:
    rows = {label: (outcome, told) for label, outcome, told in control_rows(CHECKS)}
    assert rows["Purchases rewired at random, all degrees kept"][0] == "failed"
    assert "+" not in rows["Purchases rewired at random, all degrees kept"][1]
    assert rows["Outcomes to learn from dealt out at random"] == (
        "passed",
        "AUROC 0.513, to be within 0.10 of one half",
    )
    assert rows["Everything after the cutoff falsified"][0] == "passed"
    assert rows["A single feature that is too good"] == ("left out", "the outcome has one class only")


def test_the_tables_hold_the_figures_of_the_backtest() -> None:
    backtest = backtest_json()
    tables = card_tables(backtest, "EUR")
    assert named(tables, "Value intervals of 80").rows[0][1].startswith("1.000")  # 0 and 30 lie within 0 to 40
    assert named(tables, "Value intervals of 80").rows[0][2].startswith("40.0")
    assert named(tables, "Lift and gains").rows[0][0].startswith("5")
    assert len(named(tables, "Within quarters").rows) == 8
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
    assert card_tables({}) == []


def test_the_model_card_names_data_task_and_figures_and_is_a_table_of_markdown() -> None:
    text = model_card([backtest_json()])
    assert "## shop, 60 days" in text
    assert "0.800 [0.750, 0.850]" in text
    assert "customers with a purchase in the 180 days before the cutoff" in text
    assert text.startswith("# Model card")
    assert "## Where not to trust it" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
