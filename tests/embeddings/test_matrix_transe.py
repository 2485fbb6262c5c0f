"""TransE by matrix products scores as PyKEEN's own does, and PyKEEN's evaluator finds the same ranks by it."""

from __future__ import annotations

import pytest
import torch
from pykeen.evaluation import RankBasedEvaluator
from pykeen.models import TransE
from pykeen.triples import CoreTriplesFactory

from embeddings.full_softmax import Queries, filtered_ranks, initial, with_inverses
from embeddings.link_prediction import link_prediction
from embeddings.matrix_transe import pykeen_model, vectors_of
from tests.embeddings.test_full_softmax import random_triples


def pykeens_own(entity: torch.Tensor, relation: torch.Tensor, *, inverses: bool) -> TransE:
    """Its plain TransE with the same vectors."""
    factory = CoreTriplesFactory(
        torch.zeros((0, 3), dtype=torch.int64),
        num_entities=len(entity),
        num_relations=len(relation) // 2 if inverses else len(relation),
        create_inverse_triples=inverses,
    )
    model = TransE(
        triples_factory=factory,
        embedding_dim=entity.shape[1],
        scoring_fct_norm=2,
        entity_constrainer=None,
        random_seed=0,
    )
    of_entities, of_relations = vectors_of(model)
    of_entities.data.copy_(entity)
    of_relations.data.copy_(relation)
    return model


@pytest.mark.parametrize("inverses", [False, True])
def test_scores_equal_pykeens(inverses: bool) -> None:
    entity, relation = initial(12, 4, 6, 3)
    ours, theirs = (make(entity, relation, inverses=inverses) for make in (pykeen_model, pykeens_own))
    pairs = torch.tensor([[0, 0], [3, 1], [11, 1]])
    for name, asked in (("predict_t", pairs), ("predict_h", pairs.flip(1))):
        expected = getattr(theirs, name)(asked)
        torch.testing.assert_close(getattr(ours, name)(asked), expected, rtol=1e-4, atol=1e-5)
    some = torch.tensor([2, 5])
    torch.testing.assert_close(ours.score_t(pairs, tails=some), theirs.score_t(pairs, tails=some))


def test_making_a_model_leaves_the_random_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    pykeen_model(*initial(5, 2, 4, 0), inverses=True)
    assert torch.equal(torch.rand(2), expected)


def test_figures_are_those_of_pykeens_evaluator_on_its_own_model_and_of_our_ranks() -> None:
    triples = random_triples(80, 15, 2, 0)
    train, test = triples[:60], triples[60:]
    entity, relation = initial(15, 4, 6, 1)
    told: list[float] = []
    found = link_prediction(
        pykeen_model(entity, relation, inverses=True), test, [train], progress=lambda _, share: told.append(share)
    )
    theirs = RankBasedEvaluator().evaluate(
        pykeens_own(entity, relation, inverses=True), test, batch_size=7, additional_filter_triples=[train],
        use_tqdm=False,
    )  # fmt: skip
    for side in ("both", "head", "tail"):
        for ours, name in (
            ("mrr", "inverse_harmonic_mean_rank"),
            ("hits@1", "hits_at_1"),
            ("hits@3", "hits_at_3"),
            ("hits@10", "hits_at_10"),
            ("mean_rank", "arithmetic_mean_rank"),
            ("adjusted_mean_rank_index", "adjusted_arithmetic_mean_rank_index"),
        ):
            expected = theirs.get_metric(f"{side}.realistic.{name}")
            assert found[side].to_json()[ours] == pytest.approx(expected, rel=1e-5)
    ranks = filtered_ranks(entity, relation, with_inverses(test), Queries.of(with_inverses(triples)))
    assert found["both"].mrr == pytest.approx(float(ranks.reciprocal().mean()), rel=1e-5)
    assert found["tail"].mean_rank == pytest.approx(float(ranks[: len(test)].mean()), rel=1e-5)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_what_could_not_be_asked_counts_as_missed() -> None:
    entity, relation = initial(15, 4, 6, 1)
    triples = random_triples(30, 15, 2, 0)
    found = link_prediction(pykeen_model(entity, relation, inverses=True), triples, [])["both"]
    least = found.with_missed(0.25)
    assert least == {name: found.to_json()[name] * 0.75 for name in ("mrr", "hits@1", "hits@3", "hits@10")}
