"""How the training engine works: plain values, without the libraries that use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from habitue.errors import UsageError

#: The losses that `embeddings.losses` knows.
SOFTMAX: Final = "softmax"
SELF_ADVERSARIAL: Final = "self-adversarial"


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
        filtered: Whether corruptions that are triples themselves are left out of the loss.
        chunk: Positives that share their negatives.
        batch: Positives for each update; a multiple of the chunk.
        loss: `softmax` (sampled softmax) or `self-adversarial` (Sun et al. 2019); see `embeddings.losses`.
        margin: γ of the self-adversarial loss: distances below it are near.
        temperature: α of the self-adversarial loss: how much more the nearest negatives count; 0 for all alike.
    """

    epochs: int = 4
    learning_rate: float = 0.1
    negatives: int = 64
    popular_tails: float = 1.0
    filtered: bool = False
    chunk: int = 512
    batch: int = 4096
    loss: str = SOFTMAX
    margin: float = 6.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        positive = (self.epochs, self.learning_rate, self.negatives, self.chunk, self.batch, self.margin)
        if min(positive) <= 0 or not 0 <= self.popular_tails <= 1 or self.batch % self.chunk or self.temperature < 0:
            raise UsageError(
                f"These settings cannot train TransE: {self}.",
                hint="All must be positive, `popular_tails` at most 1, and `batch` a multiple of `chunk`.",
            )
        if self.loss not in (SOFTMAX, SELF_ADVERSARIAL):
            raise UsageError(
                f"There is no loss named {self.loss!r}.", hint=f"There are {SOFTMAX!r} and {SELF_ADVERSARIAL!r}."
            )
