"""A benchmark's triples as tensors, over the entities and relations that its training part has.

A triple of the other parts with a name that no training triple has cannot be asked: nothing was learnt of the name. It
is left out, and counted, as PyKEEN does (others rank it at random: `RankMetrics.with_missed` bounds the difference).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from embeddings.benchmark_files import Int64Array, TripleFolder


@dataclass(frozen=True, eq=False)
class Parts:
    """The triples that can be learnt and asked.

    Attributes:
        entities, relations: Names, in the order of their numbers.
        train, valid, test: int64 [n, 3]: head, relation, tail.
        left_out: Triples of `valid` and `test` with an entity or a relation that the training has not.
    """

    entities: tuple[str, ...]
    relations: tuple[str, ...]
    train: torch.Tensor
    valid: torch.Tensor
    test: torch.Tensor
    left_out: Mapping[str, int]


def parts_of(folder: TripleFolder) -> Parts:
    """What can be learnt and asked of a folder."""
    entity, entities = _numbers(folder.train[:, [0, 2]], folder.entities)
    relation, relations = _numbers(folder.train[:, 1], folder.relations)

    def renumbered(triples: Int64Array) -> torch.Tensor:
        kept = triples[folder.seen(triples)]
        return torch.from_numpy(np.column_stack([entity[kept[:, 0]], relation[kept[:, 1]], entity[kept[:, 2]]]))

    train, valid, test = (renumbered(each) for each in (folder.train, folder.valid, folder.test))
    return Parts(
        entities=entities,
        relations=relations,
        train=train,
        valid=valid,
        test=test,
        left_out={"valid": len(folder.valid) - len(valid), "test": len(folder.test) - len(test)},
    )


def _numbers(occurring: Int64Array, names: tuple[str, ...]) -> tuple[Int64Array, tuple[str, ...]]:
    """New numbers by old one, −1 for what does not occur, and the names that do."""
    present = np.unique(occurring)
    numbers = np.full(len(names), -1, np.int64)
    numbers[present] = np.arange(len(present))
    return numbers, tuple(names[number] for number in present)
