"""Do intervals hold where the truth is known: the synthetic retailer's own probabilities of no purchase.

    python -m bench.bench_intervals [--customers 10000] [--seeds 1 2] [--smoke]

For each seed a retailer is generated and loaded, the forecaster is trained as of two cutoffs, and each customer's risk
interval is held against P(no purchase within the horizon) as the generator knows it: the customer's traits and hidden
state (active or lapsed) included. Beside coverage and width stand those of the members' disagreement alone, which
speaks of what can be known at the cutoff and not of the hidden state, and how far group means are from the truth.
Value intervals are held against realised values. Writes bench/results/intervals.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from scipy.special import logit

from bench.measure import machine
from bench.real_history import loaded
from bench.synthetic.generate import generate
from bench.synthetic.settings import Settings
from gnn.cutoffs import training_dates
from gnn.examples import PastExamples, SharedExamples
from gnn.forecast import Examples, Forecast
from gnn.habitue_forecaster import HabitueForecaster
from gnn.risk_intervals import HETEROGENEITY, LEVEL, NORMAL_QUANTILE
from gnn.task import Task
from graph.history import History
from graph.snapshot import FloatArray
from graph.store import no_progress

RESULTS = Path(__file__).parent / "results" / "intervals.json"
CUTOFFS = ("2025-09-01", "2025-11-01")
HORIZONS = (30, 60)
GROUPS = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--smoke", action="store_true", help="a thousand customers, one seed")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    customers, seeds = (1000, [1]) if options.smoke else (options.customers, options.seeds)
    rows = []
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="bench-intervals-") as temporary:
            folder = Path(temporary) / "retailer"
            generate(folder, Settings(customers=customers, interactions=20 * customers, seed=seed), no_progress)
            history = loaded(str(folder / "dataset.toml"), Path(temporary) / "workspace")
            rows += [row for horizon in HORIZONS for row in measured(history, folder / "truth", horizon, seed)]
    result = {"level": LEVEL, "heterogeneity": HETEROGENEITY, "customers": customers, "runs": rows,
              "coverage": pooled(rows, "coverage"), "width": pooled(rows, "width"), "machine": machine()}  # fmt: skip
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in result.items() if name != "machine"}, indent=2))


def measured(history: History, truth: Path, horizon: int, seed: int) -> list[dict[str, Any]]:
    """One row for each cutoff."""
    task = Task(horizon, 180)
    shared = SharedExamples(history, task)
    rows = []
    for day in CUTOFFS:
        cutoff = datetime.fromisoformat(day)
        past = PastExamples(shared, cutoff)
        dates = training_dates(history, task, cutoff, count=4, step_days=30)
        model = HabitueForecaster(task)
        model.fit([past.labelled(date) for date in dates], seed=seed)
        judged = shared.labelled(cutoff)
        probability = true_risk(truth / f"cutoff-{day}.parquet", judged, horizon)
        rows.append({"seed": seed, "cutoff": day, "horizon_days": horizon,
                     **against_truth(model.predict(past.at(cutoff)), probability, judged)})  # fmt: skip
        shared.forget_before(cutoff - timedelta(days=1))
    return rows


def true_risk(file: Path, examples: Examples, horizon: int) -> FloatArray:
    """The generator's probability of no purchase for each of the examples' customers."""
    table = pq.read_table(file, columns=["customer_id", f"no_purchase_{horizon}"]).to_pandas().set_index("customer_id")
    ids = examples.snapshot.customers.to_numpy(zero_copy_only=False)[examples.rows]
    found: FloatArray = table[f"no_purchase_{horizon}"].reindex(ids).to_numpy(np.float64)
    return found


def against_truth(forecast: Forecast, probability: FloatArray, examples: Examples) -> dict[str, Any]:
    """Coverage and width of the risk's interval, of disagreement alone, and of groups; and of the value's interval."""
    risk, low, high = forecast.churn_risk, forecast.churn_risk_low, forecast.churn_risk_high
    assert risk is not None
    assert low is not None
    assert high is not None
    outcome = examples.outcome
    assert outcome is not None
    # The widened interval is symmetric in log-odds: what disagreement alone would give follows from it.
    half = (logit(np.clip(high, 1e-9, 1 - 1e-9)) - logit(np.clip(low, 1e-9, 1 - 1e-9))) / 2
    narrow = np.sqrt(np.maximum(half**2 - (NORMAL_QUANTILE * HETEROGENEITY) ** 2, 0.0))
    away = np.abs(logit(np.clip(probability, 1e-9, 1 - 1e-9)) - logit(risk))
    group = np.argsort(np.argsort(risk, kind="stable")) * GROUPS // len(risk)
    gaps = [abs(float(risk[group == each].mean() - probability[group == each].mean())) for each in range(GROUPS)]
    found: dict[str, Any] = {
        "customers": len(risk),
        "coverage": float(np.mean((probability >= low) & (probability <= high))),
        "below": float(np.mean(probability < low)),
        "above": float(np.mean(probability > high)),
        "width": float(np.mean(high - low)),
        "coverage_by_tenth": [
            float(np.mean(((probability >= low) & (probability <= high))[group // 2 == each])) for each in range(10)
        ],
        "disagreement_alone": {"coverage": float(np.mean(away <= narrow)), "half_width_log_odds": float(narrow.mean())},
        "mean_gap_of_groups": float(np.mean(gaps)),
        "largest_gap_of_groups": float(np.max(gaps)),
    }
    if forecast.value_low is not None and forecast.value_high is not None:
        inside = (outcome.value >= forecast.value_low) & (outcome.value <= forecast.value_high)
        found["value"] = {
            "coverage": float(inside.mean()),
            "width": float(np.mean(forecast.value_high - forecast.value_low)),
            "share_without_purchase": float(np.mean(outcome.value == 0)),
        }
    return found


def pooled(rows: Sequence[dict[str, Any]], name: str) -> float:
    """Mean over runs."""
    return float(np.mean([row[name] for row in rows]))


if __name__ == "__main__":
    main()
