"""The leak controls in full, on the newest fold of a data set.

    python -m bench.bench_leaks [--smoke] [--source complete-journey] [--workspace DIR] [--horizon 60]

As in every backtest, and besides: labels shuffled several times with all training cutoffs, purchases rewired several
times with a seed of their own, and the model fitted anew on the falsified history. Writes bench/results/leaks.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.measure import machine
from bench.real_history import loaded
from gnn.cutoffs import default_cutoffs, training_dates
from gnn.examples import PastExamples, SharedExamples
from gnn.habitue_forecaster import HabitueForecaster
from gnn.leak_checks import Trial, leak_checks, rewired_graph
from gnn.task import Task
from graph.history import History

RESULTS = Path(__file__).parent / "results" / "leaks.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--source", default="complete-journey")
    parser.add_argument("--workspace", type=Path, help="kept, so that the data set is loaded once")
    parser.add_argument("--horizon", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5, help="of shuffling and of rewiring")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    begin = time.process_time()
    with tempfile.TemporaryDirectory(prefix="bench-leaks-") as temporary:
        source = "tiny" if options.smoke else options.source
        history = loaded(source, options.workspace or Path(temporary) / "workspace")
        found = measure(history, Task(options.horizon, 180), 1 if options.smoke else options.repeats)
    result = {**found, "cpu_seconds": round(time.process_time() - begin, 1), "machine": machine()}
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in result.items() if name != "machine"}, indent=2))


def measure(history: History, task: Task, repeats: int) -> dict[str, Any]:
    """The controls on the newest fold."""
    cutoff = default_cutoffs(history, task, folds=1)[-1]
    shared = SharedExamples(history, task)
    past = PastExamples(shared, cutoff)
    training = [past.labelled(date) for date in training_dates(history, task, cutoff, count=4, step_days=30)]
    model, control = HabitueForecaster(task), HabitueForecaster(task, use_graph=False)
    for each in (model, control):
        each.fit(training, seed=0)
    forecasts = {each.name: each.predict(past.at(cutoff)) for each in (model, control)}
    trial = Trial(
        history, task, lambda: HabitueForecaster(task), model, training, shared.labelled(cutoff), forecasts, 0
    )
    rewirings = [rewired_graph(replace(trial, seed=seed)) for seed in range(1, repeats)]
    return {
        "dataset": history.dataset,
        "horizon_days": task.horizon_days,
        **leak_checks(trial, shuffles=repeats, refit=True),
        "further_rewirings": rewirings,
    }


if __name__ == "__main__":
    main()
