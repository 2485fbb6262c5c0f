"""What vectors solved for after the training are worth beside those of a full retraining, and how fast they come.

    python -m bench.bench_incremental [--smoke] [--workspace DIR]

Complete Journey as of T, 2017-11-02. A fifth of the customers are held out: TransE is trained without them, and their
vectors are then solved for from their purchases before T. Their next purchases (of the 60 days after T, among products
with five buyers before it) are ranked by these, and by the vectors of a training in which they took part; gain is the
mean reciprocal rank less that of popularity, and what counts is the share of the full training's gain that is reached,
with the 95 % interval of a bootstrap over the held-out customers. Three times: with all their purchases; with no more
than their three last lines; and by a training of eight weeks before T, followed by weekly increments in which everybody
with new events, and every new product, is solved for. Vectors are judged alone (with the popularity term), and in the
recommendations that are served. Prints a table and writes bench/results/incremental.json.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy and torch read them
    os.environ[_name] = "1"

import argparse  # noqa: E402
import json  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from datetime import datetime, timedelta  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.compute as pc  # noqa: E402

from bench.held_out import cut_to_last, without  # noqa: E402
from bench.measure import machine  # noqa: E402
from bench.purchase_models import popularity  # noqa: E402
from bench.purchase_queries import Queries, Scorer, filtered_ranks, queries_of  # noqa: E402
from bench.real_history import loaded  # noqa: E402
from embeddings.incremental import (  # noqa: E402
    CustomerSolver,
    customer_vectors,
    product_vectors,
    relations_of,
    rows_of,
    updated,
    with_popularity,
)
from embeddings.ranking import query_scores  # noqa: E402
from embeddings.recommendation import Recommender, purchases_of  # noqa: E402
from embeddings.settings import TransESettings  # noqa: E402
from embeddings.transe import Embedding, train  # noqa: E402
from graph.history import History  # noqa: E402
from graph.snapshot import FloatArray, Int64Array, Snapshot  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "incremental.json"
DATE, LATER_DAYS, BUYERS, WEEKS, FEW, RESAMPLES = "2017-11-02", 60, 5, 8, 3, 1000
HELD_OUT = 0.2


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--light", action="store_true", help="a third of the training, and vectors judged alone")
    parser.add_argument("--workspace", type=Path, help="kept, so that the data set is loaded once")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    begin = time.process_time()
    with tempfile.TemporaryDirectory(prefix="bench-incremental-") as temporary:
        source = "tiny" if options.smoke else "complete-journey"
        history = loaded(source, options.workspace or Path(temporary) / "workspace")
        last = history.complete_until - timedelta(days=LATER_DAYS)
        as_of = last if options.smoke else datetime.fromisoformat(DATE)

        def keep(found: dict[str, Any]) -> None:
            worked = round(time.process_time() - begin, 1)
            result = {"dataset": history.dataset, **found, "cpu_seconds": worked, "machine": machine()}
            options.results.parent.mkdir(exist_ok=True)
            options.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")

        measure(history, as_of, keep, light=options.light)


def measure(history: History, as_of: datetime, keep: Callable[[dict[str, Any]], None], *, light: bool) -> None:
    """Gains and speed as of a date; what is found is kept after each part, as the whole takes minutes."""
    settings = TransESettings.light() if light else TransESettings()
    queries = queries_of(history, as_of, days=LATER_DAYS, buyers=BUYERS)
    snapshot = queries.snapshot
    held = held_out(snapshot)
    asked = queries.of_customers(held)
    training = {"dimension": settings.dimension, "epochs": settings.engine.epochs}
    sizes = {"held_out": len(held), "pairs": len(asked)}
    result: dict[str, Any] = {"date": f"{as_of:%Y-%m-%d}", **sizes, **training, "gain": {}}
    few = cut_to_last(snapshot, held, FEW)
    full, part = train(snapshot, settings), train(without(snapshot, held), settings)
    base = filtered_ranks(popularity(snapshot, queries.candidates), asked, new_only=False)

    def told(
        name: str, seen: Snapshot, retrained: Embedding, incremental: Embedding, taught: Snapshot, trained: Embedding
    ) -> None:
        both = _vectors(seen, retrained, queries), _vectors(seen, incremental, queries)
        found = {"vectors": shares(asked, base, *both)}
        if not light:
            after, before = (Recommender.of(each, settings.half_life_days) for each in (seen, taught))
            served = (
                _served(seen, retrained, retrained, after, queries),
                _served(seen, incremental, trained, before, queries),
            )
            found["recommendations"] = shares(asked, base, *served)
        result["gain"][name] = found
        _print(name, result["gain"][name])
        keep(result)

    result["speed"] = speed(part, snapshot, held)
    print(json.dumps(result["speed"], indent=2), flush=True)
    alone = without(snapshot, held)
    told("all purchases", snapshot, full, added(part, snapshot, held), alone, part)
    told("at most three lines", few, train(few, settings), added(part, few, held), alone, part)
    before = history.at(as_of - timedelta(weeks=WEEKS))
    then = without(before, _rows(held, snapshot, before))
    old = train(then, settings)
    aged = weekly(old, history, as_of, snapshot.customers.take(pa.array(held)))
    told("after eight weeks", snapshot, full, aged, then, old)


def held_out(snapshot: Snapshot) -> Int64Array:
    """A fifth of the customers, drawn once for all; rows, ascending."""
    count = len(snapshot.customers)
    drawn = np.random.default_rng(0).choice(count, max(1, round(HELD_OUT * count)), replace=False)
    return np.sort(drawn).astype(np.int64)


def added(embedding: Embedding, snapshot: Snapshot, customers: Int64Array) -> Embedding:
    """An embedding with customers solved for."""
    rows, vectors = customer_vectors(embedding, snapshot, customers)
    return updated(embedding, snapshot.as_of, "Customer", snapshot.customers.take(pa.array(rows)), vectors)


def weekly(embedding: Embedding, history: History, as_of: datetime, held: pa.StringArray) -> Embedding:
    """Week after week, everybody with new events and new products are solved for; at the end the held out.

    Each week's popularity is that of its end.
    """
    for week in range(WEEKS - 1, -1, -1):
        snapshot = history.at(as_of - timedelta(weeks=week))
        events = snapshot.purchases
        since = snapshot.as_of_ms - 7 * 86_400_000
        changed = np.unique(events.customer[events.at >= since]).astype(np.int64)
        out = pc.is_in(snapshot.customers, value_set=held).to_numpy(zero_copy_only=False)
        embedding = added(embedding, snapshot, changed[~out[changed]])
        new = np.flatnonzero(rows_of(embedding, "Product", snapshot.products) < 0)
        rows, vectors = product_vectors(embedding, snapshot, new)
        embedding = updated(embedding, snapshot.as_of, "Product", snapshot.products.take(pa.array(rows)), vectors)
        embedding = with_popularity(embedding, snapshot)
    return added(embedding, snapshot, np.flatnonzero(out))


def _rows(rows: Int64Array, of: Snapshot, among: Snapshot) -> Int64Array:
    """Rows of the same customers in another snapshot, of those who are there."""
    found = pc.index_in(of.customers.take(pa.array(rows)), value_set=among.customers).drop_null()
    return np.sort(found.to_numpy().astype(np.int64))


def _vectors(snapshot: Snapshot, embedding: Embedding, queries: Queries) -> Scorer:
    """The translation and the popularity term."""
    customers = _of_customers(embedding, snapshot)
    tails = rows_of(embedding, "Product", snapshot.products.take(pa.array(queries.candidates)))
    known = tails >= 0

    def scores(asked: Int64Array) -> FloatArray:
        found = np.full((len(asked), len(tails)), -np.inf)
        found[:, known] = query_scores(embedding, customers[asked], tails[known])
        return found

    return scores


def _served(
    snapshot: Snapshot, of_customers: Embedding, embedding: Embedding, recommender: Recommender, queries: Queries
) -> Scorer:
    """What is served as recommendations: by the newest vectors of customers, and products as they were trained.

    Products that the training did not know come last.
    """
    customers = _of_customers(of_customers, snapshot)
    ids = embedding.vocabulary.of("Product").take(pa.array(recommender.products))
    row = pc.fill_null(pc.index_in(ids, value_set=snapshot.products), -1).to_numpy().astype(np.int64)
    bought = purchases_of(snapshot, embedding.settings.half_life_days)[:, row]
    place = np.full(len(snapshot.products), -1)
    place[row] = np.arange(len(row))
    chosen = place[queries.candidates]

    def scores(asked: Int64Array) -> FloatArray:
        found = recommender.scores(embedding, customers[asked], bought[asked]).astype(np.float64)
        return np.where(chosen >= 0, found[:, chosen], -np.inf)

    return scores


def _of_customers(embedding: Embedding, snapshot: Snapshot) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Vectors of the snapshot's customers; of who has none, the mean, which is how they are taken in."""
    rows = rows_of(embedding, "Customer", snapshot.customers)
    mean = embedding.customers()[1].mean(axis=0)
    return np.where((rows >= 0)[:, None], embedding.vectors[rows], mean).astype(np.float32)


def shares(queries: Queries, base: FloatArray, retrained: Scorer, incremental: Scorer) -> dict[str, Any]:
    """Mean reciprocal ranks, and the share of the full training's gain, with its interval."""
    ranks = {
        "popularity": base,
        "retrained": filtered_ranks(retrained, queries, new_only=False),
        "incremental": filtered_ranks(incremental, queries, new_only=False),
    }
    _, place = np.unique(queries.customer, return_inverse=True)
    count = int(place.max()) + 1
    sums = {name: np.bincount(place, weights=1 / each, minlength=count) for name, each in ranks.items()}
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    gain = {name: drawn @ (sums[name] - sums["popularity"]) for name in ("retrained", "incremental")}
    low, high = np.quantile(gain["incremental"] / gain["retrained"], [0.025, 0.975])
    mean = {name: float((1 / each).mean()) for name, each in ranks.items()}
    share = (mean["incremental"] - mean["popularity"]) / (mean["retrained"] - mean["popularity"])
    return {
        **{f"mrr_{name}": round(value, 5) for name, value in mean.items()},
        "share_of_gain": {"mean": round(share, 3), "low": round(float(low), 3), "high": round(float(high), 3)},
    }


def speed(embedding: Embedding, snapshot: Snapshot, held: Int64Array) -> dict[str, Any]:
    """Milliseconds of work for one customer, and customers a second together; of all their purchases, and of few."""
    found: dict[str, Any] = {}
    solver = CustomerSolver.of(embedding)  # made once, as where customers are served
    for name, seen in (("all purchases", snapshot), ("twenty lines", cut_to_last(snapshot, held, 20))):
        # What one customer's events are comes from the graph; finding them in a snapshot is not part of solving.
        alone = [_only(seen, held[place : place + 1]) for place in range(0, len(held), max(1, len(held) // 60))]
        single = []
        for each in alone:
            begin = time.process_time()
            solver.vectors(1, relations_of(embedding, each, np.zeros(1, np.int64)))
            single.append(time.process_time() - begin)
        together = _only(seen, held)
        many = np.arange(len(together.customers))
        begin = time.process_time()
        rows, _ = customer_vectors(embedding, together, many)
        batch = time.process_time() - begin
        pairs = len(np.unique(np.column_stack([together.purchases.customer, together.purchases.target]), axis=0))
        found[name] = {
            "pairs_each": round(pairs / max(1, len(many)), 1),
            "single_ms_median": round(1000 * float(np.median(single)), 2),
            "single_ms_95th": round(1000 * float(np.quantile(single, 0.95)), 2),
            "batch_customers_per_cpu_second": round(len(rows) / batch),
        }
    return found


def _only(snapshot: Snapshot, customers: Int64Array) -> Snapshot:
    """A snapshot of some customers alone."""
    return without(snapshot, np.setdiff1d(np.arange(len(snapshot.customers)), customers))


def _print(name: str, found: dict[str, Any]) -> None:
    for what, each in found.items():
        share = each["share_of_gain"]
        print(f"{name:<22}{what:<18}popularity {each['mrr_popularity']:.4f}  retrained {each['mrr_retrained']:.4f}  "
              f"incremental {each['mrr_incremental']:.4f}  share of the gain {share['mean']:.3f} "
              f"[{share['low']:.3f}, {share['high']:.3f}]", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
