# ruff: noqa: E501  statements stand on one line each
"""What the guard lets through runs on both stores, and changes neither of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graph.guard import check_read_only
from graph.opening import open_store
from graph.store import GraphStore, QueryLimits
from habitue.cookbook import list_queries
from habitue.errors import CypherRefusedError
from habitue.settings import Settings
from tests.graph.guard_statements import LEGITIMATE, ONLY_LADYBUG, ONLY_NEO4J, PARAMETERS, SOUP
from tests.graph.shop import SMALL, content

LIMITS = QueryLimits(seconds=30.0)


@pytest.fixture(scope="module", params=["ladybug", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder = tmp_path_factory.mktemp("guarded")
    url = f"ladybug://{folder / 'graph'}"
    if request.param == "neo4j":
        import neo4j

        url = request.getfixturevalue("neo4j_url")
        with neo4j.GraphDatabase.driver(url, notifications_min_severity="OFF") as driver:
            driver.execute_query("MATCH (n) DETACH DELETE n")
    store = open_store(Settings(store=url, workspace=folder))
    SMALL.load(store, folder)
    yield store
    store.close()


@pytest.mark.parametrize("text", LEGITIMATE)
def test_what_passes_runs_on_both_stores(shop: GraphStore, text: str) -> None:
    shop.query(text, PARAMETERS, LIMITS)


@pytest.mark.parametrize("text", ONLY_LADYBUG)
def test_what_is_ladybugs_own_runs_there(shop: GraphStore, text: str) -> None:
    if shop.dialect == "ladybug":
        shop.query(text, PARAMETERS, LIMITS)


@pytest.mark.parametrize("text", ONLY_NEO4J)
def test_what_is_neo4js_own_runs_there(shop: GraphStore, text: str) -> None:
    if shop.dialect == "neo4j":
        shop.query(text, PARAMETERS, LIMITS)


def test_the_cookbook_runs_as_users_statements(shop: GraphStore) -> None:
    values = {"text": "ann", "integer": 3, "number": 0.5, "date": datetime(2024, 2, 3)}
    for recipe in list_queries(shop.dialect):
        parameters = {
            each.name: values[each.type] if each.default is None else each.default for each in recipe.parameters
        }
        assert shop.query(recipe.text, parameters, LIMITS).columns == recipe.columns, recipe.name


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("MATCH (c:Customer)-[r:PURCHASED]->(p) WHERE r.amount > 10 RETURN c.id, sum(r.amount) AS spent ORDER BY c.id",
         [("ann", 42.75), ("bob", 12.5)]),
        ("MATCH (c:Customer {id: $id}) RETURN c.id // DELETE\n LIMIT $limit", [("ann",)]),
        ("RETURN {set: 1, call: 2} AS map", [({"set": 1, "call": 2},)]),
        ("UNWIND [3, 1, 2] AS x WITH x ORDER BY x LIMIT 2 RETURN x", [(1,), (2,)]),
    ],
)  # fmt: skip
def test_answers_are_right(shop: GraphStore, text: str, answer: list[tuple[object, ...]]) -> None:
    assert shop.query(text, PARAMETERS, LIMITS).rows == answer


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("MATCH (n:Customer) RETURN count(*)", ("count(*)",)),
        ("MATCH (n:Customer) RETURN DISTINCT  count( DISTINCT n ) , n.id AS `the id`, n LIMIT 1",
         ("count( DISTINCT n )", "the id", "n")),
        ("MATCH (n:Customer) WITH n.id AS x RETURN toUpper(x)+'!', x AS Upper ORDER BY x", ("toUpper(x)+'!'", "Upper")),
        ("UNWIND [1, 2] AS `a b` RETURN `a b`, `a b`  -  1;", ("a b", "`a b`  -  1")),
        ("RETURN COUNT { MATCH (n:Customer) }, [1, 2][1]", ("COUNT { MATCH (n:Customer) }", "[1, 2][1]")),
        ("RETURN 1 AS x UNION RETURN 2 AS x", ("x",)),
        ("MATCH (c:Customer {id: 'ann'}) RETURN *", ("c",)),
    ],
)  # fmt: skip
def test_columns_are_called_alike_on_both_stores(shop: GraphStore, text: str, columns: tuple[str, ...]) -> None:
    assert shop.query(text, PARAMETERS, LIMITS).columns == columns


@pytest.mark.parametrize("text", ["RETURN $missing AS x", "MATCH (c:Customer {id: $missing}) RETURN c"])
def test_a_missing_parameter_is_refused_by_both(shop: GraphStore, text: str) -> None:
    with pytest.raises(CypherRefusedError, match=r"The parameter \$missing is missing"):
        shop.query(text, {"mising": 1}, LIMITS)


def test_a_parameter_too_many_is_no_matter(shop: GraphStore) -> None:
    assert shop.query("RETURN $a AS a", {"a": 1, "b": 2}, LIMITS).rows == [(1,)]


@pytest.mark.parametrize(
    "text", ["MATCH (c:Customer) RETURN nobody_at_home", "MATCH (c:Customer) WHERE c.id = 'a secret' RETURN d",
             "RETURN toLower(1, 'a secret') AS x"]
)  # fmt: skip
def test_the_stores_own_complaints_do_not_repeat_the_statement(shop: GraphStore, text: str) -> None:
    with pytest.raises(CypherRefusedError, match="The statement is not valid") as caught:
        shop.query(text, {}, LIMITS)
    assert "secret" not in str(caught.value)
    assert "MATCH" not in str(caught.value).replace("MATCH, OPTIONAL MATCH", "")


def sizes(shop: GraphStore) -> list[object]:
    texts = ("MATCH (n) RETURN count(n) AS n", "MATCH ()-[r]->() RETURN count(r) AS n")
    return [shop.query(text, {}, LIMITS).rows for text in texts]


#: Deeper with HABITUE_FUZZ=5000, say.
@settings(
    max_examples=int(os.environ.get("HABITUE_FUZZ", "60")), deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)  # fmt: skip
@given(
    first=st.sampled_from(["MATCH (n)", "MATCH (c:Customer)-[r:PURCHASED]->(p:Product)", "UNWIND $ids AS x", "WITH 1 AS x", ""]),
    middle=st.lists(st.sampled_from(SOUP), max_size=6),
    last=st.sampled_from(["RETURN 1 AS x", "RETURN n", "RETURN *", "RETURN count(*) AS n", "RETURN x", ""]),
)  # fmt: skip
def test_a_soup_of_tokens_that_passes_changes_nothing(
    shop: GraphStore, first: str, middle: list[str], last: str
) -> None:
    text = " ".join([first, *middle, last])
    try:
        check_read_only(text, PARAMETERS)
    except CypherRefusedError:
        assume(False)
    before = sizes(shop)
    with contextlib.suppress(CypherRefusedError):  # the store's own grammar is stricter
        shop.query(text, PARAMETERS, LIMITS)
    assert sizes(shop) == before


def test_after_all_of_this_the_graph_is_as_it_was(shop: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("untouched")
    untouched = open_store(Settings(store=f"ladybug://{folder / 'graph'}", workspace=folder))
    SMALL.load(untouched, folder)
    assert content(shop.tables()) == content(untouched.tables())
    untouched.close()
