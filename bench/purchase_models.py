"""What next purchases are ranked by, beside ours: popularity, own purchases, item-kNN, and TransE alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse

from bench.purchase_queries import Scorer
from embeddings.ranking import tail_scores
from embeddings.recommendation import Recommender, purchases_of
from embeddings.transe import Embedding
from graph.snapshot import Int64Array, Snapshot


def popularity(snapshot: Snapshot, candidates: Int64Array) -> Scorer:
    """How many lines of purchases name the product."""
    target = snapshot.purchases.target[snapshot.purchases.target >= 0]
    lines = np.bincount(target, minlength=len(snapshot.products))[candidates]
    return lambda customers: np.broadcast_to(lines, (len(customers), len(lines)))


def own_purchases(snapshot: Snapshot, candidates: Int64Array, half_life_days: float) -> Scorer:
    """The decayed count of the customer's own purchases; equal ones, and what they never bought, by popularity.

    It was above the plain count, and above any of the two without the popularity.
    """
    bought = purchases_of(snapshot, half_life_days)[:, candidates]
    popular = np.asarray(bought.sum(axis=0), np.float64).ravel()
    popular *= 1e-6 / max(1.0, popular.max())
    return lambda customers: bought[customers].toarray() + popular


def nearest_items(recommender: Recommender, snapshot: Snapshot) -> Scorer:
    """Item-kNN with the hundred nearest of each product: the summed cosines of those that the customer bought."""
    bought = purchases_of(snapshot, 90.0)[:, recommender.products]
    bought.data = np.ones_like(bought.data)
    table = recommender.of_partners()
    return lambda customers: (bought[customers] @ table).toarray()


def item_knn(snapshot: Snapshot, candidates: Int64Array, half_life_days: float | None = None) -> Scorer:
    """Item-kNN: the summed cosines of a product with those that the customer bought, all neighbours being kept.

    Cosines are of the products' buyers; with a half-life, buyers and the customer's own products weigh by
    log(1 + decayed count).
    """
    bought = purchases_of(snapshot, half_life_days or 90.0)[:, candidates].astype(np.float64)
    bought.data = np.ones_like(bought.data) if half_life_days is None else np.log1p(bought.data)
    length = np.sqrt(np.asarray(bought.multiply(bought).sum(axis=0)).ravel())
    unit = sparse.csr_array(bought @ sparse.diags_array(1 / np.maximum(length, 1e-12)))
    own = np.asarray(unit.multiply(unit).sum(axis=0)).ravel()  # of a product with itself: no neighbour
    across = unit.T.tocsc()

    def scores(customers: Int64Array) -> npt.NDArray[np.floating]:
        asked = bought[customers]
        # (asked · unitᵀ) · unit: no table of all pairs of products is made.
        return np.asarray(((asked @ across) @ unit).toarray() - (asked @ sparse.diags_array(own)).toarray())

    return scores


def transe(embedding: Embedding, candidates: Int64Array) -> Scorer:
    """The score of an embedding, popularity included where it has the term."""
    tails = candidates + embedding.vocabulary.offset("Product")
    return lambda customers: tail_scores(embedding, customers, tails)
