import pytest
import torch

from embeddings.engine import _Sampler, _Table, gradients
from embeddings.engine_settings import EngineSettings


def test_gradients_equal_automatic_differentiation() -> None:
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    head, tail, relation, pool = normal(2, 4, 5), normal(2, 4, 5), normal(2, 5), normal(4, 3, 5)
    weight = torch.rand(2, 4, generator=generator, dtype=torch.float64)
    moved = relation[:, None]
    positive = (head + moved - tail).norm(dim=-1)
    corrupted_tail = ((head + moved)[:, :, None] - pool[:2, None]).norm(dim=-1)
    corrupted_head = (pool[2:, None] + moved[:, :, None] - tail[:, :, None]).norm(dim=-1)
    sides = [torch.log1p(torch.exp(positive[..., None] - each).sum(-1)) for each in (corrupted_tail, corrupted_head)]
    loss = (weight * (sides[0] + sides[1]) / 2).sum()
    expected = torch.autograd.grad(loss, [head, relation, tail, pool])

    found = gradients(head.detach(), relation.detach(), tail.detach(), pool.detach(), weight)
    assert found.loss == pytest.approx(loss.item())
    for mine, automatic in zip((found.head, found.relation, found.tail, found.pool), expected, strict=True):
        torch.testing.assert_close(mine, automatic)


def test_adagrad_moves_only_the_rows_it_was_given() -> None:
    table = _Table(torch.zeros(3, 2))
    table.update(torch.tensor([0, 2, 0]), torch.tensor([[1.0, 0.0], [0.0, 4.0], [2.0, 4.0]]), rate=0.1)
    # Row 0 gets (3, 4), mean square 12.5; row 2 gets (0, 4), mean square 8.
    expected = torch.tensor([[-0.3 / 12.5**0.5, -0.4 / 12.5**0.5], [0.0, 0.0], [0.0, -0.4 / 8**0.5]])
    torch.testing.assert_close(table.vectors, expected)
    torch.testing.assert_close(table.accumulated, torch.tensor([12.5, 0.0, 8.0]))


def test_an_epoch_holds_every_triple_once_in_chunks_of_one_relation() -> None:
    relation = torch.tensor([0] * 7 + [1] * 2)
    triples = torch.stack([torch.arange(9), relation, torch.arange(9) + 9], dim=1)
    sampler = _Sampler(triples, EngineSettings(chunk=4, batch=4, negatives=5), torch.Generator().manual_seed(0))
    rows = sampler.epoch()
    assert sorted(rows[rows >= 0].tolist()) == list(range(9))
    for chunk in rows:
        assert len(set(relation[chunk[chunk >= 0]].tolist())) == 1


def test_negatives_come_from_the_ends_of_their_relation() -> None:
    triples = torch.tensor([[0, 0, 10], [1, 0, 11], [2, 1, 12], [3, 1, 13]])
    for share in (0.0, 1.0):
        settings = EngineSettings(chunk=2, batch=2, negatives=6, popular_tails=share)
        pool = _Sampler(triples, settings, torch.Generator().manual_seed(1)).pool(torch.tensor([0, 1]))
        tails, heads = pool[:2], pool[2:]
        assert set(tails[0].tolist()) <= {10, 11}
        assert set(tails[1].tolist()) <= {12, 13}
        assert set(heads[0].tolist()) <= {0, 1}
        assert set(heads[1].tolist()) <= {2, 3}
