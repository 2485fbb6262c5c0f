from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from embeddings.triples import triples_of
from graph.model import NO_PRODUCT
from graph.snapshot import Snapshot
from tests.support import history_of

T = datetime(2024, 3, 1)


def snapshot() -> Snapshot:
    bought = pd.DataFrame(
        {
            "customer": ["anna", "anna", "bert", "bert", "anna"],
            "target": ["milk", "milk", "milk", NO_PRODUCT, "pen"],
            "at": [T - timedelta(days=d) for d in (10, 30, 20, 1, 10)],
        }
    )
    contacted = pd.DataFrame({"customer": ["bert"], "target": ["spring"], "at": [T - timedelta(days=5)]})
    products = pd.DataFrame({"id": ["milk", "pen"], "category": ["FOOD/DAIRY", None], "brand": ["alp", None]})
    categories = pd.DataFrame({"id": ["FOOD", "FOOD/DAIRY"], "parent": [None, "FOOD"]})
    return history_of(
        {"PURCHASED": bought, "CONTACTED": contacted}, products=products, categories=categories, complete_until=T
    ).at(T)


def test_triples_by_hand() -> None:
    found = triples_of(snapshot(), half_life_days=10)
    # Numbers: anna 0, bert 1, milk 2, pen 3, FOOD 4, FOOD/DAIRY 5, alp 6, spring 7.
    assert found.relations == ("PURCHASED", "CONTACTED", "IN_CATEGORY", "CHILD_OF", "MADE_BY")
    assert found.triples.tolist() == [
        [0, 0, 2],
        [0, 0, 3],
        [1, 0, 2],
        [1, 1, 7],
        [2, 2, 5],
        [5, 3, 4],
        [2, 4, 6],
    ]
    # anna's milk: 2^-1 + 2^-3; her pen 2^-1; bert's milk 2^-2; the line without a product gives none.
    assert found.strength.tolist() == pytest.approx([0.625, 0.5, 0.25, 2**-0.5, 1, 1, 1])


def test_vocabulary_finds_rows_by_label() -> None:
    vocabulary = triples_of(snapshot()).vocabulary
    assert len(vocabulary) == 8
    assert vocabulary.rows("Product") == slice(2, 4)
    assert vocabulary.of("Product").to_pylist() == ["milk", "pen"]
    assert vocabulary.rows("Campaign") == slice(7, 8)


def test_factory_holds_the_same_triples() -> None:
    found = triples_of(snapshot())
    factory = found.factory()
    assert factory.num_entities == 8
    assert factory.num_relations == 5
    assert np.array_equal(factory.mapped_triples.numpy(), found.triples)


def test_an_old_purchase_keeps_a_positive_strength() -> None:
    lines = pd.DataFrame({"customer": ["a"], "target": ["p"], "at": [datetime(1990, 1, 1)]})
    found = triples_of(history_of({"PURCHASED": lines}, complete_until=T).at(T), half_life_days=1)
    assert found.strength[0] > 0
