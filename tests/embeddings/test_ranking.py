from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embeddings.engine_settings import EngineSettings
from embeddings.ranking import query_scores, tail_scores
from embeddings.settings import TransESettings
from embeddings.transe import Embedding, train
from habitue.errors import UsageError
from tests.embeddings.toy import AS_OF, two_groups


@pytest.fixture(scope="module")
def embedding() -> Embedding:
    engine = EngineSettings(epochs=2, chunk=32, batch=64, negatives=16)
    return train(two_groups().at(AS_OF), TransESettings(dimension=16, engine=engine), seed=1)


def test_scores_are_negative_distances_plus_popularity_for_purchases_alone(embedding: Embedding) -> None:
    popularity = np.zeros(len(embedding.vocabulary), np.float32)
    products = embedding.vocabulary.rows("Product")
    popularity[products] = np.arange(products.stop - products.start)
    known = replace(embedding, popularity=popularity)
    heads, tails = np.array([0, 2]), np.arange(products.start, products.stop)
    moved = known.vectors[heads] + known.relation_vectors[known.relations.index("PURCHASED")]
    distance = np.linalg.norm(moved[:, None] - known.vectors[tails][None], axis=-1)
    assert tail_scores(known, heads, tails) == pytest.approx(popularity[tails] - distance, abs=1e-4)
    assert query_scores(known, known.vectors[heads], tails) == pytest.approx(tail_scores(known, heads, tails))
    other = next(name for name in known.relations if name != "PURCHASED")
    translation = known.relation_vectors[known.relations.index(other)]
    distance = np.linalg.norm((known.vectors[heads] + translation)[:, None] - known.vectors[tails][None], axis=-1)
    assert tail_scores(known, heads, tails, other) == pytest.approx(-distance, abs=1e-4)


def test_an_unknown_relation_is_refused(embedding: Embedding) -> None:
    with pytest.raises(UsageError, match="no relation 'LOVED'"):
        tail_scores(embedding, np.array([0]), np.array([1]), "LOVED")
