"""Batches of row numbers: shuffled triples in chunks of one relation, with a pool of corruptions for each chunk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from embeddings.engine_settings import EngineSettings


@dataclass(frozen=True, eq=False)
class Plan:
    """One pass over all triples.

    Attributes:
        rows: int64 [chunks, chunk]: rows of the triples in random order, a chunk's of one relation; −1 for filling.
        pool: int64 [2, chunks, negatives]: entities to corrupt with: tails of each chunk, then heads.
    """

    rows: torch.Tensor
    pool: torch.Tensor


class Sampler:
    """Plans passes. A plan follows from the seed and the pass's number alone, so that training can resume at any step.

    A chunk's corruptions are drawn from the ends that occur with its relation.
    """

    def __init__(self, triples: torch.Tensor, settings: EngineSettings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        head, relation, tail = triples.cpu().unbind(1)
        self._rows = torch.argsort(relation, stable=True)
        self._triples = _Groups.counted(torch.bincount(relation))
        self._tail = tail
        self._heads, self._head = _Groups.distinct(relation, head)
        self._tails, self._distinct_tail = _Groups.distinct(relation, tail)

    @property
    def chunks(self) -> int:
        """Chunks in a pass."""
        return int((-(-self._triples.count // self.settings.chunk)).sum())

    def plan(self, epoch: int) -> Plan:
        """The plan of a pass."""
        state = int(np.random.SeedSequence((self.seed, epoch)).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator().manual_seed(state)
        rows, relation = self._chunks(generator)
        shuffled = torch.randperm(len(rows), generator=generator)
        rows, relation = rows[shuffled], relation[shuffled]
        negatives = self.settings.negatives
        popular = round(negatives * self.settings.popular_tails)
        tails = torch.cat(
            [
                self._tail[self._rows[self._triples.draw(relation, popular, generator)]],
                self._distinct_tail[self._tails.draw(relation, negatives - popular, generator)],
            ],
            dim=1,
        )
        heads = self._head[self._heads.draw(relation, negatives, generator)]
        return Plan(rows, torch.stack([tails, heads]))

    def _chunks(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of all chunks, relation after relation, and each chunk's relation."""
        size = self.settings.chunk
        chunks = -(-self._triples.count // size)
        rows = torch.full((int(chunks.sum()) * size,), -1)
        place = 0
        counts = (self._triples.start.tolist(), self._triples.count.tolist(), chunks.tolist())
        for start, count, held in zip(*counts, strict=True):
            shuffled = torch.randperm(count, generator=generator).add_(start)
            rows[place : place + count] = self._rows[shuffled]
            place += held * size
        return rows.view(-1, size), torch.arange(len(chunks)).repeat_interleave(chunks)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Where each relation's values stand in an array of all: first place and number, int64 [relations]."""

    start: torch.Tensor
    count: torch.Tensor

    @staticmethod
    def counted(count: torch.Tensor) -> _Groups:
        return _Groups(count.cumsum(0) - count, count)

    @staticmethod
    def distinct(relation: torch.Tensor, value: torch.Tensor) -> tuple[_Groups, torch.Tensor]:
        """The distinct values of each relation, one relation after the other."""
        width = int(value.max()) + 1 if len(value) else 1
        pairs = torch.unique(relation * width + value)
        return _Groups.counted(torch.bincount(pairs // width)), pairs % width

    def draw(self, relation: torch.Tensor, number: int, generator: torch.Generator) -> torch.Tensor:
        """Places of values drawn uniformly from each of the relations, int64 [len(relation), number]."""
        share = torch.rand((len(relation), number), dtype=torch.float64, generator=generator)
        count = self.count[relation][:, None]
        return (share * count).to(torch.int64).clamp_(max=count - 1).add_(self.start[relation][:, None])
