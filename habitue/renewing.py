"""Vectors of customers (and new products) with events since the training: solved for, kept, and served from then on.

Both ways lead to the same files (`habitue.renewed_files`): a few customers from what the graph says of each, as
`POST /v1/interactions` needs it, and all with later events from the history, as a load does. A customer's vector knows
all their events up to a moment of its own, `as_of`: the one after their latest event, and not before the training.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.incremental import CustomerSolver, Related, customer_vectors, product_vectors, rows_of
from embeddings.similarity import centred
from embeddings.transe import Embedding
from embeddings.triples import RELATIONS
from graph.neo4j_store import Neo4jStore
from graph.snapshot import Int64Array, Snapshot
from graph.store import no_progress
from graph.time import MILLISECONDS_PER_DAY, to_epoch_ms
from habitue.drift import drift_of, write_drift
from habitue.histories import current_history
from habitue.renewed_files import (
    PRODUCTS,
    Float32Array,
    RenewedVectors,
    forget_other_runs,
    read_renewed,
    renewed_directory,
    write_renewed,
)

if TYPE_CHECKING:
    from graph.store import GraphStore, Progress
    from habitue.engine import Engine
    from habitue.published import PublishedRun


def renew_customers(engine: Engine, customers: Collection[str]) -> int:
    """Solve for the vectors of a few customers from the graph, and keep them; how many have one.

    Without a published run that has an embedding nothing is done. The caller holds the workspace's write lock.
    """
    run = engine.publication.current_or_none()
    embedding, solver = (run.vectors.embedding, run.vectors.solver) if run else (None, None)
    if run is None or embedding is None or solver is None or not customers:
        return 0
    asked = sorted(set(customers))
    events = [_events(engine.store, each) for each in asked]
    training = to_epoch_ms(embedding.as_of)
    as_of = np.array([max(training, *(at + 1 for _, _, at in each)) if each else training for each in events], np.int64)
    rows, vectors = _solved(solver, events, as_of)
    before = [[event for event in each if event[2] < training] for each in events]
    moved = _moved(rows, vectors, *_solved(solver, before, np.full(len(asked), training)))
    renewed = RenewedVectors(
        pa.array([asked[row] for row in rows], pa.string()), as_of[rows].astype("datetime64[ms]"), moved, vectors
    )
    _keep(engine, run, embedding, renewed, None)
    return len(renewed)


def renew_all(engine: Engine, progress: Progress) -> int:
    """Solve for all customers with an event at or after the training's date, and for new products; how many customers.

    A late event, of before that date, counts when its customer is solved for the next time. The caller holds the
    workspace's write lock.
    """
    run = engine.publication.current_or_none()
    embedding = run.vectors.embedding if run else None
    if run is None or embedding is None:
        return 0
    history = current_history(engine.store, engine.workspace, progress)
    if history.complete_until <= embedding.as_of:
        return 0
    progress("solving for the vectors of customers with new events", 0.5)
    snapshot, before = history.at(history.complete_until), history.at(embedding.as_of)
    rows, vectors = customer_vectors(embedding, snapshot, _with_events_since(embedding, snapshot))
    ids = snapshot.customers.take(pa.array(rows))
    then = pc.fill_null(pc.index_in(ids, value_set=before.customers), -1).to_numpy().astype(np.int64)
    old_rows, old = customer_vectors(embedding, before, then[then >= 0])
    moved = _moved(then, vectors, old_rows, old)
    date = np.full(len(rows), np.datetime64(snapshot.as_of, "ms"))
    products = _new_products(embedding, snapshot)
    # Events after the date that the load is complete until came one by one: theirs are the newer vectors.
    held = read_renewed(renewed_directory(engine.workspace, run.manifest.id))
    newer = held.ids.filter(pa.array(held.as_of > np.datetime64(snapshot.as_of, "ms")))
    keep = pc.invert(pc.is_in(ids, value_set=newer)).to_numpy(zero_copy_only=False)
    renewed = RenewedVectors(ids.filter(pa.array(keep)), date[keep], moved[keep], vectors[keep])
    _keep(engine, run, embedding, renewed, products)
    renew_customers(engine, newer.to_pylist())
    progress("vectors", 1.0)
    return len(rows)


_Event = tuple[str, str, int]


def _events(store: GraphStore, customer: str) -> list[_Event]:
    """Type, target and time (epoch milliseconds) of a customer's events."""
    return [
        (kind, target, to_epoch_ms(at)) for kind, target, at in store.read("read/events_of_customer", id=customer).rows
    ]


def _solved(
    solver: CustomerSolver, events: Sequence[Sequence[_Event]], as_of: Int64Array
) -> tuple[Int64Array, Float32Array]:
    """Which customers have a vector, and the vectors, from each one's events as of a moment of their own."""
    embedding = solver.embedding
    half_life = embedding.settings.half_life_days * MILLISECONDS_PER_DAY
    related = {}
    for name in embedding.relations:
        pairs: dict[tuple[int, str], float] = {}
        for row, (each, moment) in enumerate(zip(events, as_of.tolist(), strict=True)):
            for kind, target, at in each:
                if kind == name:
                    pairs[row, target] = pairs.get((row, target), 0.0) + 2.0 ** ((at - moment) / half_life)
        if pairs:
            order = sorted(pairs)
            entity = rows_of(embedding, RELATIONS[name][1], pa.array([target for _, target in order], pa.string()))
            strength = np.maximum(np.array([pairs[key] for key in order]), np.finfo(np.float32).tiny)
            related[name] = Related(np.array([row for row, _ in order]), entity, strength.astype(np.float32))
    return solver.vectors(len(events), related)


def _moved(rows: Int64Array, vectors: Float32Array, old_rows: Int64Array, old: Float32Array) -> Float32Array:
    """How far vectors are from those of the same rows before; NaN for rows that had none (`old_rows` ascend)."""
    moved = np.full(len(rows), np.nan, np.float32)
    place = np.searchsorted(old_rows, rows)
    known = np.flatnonzero(place < len(old_rows))
    known = known[old_rows[place[known]] == rows[known]]
    moved[known] = np.linalg.norm(vectors[known] - old[place[known]], axis=1)
    return moved


def _with_events_since(embedding: Embedding, snapshot: Snapshot) -> Int64Array:
    """Rows of customers with an event at or after the embedding's date."""
    since = to_epoch_ms(embedding.as_of)
    found = [events.customer[np.searchsorted(events.at, since) :] for events in snapshot.events.values()]
    return np.unique(np.concatenate(found)).astype(np.int64)


def _new_products(embedding: Embedding, snapshot: Snapshot) -> RenewedVectors:
    """Vectors of products that the embedding does not know."""
    new = np.flatnonzero(rows_of(embedding, "Product", snapshot.products) < 0)
    rows, vectors = product_vectors(embedding, snapshot, new)
    date = np.full(len(rows), np.datetime64(snapshot.as_of, "ms"))
    ids = snapshot.products.take(pa.array(rows))
    return RenewedVectors(ids, date, np.full(len(rows), np.nan, np.float32), vectors)


def _keep(
    engine: Engine,
    run: PublishedRun,
    embedding: Embedding,
    renewed: RenewedVectors,
    products: RenewedVectors | None,
) -> None:
    """Put renewed vectors beside those that are there, the drift beside both, and into the index of Neo4j."""
    directory = renewed_directory(engine.workspace, run.manifest.id)
    forget_other_runs(engine.workspace, run.manifest.id)
    everybody = read_renewed(directory).replaced(renewed)
    if products is None:
        products = read_renewed(directory, PRODUCTS)
    else:
        write_renewed(directory, products, PRODUCTS)
    write_renewed(directory, everybody)
    if isinstance(engine.store, Neo4jStore) and len(renewed):
        # Dimension and direction are the index's own: those of the run that it was filled from.
        unit = centred(renewed.vectors, run.vectors.mean)
        engine.store.renew_vectors("customer", renewed.ids, unit, no_progress)
    write_drift(directory, drift_of(embedding, everybody, products))
