"""Are reasons faithful: does removing what is named move the score more than removing as many others?

    python -m bench.bench_reasons [--smoke] [--source complete-journey] [--workspace DIR] [--cutoff 2017-11-02]

As of a cutoff the forecaster is trained, and every active customer's reasons are made. Then the three features named
first are put to the training median, all other inputs as they are, and the customer is foretold anew; the same with
three features drawn at random among those not named, several times. For the graph, the categories named are left out,
against sets of products drawn at random with as many purchase lines. Three customers' reasons are kept in words.
Writes bench/results/reasons.json; `--smoke` runs on invented customers in seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.measure import machine
from bench.real_history import loaded
from gnn.cutoffs import training_dates
from gnn.examples import PastExamples, SharedExamples
from gnn.features import Features, align
from gnn.forecast import Examples
from gnn.graph_evidence import GraphGroup
from gnn.habitue_forecaster import HabitueForecaster
from gnn.reasons import all_contributions, churn_reasons
from gnn.rewiring import without_products
from gnn.task import Task
from graph.history import History
from graph.snapshot import FloatArray, Int64Array

RESULTS = Path(__file__).parent / "results" / "reasons.json"
NAMED, DRAWS = 3, 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--source", default="complete-journey")
    parser.add_argument("--workspace", type=Path, help="kept, so that the data set is loaded once")
    parser.add_argument("--cutoff", type=datetime.fromisoformat)
    parser.add_argument("--horizon", type=int, default=60)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    begin = time.process_time()
    with tempfile.TemporaryDirectory(prefix="bench-reasons-") as temporary:
        source = "tiny" if options.smoke else options.source
        history = loaded(source, options.workspace or Path(temporary) / "workspace")
        task = Task(options.horizon, 180)
        found = measure(history, task, options.cutoff or history.complete_until - task.horizon)
    result = {**found, "cpu_seconds": round(time.process_time() - begin, 1), "machine": machine()}
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({name: result[name] for name in ("features", "graph")}, indent=2))


def measure(history: History, task: Task, cutoff: datetime) -> dict[str, Any]:
    """Faithfulness of features and of the graph's categories, and three customers' reasons."""
    past = PastExamples(SharedExamples(history, task), cutoff)
    training = [past.labelled(date) for date in training_dates(history, task, cutoff, count=4, step_days=30)]
    model = HabitueForecaster(task)
    model.fit(training, seed=0)
    examples = past.at(cutoff)
    before = score(model, examples)
    contributions = all_contributions(model, examples)
    return {
        "dataset": history.dataset,
        "cutoff": cutoff.isoformat()[:10],
        "horizon_days": task.horizon_days,
        "customers": len(examples.rows),
        "features": of_features(model, training, examples, before, contributions[0]),
        "graph": of_graph(model, examples, before, contributions),
        "three_customers": three_customers(model, examples, contributions),
    }


def score(model: HabitueForecaster, examples: Examples) -> FloatArray:
    """The churn score in log-odds."""
    found = model.predict(examples).churn_score
    assert found is not None
    return found


def of_features(
    model: HabitueForecaster,
    training: Sequence[Examples],
    examples: Examples,
    before: FloatArray,
    contributions: FloatArray,
) -> dict[str, Any]:
    """How far the score moves when named and when other features are put to the training median."""
    names = model.require_fitted().trees.names
    by_feature = contributions[:, : len(names)]
    order = np.argsort(-np.abs(by_feature), axis=1, kind="stable")
    middle = np.nanmedian(np.concatenate([align(each.features, names).values for each in training]), axis=0)
    generator = np.random.default_rng(0)
    named = np.abs(before - score(model, removed(examples, names, order[:, :NAMED], middle)))
    others = []
    for _ in range(DRAWS):
        drawn = generator.permuted(order[:, NAMED:], axis=1)[:, :NAMED]
        others.append(np.abs(before - score(model, removed(examples, names, drawn, middle))))
    other = np.mean(others, axis=0)
    return {
        "named": NAMED,
        "mean_move_named": float(named.mean()),
        "mean_move_random": float(other.mean()),
        "ratio": float(named.mean() / max(float(other.mean()), 1e-12)),
        "share_named_moves_more": float(np.mean(named > other)),
    }


def removed(examples: Examples, names: Sequence[str], columns: Int64Array, middle: FloatArray) -> Examples:
    """The examples with some features of each customer (n×k columns of `names`) at the given values."""
    values = align(examples.features, names).values.copy()
    np.put_along_axis(values, columns, middle[columns], axis=1)
    return replace(examples, features=Features(tuple(names), values, examples.features.labels))


def of_graph(
    model: HabitueForecaster, examples: Examples, before: FloatArray, found: tuple[FloatArray, list[GraphGroup]]
) -> dict[str, Any]:
    """How far the score moves when a customer's most moving category is left out, and when as many random lines are."""
    contributions, groups = found
    if not groups:
        return {"skipped": "the model does not look at the graph"}
    own = np.abs(contributions[:, len(contributions[0]) - len(groups) :])
    leading, named = own.argmax(axis=1), own.max(axis=1)
    generator = np.random.default_rng(1)
    lines = np.bincount(
        examples.snapshot.purchases.target[examples.snapshot.purchases.target >= 0],
        minlength=len(examples.snapshot.products),
    )
    other = np.zeros(len(before))
    for number, group in enumerate(groups):
        rows = leading == number
        if not rows.any():
            continue
        drawn = _as_many(lines, int(lines[group.products].sum()), generator)
        moved = np.abs(before - score(model, replace(examples, snapshot=without_products(examples.snapshot, drawn))))
        other[rows] = moved[rows]
    known = named > 0
    return {
        "customers_with_a_category": int(known.sum()),
        "mean_move_named": float(named[known].mean()),
        "mean_move_random": float(other[known].mean()),
        "ratio": float(named[known].mean() / max(float(other[known].mean()), 1e-12)),
        "share_named_moves_more": float(np.mean(named[known] > other[known])),
    }


def _as_many(lines: Int64Array, wanted: int, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Products at random whose lines together are about as many as wanted."""
    order = generator.permutation(len(lines))
    taken = np.zeros(len(lines), np.bool_)
    taken[order[: int(np.searchsorted(np.cumsum(lines[order]), wanted)) + 1]] = True
    return taken


def three_customers(
    model: HabitueForecaster, examples: Examples, found: tuple[FloatArray, list[GraphGroup]]
) -> list[dict[str, Any]]:
    """The customers at the 10th, 50th and 95th hundredth of risk, with their reasons."""
    risk = model.predict(examples).churn_risk
    assert risk is not None
    order = np.argsort(risk, kind="stable")
    rows = [int(order[int(share * (len(order) - 1))]) for share in (0.1, 0.5, 0.95)]
    reasons = churn_reasons(model, examples, found=found)
    ids = examples.snapshot.customers
    return [
        {"customer": ids[int(examples.rows[row])].as_py(), "churn_risk": float(risk[row]), "reasons": reasons[row]}
        for row in rows
    ]


if __name__ == "__main__":
    main()
