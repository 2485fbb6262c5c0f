"""Score every customer with trained models, make the report, publish the run, and write the signals on the graph."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from embeddings import files as embedding_files
from embeddings.approximate import Search, neighbours_of_all
from embeddings.novelty import novelty
from embeddings.recommendation import Recommender
from embeddings.similarity import Float32Array, Neighbours, centred
from gnn.features import Features
from gnn.forecast import Examples, examples_of
from gnn.model_files import load as load_forecaster
from gnn.outlook import expected_orders, outlook
from gnn.reasons import churn_reasons
from gnn.task import Task, population
from graph.history import History
from graph.neo4j_store import Neo4jStore
from graph.snapshot import FloatArray, Snapshot
from graph.store import GraphStore, Progress
from habitue.errors import NotTrainedError
from habitue.histories import current_history
from habitue.recommendation_files import write_recommender
from habitue.runs import (
    BACKTEST,
    CURVES,
    EMBEDDING,
    MODEL,
    PREVIOUS,
    REPORT,
    SCORES,
    RunManifest,
    newest_backtest,
    newest_trained,
    write_manifest,
)
from habitue.similarity_files import read_product_vectors, write_product_vectors, write_similarity
from habitue.training import run_id
from scoring.score import ScoreSettings
from scoring.score import score as score_table

if TYPE_CHECKING:
    from habitue.engine import Engine

#: `SIMILAR_TO` relationships written for each customer.
SIMILAR_COUNT = 10


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores as of a date, with the vectors they used and what was found near them."""

    snapshot: Snapshot
    scores: pd.DataFrame
    ids: pa.StringArray
    unit: Float32Array
    near: Neighbours
    search: Search


def score(engine: Engine, *, write_back: bool, reason: str, progress: Progress) -> RunManifest:
    """Make and publish a run of kind `scored` from the newest trained one.

    Raises:
        NotTrainedError: If there are no models, or the past they were trained on has changed since.
    """
    begin = time.monotonic()
    source, trained = newest_trained(engine.workspace)
    history = current_history(engine.store, engine.workspace, progress)
    task = Task(trained.task.horizon_days, trained.task.active_window_days, trained.task.properties)
    if history.at(trained.as_of).fingerprint != trained.data_fingerprint:
        raise NotTrainedError(
            f"The graph before {trained.as_of:%Y-%m-%d} is not the one that {trained.id} was trained on "
            "(late events, corrections, or another store).",
            hint="Run `habitue train` again.",
        )
    settings = ScoreSettings()
    previous = None
    if trained.settings.get("previous_as_of"):
        progress("scoring as of the cutoff before", 0.05)
        before = datetime.fromisoformat(trained.settings["previous_as_of"])
        previous = _score_at(history, before, source / PREVIOUS, task, settings, None, with_reasons=False).scores
    progress("scoring", 0.3)
    scored = _score_at(history, trained.as_of, source, task, settings, previous, with_reasons=True)
    similar = similar_pairs(scored.ids, scored.unit, scored.near)
    facts = engine.store.facts()
    backtest = newest_backtest(engine.workspace, trained, facts.fingerprint if facts else "")
    with engine.workspace.new_directory(engine.workspace.runs, "scoring") as directory:
        manifest = _manifest(engine, trained, scored, settings, backtest, directory, reason, begin)
        for name in (MODEL, EMBEDDING):
            if (source / name).is_dir():  # linked, not copied: finished runs never change
                shutil.copytree(source / name, directory / name, copy_function=_link)
        scored.scores.to_parquet(directory / SCORES, index=False)
        write_similarity(directory, scored.ids, scored.unit)
        _write_products(directory, scored.snapshot, progress)
        write_manifest(directory, manifest)
        progress("writing the report", 0.6)
        _write_report(directory, manifest, backtest, scored.scores)
    engine.workspace.publish(manifest.id)
    if write_back:
        progress("writing the signals on the graph", 0.7)
        write_signals(engine.store, manifest, scored.scores, similar, progress)
        write_vectors(engine.store, engine.workspace.runs / manifest.id, scored.ids, scored.unit, progress)
    return manifest


def write_vectors(store: GraphStore, run: Path, ids: pa.StringArray, unit: Float32Array, progress: Progress) -> None:
    """Fill Neo4j's vector indexes with a run's vectors; the embedded store has none, and `SIMILAR_TO` serves there."""
    if not isinstance(store, Neo4jStore):
        return
    store.write_vectors("customer", ids, unit, progress)
    products = read_product_vectors(run)
    empty = pa.array([], pa.string()), np.empty((0, 0), np.float32)
    store.write_vectors("product", *(products or empty), progress)


def _write_products(directory: Path, snapshot: Snapshot, progress: Progress) -> None:
    """Products' vectors, and what goes with what, into a run that has an embedding."""
    if not (directory / EMBEDDING).is_dir():
        return
    embedding = embedding_files.load(directory / EMBEDDING)
    write_recommender(directory, Recommender.of(snapshot, embedding.settings.half_life_days, progress=progress))
    ids, vectors = embedding.products()
    write_product_vectors(directory, ids, centred(vectors))


def _link(source: str, target: str) -> None:
    """A second name for a file, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write_signals(
    store: GraphStore, manifest: RunManifest, scores: pd.DataFrame, similar: pa.Table, progress: Progress
) -> None:
    """Write a run's signals and similarities on the graph, in place of what was there."""
    names = ("churn_risk", "expected_value", "novelty", "hyperscore", "hyperscore_percentile")
    count = len(scores)
    signals = pa.table({
        "id": pa.array(scores["customer_id"], pa.string()),
        **{name: pa.array(scores[name].to_numpy(np.float64), from_pandas=True) for name in names},
        "scored_at": pa.array([manifest.as_of] * count, pa.timestamp("ms")),
        "model": pa.array([manifest.id] * count, pa.string()),
    })  # fmt: skip
    store.write_scores(signals, progress)
    store.write_similar(similar, manifest.id, progress)


def _score_at(
    history: History,
    as_of: datetime,
    models: Path,
    task: Task,
    settings: ScoreSettings,
    previous: pd.DataFrame | None,
    *,
    with_reasons: bool,
) -> Scored:
    """Scores of everybody with a purchase before a date, by the models trained as of it."""
    snapshot = history.at(as_of)
    rows = population(snapshot, Task(task.horizon_days, None))
    examples = examples_of(snapshot, rows, task.properties)
    forecaster = load_forecaster(models / MODEL, task)
    forecast = forecaster.predict(examples)
    unit = _vectors(examples, models / EMBEDDING)
    near, search = neighbours_of_all(unit, max(1, min(SIMILAR_COUNT, len(unit) - 1)))
    signals = novelty(snapshot, rows, unit, found=near)
    reasons: Sequence[Sequence[dict[str, Any]]] | None = churn_reasons(forecaster, examples) if with_reasons else None
    orders: FloatArray | None = None
    if forecast.churn_risk is not None and not np.isfinite(snapshot.purchases.amount).any():
        orders = expected_orders(snapshot, rows, forecast.churn_risk, task)
    table = score_table(
        snapshot, rows, forecast, signals, task,
        previous=previous, reasons=reasons, expected_orders=orders, settings=settings,
    )  # fmt: skip
    if with_reasons:
        table = table.assign(**outlook(snapshot, rows, forecast, task))
    return Scored(snapshot, table, snapshot.customers.take(pa.array(rows)), unit, near, search)


def _vectors(examples: Examples, embedding: Path) -> Float32Array:
    """Centred unit vectors of the examples' customers: of TransE, or of features where there is nothing to embed."""
    if embedding.is_dir():
        _, vectors = embedding_files.load(embedding).customers()
        return centred(vectors[examples.rows])
    return centred(_standardised(examples.features))


def _standardised(features: Features) -> Float32Array:
    """Features as comparable numbers: ranks in [−½, ½], 0 where unknown."""
    ranks = pd.DataFrame(features.values).rank(pct=True).to_numpy() - 0.5
    return np.nan_to_num(ranks).astype(np.float32)


def similar_pairs(ids: pa.StringArray, unit: Float32Array, near: Neighbours | None = None) -> pa.Table:
    """The closest others of each customer or product: `source`, `target`, `score`.

    Args:
        ids: Of the n.
        unit: Their centred unit vectors (n × d).
        near: The closest of all, where they are known already.
    """
    count = min(SIMILAR_COUNT, len(ids) - 1)
    if count < 1:
        return pa.table({"source": pa.array([], pa.string()), "target": pa.array([], pa.string()),
                         "score": pa.array([], pa.float64())})  # fmt: skip
    found = near or neighbours_of_all(unit, count)[0]
    known = found.rows.ravel() >= 0
    return pa.table({
        "source": ids.take(pa.array(np.repeat(np.arange(len(ids)), found.rows.shape[1])[known])),
        "target": ids.take(pa.array(found.rows.ravel()[known])),
        "score": pa.array(found.similarity.ravel()[known].astype(np.float64)),
    })  # fmt: skip


def _manifest(
    engine: Engine,
    trained: RunManifest,
    scored: Scored,
    settings: ScoreSettings,
    backtest: Path | None,
    directory: Path,
    reason: str,
    begin: float,
) -> RunManifest:
    preset = settings.preset
    figures = json.loads((backtest / BACKTEST).read_text(encoding="utf-8")) if backtest else {}
    return trained.model_copy(
        update={
            "id": run_id(directory),
            "kind": "scored",
            "created_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            "settings": {**trained.settings, "similarity": dataclasses.asdict(scored.search)},
            "weights": settings.weights.as_dict(),
            "hyperscore": {
                "preset": preset.name, "beta": preset.beta, "gamma": preset.gamma, "kappa": preset.kappa,
            },
            "metrics": figures.get("models", {}),
            "counts": {
                **trained.counts, "scored": len(scored.scores), "active": int(scored.scores["active"].sum()),
            },
            "seconds": {**trained.seconds, "scoring": round(time.monotonic() - begin, 2)},
            "publisher": engine.publisher,
            "parent": trained.id,
            "reason": reason or "scoring",
        }
    )  # fmt: skip


def _write_report(directory: Path, manifest: RunManifest, backtest: Path | None, scores: pd.DataFrame) -> None:
    """The report card, with the newest backtest's figures where there is one."""
    from habitue.report import build_report

    figures: dict[str, Any] = {}
    curves: dict[str, Any] = {}
    if backtest:
        for name in (BACKTEST, CURVES):
            shutil.copyfile(backtest / name, directory / name)
        figures = json.loads((directory / BACKTEST).read_text(encoding="utf-8"))
        curves = json.loads((directory / CURVES).read_text(encoding="utf-8"))
    page = build_report(manifest.model_dump(mode="json"), figures, curves, scores)
    (directory / REPORT).write_text(page, encoding="utf-8")
