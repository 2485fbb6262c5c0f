"""How unlike the others, and unlike their own past, customers are: six signals, and one number in [0, 1].

| part | reads | unit |
|---|---|---|
| `surprisal` | how little the recent purchases follow from the customer's own earlier ones | bits a purchase |
| `discovery` | how likely the next purchase is of a kind that the customer never bought | probability |
| `neighbour_distance` | distance from the centre of the nearest customers | 1 − cosine |
| `independence` | distance from the single closest customer | 1 − cosine |
| `peripherality` | how seldom a walk through the purchase graph comes by | −log₂ of PageRank |
| `shallowness` | how far outside the innermost core of the purchase graph | shells |

Each part is brought to a mid-rank percentile among the customers; novelty is the percentile of their weighted mean. A
part that is not known for a customer is left out of that customer's mean; who has no part at all gets the neutral ½.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.sparse as sparse

from embeddings.centrality import bipartite, core_number, pagerank
from embeddings.ranks import midrank
from embeddings.similarity import Float32Array, Neighbours, nearest_all
from embeddings.triples import decayed_pairs
from graph.snapshot import FloatArray, Int32Array, Int64Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

if TYPE_CHECKING:
    from graph.store import Progress

#: Novelty of who has none of the parts.
NEUTRAL: Final = 0.5

#: Weights of the parts, chosen from a grid on Complete Journey as of 2017-07-05 and 2017-08-04 by how well novelty then
#: ranked the share of later purchases that were of new categories (`bench/bench_novelty.py` measures it afterwards).
WEIGHTS: Final[Mapping[str, float]] = {
    "surprisal": 2.0, "discovery": 3.0, "neighbour_distance": 1.0, "independence": 1.0, "peripherality": 2.0,
    "shallowness": 2.0,
}  # fmt: skip


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
    found: Neighbours | None = None,
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
        found: The nearest rows of every row of `unit`, where they are known already; `neighbours` is then theirs.
        progress: Told while neighbours are searched.
    """
    parts = {
        "surprisal": recent_surprisal(snapshot, recent_days=recent_days)[rows],
        "discovery": discovery(snapshot)[rows],
        **neighbour_signals(unit, neighbours, found=found, progress=progress),
        **{name: values[rows] for name, values in eccentricity(snapshot).items()},
    }
    return combine(parts)


def combine(parts: Mapping[str, FloatArray], weights: Mapping[str, float] = WEIGHTS) -> Novelty:
    """Novelty from its parts.

    Args:
        parts: float64 [n] by name, the larger the newer; NaN where not known (see the module).
        weights: Of the parts, positive; one that is not named weighs 1.
    """
    percentiles = {name: midrank(values) for name, values in parts.items()}
    stacked = np.stack(list(percentiles.values()))
    weight = np.array([weights.get(name, 1.0) for name in percentiles])[:, None] * ~np.isnan(stacked)
    total = weight.sum(axis=0)
    mean = np.where(total > 0, (weight * np.nan_to_num(stacked)).sum(axis=0) / np.where(total > 0, total, 1.0), np.nan)
    value = midrank(mean)
    return Novelty(np.where(np.isnan(value), NEUTRAL, value), parts, percentiles)


def neighbour_signals(
    unit: Float32Array,
    neighbours: int = 10,
    *,
    found: Neighbours | None = None,
    progress: Progress | None = None,
) -> dict[str, FloatArray]:
    """`neighbour_distance` and `independence` of every row of a matrix of centred unit vectors.

    With N(i) the nearest other rows of i and c their mean, neighbour_distance = 1 − cos(uᵢ, c) and
    independence = 1 − max over j ≠ i of cos(uᵢ, uⱼ), both in [0, 2]. NaN where there is no other row.
    """
    unknown = np.full(len(unit), np.nan)
    if len(unit) < 2:
        return {"neighbour_distance": unknown, "independence": unknown.copy()}
    found = found or nearest_all(unit, min(neighbours, len(unit) - 1), progress=progress)
    centre = np.zeros(unit.shape, np.float32)
    for column in found.rows.T:
        there = column >= 0
        centre[there] += unit[column[there]]
    length = np.sqrt(np.einsum("ij,ij->i", centre, centre, dtype=np.float64))
    cosine = np.einsum("ij,ij->i", unit, centre, dtype=np.float64) / np.where(length > 0, length, 1.0)
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
    The surprisal of the same purchases under a TransE trained before them, and under this model with TransE in the
    place of p(k), told no more of what was bought afterwards (`bench/bench_novelty.py`).

    Args:
        snapshot: The graph as of T.
        recent_days: Purchases in `[T − recent_days, T)` are recent, those before are earlier.
        prior_weight: μ, in purchases: how many of a customer's own outweigh what everybody buys.

    Returns:
        float64 [customers]; NaN for those without a recent purchase of a known kind, and for all where nobody has an
        earlier one.
    """
    count = len(snapshot.customers)
    customer, kind, at, kinds = _kinds_bought(snapshot)
    recent = at >= snapshot.as_of_ms - recent_days * MILLISECONDS_PER_DAY
    if recent.all() or not recent.any():
        return np.full(count, np.nan)
    earlier = _counted(customer[~recent], kind[~recent], (count, kinds))
    everybody = np.bincount(kind[~recent], minlength=kinds) + 1.0
    everybody /= everybody.sum()
    own = np.asarray(earlier.sum(axis=1), np.float64).ravel()
    pairs = _counted(customer[recent], kind[recent], (count, kinds)).tocoo()
    (who, what), times = pairs.coords, pairs.data
    seen = np.asarray(earlier[who, what]).ravel()
    probability = (seen + prior_weight * everybody[what]) / (own[who] + prior_weight)
    bits = np.bincount(who, weights=-np.log2(probability) * times, minlength=count)
    lines = np.bincount(who, weights=times, minlength=count)
    return np.where(lines > 0, bits / np.maximum(1.0, lines), np.nan)


def discovery(snapshot: Snapshot) -> FloatArray:
    """Probability that each customer's next purchase is of a kind new to them, in (0, 1] or 0.

    The share of the customer's purchases that are of a kind bought once: Turing's estimate of the probability of what
    has not been seen (Good 1953, "The population frequencies of species and the estimation of population parameters").
    Kinds are categories (products where there are no categories).

    Returns:
        float64 [customers]; NaN for those without a purchase of a known kind.
    """
    count = len(snapshot.customers)
    customer, kind, _, kinds = _kinds_bought(snapshot)
    bought = _counted(customer, kind, (count, kinds)).tocoo()
    who, times = bought.coords[0], bought.data
    once = np.bincount(who, weights=times == 1, minlength=count)
    lines = np.bincount(who, weights=times, minlength=count)
    return np.where(lines > 0, once / np.maximum(1.0, lines), np.nan)


def _kinds_bought(snapshot: Snapshot) -> tuple[Int64Array, Int64Array, Int64Array, int]:
    """Customer, kind and time of each purchase of a known kind, and how many kinds there are."""
    purchases = snapshot.purchases
    known = purchases.target >= 0
    customer, kind, at = purchases.customer[known], purchases.target[known], purchases.at[known]
    kinds = max(len(snapshot.products), 1)
    if len(snapshot.categories):
        kind, kinds = snapshot.product_category[kind], len(snapshot.categories)
        customer, kind, at = customer[kind >= 0], kind[kind >= 0], at[kind >= 0]
    return customer.astype(np.int64), kind.astype(np.int64), at, kinds


def _counted(rows: Int64Array, columns: Int64Array, shape: tuple[int, int]) -> sparse.csr_array:
    """How often each pair occurs."""
    pairs = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    pairs.sum_duplicates()
    return pairs


def eccentricity(snapshot: Snapshot, *, half_life_days: float = 90.0, damping: float = 0.85) -> dict[str, FloatArray]:
    """`peripherality` and `shallowness`: how far customers are from the centre of the graph of customers and products.

    With an edge for each pair of customer and product bought, peripherality = −log₂ of PageRank, in bits, where edges
    weigh the pair's decayed purchases, and shallowness = the largest core number of the graph less the customer's own,
    in shells (see `embeddings.centrality`). PageRank of an undirected graph follows the strength of a node closely, and
    the core number its degree, so both are mostly how little a customer buys; they are two of six parts for that
    reason.

    Returns:
        float64 [customers] each; NaN for those without a purchase of a product.
    """
    count = len(snapshot.customers)
    customer, product, weight = decayed_pairs(snapshot.purchases, snapshot.as_of_ms, half_life_days)
    if not len(customer):
        return {"peripherality": np.full(count, np.nan), "shallowness": np.full(count, np.nan)}
    adjacency = bipartite(
        sparse.csr_array((weight.astype(np.float64), (customer, product)), shape=(count, len(snapshot.products)))
    )
    bought = np.bincount(customer, minlength=count) > 0
    rank = pagerank(adjacency, damping=damping)[:count]
    core = core_number(adjacency)
    return {
        "peripherality": np.where(bought, -np.log2(rank), np.nan),
        "shallowness": np.where(bought, float(core.max()) - core[:count], np.nan),
    }
