"""Which products customers buy next: ours beside popularity, their own purchases, item-kNN, and TransE.

    python -m bench.bench_purchases [--smoke] [--workspace DIR] [--groups "chosen on,measured on"]

Complete Journey. Queries are the pairs of a customer and a product bought in the 60 days after T, candidates the
products that at least five customers had bought before T; what is learnt is learnt from before T. Two readings: all
pairs; and pairs new to the customer, with the products that they had bought left out of the candidates. The rank is
realistic (ties count half), the customer's other later purchases left out. Weights were chosen on the earlier date;
the figures that count are of the later one. Mean reciprocal rank and hits at 10 over pairs, with 95 % intervals of a
bootstrap over customers, and differences on the same resamples. Prints tables and writes bench/results/purchases.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import machine
from bench.purchase_models import item_knn, nearest_items, own_purchases, popularity, transe
from bench.purchase_queries import Queries, Scorer, filtered_ranks, queries_of
from bench.real_history import loaded
from embeddings.recommendation import Recommender, purchases_of
from embeddings.settings import TransESettings
from embeddings.transe import Embedding, train
from graph.history import History
from graph.snapshot import FloatArray, Int64Array

RESULTS = Path(__file__).parent / "results" / "purchases.json"
LATER_DAYS, BUYERS, RESAMPLES = 60, 5, 1000
DATES = {"chosen on": "2017-09-03", "measured on": "2017-11-02"}
READINGS = {"all": False, "new": True}
OURS = "ours"
VERSUS = (
    "popularity", "own purchases", "item-kNN", "item-kNN, 100 nearest", "item-kNN, weighted", "TransE and popularity",
    "ours without translation",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write; dates that are not asked for keep their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--workspace", type=Path, help="kept, so that the data set is loaded once")
    parser.add_argument("--groups", default=",".join(DATES))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    result: dict[str, Any] = json.loads(options.results.read_text()) if options.results.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="bench-purchases-") as temporary:
        source = "tiny" if options.smoke else "complete-journey"
        history = loaded(source, options.workspace or Path(temporary) / "workspace")
        for group in options.groups.split(","):
            last = history.complete_until - timedelta(days=LATER_DAYS)
            result[group] = measure(history, last if options.smoke else datetime.fromisoformat(DATES[group]))
            _print(group, result[group])
    result = {"dataset": history.dataset, **result, "machine": machine()}
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(history: History, as_of: datetime) -> dict[str, Any]:
    """Figures by reading and model as of a date."""
    begin = time.process_time()
    queries = queries_of(history, as_of, days=LATER_DAYS, buyers=BUYERS)
    result: dict[str, Any] = {
        "date": f"{as_of:%Y-%m-%d}",
        "candidates": len(queries.candidates),
        "customers": len(np.unique(queries.customer)),
        "pairs": {"all": len(queries), "new": int((~queries.known).sum())},
    }
    reciprocal: dict[str, dict[str, FloatArray]] = {reading: {} for reading in READINGS}
    for name, scorer in _models(queries).items():
        for reading, new_only in READINGS.items():
            ranks = filtered_ranks(scorer, queries, new_only=new_only)
            reciprocal[reading][name] = 1 / ranks
    result["models"] = {reading: _figures(queries, found) for reading, found in reciprocal.items()}
    return {**result, "cpu_seconds": round(time.process_time() - begin, 1)}


def _models(queries: Queries) -> Mapping[str, Scorer]:
    snapshot, candidates = queries.snapshot, queries.candidates
    settings = TransESettings()
    embedding = train(snapshot, settings)
    translation = dataclasses.replace(embedding, popularity=np.zeros_like(embedding.popularity))
    recommender = Recommender.of(snapshot, settings.half_life_days)
    without = dataclasses.replace(recommender, settings=dataclasses.replace(recommender.settings, translation=0.0))
    return {
        "popularity": popularity(snapshot, candidates),
        "own purchases": own_purchases(snapshot, candidates, settings.half_life_days),
        "item-kNN": item_knn(snapshot, candidates),
        "item-kNN, 100 nearest": nearest_items(recommender, snapshot),
        "item-kNN, weighted": item_knn(snapshot, candidates, half_life_days=settings.half_life_days),
        "translation alone": transe(translation, candidates),
        "TransE and popularity": transe(embedding, candidates),
        "ours without translation": ours(without, embedding, queries),
        OURS: ours(recommender, embedding, queries),
    }


def ours(recommender: Recommender, embedding: Embedding, queries: Queries) -> Scorer:
    """Scores of what is served as recommendations."""
    if not np.array_equal(recommender.products, queries.candidates):
        raise ValueError("The recommender ranks other products than those that are asked for.")
    bought = purchases_of(queries.snapshot, embedding.settings.half_life_days)[:, recommender.products]
    vectors = embedding.vectors[embedding.vocabulary.rows("Customer")]
    return lambda customers: recommender.scores(embedding, vectors[customers], bought[customers])


def _figures(queries: Queries, reciprocal: Mapping[str, FloatArray]) -> dict[str, Any]:
    """Mean reciprocal rank and hits by model, with intervals; of ours, also beside the others."""
    asked = np.isfinite(next(iter(reciprocal.values())))
    _, place = np.unique(queries.customer[asked], return_inverse=True)
    result: dict[str, Any] = {}
    for name, values in reciprocal.items():
        hits = (values[asked] >= 1 / 10).astype(np.float64)
        result[name] = {"mrr": interval(values[asked], place), "hits_at_10": interval(hits, place)}
    for other in VERSUS:
        difference = reciprocal[OURS][asked] - reciprocal[other][asked]
        result[OURS][f"mrr minus {other}"] = interval(difference, place)
    return result


def interval(values: FloatArray, customer: Int64Array) -> dict[str, float]:
    """Mean over pairs with the 95 % interval of a bootstrap over customers, on the same resamples each time."""
    sums, counts = np.bincount(customer, weights=values), np.bincount(customer)
    drawn = np.random.default_rng(0).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.quantile(drawn @ sums / (drawn @ counts), [0.025, 0.975])
    return {"mean": round(float(values.mean()), 5), "low": round(float(low), 5), "high": round(float(high), 5)}


def _print(group: str, found: dict[str, Any]) -> None:
    print(f"\n{group} {found['date']}: {found['customers']:,} customers, {found['candidates']:,} candidates")
    for reading, models in found["models"].items():
        print(f"\n{reading} pairs ({found['pairs'][reading]:,})\n{'':<30}{'MRR':>28}{'hits at 10':>28}")
        for name, figures in models.items():
            print(f"{name:<30}{_shown(figures['mrr']):>28}{_shown(figures['hits_at_10']):>28}")
        for name, figures in models[OURS].items():
            if name.startswith("mrr minus"):
                print(f"{'ours ' + name:<40}{_shown(figures):>30}")


def _shown(figures: dict[str, float]) -> str:
    return f"{figures['mean']:.4f} [{figures['low']:.4f}, {figures['high']:.4f}]"


if __name__ == "__main__":
    main()
