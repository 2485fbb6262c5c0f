"""How the training engine works: plain values, without the libraries that use them."""

from __future__ import annotations

from dataclasses import dataclass

from habitue.errors import UsageError


@dataclass(frozen=True)
class EngineSettings:
    """How the training engine works (`embeddings.engine`).

    Attributes:
        epochs: Passes over all triples.
        learning_rate: Step of row-wise Adagrad at the start; it falls linearly to a tenth.
        negatives: Corrupted tails, and as many corrupted heads, shared by each chunk of positives.
        popular_tails: Share of the corrupted tails drawn as often as they occur; the rest, and all heads, are drawn
            uniformly from those that occur with the relation. At 1 the vectors model taste, and popularity is left
            for a term of its own.
        chunk: Positives that share their negatives.
        batch: Positives for each update; a multiple of the chunk.
    """

    epochs: int = 4
    learning_rate: float = 0.1
    negatives: int = 64
    popular_tails: float = 1.0
    chunk: int = 512
    batch: int = 4096

    def __post_init__(self) -> None:
        positive = (self.epochs, self.learning_rate, self.negatives, self.chunk, self.batch)
        if min(positive) <= 0 or not 0 <= self.popular_tails <= 1 or self.batch % self.chunk:
            raise UsageError(
                f"These settings cannot train TransE: {self}.",
                hint="All must be positive, `popular_tails` at most 1, and `batch` a multiple of `chunk`.",
            )
