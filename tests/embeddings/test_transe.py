import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from embeddings import files
from embeddings.engine_settings import EngineSettings
from embeddings.settings import TransESettings
from embeddings.similarity import centred
from embeddings.transe import Embedding, embeddable, loss_weight, train
from embeddings.triples import triples_of
from habitue.errors import HabitueError, NotFoundError, UsageError
from tests.embeddings.toy import AS_OF, GROUP, two_groups
from tests.support import history_of

SETTINGS = TransESettings(dimension=16, engine=EngineSettings(epochs=40, chunk=32, batch=64, negatives=16))


@pytest.fixture(scope="module")
def embedding() -> Embedding:
    return train(two_groups().at(AS_OF), SETTINGS, seed=1)


def test_customers_of_a_planted_group_are_alike(embedding: Embedding) -> None:
    ids, vectors = embedding.customers()
    assert ids.to_pylist()[:2] == ["a00", "a01"]
    unit = centred(vectors)
    cosine = unit @ unit.T
    own = np.kron(np.eye(2, dtype=bool), np.ones((GROUP, GROUP), bool)) & ~np.eye(2 * GROUP, dtype=bool)
    other = np.kron(1 - np.eye(2), np.ones((GROUP, GROUP))).astype(bool)
    assert cosine[own].min() > cosine[other].max()


def test_a_bought_product_scores_above_the_other_shelf(embedding: Embedding) -> None:
    _, customers = embedding.customers()
    ids, products = embedding.products()
    relation = embedding.relation_vectors[embedding.relations.index("PURCHASED")]
    distance = np.linalg.norm((customers + relation)[:, None] - products[None], axis=-1)
    shelf = np.array([name[0] == "q" for name in ids.to_pylist()])
    assert (distance[:GROUP, ~shelf].mean(1) < distance[:GROUP, shelf].mean(1)).all()
    assert (distance[GROUP:, shelf].mean(1) < distance[GROUP:, ~shelf].mean(1)).all()


def test_same_seed_same_vectors_and_another_seed_others(embedding: Embedding) -> None:
    again = train(two_groups().at(AS_OF), SETTINGS, seed=1)
    assert np.array_equal(again.vectors, embedding.vectors)
    assert again.metrics == embedding.metrics
    other = train(two_groups().at(AS_OF), SETTINGS, seed=2)
    assert not np.array_equal(other.vectors, embedding.vectors)


def test_training_lowers_the_loss() -> None:
    snapshot = two_groups().at(AS_OF)
    short = replace(SETTINGS, engine=replace(SETTINGS.engine, epochs=1))
    assert train(snapshot, SETTINGS, seed=0).metrics["loss"] < train(snapshot, short, seed=0).metrics["loss"]


def test_pykeen_evaluates_the_model(embedding: Embedding) -> None:
    from pykeen.evaluation import RankBasedEvaluator

    triples = triples_of(two_groups().at(AS_OF))
    factory = triples.factory()
    bought = factory.mapped_triples[factory.mapped_triples[:, 1] == triples.relations.index("PURCHASED")]
    model = embedding.model()
    # PyKEEN's score is the negative distance, computed here by hand.
    head, relation, tail = bought[0].tolist()
    distance = np.linalg.norm(embedding.vectors[head] + embedding.relation_vectors[relation] - embedding.vectors[tail])
    assert model.score_hrt(bought[:1]).item() == pytest.approx(-float(distance), rel=1e-5)
    result = RankBasedEvaluator(filtered=True).evaluate(
        model, bought, additional_filter_triples=[factory.mapped_triples], use_tqdm=False, batch_size=64
    )
    assert result.get_metric("both.realistic.adjusted_arithmetic_mean_rank_index") > 0.5


def test_progress_ends_at_one() -> None:
    told: list[float] = []
    train(two_groups().at(AS_OF), SETTINGS, seed=0, progress=lambda _, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_weights_have_mean_one_in_each_relation() -> None:
    triples = triples_of(two_groups().at(AS_OF))
    weight = loss_weight(triples)
    for number in range(len(triples.relations)):
        assert weight[triples.triples[:, 1] == number].mean() == pytest.approx(1.0, abs=1e-5)


def test_a_shop_without_products_cannot_be_embedded() -> None:
    lines = pd.DataFrame({"customer": ["a"], "at": [datetime(2024, 1, 1)]})
    snapshot = history_of({"PURCHASED": lines}).at(datetime(2024, 1, 2))
    assert not embeddable(snapshot)
    with pytest.raises(UsageError, match="no purchases of products"):
        train(snapshot)


def test_campaigns_and_views_without_purchases_of_products_are_not_embedded() -> None:
    at = [datetime(2024, 1, 1)]
    tables = {
        "PURCHASED": pd.DataFrame({"customer": ["a"], "at": at}),
        "VIEWED": pd.DataFrame({"customer": ["a"], "target": ["p"], "at": at}),
        "CONTACTED": pd.DataFrame({"customer": ["a"], "target": ["spring"], "at": at}),
    }
    snapshot = history_of(tables).at(datetime(2024, 1, 2))
    assert len(triples_of(snapshot))
    assert not embeddable(snapshot)
    assert embeddable(two_groups().at(AS_OF))


def test_a_new_model_leaves_the_global_generators_alone(embedding: Embedding) -> None:
    def drawn() -> tuple[float, float, float]:
        return random.random(), float(np.random.random()), float(torch.rand(1))  # noqa: NPY002

    def seed() -> None:
        random.seed(11)
        np.random.seed(11)  # noqa: NPY002
        torch.manual_seed(11)

    seed()
    expected = drawn()
    seed()
    embedding.model()
    assert drawn() == expected


def test_files_give_back_the_same_embedding(embedding: Embedding, tmp_path: Path) -> None:
    files.save(embedding, tmp_path / "e")
    again = files.load(tmp_path / "e")
    assert np.array_equal(again.vectors, embedding.vectors)
    assert np.array_equal(again.relation_vectors, embedding.relation_vectors)
    assert again.settings == embedding.settings
    assert (again.as_of, again.seed, again.relations) == (embedding.as_of, embedding.seed, embedding.relations)
    assert dict(again.metrics) == dict(embedding.metrics)
    for label in ("Customer", "Product", "Category", "Brand", "Campaign"):
        assert again.vocabulary.of(label).equals(embedding.vocabulary.of(label))


def test_a_missing_or_foreign_file_is_a_clear_error(embedding: Embedding, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"vectors\.safetensors"):
        files.load(tmp_path)
    files.save(embedding, tmp_path)
    manifest = tmp_path / "embedding.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {files.FORMAT}', '"format": 99'))
    with pytest.raises(HabitueError, match="format 99"):
        files.load(tmp_path)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 100, "chunk": 64}, {"popular_tails": 1.5}])
def test_wrong_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        EngineSettings(**wrong)  # type: ignore[arg-type]
