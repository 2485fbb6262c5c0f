import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn.functional import logsigmoid

from embeddings.engine import Training, fit, parameters
from embeddings.engine_settings import SELF_ADVERSARIAL, EngineSettings
from embeddings.known import KnownTriples
from embeddings.losses import gradients
from embeddings.row_adagrad import RowAdagrad
from embeddings.sampler import Sampler
from embeddings.transe import new_model
from habitue.errors import UsageError

SMALL = EngineSettings(epochs=3, negatives=4, chunk=4, batch=8)


def random_triples(count: int = 60, entities: int = 20, relations: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(entities, (count, 2), generator=generator)
    relation = torch.randint(relations, (count, 1), generator=generator)
    return torch.cat([ends[:, :1], relation, ends[:, 1:]], dim=1)


def expected_loss(
    positive: torch.Tensor, corrupted: torch.Tensor, known: torch.Tensor, chosen: EngineSettings
) -> torch.Tensor:
    """Of one side, written as the papers have it, one positive after the other: [chunks, chunk]."""
    rows = []
    for d, others, out in zip(positive.flatten(), corrupted.flatten(0, 1), known.flatten(0, 1), strict=True):
        kept = others[~out]
        if chosen.loss == SELF_ADVERSARIAL:
            chance = torch.softmax(-chosen.temperature * kept, -1).detach()
            rows.append(-logsigmoid(chosen.margin - d) - (chance * logsigmoid(kept - chosen.margin)).sum())
        else:
            rows.append(torch.cat([-d[None], -kept]).logsumexp(0) + d)
    return torch.stack(rows).view(positive.shape)


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize(
    "chosen", [EngineSettings(), EngineSettings(loss=SELF_ADVERSARIAL, margin=2.5, temperature=0.7)]
)
def test_gradients_equal_automatic_differentiation(chosen: EngineSettings, filtered: bool) -> None:
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    head, tail, relation, pool = normal(2, 4, 5), normal(2, 4, 5), normal(2, 5), normal(4, 3, 5)
    weight = torch.rand(2, 4, generator=generator, dtype=torch.float64)
    known = torch.rand(4, 4, 3, generator=generator) < (0.4 if filtered else 0.0)
    known[0, 0] = filtered  # one positive without any corruption that counts
    moved = relation[:, None]
    positive = (head + moved - tail).norm(dim=-1)
    corrupted_tail = ((head + moved)[:, :, None] - pool[:2, None]).norm(dim=-1)
    corrupted_head = (pool[2:, None] + moved[:, :, None] - tail[:, :, None]).norm(dim=-1)
    sides = [
        expected_loss(positive, corrupted_tail, known[:2], chosen),
        expected_loss(positive, corrupted_head, known[2:], chosen),
    ]
    loss = (weight * (sides[0] + sides[1]) / 2).sum()
    expected = torch.autograd.grad(loss, [head, relation, tail, pool])

    vectors = [each.detach() for each in (head, relation, tail, pool)]
    found = gradients(*vectors, weight, chosen, known=known if filtered else None)
    assert float(found.loss) == pytest.approx(loss.item())
    for mine, automatic in zip((found.head, found.relation, found.tail, found.pool), expected, strict=True):
        torch.testing.assert_close(mine, automatic)


def test_a_positive_far_away_has_a_finite_loss_and_gradient() -> None:
    head, tail = torch.full((1, 1, 2), 500.0), torch.zeros(1, 1, 2)
    pool = torch.stack([torch.full((1, 2), 500.0), torch.zeros(1, 2)])
    found = gradients(head, torch.zeros(1, 2), tail, pool, torch.ones(1, 1), EngineSettings())
    # d = 500 √2, and the nearest corruption of either side stands where the query is.
    assert float(found.loss) == pytest.approx(500 * 2**0.5, rel=1e-5)
    for each in (found.head, found.tail, found.pool, found.relation):
        assert each.isfinite().all()


def test_adagrad_moves_only_the_rows_it_was_given() -> None:
    vectors = torch.zeros(3, 2)
    optimiser = RowAdagrad([vectors], lr=0.1)
    optimiser.update(vectors, torch.tensor([0, 2, 0]), torch.tensor([[1.0, 0.0], [0.0, 4.0], [2.0, 4.0]]), rate=0.1)
    # Row 0 gets (3, 4), mean square 12.5; row 2 gets (0, 4), mean square 8.
    expected = torch.tensor([[-0.3 / 12.5**0.5, -0.4 / 12.5**0.5], [0.0, 0.0], [0.0, -0.4 / 8**0.5]])
    torch.testing.assert_close(vectors, expected)
    torch.testing.assert_close(optimiser.accumulated(vectors), torch.tensor([12.5, 0.0, 8.0]))


@given(
    rows=hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 6)),
    batches=st.integers(1, 3),
)
@settings(max_examples=30, deadline=None)
def test_adagrad_equals_a_dense_one_that_sums_each_row(rows: np.ndarray, batches: int) -> None:
    generator = torch.Generator().manual_seed(len(rows))
    vectors, dense, accumulated = torch.zeros(7, 3, dtype=torch.float64), torch.zeros(7, 3), torch.zeros(7)
    dense, accumulated = dense.double(), accumulated.double()
    optimiser = RowAdagrad([vectors], lr=0.5)
    for _ in range(batches):
        gradient = torch.randn(len(rows), 3, generator=generator, dtype=torch.float64)
        optimiser.update(vectors, torch.from_numpy(rows), gradient, rate=0.5)
        for row in set(rows.tolist()):
            summed = gradient[torch.from_numpy(rows) == row].sum(0)
            accumulated[row] += summed.square().mean()
            dense[row] -= 0.5 * summed / accumulated[row].sqrt()
    torch.testing.assert_close(vectors, dense, rtol=1e-5, atol=1e-6)


def test_adagrad_steps_from_sparse_and_dense_gradients_alike() -> None:
    found = []
    for sparse in (True, False):
        table = torch.nn.Embedding(4, 2, sparse=sparse)
        torch.nn.init.ones_(table.weight)
        optimiser = RowAdagrad(table.parameters(), lr=0.1)
        (table(torch.tensor([1, 3, 1])) * torch.tensor([1.0, 2.0])).sum().backward()
        optimiser.step()
        found.append(table.weight.detach())
    torch.testing.assert_close(found[0], found[1])
    assert found[0][0].tolist() == [1.0, 1.0]
    # Row 1 gets (2, 4), mean square 10.
    torch.testing.assert_close(found[0][1], 1 - 0.1 * torch.tensor([2.0, 4.0]) / 10**0.5)


def test_an_epoch_holds_every_triple_once_in_chunks_of_one_relation() -> None:
    relation = torch.tensor([1] * 2 + [0] * 7)
    triples = torch.stack([torch.arange(9), relation, torch.arange(9) + 9], dim=1)
    sampler = Sampler(triples, EngineSettings(chunk=4, batch=4, negatives=5), seed=0)
    plans = [sampler.plan(epoch).rows for epoch in range(2)]
    for rows in plans:
        assert len(rows) == sampler.chunks == 3
        assert sorted(rows[rows >= 0].tolist()) == list(range(9))
        for chunk in rows:
            assert len(set(relation[chunk[chunk >= 0]].tolist())) == 1
    assert not torch.equal(*plans)
    assert torch.equal(plans[1], sampler.plan(1).rows)  # whatever was planned in between


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_negatives_come_from_the_ends_of_their_relation(share: float) -> None:
    triples = torch.tensor([[0, 0, 10], [2, 1, 12], [1, 0, 11], [3, 1, 13]])
    chosen = EngineSettings(chunk=2, batch=2, negatives=40, popular_tails=share)
    plan = Sampler(triples, chosen, seed=1).plan(0)
    for chunk, tails, heads in zip(plan.rows, *plan.pool, strict=True):
        relation = int(triples[chunk[0], 1])
        assert set(tails.tolist()) == {10 + 2 * relation, 11 + 2 * relation}
        assert set(heads.tolist()) == {2 * relation, 1 + 2 * relation}


def test_popular_tails_are_drawn_as_often_as_they_occur() -> None:
    triples = torch.tensor([[head, 0, 9 if head < 8 else 10] for head in range(9)])
    counts = {}
    for share in (0.0, 1.0):
        chosen = EngineSettings(chunk=1, batch=1, negatives=1000, popular_tails=share)
        counts[share] = int((Sampler(triples, chosen, seed=0).plan(0).pool[0] == 9).sum()) / 9000
    # Nine thousand draws: four standard deviations are 0.02 and 0.013.
    assert counts[0.0] == pytest.approx(1 / 2, abs=0.022)
    assert counts[1.0] == pytest.approx(8 / 9, abs=0.015)


@given(seed=st.integers(0, 100), entities=st.integers(1, 30), asked=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_known_triples_are_told_exactly(seed: int, entities: int, asked: int) -> None:
    triples = random_triples(50, entities, 3, seed)
    known, held = KnownTriples(triples, entities), set(map(tuple, triples.tolist()))
    others = random_triples(asked, entities, 3, seed + 1)
    found = known.contains(*others.unbind(1))
    assert found.tolist() == [tuple(each) in held for each in others.tolist()]
    assert known.contains(*triples.unbind(1)).all()
    grid = known.contains(triples[:, :1], triples[:, 1:2], torch.arange(entities)[None])
    assert grid.shape == (50, entities)
    assert int(grid.sum()) == sum(
        len({t for h, r, t in held if (h, r) == tuple(each[:2])}) for each in triples.tolist()
    )


def test_filtering_leaves_no_known_corruption_in_the_loss() -> None:
    # Every head goes with every tail: each corruption is a triple itself, so that there is nothing to learn.
    triples = torch.tensor([[head, 0, tail] for head in range(3) for tail in range(3, 6)])
    for filtered in (True, False):
        model = new_model(6, 1, 4, seed=0)
        before = parameters(model)[0].clone()
        chosen = EngineSettings(epochs=1, chunk=4, batch=8, negatives=5, filtered=filtered)
        losses = fit(model, triples, torch.ones(9), chosen, seed=0)
        assert (losses == [0.0]) == filtered
        assert torch.equal(before, parameters(model)[0]) == filtered


@pytest.mark.parametrize("loss", ["softmax", SELF_ADVERSARIAL])
def test_the_same_seed_gives_the_same_vectors_and_another_seed_others(loss: str) -> None:
    found = []
    for seed in (5, 5, 6):
        model = new_model(20, 2, 8, seed=1)
        chosen = EngineSettings(epochs=2, chunk=4, batch=8, negatives=4, loss=loss)
        losses = fit(model, random_triples(), torch.ones(60), chosen, seed=seed)
        assert losses[1] < losses[0]
        found.append(parameters(model)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_rows_that_no_triple_and_no_corruption_names_stay() -> None:
    model = new_model(30, 2, 8, seed=1)
    before = parameters(model)[0].clone()
    fit(model, random_triples(entities=20), torch.ones(60), SMALL, seed=0)
    after = parameters(model)[0]
    assert torch.equal(before[20:], after[20:])
    assert not torch.equal(before[:20], after[:20])


def test_triples_of_weight_nought_teach_nothing() -> None:
    triples = random_triples()
    model = new_model(20, 2, 8, seed=1)
    before = parameters(model)[0].clone()
    fit(model, triples, torch.zeros(60), SMALL, seed=0)
    assert torch.equal(before, parameters(model)[0])


def test_progress_tells_pass_loss_and_speed() -> None:
    told: list[tuple[str, float]] = []
    fit(
        new_model(20, 2, 8, 0),
        random_triples(),
        torch.ones(60),
        SMALL,
        seed=0,
        progress=lambda *each: told.append(each),
    )
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert told[0][0].startswith("TransE, pass 1 of 3")
    assert "loss" in told[-2][0]
    assert told[-2][0].endswith("triples/s")


def test_a_pass_can_begin_at_any_step() -> None:
    def vectors(cuts: list[int]) -> torch.Tensor:
        model = new_model(20, 2, 8, seed=1)
        optimiser = RowAdagrad(model.parameters())
        for first, last in itertools.pairwise(cuts):
            training = Training(model, random_triples(), torch.ones(60), SMALL, 0, optimiser=optimiser)
            for _ in itertools.islice(training.steps(0, first), last - first):
                pass
        return parameters(model)[0]

    total = Training(new_model(20, 2, 8, 0), random_triples(), torch.ones(60), SMALL, 0).steps_an_epoch
    assert total > 4
    whole = vectors([0, total])
    assert torch.equal(whole, vectors([0, 3, total]))


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch": 700}, {"popular_tails": 1.1}, {"loss": "hinge"}, {"margin": 0.0}, {"temperature": -1.0}],
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        EngineSettings(**wrong)  # type: ignore[arg-type]


def test_pykeens_pipeline_takes_the_engine_as_a_training_loop() -> None:
    from pykeen.pipeline import pipeline
    from pykeen.triples import CoreTriplesFactory

    from embeddings.pykeen_loop import ChunkTrainingLoop

    factory = CoreTriplesFactory(random_triples(), num_entities=20, num_relations=2)
    chosen = {"embedding_dim": 8, "scoring_fct_norm": 2, "entity_constrainer": None}
    found = []
    for loss in ("nssa", "crossentropy", "crossentropy"):
        result = pipeline(
            training=factory,
            testing=factory,
            model="TransE",
            model_kwargs=chosen,
            loss=loss,
            training_loop=ChunkTrainingLoop,
            training_kwargs={"num_epochs": 3, "batch_size": 20, "use_tqdm": False},
            evaluation_kwargs={"use_tqdm": False, "batch_size": 32},
            random_seed=2,
        )
        assert len(result.losses) == 3
        assert result.losses[-1] < result.losses[0]
        assert 0 < result.get_metric("mrr") <= 1
        found.append(parameters(result.model)[0])
    assert torch.equal(found[1], found[2])
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize(
    ("model", "loss", "message"),
    [
        ({"scoring_fct_norm": 1, "entity_constrainer": None}, "nssa", "Euclidean"),
        ({"scoring_fct_norm": 2}, "nssa", "length"),
        ({"scoring_fct_norm": 2, "entity_constrainer": None}, "marginranking", "MarginRankingLoss"),
    ],
)
def test_a_model_that_the_engine_cannot_train_is_refused(model: dict[str, object], loss: str, message: str) -> None:
    from pykeen.models import TransE
    from pykeen.triples import CoreTriplesFactory

    from embeddings.pykeen_loop import ChunkTrainingLoop

    factory = CoreTriplesFactory(random_triples(), num_entities=20, num_relations=2)
    with pytest.raises(UsageError, match=message):
        ChunkTrainingLoop(TransE(triples_factory=factory, loss=loss, random_seed=0, **model), factory)
