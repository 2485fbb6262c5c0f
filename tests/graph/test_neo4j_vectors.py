"""Neo4j's vector indexes: filled, replaced whole, asked through the guard, and emptied with their nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graph.guard import check_read_only
from graph.neo4j_store import Neo4jStore
from graph.store import QueryLimits, no_progress
from habitue.cookbook import run_query
from habitue.errors import CypherRefusedError
from tests.graph.shop import SMALL

NEAREST = (
    "MATCH (c:Customer {id: $customer}) CALL db.index.vector.queryNodes('customer_vector', 2, c.vector) "
    "YIELD node AS other, score RETURN other.id AS customer, 2 * score - 1 AS cosine ORDER BY cosine DESC"
)


@pytest.mark.parametrize(
    "text",
    [
        "CALL db.index.vector.queryNodes('x', 5, [1.0]) YIELD node, score RETURN node.id, score",
        "CALL db.index.vector.queryNodes('x', $k, $v) YIELD node AS n, score AS s WITH n, s WHERE s > 0.5 RETURN n.id",
    ],
)
def test_the_search_of_a_vector_index_is_let_through(text: str) -> None:
    check_read_only(text, {"k": 3, "v": [1.0]})


@pytest.mark.parametrize(
    "text",
    [
        "CALL db.index.vector.queryNodes('x', 100000, [1.0]) YIELD node RETURN node.id",
        "CALL db.index.vector.queryNodes('x', $v, [1.0]) YIELD node RETURN node.id",
        "CALL db.index.vector.queryNodes('x' + 'y', 5, [1.0]) YIELD node RETURN node.id",
        "CALL db.index.vector.queryNodes('x', 5, [1.0])",
        "CALL db.index.vector.queryNodes('x', 5, [1.0]) YIELD * RETURN 1",
        "CALL db.index.vector.queryNodes('x', 5, [1.0]) YIELD node CALL db.labels() YIELD label RETURN label",
        "CALL db.index.vector.queryRelationships('x', 5, [1.0]) YIELD relationship RETURN 1",
        "CALL db.index.vector.createNodeIndex('x', 'Customer', 'vector', 2, 'cosine')",
        "CALL db.create.setNodeVectorProperty(1, 'x', [1])",
        "OPTIONAL CALL db.index.vector.queryNodes('x', 5, [1.0]) YIELD node RETURN 1",
    ],
)
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(CypherRefusedError):
        check_read_only(text, {"v": [1.0]})


@pytest.fixture
def store(empty_neo4j_url: str, tmp_path: Path) -> Iterator[Neo4jStore]:
    made = Neo4jStore(empty_neo4j_url, user="", password="", database="neo4j")
    SMALL.load(made, tmp_path)
    yield made
    made.write_vectors("customer", pa.array([], pa.string()), np.empty((0, 0), np.float32), no_progress)
    made.close()


def nearest(store: Neo4jStore, customer: str) -> list[tuple[str, float]]:
    return [(name, round(score, 3)) for name, score in store.query(NEAREST, {"customer": customer}, QueryLimits()).rows]


@pytest.mark.neo4j
def test_vectors_are_found_replaced_whole_in_another_dimension_and_emptied(store: Neo4jStore) -> None:
    first, second = pa.array(["ann", "bob", "nobody"]), pa.array(["ann"])
    store.write_vectors("customer", first, np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32), no_progress)
    assert nearest(store, "ann") == [("ann", 1.0), ("bob", 0.6)]
    store.write_vectors("customer", second, np.array([[0, 0, 1]], np.float32), no_progress)
    assert nearest(store, "ann") == [("ann", 1.0)]
    assert store.query("MATCH (c:Customer) WHERE c.vector IS NOT NULL RETURN c.id", {}, QueryLimits()).rows == [
        ("ann",)
    ]
    facts = store.facts()
    assert facts is not None
    store.erase(["ann"], facts, no_progress)
    left = store.query(
        "CALL db.index.vector.queryNodes('customer_vector', 5, [0.0, 0.0, 1.0]) YIELD node RETURN node.id",
        {},
        QueryLimits(),
    )
    assert left.rows == []


@pytest.mark.neo4j
def test_the_cookbook_asks_the_index_and_a_renewed_vector_is_found_at_once(store: Neo4jStore) -> None:
    vectors = np.array([[1, 0], [0.6, 0.8]], np.float32)
    store.write_vectors("customer", pa.array(["ann", "bob"]), vectors, no_progress)

    def asked(customer: str) -> list[tuple[str, float]]:
        found = run_query(store, "nearest-customers", {"customer": customer})
        assert found.columns == ("customer", "cosine", "churn_risk", "hyperscore")
        return [(row[0], round(row[1], 3)) for row in found.rows]

    assert asked("ann") == [("bob", 0.6)]
    assert asked("nobody") == []
    store.renew_vectors("customer", pa.array(["bob", "nobody"]), np.array([[0, -1], [1, 0]], np.float32), no_progress)
    store.query("CALL db.index.vector.queryNodes('customer_vector', 1, [1.0, 0.0]) YIELD node RETURN node.id", {},
                QueryLimits())  # fmt: skip
    assert asked("ann") == [("bob", 0.0)]


@pytest.mark.neo4j
def test_products_have_an_index_of_their_own_and_a_zero_vector_stays_out(store: Neo4jStore) -> None:
    vectors = np.array([[1, 0], [0, 0]], np.float32)
    store.write_vectors("product", pa.array(["p1", "p2"]), vectors, no_progress)
    text = "CALL db.index.vector.queryNodes('product_vector', 5, [1.0, 0.0]) YIELD node, score RETURN node.id, score"
    assert store.query(text, {}, QueryLimits()).rows == [("p1", 1.0)]
    store.write_vectors("product", pa.array([], pa.string()), np.empty((0, 0), np.float32), no_progress)
