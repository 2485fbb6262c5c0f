"""What each part of the forecaster brings: the whole against itself without the part, on the same folds.

    python -m bench.bench_ablation [--smoke] [--source complete-journey] [--workspace DIR] [--horizons 30 60] [--seed 0]

Without the graph (the control: the same stack on the tabular features), without the vectors of taste, without stacking
(equal shares of all parts), and with TransE vectors as further inputs of the network. Five cutoffs 30 days apart for
each horizon; the differences are of the whole from the rest, with 95 % intervals by bootstrap over customers. Writes
bench/results/ablation.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.measure import machine
from bench.real_history import loaded
from bench.transe_features import FrozenTransE
from gnn.backtest import backtest
from gnn.forecast import Forecaster
from gnn.habitue_forecaster import ForecasterSettings, HabitueForecaster
from gnn.shared_work import SharedWork
from gnn.task import Task

RESULTS = Path(__file__).parent / "results" / "ablation.json"
SETTINGS = {
    "without_taste_vectors": ForecasterSettings(taste_directions=0),
    "without_stacking": ForecasterSettings(validate=False),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--source", default="complete-journey")
    parser.add_argument("--workspace", type=Path, help="kept, so that the data set is loaded once")
    parser.add_argument("--horizons", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    begin = time.process_time()
    with tempfile.TemporaryDirectory(prefix="bench-ablation-") as temporary:
        source = "tiny" if options.smoke else options.source
        history = loaded(source, options.workspace or Path(temporary) / "workspace")
        found: dict[str, Any] = {}
        for horizon in [30] if options.smoke else options.horizons:
            task = Task(horizon_days=horizon)
            result = backtest(history, task, contenders(task), folds=1 if options.smoke else options.folds,
                              seed=options.seed, resamples=50 if options.smoke else 500)  # fmt: skip
            found[str(horizon)] = {name: result.to_json()[name] for name in ("folds", "models", "paired")}
            _print(horizon, found[str(horizon)])
    written = {"dataset": history.dataset, "seed": options.seed, "by_horizon_days": found,
               "cpu_seconds": round(time.process_time() - begin, 1), "machine": machine()}  # fmt: skip
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(written, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def contenders(task: Task) -> list[Callable[[], Forecaster]]:
    """The whole, the whole without each part, and with TransE; what they have in common is done once."""
    shared = SharedWork()

    def without(name: str, settings: ForecasterSettings) -> Callable[[], Forecaster]:
        return lambda: HabitueForecaster(task, name=name, settings=settings, shared=shared)

    return [
        lambda: HabitueForecaster(task, shared=shared),
        *(without(name, settings) for name, settings in SETTINGS.items()),
        lambda: HabitueForecaster(task, name="with_transe", embedding_features=FrozenTransE(), shared=shared),
        lambda: HabitueForecaster(task, use_graph=False, name="without_graph", shared=shared),
    ]


def _print(horizon: int, result: dict[str, Any]) -> None:
    print(f"Horizon {horizon} days: the whole less the rest")
    for each in result["paired"]:
        if each["metric"] in ("churn_auc", "churn_average_precision", "value_mae", "value_spearman"):
            difference, low, high = (each[name] for name in ("difference", "low", "high"))
            print(f"  {each['metric']:24} {each['versus']:24} {difference:+.4f} [{low:+.4f}, {high:+.4f}]")


if __name__ == "__main__":
    main()
