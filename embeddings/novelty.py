"""How unlike the others, and unlike their own past, customers are: four signals, and one number in [0, 1].

| part | reads | unit |
|---|---|---|
| `surprisal` | how little the recent purchases follow from the customer's own earlier ones | bits a purchase |
| `neighbour_distance` | distance from the centre of the nearest customers | 1 − cosine |
| `independence` | distance from the single closest customer | 1 − cosine |
| `peripherality` | how far from the centre of the purchase graph | −log₂ of PageRank |

Each part is brought to a mid-rank percentile among the customers; novelty is the percentile of their mean. A part that
is not known for a customer is left out of that customer's mean; who has no part at all gets the neutral ½.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sparse

from embeddings.ranks import midrank
from embeddings.similarity import Float32Array, nearest_all
from embeddings.triples import decayed_pairs
from graph.snapshot import FloatArray, Int32Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

if TYPE_CHECKING:
    from graph.store import Progress

#: Novelty of who has none of the parts.
NEUTRAL = 0.5


@dataclass(frozen=True, eq=False)
class Novelty:
    """Novelty of n customers.

    Attributes:
        value: float64 [n], in [0, 1].
        parts: Raw signals by name, float64 [n] each, in the module's units; NaN where not known.
        percentiles: The same as mid-rank percentiles in [0, 1].
    """

    value: FloatArray
    parts: Mapping[str, FloatArray]
    percentiles: Mapping[str, FloatArray]


def novelty(
    snapshot: Snapshot,
    rows: Int32Array,
    unit: Float32Array,
    *,
    recent_days: float = 60.0,
    neighbours: int = 10,
    progress: Progress | None = None,
) -> Novelty:
    """Novelty of customers as of a snapshot's date.

    Args:
        snapshot: The graph as of T.
        rows: Rows in `snapshot.customers` of the customers to compare with one another, [n].
        unit: float32 [n, d]: their vectors from `embeddings.similarity.centred`; of TransE, or of standardised
            features where there are no products.
        recent_days: What is recent: the days before T.
        neighbours: How many nearest customers make the neighbourhood.
        progress: Told while neighbours are searched.
    """
    parts = {
        "surprisal": recent_surprisal(snapshot, recent_days=recent_days)[rows],
        **neighbour_signals(unit, neighbours, progress=progress),
        "peripherality": peripherality(snapshot)[rows],
    }
    return combine(parts)


def combine(parts: Mapping[str, FloatArray]) -> Novelty:
    """Novelty from its parts, each float64 [n] with NaN where not known (see the module)."""
    percentiles = {name: midrank(values) for name, values in parts.items()}
    stacked = np.stack(list(percentiles.values()))
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    mean = np.where(count > 0, np.nansum(stacked, axis=0) / np.maximum(1, count), np.nan)
    value = midrank(mean)
    return Novelty(np.where(np.isnan(value), NEUTRAL, value), parts, percentiles)


def neighbour_signals(
    unit: Float32Array, neighbours: int = 10, *, progress: Progress | None = None
) -> dict[str, FloatArray]:
    """`neighbour_distance` and `independence` of every row of a matrix of centred unit vectors.

    With N(i) the nearest other rows of i and c their mean, neighbour_distance = 1 − cos(uᵢ, c) and
    independence = 1 − max over j ≠ i of cos(uᵢ, uⱼ), both in [0, 2]. NaN where there is no other row.
    """
    unknown = np.full(len(unit), np.nan)
    if len(unit) < 2:
        return {"neighbour_distance": unknown, "independence": unknown.copy()}
    found = nearest_all(unit, min(neighbours, len(unit) - 1), progress=progress)
    centre = np.zeros((len(unit), unit.shape[1]))
    for column in found.rows.T:
        centre += unit[column]
    length = np.linalg.norm(centre, axis=1)
    cosine = np.einsum("ij,ij->i", unit, centre) / np.where(length > 0, length, 1.0)
    return {
        "neighbour_distance": 1.0 - np.clip(cosine, -1.0, 1.0),
        "independence": 1.0 - found.similarity[:, 0].astype(np.float64),
    }


def recent_surprisal(snapshot: Snapshot, *, recent_days: float = 60.0, prior_weight: float = 20.0) -> FloatArray:
    """Mean surprisal of each customer's recent purchases, given the earlier ones, in bits a purchase.

    Purchases are read at the level of the product's category (of the product itself where there are no categories).
    With n(c, k) the customer's earlier purchases of k, n(c) their sum and p(k) the share of k in everybody's earlier
    purchases (one is added to each count, so that nothing is impossible),

        P(k | c) = (n(c, k) + μ p(k)) / (n(c) + μ),    surprisal = mean over recent purchases of −log₂ P(k | c),

    a language model with a Dirichlet prior (Zhai & Lafferty 2004, "A study of smoothing methods for language models").

    Args:
        snapshot: The graph as of T.
        recent_days: Purchases in `[T − recent_days, T)` are recent, those before are earlier.
        prior_weight: μ, in purchases: how many of a customer's own outweigh what everybody buys.

    Returns:
        float64 [customers]; NaN for those without a recent purchase of a known kind, and for all where nobody has an
        earlier one.
    """
    purchases = snapshot.purchases
    known = purchases.target >= 0
    customer, product = purchases.customer[known], purchases.target[known]
    kind = snapshot.product_category[product] if len(snapshot.categories) else product
    described = kind >= 0
    customer, kind, at = customer[described], kind[described], purchases.at[known][described]
    count, kinds = len(snapshot.customers), len(snapshot.categories) or max(len(snapshot.products), 1)
    recent = at >= snapshot.as_of_ms - recent_days * MILLISECONDS_PER_DAY
    if recent.all() or not recent.any():
        return np.full(count, np.nan)
    earlier = sparse.csr_array(
        (np.ones(int((~recent).sum())), (customer[~recent], kind[~recent])), shape=(count, kinds)
    )
    everybody = np.bincount(kind[~recent], minlength=kinds) + 1.0
    everybody /= everybody.sum()
    own: FloatArray = earlier.sum(axis=1)
    who, what = customer[recent], kind[recent]
    pairs = sparse.csr_array((np.ones(len(who)), (who, what)), shape=(count, kinds)).tocoo()
    who, what, times = pairs.coords[0], pairs.coords[1], pairs.data
    seen = np.asarray(earlier[who, what]).ravel()
    probability = (seen + prior_weight * everybody[what]) / (own[who] + prior_weight)
    bits = np.bincount(who, weights=-np.log2(probability) * times, minlength=count)
    lines = np.bincount(who, weights=times, minlength=count)
    return np.where(lines > 0, bits / np.maximum(1.0, lines), np.nan)


def peripherality(snapshot: Snapshot, *, half_life_days: float = 90.0, damping: float = 0.85) -> FloatArray:
    """−log₂ of each customer's PageRank in the graph of customers and products, edges weighted by decayed purchases.

    High for those at the edge of the graph. PageRank of an undirected graph follows the strength of a node closely,
    so this is mostly how little a customer buys; it is one of four parts for that reason.

    Returns:
        float64 [customers], in bits; NaN for those without a purchase of a product.
    """
    customer, product, weight = decayed_pairs(snapshot.purchases, snapshot.as_of_ms, half_life_days)
    count = len(snapshot.customers)
    if not len(customer):
        return np.full(count, np.nan)
    biadjacency = sparse.csr_array(
        (weight.astype(np.float64), (customer, product)), shape=(count, len(snapshot.products))
    )
    rank = pagerank(_both_ways(biadjacency), damping=damping)
    bought = np.bincount(customer, minlength=count) > 0
    return np.where(bought, -np.log2(rank[:count]), np.nan)


def _both_ways(biadjacency: sparse.csr_array) -> sparse.csr_array:
    """The symmetric adjacency of a bipartite graph: customers first, then products."""
    edges = biadjacency.tocoo()
    (rows, columns), weight, first = edges.coords, edges.data, biadjacency.shape[0]
    size = sum(biadjacency.shape)
    ends = (np.concatenate([rows, columns + first]), np.concatenate([columns + first, rows]))
    return sparse.csr_array((np.concatenate([weight, weight]), ends), shape=(size, size))


def pagerank(adjacency: sparse.csr_array, *, damping: float = 0.85, tolerance: float = 1e-10) -> FloatArray:
    """PageRank (Page et al. 1999) of a weighted graph by power iteration; sums to 1.

    Args:
        adjacency: [n, n], weight of the edge from row to column, not negative.
        damping: Probability of following an edge.
        tolerance: It stops when the sum of absolute changes is below.
    """
    size = adjacency.shape[0]
    strength = np.asarray(adjacency.sum(axis=1)).ravel()
    dangling = strength <= 0
    follow = sparse.csr_array(adjacency.T @ sparse.diags_array(1.0 / np.where(dangling, 1.0, strength)))
    rank = np.full(size, 1.0 / size)
    # The error shrinks by the damping each time: this many iterations reach the tolerance from any start.
    for _ in range(int(np.ceil(np.log(tolerance / 2) / np.log(damping))) + 1):
        renewed = damping * (follow @ rank + rank[dangling].sum() / size) + (1.0 - damping) / size
        change = np.abs(renewed - rank).sum()
        rank = renewed
        if change < tolerance:
            break
    return rank
