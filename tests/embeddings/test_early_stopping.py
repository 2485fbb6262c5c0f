from __future__ import annotations

import pytest
import torch

from embeddings.early_stopping import EarlyStopping, TailRanks
from embeddings.engine import fit, parameters
from habitue.errors import UsageError
from tests.embeddings.training_child import SETTINGS, BareModel, triples


def trained(
    values: list[float], **options: float
) -> tuple[EarlyStopping, torch.Tensor, list[torch.Tensor], list[float]]:
    """A training whose watched figure is scripted: the stopping, the last vectors, those at each look, the losses."""
    seen: list[torch.Tensor] = []

    def evaluate(model: BareModel) -> float:
        seen.append(parameters(model)[0].clone())  # type: ignore[arg-type]
        return values[len(seen) - 1]

    stopping = EarlyStopping(evaluate, **options)  # type: ignore[arg-type]
    model = BareModel()
    losses = fit(model, triples(), torch.ones(60), SETTINGS, seed=0, stopping=stopping)  # type: ignore[arg-type]
    return stopping, parameters(model)[0], seen, losses  # type: ignore[arg-type]


def test_it_ends_after_so_many_looks_without_a_gain_and_gives_the_best_vectors_back() -> None:
    stopping, vectors, seen, losses = trained([0.2, 0.1, 0.2, 0.9], patience=2)
    assert stopping.ended
    assert stopping.values == [0.2, 0.1, 0.2]  # equal is no gain
    assert len(losses) == 3
    assert torch.equal(vectors, seen[0])


def test_it_does_not_end_while_there_are_gains() -> None:
    stopping, vectors, seen, losses = trained([0.1, 0.3, 0.2, 0.25], patience=3)
    assert not stopping.ended
    assert len(losses) == SETTINGS.epochs
    assert torch.equal(vectors, seen[1])


def test_a_gain_must_be_large_enough_and_looks_may_be_rarer() -> None:
    stopping, _, _, losses = trained([0.100, 0.105], patience=1, every=2, minimum_gain=0.1)
    assert stopping.ended
    assert len(losses) == 4


def test_tail_ranks_are_those_worked_out_by_hand() -> None:
    model = BareModel(entities=6, relations=2, dimension=1)
    entity, relation = parameters(model)  # type: ignore[arg-type]
    entity.copy_(torch.tensor([[0.0], [1.0], [1.5], [3.0], [1.0], [9.0]]))
    relation.copy_(torch.tensor([[1.0], [0.0]]))
    training = torch.tensor([[0, 0, 1], [0, 0, 2], [0, 0, 3], [5, 0, 4], [0, 1, 5]])
    # The query is 1; distances of the known tails 1, 2, 3, 4: 0, ½, 2, 0.
    assert TailRanks(torch.tensor([[0, 0, 2]]), training)(model) == pytest.approx(1 / 3)  # type: ignore[arg-type]
    assert TailRanks(torch.tensor([[0, 0, 1]]), training)(model) == pytest.approx(1 / 1.5)  # type: ignore[arg-type]
    later = torch.tensor([[0, 0, 3], [0, 0, 5], [0, 1, 5]])  # 5 is no tail of relation 0; of relation 1 it is the only
    assert TailRanks(later, training)(model) == pytest.approx((1 / 4 + 1) / 2)  # type: ignore[arg-type]
    bonus = torch.tensor([0.0, 0.0, 0.0, 10.0, 0.0, 0.0])
    assert TailRanks(torch.tensor([[0, 0, 3]]), training, bonus=bonus)(model) == 1.0  # type: ignore[arg-type]


def test_nothing_to_watch_is_refused() -> None:
    with pytest.raises(UsageError):
        TailRanks(torch.tensor([[0, 0, 7]]), torch.tensor([[0, 0, 1]]))
    for wrong in ({"patience": 0}, {"every": 0}, {"minimum_gain": -0.1}):
        with pytest.raises(UsageError):
            EarlyStopping(lambda _: 0.0, **wrong)  # type: ignore[arg-type]
