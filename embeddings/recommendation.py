"""What a customer may buy next: the translation, what goes with what they bought, and what they buy again.

The score of a product t for a customer c, in nats up to a constant of the customer, is

    s(c, t) = log(ε + k(c, t) / mean over t of k(c, ·)) − a ‖c + r − t‖ + g log(1 + n(c, t))

with n(c, t) the decayed count of the customer's own purchases of t, and k(c, t) = Σᵢ log(1 + n(c, i)) · cos(i, t) over
the partners i of t, those that it goes with most: item-based collaborative filtering (Sarwar et al. 2001, "Item-based
collaborative filtering recommendation algorithms") by the cosine of who bought i and who bought t, a walk customer →
product → customer → product on the graph. For who bought nothing that goes with anything, k is the popularity: the
decayed count of everybody's purchases of t. Popularity lies in k, as a product that many buy goes with everything; a
term of its own beside it measured worse.

What is kept of the graph is, for each product, those it goes with most. Nothing of it names a customer: own purchases
and the vector are given when asked, so that new events count at once.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sparse

from embeddings.ranking import PURCHASED
from embeddings.triples import decayed_pairs
from habitue.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from embeddings.transe import Embedding
    from graph.snapshot import Int32Array, Int64Array, Snapshot
    from graph.store import Progress

    Float32Array = npt.NDArray[np.float32]

#: Products whose partners are looked for at once.
_BLOCK = 512


@dataclass(frozen=True)
class RecommendationSettings:
    """What the score is made of; chosen on Complete Journey as of 2017-09-03 (`bench/bench_purchases.py`).

    Attributes:
        partners: Products kept for each product: those that it goes with most. With all of them it was worse.
        least_buyers: Distinct buyers from which a product is recommended; fewer where none has so many.
        translation: a, weight of the distance.
        repeat: g, weight of own purchases.
        floor: ε: the share of the mean that what goes with nothing gets.
    """

    partners: int = 100
    least_buyers: int = 5
    translation: float = 0.2
    repeat: float = 10.0
    floor: float = 1e-2

    def __post_init__(self) -> None:
        if self.partners < 1 or self.least_buyers < 1 or self.floor <= 0 or min(self.translation, self.repeat) < 0:
            raise UsageError(
                f"These settings cannot recommend: {self}.", hint="All must be positive; weights may be 0."
            )


@dataclass(frozen=True, eq=False)
class Recommender:
    """What is needed to score m products for anybody.

    Attributes:
        products: int64 [m]: rows of the embedding's products, ascending.
        popularity: float32 [m]: decayed count of everybody's purchases.
        partner: int32 [m, k]: places in `products`, those that go with each most first.
        cosine: float32 [m, k], in [0, 1]; 0 where a product has fewer partners.
        settings: Of the score.
    """

    products: Int64Array
    popularity: Float32Array
    partner: Int32Array
    cosine: Float32Array
    settings: RecommendationSettings

    @classmethod
    def of(
        cls, snapshot: Snapshot, half_life_days: float, settings: RecommendationSettings | None = None,
        progress: Progress | None = None,
    ) -> Recommender:  # fmt: skip
        """Learn what goes with what from a snapshot.

        Args:
            snapshot: The one that the embedding was trained on, so that products have the same rows.
            half_life_days: Days after which a purchase counts half.
            settings: Of the score.
            progress: Told after each block of products.
        """
        settings = settings or RecommendationSettings()
        bought = purchases_of(snapshot, half_life_days)
        buyers = np.bincount(bought.indices, minlength=bought.shape[1])
        products = np.flatnonzero(buyers >= min(settings.least_buyers, max(1, int(buyers.max(initial=0)))))
        chosen = sparse.csr_array(bought[:, products])
        popularity = np.asarray(chosen.sum(axis=0), np.float32).ravel()
        partner, cosine = partners(chosen, settings.partners, progress)
        return cls(products, popularity, partner, cosine, settings)

    def scores(self, embedding: Embedding, customers: Float32Array, bought: sparse.csr_array) -> Float32Array:
        """Scores of all products for some customers, float32 [q, m]; higher is likelier.

        Args:
            embedding: Of the same date: its products' vectors and the relation of purchases.
            customers: float32 [q, d]: their vectors. NaN for who has none: their distance counts for nothing.
            bought: [q, m]: decayed counts of their purchases, by places in `products`.
        """
        query = customers + embedding.relation_vectors[embedding.relations.index(PURCHASED)]
        vectors = embedding.vectors[embedding.vocabulary.rows("Product")][self.products]
        squared = np.square(query).sum(1)[:, None] + np.square(vectors).sum(1) - 2 * query @ vectors.T
        distance = np.nan_to_num(np.sqrt(np.maximum(squared, 0.0)))
        return self.combined(distance, bought)

    def combined(self, distance: Float32Array, bought: sparse.csr_array) -> Float32Array:
        """The score from its parts: ‖c + r − t‖ [q, m] and decayed counts of own purchases [q, m]."""
        taste = bought.copy()
        taste.data = np.log1p(taste.data)
        together = (taste @ self.of_partners()).toarray().astype(np.float32)
        nothing = together.max(axis=1, initial=0.0) <= 0
        together[nothing] = self.popularity
        together /= np.maximum(together.mean(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        score = np.log(together + np.float32(self.settings.floor))
        score -= np.float32(self.settings.translation) * distance
        own = taste.tocoo()
        score[own.coords] += (self.settings.repeat * own.data).astype(np.float32)
        result: Float32Array = score
        return result

    def of_partners(self) -> sparse.csc_array:
        """cos(i, t) where i is a partner of t, sparse [m, m]."""
        count, width = self.partner.shape
        start = np.arange(0, count * width + 1, width)
        return sparse.csc_array((self.cosine.ravel(), self.partner.ravel(), start), shape=(count, count))


def purchases_of(snapshot: Snapshot, half_life_days: float) -> sparse.csr_array:
    """Decayed counts of purchases, sparse float32 [customers, products]."""
    customer, product, strength = decayed_pairs(snapshot.purchases, snapshot.as_of_ms, half_life_days)
    return sparse.csr_array((strength, (customer, product)), shape=(len(snapshot.customers), len(snapshot.products)))


def partners(bought: sparse.csr_array, count: int, progress: Progress | None = None) -> tuple[Int32Array, Float32Array]:
    """For each product those bought by the same customers, by the cosine of their sets of buyers.

    cos(i, t) = |buyers of both| / √(|buyers of i| · |buyers of t|). Of equal ones the lower place comes first.

    Args:
        bought: [n, m], positive where a customer bought a product.
        count: How many are kept for each, k; m − 1 where there are fewer others.
        progress: Told after each block of products.

    Returns:
        Places int32 [m, k] and cosines float32 [m, k], falling; 0 where nobody bought both. Beside them a block of
        512 · m cosines is held for each core.
    """
    size = bought.shape[1]
    count = max(1, min(count, size - 1))
    buyers = np.bincount(bought.indices, minlength=size)
    unit = sparse.csr_array(
        (1 / np.sqrt(buyers[bought.indices]).astype(np.float32), bought.indices, bought.indptr), shape=bought.shape
    )
    of_product = unit.T.tocsr()
    partner, cosine = np.zeros((size, count), np.int32), np.zeros((size, count), np.float32)

    def fill(start: int) -> None:
        block = (of_product[start : start + _BLOCK] @ unit).toarray()
        rows = np.arange(len(block))
        block[rows, start + rows] = -1.0
        if count < size - 1:
            found = np.argpartition(-block, count, axis=1)[:, :count]
        else:
            found = np.argsort(-block, axis=1, kind="stable")[:, :count]
        found.sort(axis=1)
        values = np.take_along_axis(block, found, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        partner[start : start + len(block)] = np.take_along_axis(found, order, axis=1)
        cosine[start : start + len(block)] = np.maximum(0.0, np.take_along_axis(values, order, axis=1))

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(fill, range(0, size, _BLOCK)), start=1):
            if progress is not None:
                progress("What goes with what", min(1.0, done * _BLOCK / size))
    return partner, cosine
