"""The snapshot as integer triples (head, relation, tail) with strengths: what a knowledge-graph embedding learns from.

Entities are numbered label by label in the order of `LABELS`, and within a label by the snapshot's rows, so that an
entity's number is its row plus its label's offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.model import CAMPAIGN_INTERACTIONS, INTERACTIONS, PRODUCT_INTERACTIONS
from graph.snapshot import Events, Int32Array, Int64Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

if TYPE_CHECKING:
    from pykeen.triples import CoreTriplesFactory

Float32Array = npt.NDArray[np.float32]

#: Labels of the entities, in the order of their numbers.
LABELS: Final = ("Customer", "Product", "Category", "Brand", "Campaign")

#: Ends of every relation: label of its heads, label of its tails.
RELATIONS: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(PRODUCT_INTERACTIONS, ("Customer", "Product")),
    **dict.fromkeys(CAMPAIGN_INTERACTIONS, ("Customer", "Campaign")),
    "IN_CATEGORY": ("Product", "Category"),
    "CHILD_OF": ("Category", "Category"),
    "MADE_BY": ("Product", "Brand"),
}


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Which entity has which number.

    Attributes:
        ids: Ids of each label's entities, as Arrow string arrays, in the order of `LABELS`.
    """

    ids: tuple[pa.StringArray, ...]

    def offset(self, label: str) -> int:
        """Number of the label's first entity."""
        return sum(len(ids) for ids in self.ids[: LABELS.index(label)])

    def rows(self, label: str) -> slice:
        """Where the label's entities stand among all."""
        start = self.offset(label)
        return slice(start, start + len(self.ids[LABELS.index(label)]))

    def of(self, label: str) -> pa.StringArray:
        """Ids of a label's entities."""
        return self.ids[LABELS.index(label)]

    def __len__(self) -> int:
        return sum(len(ids) for ids in self.ids)


@dataclass(frozen=True, eq=False)
class Triples:
    """Distinct triples with their strengths; n rows, sorted by relation, head and tail.

    Attributes:
        vocabulary: The entities.
        relations: Names of the relations that occur, in the order of their numbers.
        triples: int64 [n, 3]: head, relation, tail.
        strength: float32 [n]: for an interaction the decayed count of its events, the sum of 2^(−age / half-life),
            in (0, ∞); 1 for taxonomy.
    """

    vocabulary: Vocabulary
    relations: tuple[str, ...]
    triples: Int64Array
    strength: Float32Array

    def __len__(self) -> int:
        return len(self.triples)

    def factory(self) -> CoreTriplesFactory:
        """The same triples for PyKEEN."""
        from pykeen.triples import CoreTriplesFactory

        return CoreTriplesFactory(self.triples, num_entities=len(self.vocabulary), num_relations=len(self.relations))


def triples_of(snapshot: Snapshot, *, half_life_days: float = 90.0) -> Triples:
    """The triples of a snapshot.

    An interaction gives one triple for each distinct pair of customer and target; lines without a product give none.
    A relation without triples does not occur.

    Args:
        snapshot: The graph as of T.
        half_life_days: Days after which an event counts half.
    """
    vocabulary = Vocabulary(
        (snapshot.customers, snapshot.products, snapshot.categories, snapshot.brands, snapshot.campaigns)
    )
    parts: list[tuple[str, Int64Array, Int64Array, Float32Array]] = []
    for name in INTERACTIONS:
        head, tail, strength = decayed_pairs(snapshot.events[name], snapshot.as_of_ms, half_life_days)
        parts.append((name, head, tail, strength))
    for name, child_parent in (
        ("IN_CATEGORY", snapshot.product_category),
        ("CHILD_OF", snapshot.category_parent),
        ("MADE_BY", snapshot.product_brand),
    ):
        child, parent = _linked(child_parent)
        parts.append((name, child, parent, np.ones(len(child), np.float32)))
    parts = [part for part in parts if len(part[1])]
    rows = [
        np.column_stack(
            [
                head + vocabulary.offset(RELATIONS[name][0]),
                np.full(len(head), number, np.int64),
                tail + vocabulary.offset(RELATIONS[name][1]),
            ]
        )
        for number, (name, head, tail, _) in enumerate(parts)
    ]
    return Triples(
        vocabulary,
        tuple(part[0] for part in parts),
        np.concatenate(rows) if rows else np.empty((0, 3), np.int64),
        np.concatenate([part[3] for part in parts]) if parts else np.empty(0, np.float32),
    )


def decayed_pairs(events: Events, as_of_ms: int, half_life_days: float) -> tuple[Int64Array, Int64Array, Float32Array]:
    """Distinct (customer, target) pairs of events, with the sum of 2^(−age / half-life) over each pair's events.

    Returns:
        Customers, targets (both int64, sorted by customer then target) and strengths (float32), all of length pairs.
    """
    keep = events.target >= 0
    customer = events.customer[keep].astype(np.int64)
    target = events.target[keep].astype(np.int64)
    age_days = (as_of_ms - events.at[keep]) / MILLISECONDS_PER_DAY
    width = int(target.max()) + 1 if len(target) else 1
    pairs, place = np.unique(customer * width + target, return_inverse=True)
    strength = np.bincount(place, weights=np.exp2(-age_days / half_life_days), minlength=len(pairs))
    # A pair bought ages ago must not vanish to zero: a strength is positive by contract.
    positive: Float32Array = np.maximum(strength, np.finfo(np.float32).tiny).astype(np.float32)
    return pairs // width, pairs % width, positive


def _linked(parent: Int32Array) -> tuple[Int64Array, Int64Array]:
    child = np.flatnonzero(parent >= 0)
    return child, parent[child].astype(np.int64)
