"""The figure by which settings are chosen and a training is ended: on validation triples, test triples unseen."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from embeddings.benchmark_parts import Parts
from embeddings.full_softmax import Queries, filtered_ranks, with_inverses

#: Validation triples that are looked at; more cost time, and move the figure by less than its own error.
_MOST = 2_000
_BLOCK_CELLS = 1 << 23


@dataclass(frozen=True)
class Look:
    """What a look at validation triples found.

    Attributes:
        mrr: Mean reciprocal rank of both sides.
        hits_at_10: Share of their ranks up to 10.
    """

    mrr: float
    hits_at_10: float

    @property
    def value(self) -> float:
        """What is compared: the mean of the two, as a user wants both."""
        return (self.mrr + self.hits_at_10) / 2

    def to_json(self) -> dict[str, float]:
        """As plain values."""
        return {"mrr": self.mrr, "hits@10": self.hits_at_10}


class Validation:
    """Looks at validation triples, or a fixed sample of them: ranks filtered by training and validation, realistic."""

    def __init__(self, parts: Parts, seed: int) -> None:
        chosen = torch.randperm(len(parts.valid), generator=torch.Generator().manual_seed(seed))[:_MOST]
        self._asked = with_inverses(parts.valid[chosen.sort().values])
        self._known = Queries.of(with_inverses(torch.cat([parts.train, parts.valid])))
        self._block = max(1, _BLOCK_CELLS // len(parts.entities))

    @property
    def possible(self) -> bool:
        """Whether there is a triple to look at."""
        return len(self._asked) > 0

    def look(self, entity: torch.Tensor, relation: torch.Tensor) -> Look:
        """The figures of vectors [N, d] and [2R, d], inverses among the relations."""
        ranks = filtered_ranks(entity, relation, self._asked, self._known, block=self._block)
        return Look(mrr=float(ranks.reciprocal().mean()), hits_at_10=float((ranks <= 10).float().mean()))
