"""Questions about products: what a customer may buy next, and which products are like one."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sparse

from embeddings.recommendation import Recommender
from embeddings.similarity import nearest
from embeddings.transe import Embedding
from graph.store import GraphStore
from graph.time import MILLISECONDS_PER_DAY, to_epoch_ms
from habitue.errors import NotFoundError, UsageError
from habitue.published import PublishedRun
from habitue.run_vectors import served_vector
from habitue.views import Recommendation, RecommendationsView, SimilarProduct

#: What may be asked for at a time.
MOST = 1000


def recommendations(
    store: GraphStore, run: PublishedRun, identifier: str, limit: int = 10, *, new_only: bool = False
) -> RecommendationsView:
    """Products that a customer may buy next (`embeddings.recommendation`), from all their events that the graph holds.

    Args:
        store: For the customer's purchases and the products' names.
        run: The published run: what goes with what, and vectors.
        identifier: The customer. Who has no vector and no purchase gets what is popular.
        limit: How many, 1 to 1,000.
        new_only: Leave out what the customer bought before.

    Raises:
        NotFoundError: If the graph does not know the customer, or the run has no recommendations.
        UsageError: If the limit is out of range.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"The limit is {limit}.", hint=f"It must be 1 to {MOST}.")
    recommender, embedding = run.vectors.recommender, run.vectors.embedding
    if recommender is None or embedding is None:
        raise NotFoundError(
            f"The run {run.manifest.id} has no recommendations: its purchases name no products, or it was scored by an "
            "earlier release.",
            hint="Where products are named, run `habitue score` again.",
        )
    if not store.read("read/customer", id=identifier).rows:
        raise NotFoundError(f"There is no customer {identifier!r}.")
    events = [row for row in store.read("read/events_of_customer", id=identifier).rows if row[0] == "PURCHASED"]
    until = max([to_epoch_ms(embedding.as_of), *(to_epoch_ms(at) + 1 for _, _, at in events)])
    own = _own(embedding, recommender, [(target, to_epoch_ms(at)) for _, target, at in events], until)
    vector = served_vector(run.vectors, run.renewed, identifier).vector
    if vector is None:
        vector = np.full(embedding.vectors.shape[1], np.nan, np.float32)
    scores = recommender.scores(embedding, vector[None], own)[0]
    bought = np.zeros(len(scores), bool)
    bought[own.indices] = True
    if new_only:
        scores[bought] = -np.inf
    order = np.argsort(-scores, kind="stable")[:limit]
    ids = embedding.vocabulary.of("Product").take(pa.array(recommender.products[order])).to_pylist()
    items = [
        Recommendation(name, _name(store, name), float(scores[place]), rank, bool(bought[place]))
        for rank, (name, place) in enumerate(zip(ids, order, strict=True), start=1)
        if np.isfinite(scores[place])
    ]
    return RecommendationsView(identifier, items, _time(until), run.score_of)


def similar_products(store: GraphStore, run: PublishedRun, identifier: str, limit: int = 10) -> list[SimilarProduct]:
    """The products closest to one by centred cosine, as of the run; found when asked for, among all that were bought.

    Raises:
        NotFoundError: If the graph does not know the product, or the run has no vector of it.
        UsageError: If the limit is out of range.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"The limit is {limit}.", hint=f"It must be 1 to {MOST}.")
    ids, unit = run.vectors.products or (pa.array([], pa.string()), np.empty((0, 0), np.float32))
    place = pc.index(ids, pa.scalar(identifier, ids.type)).as_py()
    if place < 0:
        if not store.read("read/product", id=identifier).rows:
            raise NotFoundError(f"There is no product {identifier!r}.")
        raise NotFoundError(
            f"Product {identifier!r} has no vector as of {run.manifest.as_of:%Y-%m-%d}.",
            hint="What nobody had bought before that date has none; newer products need a new `habitue train`.",
        )
    found = nearest(unit, np.array([place]), max(1, min(limit, len(ids) - 1)))
    known = found.rows[0] >= 0
    names = ids.take(pa.array(found.rows[0][known])).to_pylist()
    return [
        SimilarProduct(name, _name(store, name), float(score), rank)
        for rank, (name, score) in enumerate(zip(names, found.similarity[0][known], strict=True), start=1)
    ]


def _own(embedding: Embedding, recommender: Recommender, events: list[tuple[str, int]], until: int) -> sparse.csr_array:
    """Decayed counts of a customer's purchases, [1, m]."""
    counts: dict[str, float] = {}
    for target, at in events:
        age = (until - at) / MILLISECONDS_PER_DAY
        counts[target] = counts.get(target, 0.0) + 2.0 ** (-age / embedding.settings.half_life_days)
    rows = pc.index_in(pa.array(list(counts), pa.string()), value_set=embedding.vocabulary.of("Product"))
    row = pc.fill_null(rows, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    place = np.searchsorted(recommender.products, row)
    known = place < len(recommender.products)
    known[known] = recommender.products[place[known]] == row[known]
    values = np.array(list(counts.values()), np.float32)[known]
    shape = (1, len(recommender.products))
    return sparse.csr_array((values, (np.zeros(len(values), np.int64), place[known])), shape=shape)


def _name(store: GraphStore, product: str) -> str:
    """The product's name; its id where it has none."""
    rows = store.read("read/product", id=product).rows
    return str(rows[0][1] or product) if rows else product


def _time(milliseconds: int) -> datetime:
    moment: datetime = np.datetime64(milliseconds, "ms").item()
    return moment
