"""The softmax over all entities: its gradients against automatic differentiation, its ranks against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from embeddings.full_softmax import Place, Queries, filtered_ranks, fit, gradients, initial, with_inverses
from embeddings.softmax_settings import SoftmaxSettings
from habitue.errors import UsageError


def random_triples(count: int, entities: int, relations: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(entities, (count, 2), generator=generator)
    relation = torch.randint(relations, (count, 1), generator=generator)
    return torch.unique(torch.cat([ends[:, :1], relation, ends[:, 1:]], dim=1), dim=0)


def plain_loss(
    query: torch.Tensor,
    candidate: torch.Tensor,
    owner: list[int],
    answer: list[int],
    known: float,
    weight: torch.Tensor,
) -> torch.Tensor:
    """As the docstring has it, answer by answer."""
    total = torch.zeros((), dtype=query.dtype)
    for row, right in zip(owner, answer, strict=True):
        mass = torch.exp(-(query[row] - candidate).norm(dim=-1))
        others = {a for r, a in zip(owner, answer, strict=True) if r == row}
        denominator = mass[right] + sum(
            (known * mass[j] if j in others else weight[j] * mass[j]) for j in range(len(candidate)) if j != right
        )
        total = total - torch.log(mass[right] / denominator)
    return total


@pytest.mark.parametrize("known", [1.0, 0.3, 0.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_equal_automatic_differentiation(known: float, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    candidate = torch.randn(6, 4, generator=generator, dtype=torch.float64).requires_grad_()
    owner, answer = [0, 0, 1, 2, 2, 2], [1, 4, 1, 0, 2, 5]
    weight = torch.rand(6, generator=generator, dtype=torch.float64) * 3 if weighted else torch.ones(6)
    expected = plain_loss(query, candidate, owner, answer, known, weight)
    expected.backward()  # type: ignore[no-untyped-call]
    found = gradients(
        query.detach(), candidate.detach(), torch.tensor(owner), torch.tensor(answer), known,
        weight.log() if weighted else None,
    )  # fmt: skip
    assert found.loss == pytest.approx(expected.item())
    torch.testing.assert_close(found.query, query.grad)
    torch.testing.assert_close(found.candidate, candidate.grad)


def test_a_loss_worked_out_by_hand() -> None:
    # One query at 0; candidates at 0, 3 and 4 on a line; the answer is the second: −log(e⁻³ / (1 + e⁻³ + e⁻⁴)).
    found = gradients(torch.zeros(1, 1), torch.tensor([[0.0], [3.0], [4.0]]), torch.tensor([0]), torch.tensor([1]), 1.0)
    total = 1 + math.exp(-3) + math.exp(-4)
    assert found.loss == pytest.approx(3 + math.log(total), rel=1e-5)
    # ∂/∂c₂ of log(1 + e^−c₁ + e^−c₂) + c₁ = −e⁻⁴ / total: the wrong one is pushed away.
    assert found.candidate[2].item() == pytest.approx(-math.exp(-4) / total, rel=1e-4)
    assert found.candidate[1].item() == pytest.approx(1 - math.exp(-3) / total, rel=1e-4)


def test_queries_hold_each_pair_once_with_all_its_answers() -> None:
    triples = torch.tensor([[2, 0, 5], [0, 1, 3], [2, 0, 4], [0, 0, 1], [2, 0, 5]])
    queries = Queries.of(triples)
    assert list(zip(queries.head.tolist(), queries.relation.tolist(), strict=True)) == [(0, 0), (0, 1), (2, 0)]
    owner, entity = queries.answers_of(torch.tensor([2, 0]))
    assert owner.tolist() == [0, 0, 1]
    assert entity.tolist() == [4, 5, 1]


def test_inverses_are_numbered_as_pykeen_does() -> None:
    from pykeen.triples import CoreTriplesFactory

    triples = random_triples(20, 6, 3, 0)
    factory = CoreTriplesFactory(triples, num_entities=6, num_relations=3, create_inverse_triples=True)
    theirs = {tuple(each) for each in factory._add_inverse_triples_if_necessary(triples).tolist()}
    assert {tuple(each) for each in with_inverses(triples).tolist()} == theirs
    assert len(theirs) == 2 * len(triples)


@given(seed=st.integers(0, 50), entities=st.integers(2, 12))
@examples(max_examples=25, deadline=None)
def test_ranks_are_those_of_a_plain_loop(seed: int, entities: int) -> None:
    triples = random_triples(30, entities, 2, seed)
    asked, known = triples[::3], Queries.of(triples)
    generator = torch.Generator().manual_seed(seed)
    # Whole numbers on a line, so that there are ties and no rounding.
    entity = torch.randint(4, (entities, 1), generator=generator).float()
    relation = torch.randint(3, (2, 1), generator=generator).float()
    held = {tuple(each) for each in triples.tolist()}
    expected = []
    for head, number, tail in asked.tolist():
        distance = (entity[head] + relation[number] - entity).abs().flatten().tolist()
        wrong = [distance[j] for j in range(entities) if j == tail or (head, number, j) not in held]
        best = 1 + sum(each < distance[tail] for each in wrong)
        worst = sum(each <= distance[tail] for each in wrong)
        expected.append((best + worst) / 2)
    assert filtered_ranks(entity, relation, asked, known, block=4).tolist() == expected


def trained(settings: SoftmaxSettings, seed: int = 0) -> tuple[torch.Tensor, list[Place]]:
    triples = with_inverses(random_triples(60, 15, 2, 4))
    entity, relation = initial(15, 4, settings.dimension, seed)
    places = list(fit(entity, relation, Queries.of(triples), settings, seed=seed))
    return entity, places


def test_it_tells_every_update_and_the_loss_falls() -> None:
    settings = SoftmaxSettings(dimension=8, epochs=5, batch=16)
    entity, places = trained(settings)
    steps = places[0].steps
    assert steps > 1
    assert [(place.epoch, place.step) for place in places] == [
        (epoch + (step == steps), step % steps) for epoch in range(5) for step in range(1, steps + 1)
    ]
    assert places[-1].passes == 5.0
    ends = [place.loss for place in places if place.step == 0]
    assert ends == sorted(ends, reverse=True)
    assert torch.equal(entity, trained(settings)[0])
    assert not torch.equal(entity, trained(settings, seed=1)[0])


def test_decay_shortens_vectors() -> None:
    plain, _ = trained(SoftmaxSettings(dimension=8, epochs=10, batch=16, decay=0.0))
    decayed, _ = trained(SoftmaxSettings(dimension=8, epochs=10, batch=16, decay=10.0))
    assert decayed.norm() < 0.8 * plain.norm()


def test_a_sample_of_the_entities_teaches_nearly_what_all_of_them_do() -> None:
    losses = {}
    for candidates in (200, 60):  # of 200 entities: all, and a sample
        triples = with_inverses(random_triples(150, 200, 1, 2))
        entity, relation = initial(200, 2, 16, 0)
        settings = SoftmaxSettings(dimension=16, epochs=30, batch=64, candidates=candidates, decay=0.0)
        for _ in fit(entity, relation, Queries.of(triples), settings, seed=0):
            pass
        distance = torch.cdist(entity[triples[:, 0]] + relation[triples[:, 1]], entity)
        losses[candidates] = float(torch.nn.functional.cross_entropy(-distance, triples[:, 2]))
    at_random = math.log(200)
    assert losses[60] < at_random - 0.8 * (at_random - losses[200])


@pytest.mark.parametrize("wrong", [{"dimension": 0}, {"known": 1.5}, {"decay": -0.1}, {"learning_rate": 0.0}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        SoftmaxSettings(**wrong)  # type: ignore[arg-type]
