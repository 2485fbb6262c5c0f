"""How the full-softmax trainer works: plain values, without the libraries that use them."""

from __future__ import annotations

from dataclasses import dataclass

from habitue.errors import UsageError


@dataclass(frozen=True)
class SoftmaxSettings:
    """How TransE is trained with a softmax over the entities (`embeddings.full_softmax`).

    Attributes:
        dimension: Length d of the vectors.
        epochs: Passes over all queries.
        learning_rate: Step of Adagrad at the start; it falls linearly to a twentieth.
        batch: Queries for each update.
        known: How much a query's other known answers count among the wrong ones, in [0, 1]: at 1 it is the plain
            softmax over all entities, at 0 they do not count, as they do not in filtered ranking.
        decay: Weight of the squared lengths of the entities' vectors, for each epoch.
        candidates: Entities that a batch compares its answers with, at least; all of them where there are no more.
    """

    dimension: int = 256
    epochs: int = 40
    learning_rate: float = 0.2
    batch: int = 256
    known: float = 0.5
    decay: float = 0.5
    candidates: int = 8192

    def __post_init__(self) -> None:
        positive = (self.dimension, self.epochs, self.learning_rate, self.batch, self.candidates)
        if min(positive) <= 0 or not 0 <= self.known <= 1 or self.decay < 0:
            raise UsageError(
                f"These settings cannot train TransE: {self}.",
                hint="All must be positive, `known` within 0 and 1, and `decay` not negative.",
            )
