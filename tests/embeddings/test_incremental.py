"""Vectors that come after the training: where the objective is least, and nobody else's moved."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.optimize import minimize

from embeddings.engine_settings import EngineSettings
from embeddings.incremental import (
    Related,
    customer_vectors,
    product_vectors,
    rows_of,
    updated,
    vectors_from,
    with_popularity,
)
from embeddings.settings import TransESettings
from embeddings.solving import IncrementalSettings, Points, solve
from embeddings.transe import Embedding, train
from embeddings.triples import LABELS, Vocabulary
from graph.history import History
from habitue.errors import UsageError
from tests.embeddings.toy import AS_OF, two_groups
from tests.support import history_of

SETTINGS = TransESettings(dimension=16, engine=EngineSettings(epochs=30, chunk=32, batch=64, negatives=16))
LATER = AS_OF + timedelta(days=10)


def objective(x, points, strength, pool, mean, corruptions, shrinkage):  # type: ignore[no-untyped-def]
    """L(x) of the module's text, in plain NumPy."""
    near = np.linalg.norm(x - points, axis=1)
    far = np.exp(-np.linalg.norm(x - pool, axis=1)).mean()
    return (strength * np.log1p(corruptions * np.exp(near) * far)).sum() + shrinkage / 2 * np.square(x - mean).sum()


@pytest.mark.parametrize("seed", range(4))
def test_the_steps_end_where_an_independent_minimiser_ends(seed: int) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((40, 3)).astype(np.float32)
    shift = generator.standard_normal(3).astype(np.float32)
    row = np.array([0, 0, 0, 1], np.int64)
    entity, pool = generator.integers(40, size=4), generator.integers(40, size=25)
    strength = generator.uniform(0.2, 3.0, 4).astype(np.float32)
    part = Points(row, entity, strength, shift, vectors[pool] + shift)
    mean = vectors.mean(axis=0)
    settings = IncrementalSettings(steps=400)

    solved = solve(vectors, mean, 2, [part], 8, settings)

    for number in range(2):
        own = row == number
        told = (vectors[entity[own]] + shift, strength[own], vectors[pool] + shift, mean, 8, settings.shrinkage)
        expected = minimize(objective, mean.astype(np.float64), args=told, method="BFGS", options={"gtol": 1e-7})
        assert objective(solved[number].astype(np.float64), *told) == pytest.approx(expected.fun, abs=1e-4)
        np.testing.assert_allclose(solved[number], expected.x, atol=0.02)


@pytest.mark.parametrize(("length", "strength"), [(20.0, 20.0), (3.0, 240.0), (1.6, 240.0)])
def test_the_default_steps_do_not_go_too_far_with_one_point(length: float, strength: float) -> None:
    """Weiszfeld's curvature falls with the distance; that of the softmax, across a single strong point, does not."""
    vectors = np.random.default_rng(0).standard_normal((60, 16))
    vectors = (length * vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(np.float32)
    mean, entity, pool = vectors.mean(axis=0), np.arange(40, 60), vectors[:40]
    part = Points(np.arange(20), entity, np.full(20, strength, np.float32), np.zeros(16, np.float32), pool)

    def losses(rows: np.ndarray) -> np.ndarray:
        told = (part.strength[:1], pool, mean, 8, 3.0)
        return np.array([objective(x, vectors[each : each + 1], *told) for x, each in zip(rows, entity, strict=True)])

    near, end = (losses(solve(vectors, mean, 20, [part], 8, IncrementalSettings(steps=steps))) for steps in (8, 300))
    start = losses(np.repeat(mean[None], 20, axis=0))
    assert ((near - end) < 0.02 * (start - end)).all()


def test_the_default_steps_leave_little_of_the_way(embedding: Embedding) -> None:
    snapshot = two_groups().at(AS_OF)
    everybody = np.arange(len(snapshot.customers))
    _, soon = customer_vectors(embedding, snapshot, everybody)
    _, late = customer_vectors(embedding, snapshot, everybody, IncrementalSettings(steps=300))
    mean = embedding.customers()[1].mean(axis=0)
    left, way = np.linalg.norm(soon - late, axis=1), np.linalg.norm(late - mean, axis=1)
    assert left.max() < 0.05 * way.min()


@pytest.fixture(scope="module")
def embedding() -> Embedding:
    return train(two_groups().at(AS_OF), SETTINGS, seed=1)


@pytest.fixture(scope="module")
def later() -> History:
    """The toy shop ten days later: a new customer of each group, one new product that group b has bought."""
    lines = [
        (customer, product, AS_OF + timedelta(days=day))
        for customer, products in (("a90", ("p01", "p05", "p09")), ("b90", ("q01", "q05", "q09")))
        for day, product in enumerate(products, start=1)
    ]
    lines += [(f"b{number:02d}", "q99", AS_OF + timedelta(days=2)) for number in range(12)]
    frame = pd.DataFrame(lines, columns=["customer", "target", "at"]).assign(quantity=1.0, amount=2.0)
    products = pd.DataFrame({"id": [f"{shelf}{number:02d}" for shelf in "pq" for number in (1, 5, 9)] + ["q99"]})
    products["category"] = products["id"].str[0].map({"p": "FOOD", "q": "BOOKS"})
    products["brand"] = None
    return history_of({"PURCHASED": frame}, products=products, complete_until=LATER)


def of_group(embedding: Embedding, group: str) -> np.ndarray:
    ids, vectors = embedding.customers()
    return vectors[[name.startswith(group) for name in ids.to_pylist()]].mean(axis=0)


def test_a_new_customer_comes_to_the_group_that_buys_alike_and_nobody_else_moves(
    embedding: Embedding, later: History
) -> None:
    before = embedding.vectors.copy()
    snapshot = later.at(LATER)
    new = np.flatnonzero([name.endswith("90") for name in snapshot.customers.to_pylist()])
    rows, vectors = customer_vectors(embedding, snapshot, new)
    assert snapshot.customers.take(pa.array(rows)).to_pylist() == ["a90", "b90"]
    for vector, own, other in zip(vectors, "ab", "ba", strict=True):
        assert np.linalg.norm(vector - of_group(embedding, own)) < np.linalg.norm(vector - of_group(embedding, other))
    np.testing.assert_array_equal(embedding.vectors, before)

    joined = updated(embedding, LATER, "Customer", snapshot.customers.take(pa.array(rows)), vectors)
    assert joined.as_of == LATER
    ids, of_customers = joined.customers()
    assert ids.to_pylist() == sorted([*embedding.customers()[0].to_pylist(), "a90", "b90"])
    np.testing.assert_array_equal(of_customers[rows_of(joined, "Customer", pa.array(["a90", "b90"]))], vectors)
    for label in ("Customer", "Product", "Category"):
        known, of_label = embedding.of(label)
        np.testing.assert_array_equal(joined.vectors[rows_of(joined, label, known)], of_label)
    at = rows_of(joined, "Product", embedding.products()[0])
    np.testing.assert_array_equal(joined.popularity[at], embedding.popularity[embedding.vocabulary.rows("Product")])


def test_a_vector_is_the_same_alone_and_among_others(embedding: Embedding) -> None:
    snapshot = two_groups().at(AS_OF)
    _, together = customer_vectors(embedding, snapshot, np.arange(len(snapshot.customers)))
    for customer in (0, 7, 39):
        _, alone = customer_vectors(embedding, snapshot, np.array([customer]))
        np.testing.assert_allclose(alone[0], together[customer], atol=1e-5)


def test_who_has_done_little_stays_nearer_to_the_mean(embedding: Embedding) -> None:
    products = rows_of(embedding, "Product", pa.array(["p00", "p01", "p02"]))
    mean = embedding.customers()[1].mean(axis=0)
    far = []
    for strength in (0.1, 1.0, 10.0):
        related = {"PURCHASED": Related(np.zeros(3, np.int64), products, np.full(3, strength, np.float32))}
        _, vectors = vectors_from(embedding, 1, related)
        far.append(np.linalg.norm(vectors[0] - mean))
    assert far[0] < far[1] < far[2]


def test_a_new_product_comes_to_those_of_its_buyers_with_its_popularity(embedding: Embedding, later: History) -> None:
    snapshot = later.at(LATER)
    new = np.flatnonzero(rows_of(embedding, "Product", snapshot.products) < 0)
    rows, vectors = product_vectors(embedding, snapshot, new)
    assert snapshot.products.take(pa.array(rows)).to_pylist() == ["q99"]
    ids, of_products = embedding.products()
    food = np.array([name.startswith("p") for name in ids.to_pylist()])
    near, far = of_products[~food].mean(axis=0), of_products[food].mean(axis=0)
    assert np.linalg.norm(vectors[0] - near) < np.linalg.norm(vectors[0] - far)
    # Twelve purchases eight days old, each of strength 2^(−8/90).
    expected = embedding.settings.popularity_weight * np.log1p(12 * 2 ** (-8 / 90))
    joined = updated(embedding, LATER, "Product", pa.array(["q99"], pa.string()), vectors)
    told = with_popularity(joined, snapshot)
    np.testing.assert_array_equal(told.vectors, joined.vectors)
    assert told.popularity[rows_of(told, "Product", pa.array(["q99"]))][0] == pytest.approx(expected, rel=1e-5)
    # Bought once as far as this snapshot tells, nine days ago; and what it does not know stays as it was.
    (once,) = rows_of(embedding, "Product", pa.array(["p01"]))
    assert (
        told.popularity[once] == pytest.approx(0.5 * np.log1p(2 ** (-9 / 90)), rel=1e-5) != embedding.popularity[once]
    )
    (unknown,) = rows_of(embedding, "Product", pa.array(["p00"]))
    assert told.popularity[unknown] == embedding.popularity[unknown] > 0
    with pytest.raises(UsageError, match="cannot update"):
        with_popularity(told, two_groups().at(AS_OF))
    later = with_popularity(embedding, snapshot)
    assert later.as_of == snapshot.as_of > embedding.as_of
    with pytest.raises(UsageError, match="cannot update"):
        customer_vectors(later, two_groups().at(AS_OF), np.array([0]))  # its popularity knows what came after


def test_who_is_related_to_nothing_known_has_no_vector(embedding: Embedding) -> None:
    related = {"PURCHASED": Related(np.array([1]), np.array([-1]), np.ones(1, np.float32))}
    rows, vectors = vectors_from(embedding, 3, related)
    assert rows.tolist() == []
    assert vectors.shape == (0, 16)


def test_earlier_snapshots_and_senseless_settings_are_refused(embedding: Embedding) -> None:
    late = dataclasses.replace(embedding, as_of=datetime(2024, 6, 1))
    with pytest.raises(UsageError, match="cannot update"):
        customer_vectors(late, two_groups().at(AS_OF), np.array([0]))
    with pytest.raises(UsageError, match="cannot update"):
        product_vectors(late, two_groups().at(AS_OF), np.array([0]))
    for wrong in (
        {"shrinkage": 0.0},
        {"steps": 0},
        {"momentum": 1.0},
        {"stride": 0.0},
        {"pool": 0},
        {"shrinkage": math.nan},
    ):
        with pytest.raises(UsageError):
            IncrementalSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_alone_and_beside_others_a_row_ends_at_the_same_place(seed: int) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((60, 16)).astype(np.float32)
    row = np.repeat(np.arange(3), [1, 4, 20])
    parts = []
    for _ in range(2):
        shift = generator.standard_normal(16).astype(np.float32)
        strength = generator.uniform(0.2, 3.0, len(row)).astype(np.float32)
        entity, pool = generator.integers(60, size=len(row)), generator.standard_normal((50, 16)).astype(np.float32)
        parts.append(Points(row, entity, strength, shift, pool))
    together = solve(vectors, vectors.mean(axis=0), 3, parts, 8, IncrementalSettings())
    for number in range(3):
        own = row == number
        alone = [
            Points(np.zeros(own.sum(), np.int64), part.entity[own], part.strength[own], part.shift, part.pool)
            for part in parts
        ]
        found = solve(vectors, vectors.mean(axis=0), 1, alone, 8, IncrementalSettings())
        np.testing.assert_allclose(found[0], together[number], atol=2e-5)


def test_ids_are_found_one_by_one_as_by_a_table(embedding: Embedding) -> None:
    names = pa.array(sorted(f"ü{number}" for number in range(300)), pa.string())
    ids = [names if label == "Customer" else of for label, of in zip(LABELS, embedding.vocabulary.ids, strict=True)]
    known = dataclasses.replace(embedding, vocabulary=Vocabulary(tuple(ids)))
    few = pa.array([names[0].as_py(), "ü", None, names[299].as_py()], pa.string())
    expected = [known.vocabulary.offset("Customer"), -1, -1, known.vocabulary.offset("Customer") + 299]
    assert rows_of(known, "Customer", few).tolist() == expected
    assert rows_of(known, "Customer", pa.concat_arrays([few, names]))[:4].tolist() == expected
    assert rows_of(known, "Customer", pa.array(["zzz"], pa.string())).tolist() == [-1]
    assert rows_of(known, "Customer", pa.array([], pa.string())).dtype == np.int64


def test_ids_are_found_by_bisection_as_by_a_table(embedding: Embedding) -> None:
    names = pa.array(sorted(f"ü{number}" for number in range(0, 4000, 2)), pa.string())
    ids = [names if label == "Customer" else of for label, of in zip(LABELS, embedding.vocabulary.ids, strict=True)]
    known = dataclasses.replace(embedding, vocabulary=Vocabulary(tuple(ids)))
    some = pa.array(["", None, "zz", *(f"ü{number}" for number in range(150)), names[-1].as_py()], pa.string())
    expected = pc.fill_null(pc.index_in(some, value_set=names), -1).to_numpy(zero_copy_only=False)
    offset = known.vocabulary.offset("Customer")
    assert (expected >= 0).sum() == 76
    assert rows_of(known, "Customer", some).tolist() == np.where(expected >= 0, expected + offset, -1).tolist()
