"""Vectors for customers and products that are new, or have new events: solved for, with all other vectors held still.

A new row x should lie near the points that its relationships name: a customer who bought t near t − r, a product that
h bought near h + r, and near c − r of its category or brand c. As in training (`embeddings.losses`), x is where a
sampled softmax of these points beside corrupted ones is least:

    L(x) = Σₑ wₑ log(1 + K · meanⱼ exp(‖x − yₑ‖ − ‖x − zⱼ‖)) + ½ λ ‖x − m‖²

with the relationship's point yₑ, its strength wₑ (the decayed count of its events), a fixed pool zⱼ of points drawn as
training draws its corruptions, K the corruptions of training, m the mean of the trained vectors of that label, and λ
the shrinkage, in events of today: who has few events stays near the mean. Only the side on which x competes with
corruptions of the other end is used: the other side pulls towards every point alike, and cost a third of the gain.

Each step divides the gradient by the curvature of the majorising quadratic, Σₑ cₑ / dₑ + λ (Weiszfeld's step for
weighted medians), with momentum; all rows of a block step together, so that the pool costs one matrix product.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.triples import LABELS, RELATIONS, Vocabulary, decayed_pairs
from graph.snapshot import Int64Array, Snapshot
from habitue.errors import UsageError

if TYPE_CHECKING:
    import torch

    from embeddings.transe import Embedding

Float32Array = npt.NDArray[np.float32]

#: Relationships looked at together, which bounds memory: each costs two rows of d numbers.
_BLOCK_POINTS = 200_000
#: Rows solved together.
_BLOCK_ROWS = 4096
_TINY = 1e-6


@dataclass(frozen=True)
class IncrementalSettings:
    """How rows are solved for.

    Attributes:
        shrinkage: λ: how many events of today the mean of the label counts for.
        steps: Steps from the mean.
        momentum: Share of the last step that goes on.
        pool: Corrupted points, drawn once for all rows.
        seed: Of the pool.
    """

    shrinkage: float = 3.0
    steps: int = 12
    momentum: float = 0.5
    pool: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if self.shrinkage <= 0 or self.steps < 1 or not 0 <= self.momentum < 1 or self.pool < 1:
            raise UsageError(
                f"These settings cannot solve for a vector: {self}.",
                hint="All must be positive, and `momentum` below 1.",
            )


@dataclass(frozen=True, eq=False)
class Points:
    """What rows should lie near, in one role: p points, sorted by row.

    Attributes:
        row: int64 [p]: which of the rows that are solved for.
        entity: int64 [p]: the other end, a row of the embedding's vocabulary.
        strength: float32 [p], positive.
        shift: float32 [d]: what the other end's vector is moved by; −r where the row is a head, +r where it is a tail.
        pool: int64 [k]: rows of the vocabulary that stand for the corrupted ones.
    """

    row: Int64Array
    entity: Int64Array
    strength: Float32Array
    shift: Float32Array
    pool: Int64Array


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
    _check_dates(embedding, snapshot)
    customers = np.unique(customers)
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
    found, vectors = vectors_from(embedding, len(customers), related, settings)
    return customers[found], vectors


def vectors_from(
    embedding: Embedding, count: int, related: Mapping[str, Related], settings: IncrementalSettings | None = None
) -> tuple[Int64Array, Float32Array]:
    """Vectors of customers from what they are related to; a customer's does not depend on who is asked for beside.

    Args:
        embedding: The trained vectors; they stay as they are.
        count: How many customers, n.
        related: What they are related to, by relation; one that the embedding does not know counts for nothing.
        settings: How; default: `IncrementalSettings()`.

    Returns:
        Those of 0 … n − 1 who are related to something that has a vector, int64 [m] ascending, and float32 [m, d].
    """
    settings = settings or IncrementalSettings()
    generator = np.random.default_rng(settings.seed)
    parts = []
    for number, name in enumerate(embedding.relations):
        head, label = RELATIONS[name]
        if head != "Customer":
            continue
        pool = _tails_pool(embedding, label, settings.pool, generator)  # whoever asks, it is the same
        if name not in related:
            continue
        known = related[name].entity >= 0
        told = related[name]
        parts.append(
            Points(
                told.customer[known],
                told.entity[known],
                told.strength[known],
                -embedding.relation_vectors[number],
                pool,
            )
        )
    return _solved(embedding, "Customer", np.arange(count), parts, settings)


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
        pool = _uniform_pool(embedding, other, settings.pool, generator)
        parts.append(Points(row[known], entity[known], strength[known], shift, pool))
    return _solved(embedding, "Product", products, parts, settings)


def product_popularity(embedding: Embedding, snapshot: Snapshot, products: Int64Array) -> Float32Array:
    """The popularity term of products as of the snapshot, float32 [n]: as `embeddings.popularity` has it."""
    _, target, strength = decayed_pairs(snapshot.purchases, snapshot.as_of_ms, embedding.settings.half_life_days)
    count = np.bincount(target, weights=strength, minlength=len(snapshot.products))[products]
    term: Float32Array = (embedding.settings.popularity_weight * np.log1p(count)).astype(np.float32)
    return term


def updated(
    embedding: Embedding,
    as_of: datetime,
    label: str,
    ids: pa.StringArray,
    vectors: Float32Array,
    popularity: Float32Array | None = None,
) -> Embedding:
    """An embedding with vectors of one label put in place of those it had, or added; ids stay sorted.

    Args:
        embedding: Stays as it is; every vector that is not named is the same, bit for bit.
        as_of: Until when the new vectors know events.
        label: Of the entities.
        ids: Distinct, [n].
        vectors: float32 [n, d].
        popularity: float32 [n]; default: 0.
    """
    held, own = embedding.vocabulary.rows(label), embedding.vocabulary.of(label)
    stays = pc.invert(pc.is_in(own, value_set=ids)).to_numpy(zero_copy_only=False)
    joined = pa.concat_arrays([own.filter(pa.array(stays)), ids])
    order = pc.array_sort_indices(joined).to_numpy()
    given = np.zeros(len(ids), np.float32) if popularity is None else popularity

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
        popularity=put(embedding.popularity, given),
    )


def rows_of(embedding: Embedding, label: str, ids: pa.StringArray) -> Int64Array:
    """Rows of the vocabulary of ids with a label, int64; −1 for those without a vector."""
    found = pc.fill_null(pc.index_in(ids, value_set=embedding.vocabulary.of(label)), -1).to_numpy(zero_copy_only=False)
    return np.where(found >= 0, found.astype(np.int64) + embedding.vocabulary.offset(label), -1)


def _rows_at(embedding: Embedding, label: str, ids: pa.StringArray, wanted: Int64Array) -> Int64Array:
    """`rows_of` the ids at the wanted places, int64 [len(wanted)].

    For a few of them the vocabulary is sent through a small table of theirs; the other way round every call would make
    a table of the whole vocabulary.
    """
    distinct, place = np.unique(wanted, return_inverse=True)
    own = embedding.vocabulary.of(label)
    if len(distinct) * 4 > len(own):
        return rows_of(embedding, label, ids)[wanted]
    found = pc.index_in(own, value_set=ids.take(pa.array(distinct)))
    there = found.is_valid().to_numpy(zero_copy_only=False)
    rows = np.full(len(distinct), -1, np.int64)
    rows[found.drop_null().to_numpy()] = np.flatnonzero(there) + embedding.vocabulary.offset(label)
    return rows[place]


def solve(
    vectors: Float32Array,
    mean: Float32Array,
    rows: int,
    parts: list[Points],
    corruptions: int,
    settings: IncrementalSettings,
) -> Float32Array:
    """Where L is least, for `rows` rows at once, float32 [rows, d] (see the module's text).

    Args:
        vectors: Of all entities, float32 [N, d]; frozen.
        mean: m, float32 [d].
        rows: How many are solved for.
        parts: What they should lie near, by role.
        corruptions: K.
        settings: How.
    """  # fmt: skip
    import torch

    table, centre = torch.from_numpy(vectors), torch.from_numpy(np.ascontiguousarray(mean))
    roles = [
        (part, torch.from_numpy(part.shift), torch.from_numpy(vectors[part.pool] + part.shift))
        for part in parts
        if len(part.row) and len(part.pool)
    ]
    result = np.empty((rows, vectors.shape[1]), np.float32)
    for start, stop in _blocks(rows, [part.row for part, _, _ in roles]):
        pieces = []
        for part, shift, pool in roles:
            first, last = np.searchsorted(part.row, [start, stop])
            if first < last:
                row = torch.from_numpy(part.row[first:last] - start)
                points = table[torch.from_numpy(part.entity[first:last])] + shift
                pieces.append((row, points, torch.from_numpy(part.strength[first:last]), pool))
        result[start:stop] = _descend(stop - start, pieces, centre, corruptions, settings).numpy()
    return result


_Piece = tuple["torch.Tensor", "torch.Tensor", "torch.Tensor", "torch.Tensor"]


def _descend(
    rows: int, pieces: list[_Piece], centre: torch.Tensor, corruptions: int, settings: IncrementalSettings
) -> torch.Tensor:
    """Steps from the mean: rows of points, points, strengths and pool of each role."""
    import torch

    x = centre.repeat(rows, 1)
    move = torch.zeros_like(x)
    for _ in range(settings.steps):
        gradient = settings.shrinkage * (x - centre)
        curvature = torch.full((rows,), settings.shrinkage)
        for row, points, strength, pool in pieces:
            difference = x[row].sub_(points)
            distance = difference.square().sum(1).sqrt_().clamp_(min=_TINY)
            apart = torch.addmm(pool.square().sum(1), x, pool.T, alpha=-2)
            apart = apart.add_(x.square().sum(1, keepdim=True)).clamp_(min=_TINY**2).sqrt_()
            nearness = torch.logsumexp(-apart, 1) + float(np.log(corruptions / len(pool)))
            pull = strength * torch.sigmoid(distance + nearness[row])
            pushed = torch.zeros(rows).index_add_(0, row, pull)
            push = torch.softmax(-apart, 1).mul_(pushed[:, None]).div_(apart)
            pull.div_(distance)
            gradient.index_add_(0, row, difference.mul_(pull[:, None]))
            gradient.sub_(push.sum(1, keepdim=True) * x).addmm_(push, pool)
            curvature.index_add_(0, row, pull)
        move.mul_(settings.momentum).sub_(gradient / curvature[:, None])
        x.add_(move)
    return x


def _solved(
    embedding: Embedding, label: str, wanted: Int64Array, parts: list[Points], settings: IncrementalSettings
) -> tuple[Int64Array, Float32Array]:
    """Solve for those of the wanted rows that anything is known of."""
    told = np.zeros(len(wanted), bool)
    for part in parts:
        told[part.row] = True
    place = np.cumsum(told) - 1
    parts = [dataclasses.replace(part, row=place[part.row]) for part in parts]
    trained = embedding.vectors[embedding.vocabulary.rows(label)]
    if not len(trained):
        raise UsageError(f"The embedding has no {label} to start from.", hint="Train again.")
    mean = trained.mean(axis=0, dtype=np.float64).astype(np.float32)
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


def _blocks(rows: int, of_points: list[Int64Array]) -> Iterator[tuple[int, int]]:
    """Rows cut into blocks of bounded numbers of rows and points; a single row with more points is a block."""
    points = np.zeros(rows, np.int64)
    for row in of_points:
        points += np.bincount(row, minlength=rows)
    total = np.concatenate([[0], np.cumsum(points)])
    start = 0
    while start < rows:
        upto = int(np.searchsorted(total, total[start] + _BLOCK_POINTS, "right")) - 1
        stop = min(rows, start + _BLOCK_ROWS, max(upto, start + 1))
        yield start, stop
        start = stop


def _check_dates(embedding: Embedding, snapshot: Snapshot) -> None:
    if snapshot.as_of < embedding.as_of:
        raise UsageError(
            f"The graph as of {snapshot.as_of.isoformat()} cannot update vectors of {embedding.as_of.isoformat()}.",
            hint="Take a later snapshot.",
        )
