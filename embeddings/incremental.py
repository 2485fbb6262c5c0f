"""Vectors for customers and products that are new, or have new events: solved for, with all other vectors held still.

What a row is related to is gathered here, from a snapshot or from what the caller knows; `embeddings.solving` says
where it then lies.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.solving import Float32Array, IncrementalSettings, Points, solve
from embeddings.triples import LABELS, RELATIONS, Vocabulary, decayed_pairs
from graph.snapshot import Int64Array, Snapshot
from habitue.errors import UsageError

if TYPE_CHECKING:
    from embeddings.transe import Embedding

#: So many ids are looked for one by one, some 20 µs each; …
_ALONE = 64
#: … fewer than one in so many of the vocabulary by bisection, 2 ms for 2,000; the others by a table of the vocabulary.
_FEW = 8


@dataclass(frozen=True, eq=False)
class Related:
    """What customers are related to by one relation: p pairs, sorted by customer.

    Attributes:
        customer: int64 [p]: from 0 on, ascending.
        entity: int64 [p]: the other end, a row of the embedding's vocabulary; −1 for what has no vector.
        strength: float32 [p], positive: the decayed count of the pair's events.
    """

    customer: Int64Array
    entity: Int64Array
    strength: Float32Array


def customer_vectors(
    embedding: Embedding, snapshot: Snapshot, customers: Int64Array, settings: IncrementalSettings | None = None
) -> tuple[Int64Array, Float32Array]:
    """Vectors of customers from their events.

    Args:
        embedding: The trained vectors; they stay as they are.
        snapshot: The graph as of the increment's date, which is not before the embedding's.
        customers: Rows of the snapshot's customers, [n]; those whose vectors are trained already may be among them.
        settings: How; default: `IncrementalSettings()`.

    Returns:
        Those of `customers` with an event whose other end has a vector, int64 [m] ascending, and float32 [m, d].

    Raises:
        UsageError: If the snapshot is of an earlier date than the embedding.
    """
    customers = np.unique(customers)
    related = relations_of(embedding, snapshot, customers)
    found, vectors = vectors_from(embedding, len(customers), related, settings)
    return customers[found], vectors


def relations_of(embedding: Embedding, snapshot: Snapshot, customers: Int64Array) -> dict[str, Related]:
    """What customers are related to as of a snapshot, by relation: what `CustomerSolver.vectors` is told.

    Args:
        embedding: The trained vectors.
        snapshot: The graph as of the increment's date.
        customers: Rows of the snapshot's customers, [n], ascending; 0 … n − 1 in what is returned.

    Raises:
        UsageError: If the snapshot is of an earlier date than the embedding.
    """
    _check_dates(embedding, snapshot)
    related = {}
    for name in embedding.relations:
        if RELATIONS[name][0] != "Customer":
            continue
        events = snapshot.events[name]
        keep = np.isin(events.customer, customers)
        subset = dataclasses.replace(events, customer=events.customer[keep], target=events.target[keep],
                                     at=events.at[keep])  # fmt: skip
        head, target, strength = decayed_pairs(subset, snapshot.as_of_ms, embedding.settings.half_life_days)
        label = RELATIONS[name][1]
        ids = snapshot.products if label == "Product" else snapshot.campaigns
        entity = _rows_at(embedding, label, ids, target)
        related[name] = Related(np.searchsorted(customers, head), entity, strength)
    return related


def vectors_from(
    embedding: Embedding, count: int, related: Mapping[str, Related], settings: IncrementalSettings | None = None
) -> tuple[Int64Array, Float32Array]:
    """Vectors of customers from what they are related to; but for rounding, none depends on who is asked for beside.

    Args:
        embedding: The trained vectors; they stay as they are.
        count: How many customers, n.
        related: What they are related to, by relation; one that the embedding does not know counts for nothing.
        settings: How; default: `IncrementalSettings()`.

    Returns:
        Those of 0 … n − 1 who are related to something that has a vector, int64 [m] ascending, and float32 [m, d].
    """
    return CustomerSolver.of(embedding, settings).vectors(count, related)


@dataclass(frozen=True, eq=False)
class CustomerSolver:
    """What solving for customers needs of an embedding, made once; a customer is then a matter of milliseconds.

    Attributes:
        embedding: The trained vectors; they stay as they are.
        settings: How.
        mean: Of the trained customers, float32 [d].
        pools: The corrupted points of each relation that starts at customers, float32 [k, d].
    """

    embedding: Embedding
    settings: IncrementalSettings
    mean: Float32Array
    pools: Mapping[str, Float32Array]

    @staticmethod
    def of(embedding: Embedding, settings: IncrementalSettings | None = None) -> CustomerSolver:
        """Draw the pools: the same ones whoever asks.

        Raises:
            UsageError: If the embedding has no customer.
        """
        settings = settings or IncrementalSettings()
        generator = np.random.default_rng(settings.seed)
        pools = {}
        for number, name in enumerate(embedding.relations):
            head, label = RELATIONS[name]
            if head == "Customer":
                rows = _tails_pool(embedding, label, settings.pool, generator)
                pools[name] = embedding.vectors[rows] - embedding.relation_vectors[number]
        return CustomerSolver(embedding, settings, _mean(embedding, "Customer"), pools)

    def vectors(self, count: int, related: Mapping[str, Related]) -> tuple[Int64Array, Float32Array]:
        """As `vectors_from`."""
        parts = []
        for name, pool in self.pools.items():
            if name not in related:
                continue
            told, known = related[name], related[name].entity >= 0
            shift = -self.embedding.relation_vectors[self.embedding.relations.index(name)]
            parts.append(Points(told.customer[known], told.entity[known], told.strength[known], shift, pool))
        return _solved(self.embedding, self.mean, np.arange(count), parts, self.settings)


def product_vectors(
    embedding: Embedding, snapshot: Snapshot, products: Int64Array, settings: IncrementalSettings | None = None
) -> tuple[Int64Array, Float32Array]:
    """Vectors of products from who bought or viewed them, their category and their brand (see `customer_vectors`).

    Args:
        embedding: The trained vectors.
        snapshot: The graph as of the increment's date.
        products: Rows of the snapshot's products, [n].
        settings: How.

    Returns:
        Those of `products` of which something with a vector is known, int64 [m] ascending, and float32 [m, d].
    """
    settings = settings or IncrementalSettings()
    _check_dates(embedding, snapshot)
    products = np.unique(products)
    generator = np.random.default_rng(settings.seed)
    customers = rows_of(embedding, "Customer", snapshot.customers)
    parts = []
    for name in embedding.relations:
        shift = embedding.relation_vectors[embedding.relations.index(name)]
        head_label, tail_label = RELATIONS[name]
        if tail_label == "Product":
            events = snapshot.events[name]
            keep = np.isin(events.target, products)
            subset = dataclasses.replace(events, customer=events.customer[keep], target=events.target[keep],
                                         at=events.at[keep])  # fmt: skip
            head, target, strength = decayed_pairs(subset, snapshot.as_of_ms, embedding.settings.half_life_days)
            order = np.argsort(target, kind="stable")
            row, entity, strength = np.searchsorted(products, target[order]), customers[head[order]], strength[order]
        elif head_label == "Product":
            parents = snapshot.product_category if tail_label == "Category" else snapshot.product_brand
            ids = snapshot.categories if tail_label == "Category" else snapshot.brands
            row = np.flatnonzero(parents[products] >= 0)
            entity = rows_of(embedding, tail_label, ids)[parents[products[row]]]
            strength, shift = np.ones(len(row), np.float32), -shift
        else:
            continue
        known = entity >= 0
        other = head_label if tail_label == "Product" else tail_label
        pool = embedding.vectors[_uniform_pool(embedding, other, settings.pool, generator)] + shift
        parts.append(Points(row[known], entity[known], strength[known], shift, pool))
    return _solved(embedding, _mean(embedding, "Product"), products, parts, settings)


def with_popularity(embedding: Embedding, snapshot: Snapshot) -> Embedding:
    """The embedding with its products' popularity terms as of the snapshot; every vector stays.

    What is bought changes within weeks, tastes hardly do: without new terms, products are ranked as they were bought
    when the vectors were trained. It takes a count, and no solving. A product unknown to the snapshot keeps its term.
    What is returned knows events up to the snapshot's date, and is of that date.

    Raises:
        UsageError: If the snapshot is of an earlier date than the embedding.
    """
    _check_dates(embedding, snapshot)
    _, target, strength = decayed_pairs(snapshot.purchases, snapshot.as_of_ms, embedding.settings.half_life_days)
    count = np.bincount(target, weights=strength, minlength=len(snapshot.products))
    rows = rows_of(embedding, "Product", snapshot.products)
    popularity = embedding.popularity.copy()
    popularity[rows[rows >= 0]] = embedding.settings.popularity_weight * np.log1p(count[rows >= 0])
    return dataclasses.replace(embedding, as_of=snapshot.as_of, popularity=popularity)


def updated(
    embedding: Embedding,
    as_of: datetime,
    label: str,
    ids: pa.StringArray,
    vectors: Float32Array,
) -> Embedding:
    """An embedding with vectors of one label put in place of those it had, or added; ids stay sorted.

    Args:
        embedding: Stays as it is; every vector that is not named is the same, bit for bit.
        as_of: Until when the new vectors know events.
        label: Of the entities.
        ids: Distinct, [n].
        vectors: float32 [n, d]. Products are without popularity until `with_popularity` gives them theirs.
    """
    held, own = embedding.vocabulary.rows(label), embedding.vocabulary.of(label)
    stays = pc.invert(pc.is_in(own, value_set=ids)).to_numpy(zero_copy_only=False)
    joined = pa.concat_arrays([own.filter(pa.array(stays)), ids])
    order = pc.array_sort_indices(joined).to_numpy()

    def put(array: Float32Array, new: Float32Array) -> Float32Array:
        middle = np.concatenate([array[held][stays], new])[order]
        return np.concatenate([array[: held.start], middle, array[held.stop :]]).astype(np.float32)

    number = LABELS.index(label)
    all_ids = list(embedding.vocabulary.ids)
    all_ids[number] = joined.take(pa.array(order))
    return dataclasses.replace(
        embedding,
        as_of=as_of,
        vocabulary=Vocabulary(tuple(all_ids)),
        vectors=put(embedding.vectors, vectors),
        popularity=put(embedding.popularity, np.zeros(len(ids), np.float32)),
    )


def rows_of(embedding: Embedding, label: str, ids: pa.StringArray) -> Int64Array:
    """Rows of the vocabulary of ids with a label, int64; −1 for those without a vector."""
    own, offset = embedding.vocabulary.of(label), embedding.vocabulary.offset(label)
    if len(ids) * _FEW < len(own):
        together = len(ids) > _ALONE
        found = _places(own, ids) if together else np.array([_place(own, each) for each in ids.to_pylist()], np.int64)
    else:
        found = pc.fill_null(pc.index_in(ids, value_set=own), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(found >= 0, found + offset, -1)


def _place(ids: pa.StringArray, wanted: str | None) -> int:
    """Where an id is among sorted ones; −1 if it is not."""
    if wanted is None:
        return -1
    place = bisect_left(range(len(ids)), wanted, key=lambda each: ids[each].as_py())
    return place if place < len(ids) and ids[place].as_py() == wanted else -1


def _places(ids: pa.StringArray, wanted: pa.StringArray) -> Int64Array:
    """The same of many ids, all bisected at once."""
    low, high = np.zeros(len(wanted), np.int64), np.full(len(wanted), len(ids))
    for _ in range(len(ids).bit_length()):
        middle = (low + high) // 2  # beyond the last id where a search has ended there
        less = pc.less(ids.take(pa.array(np.minimum(middle, len(ids) - 1))), wanted)
        later = (low < high) & pc.fill_null(less, False).to_numpy(zero_copy_only=False)
        low, high = np.where(later, middle + 1, low), np.where(later, high, middle)
    same = pc.equal(ids.take(pa.array(np.minimum(low, len(ids) - 1))), wanted)
    places: Int64Array = np.where(pc.fill_null(same, False).to_numpy(zero_copy_only=False), low, -1)
    return places


def _rows_at(embedding: Embedding, label: str, ids: pa.StringArray, wanted: Int64Array) -> Int64Array:
    """`rows_of` the ids at the wanted places, int64 [len(wanted)]."""
    if len(wanted) * _FEW < len(ids):
        distinct, place = np.unique(wanted, return_inverse=True)
        few: Int64Array = rows_of(embedding, label, ids.take(pa.array(distinct)))[place]
        return few
    occurs = np.zeros(len(ids), bool)
    occurs[wanted] = True
    rows = np.full(len(ids), -1)
    rows[occurs] = rows_of(embedding, label, ids.filter(pa.array(occurs)))
    return rows[wanted]


def _mean(embedding: Embedding, label: str) -> Float32Array:
    """The mean of the trained vectors of a label, float32 [d]."""
    trained = embedding.vectors[embedding.vocabulary.rows(label)]
    if not len(trained):
        raise UsageError(f"The embedding has no {label} to start from.", hint="Train again.")
    mean: Float32Array = trained.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def _solved(
    embedding: Embedding, mean: Float32Array, wanted: Int64Array, parts: list[Points], settings: IncrementalSettings
) -> tuple[Int64Array, Float32Array]:
    """Solve for those of the wanted rows that anything is known of."""
    told = np.zeros(len(wanted), bool)
    for part in parts:
        told[part.row] = True
    place = np.cumsum(told) - 1
    parts = [dataclasses.replace(part, row=place[part.row]) for part in parts]
    vectors = solve(embedding.vectors, mean, int(told.sum()), parts, embedding.settings.engine.negatives, settings)
    return wanted[told], vectors


def _tails_pool(embedding: Embedding, label: str, size: int, generator: np.random.Generator) -> Int64Array:
    """Tails drawn as often as they are bought; uniformly where that is not known."""
    rows = embedding.vocabulary.rows(label)
    popularity, weight = embedding.popularity[rows].astype(np.float64), embedding.settings.popularity_weight
    if weight <= 0 or not popularity.any() or not embedding.settings.engine.popular_tails:
        return _uniform_pool(embedding, label, size, generator)
    count = np.expm1(popularity / weight)
    drawn: Int64Array = rows.start + generator.choice(len(count), size, p=count / count.sum())
    return drawn


def _uniform_pool(embedding: Embedding, label: str, size: int, generator: np.random.Generator) -> Int64Array:
    rows = embedding.vocabulary.rows(label)
    count = rows.stop - rows.start
    return rows.start + generator.integers(count, size=size) if count else np.empty(0, np.int64)


def _check_dates(embedding: Embedding, snapshot: Snapshot) -> None:
    if snapshot.as_of < embedding.as_of:
        raise UsageError(
            f"The graph as of {snapshot.as_of.isoformat()} cannot update vectors of {embedding.as_of.isoformat()}.",
            hint="Take a later snapshot.",
        )
