"""Does the main comparison hold whatever the seed? Habitué, its control and LightGBM over ten seeds of the models.

    python -m bench.bench_seeds [--smoke] [--source complete-journey] [--workspace DIR] [--horizon 60] [--seeds 10]

For every seed the differences of `habitue` from both, with 95 % intervals by bootstrap over customers; over the seeds
the mean difference, its standard deviation, and how often the interval lies above zero. Writes
bench/results/seeds.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import machine
from bench.real_history import loaded
from gnn.backtest import backtest
from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.habitue_forecaster import HabitueForecaster
from gnn.shared_work import SharedWork
from gnn.task import Task

RESULTS = Path(__file__).parent / "results" / "seeds.json"
METRICS = ("churn_auc", "churn_average_precision", "value_mae", "value_spearman", "value_top_decile_capture")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--source", default="complete-journey")
    parser.add_argument("--workspace", type=Path, help="kept, so that the data set is loaded once")
    parser.add_argument("--horizon", type=int, default=60)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    begin = time.process_time()
    task = Task(horizon_days=30 if options.smoke else options.horizon)
    with tempfile.TemporaryDirectory(prefix="bench-seeds-") as temporary:
        source = "tiny" if options.smoke else options.source
        history = loaded(source, options.workspace or Path(temporary) / "workspace")
        by_seed = []
        for seed in range(2 if options.smoke else options.seeds):
            shared = SharedWork()

            def whole(shared: SharedWork = shared) -> HabitueForecaster:
                return HabitueForecaster(task, shared=shared)

            def control(shared: SharedWork = shared) -> HabitueForecaster:
                return HabitueForecaster(task, use_graph=False, shared=shared)

            result = backtest(history, task, [whole, control, LightGBM], folds=1 if options.smoke else options.folds,
                              seed=seed, resamples=50 if options.smoke else 500)  # fmt: skip
            by_seed.append({"seed": seed, "paired": result.to_json()["paired"]})
            print(f"seed {seed} done", flush=True)
    summary = summarise(by_seed)
    for each in summary:
        print(f"{each['metric']:26} {each['versus']:22} {each['mean']:+.4f} ± {each['deviation']:.4f}, "
              f"above zero in {each['above_zero']} of {len(by_seed)}")  # fmt: skip
    written = {"dataset": history.dataset, "horizon_days": task.horizon_days, "summary": summary, "by_seed": by_seed,
               "cpu_seconds": round(time.process_time() - begin, 1), "machine": machine()}  # fmt: skip
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(written, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def summarise(by_seed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Over seeds, by metric and rival: mean and standard deviation of the difference, and where its interval lies."""
    pairs: dict[tuple[str, str], list[dict[str, float]]] = {}
    for run in by_seed:
        for each in run["paired"]:
            if each["metric"] in METRICS:
                pairs.setdefault((each["metric"], each["versus"]), []).append(each)
    return [
        {
            "metric": metric,
            "versus": versus,
            "mean": float(np.mean([each["difference"] for each in found])),
            "deviation": float(np.std([each["difference"] for each in found])),
            "above_zero": sum(each["low"] > 0 for each in found),
            "below_zero": sum(each["high"] < 0 for each in found),
        }
        for (metric, versus), found in pairs.items()
    ]


if __name__ == "__main__":
    main()
