"""Cypher and the cookbook over HTTP: reading works, everything else is refused, and every value fits JSON."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.encoding import json_value
from api.routes.cypher import MAXIMUM_STATEMENTS
from graph.store import Rows
from habitue.engine import Engine
from tests.api.conftest import local_client


def run(client: TestClient, query: str, **parameters: Any) -> Any:
    return client.post("/v1/cypher", json={"query": query, "parameters": parameters})


def test_a_statement_with_parameters(client: TestClient, workspace: Path) -> None:
    orders = pd.read_csv(workspace / "sources" / "tiny" / "orders.csv")
    kept = orders[(orders["customer_id"] == "C0042") & (orders["units"] > 0)]
    told = run(
        client,
        "MATCH (c:Customer)-[r:PURCHASED]->(:Product) WHERE c.id = $id RETURN count(r) AS n, min(r.at) AS first",
        id="C0042",
    ).json()
    assert told == {
        "columns": ["n", "first"],
        "rows": [[len(kept), f"{kept['ordered_at'].min()}Z"]],
        "truncated": False,
    }


def test_parameters_may_have_any_name(client: TestClient) -> None:
    told = run(client, "RETURN $text AS a, $limits AS b, $self AS c", text="x", limits=2, self=None).json()
    assert told["rows"] == [["x", 2, None]]


def test_nodes_and_relationships_are_objects(client: TestClient) -> None:
    told = run(
        client, "MATCH (c:Customer)-[r:PURCHASED]->(p:Product) WHERE c.id = 'C0042' RETURN c, r, p LIMIT 1"
    ).json()
    node, relationship, product = told["rows"][0]
    assert (node["_label"], node["id"]) == ("Customer", "C0042")
    assert relationship["_type"] == "PURCHASED"
    assert relationship["at"].endswith("Z")
    assert product["_label"] == "Product"


def test_rows_are_limited(client: TestClient) -> None:
    told = run(client, "UNWIND range(1, 10500) AS x RETURN x").json()
    assert (len(told["rows"]), told["truncated"]) == (10_000, True)


@pytest.mark.parametrize(
    "query",
    [
        "CREATE (:Customer {id: 'x'})", "MATCH (c:Customer) DETACH DELETE c", "MATCH (c:Customer) SET c.churn_risk = 0",
        "match (c:Customer) /* x */ set c.churn_risk = 0 return c", "LOAD FROM '/etc/passwd' RETURN *",
        "COPY (MATCH (c:Customer) RETURN c) TO '/tmp/out.csv'", "EXPORT DATABASE '/tmp/out'", "INSTALL httpfs",
        "CALL timeout=0", "CALL show_tables() RETURN *", "RETURN 1; MATCH (c) DETACH DELETE c", "DROP TABLE Customer",
        "MATCH (c) RETURN c; COPY Customer FROM 'x'", "ATTACH '/tmp/x' AS y",
        "LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r",
        "SHOW TRANSACTIONS", "TERMINATE TRANSACTIONS 'x'", "RETURN apoc.load.json('http://example.org')",
        "MATCH (c) RETURN dbms.info()", "RETURN \\u0043ALL", "UNWIND [1] AS x CALL { CREATE (n) } RETURN x",
        "", " ", ";", "//",
        "MATCH (c:Customer)", "RETURN 'unfinished", "RETURN `x", "RETURN 1 /* open", "\x00", "RETURN \x00",
        "x" * 30_000,
        "RETURN nothing", "MATCH (c:Nothing) RETURN c",
    ],
)  # fmt: skip
def test_hostile_and_wrong_statements_are_refused_and_change_nothing(client: TestClient, query: str) -> None:
    before = run(client, "MATCH (c:Customer) RETURN count(c) AS n").json()
    answer = run(client, query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] in ("/problems/cypher-refused", "/problems/invalid-parameter")
    assert run(client, "MATCH (c:Customer) RETURN count(c) AS n").json() == before


@pytest.mark.parametrize(
    "value", [r'"\ud83d"', r'{"\udc00": 1}', "[" * 5000 + "]" * 5000, "[" * 500_000, "NaN", "1e999"]
)
def test_no_json_breaks_the_server(client: TestClient, value: str) -> None:
    body = f'{{"query": "RETURN $value AS value", "parameters": {{"value": {value}}}}}'
    answer = client.post("/v1/cypher", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 422), answer.text
    assert run(client, "RETURN 1 AS one").json()["rows"] == [[1]]


@pytest.mark.parametrize(
    "value",
    [None, True, 2**62, 2**64, 10**400, -1.5, 1e308, "", "x\x00y", "😀", [], [1, "a"], [[1], [2]], [None],
     {}, {"a": 1}, {"a": {"b": [1, 2]}}, {"": 1}, [{"a": 1}, {"b": 2}], "x" * 100_000],
)  # fmt: skip
def test_no_parameter_breaks_the_server(client: TestClient, value: Any) -> None:
    answer = run(client, "RETURN $value AS value", value=value)
    assert answer.status_code in (200, 422), answer.text
    assert run(client, "RETURN 1 AS one").json()["rows"] == [[1]]


def test_only_so_many_statements_run_at_a_time(client: TestClient) -> None:
    places: threading.Semaphore = client.app.state.statements  # type: ignore[attr-defined]
    for _ in range(MAXIMUM_STATEMENTS):
        assert places.acquire(blocking=False)
    try:
        answer = run(client, "RETURN 1 AS one")
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/busy")
    finally:
        for _ in range(MAXIMUM_STATEMENTS):
            places.release()
    for _ in range(MAXIMUM_STATEMENTS + 1):  # refused statements give their places back as well
        run(client, "CREATE (n)")
    assert run(client, "RETURN 1 AS one").status_code == 200


def test_values_become_json() -> None:
    east = timezone(timedelta(hours=2))
    assert json_value({
        "time": datetime(2025, 1, 2, 3, 4, 5), "zoned": datetime(2025, 1, 2, 3, tzinfo=east),
        "utc": datetime(2025, 1, 2, tzinfo=UTC),
        "date": date(2025, 1, 2), "clock": time(3, 4), "span": timedelta(minutes=2), "bytes": b"\x00\xff",
        "nan": float("nan"), "infinite": [float("inf"), -float("inf")], 3: (1, True, None), "decimal": Decimal("1.50"),
    }) == {
        "time": "2025-01-02T03:04:05Z", "zoned": "2025-01-02T01:00:00Z", "utc": "2025-01-02T00:00:00Z",
        "date": "2025-01-02", "clock": "03:04:00", "span": 120.0, "bytes": "AP8=",
        "nan": None, "infinite": [None, None], "3": [1, True, None], "decimal": "1.50",
    }  # fmt: skip


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=10,
))  # fmt: skip
def test_whatever_a_store_answers_is_valid_json(value: Any) -> None:
    json.dumps(json_value(value), allow_nan=False)


@pytest.fixture
def cookbook(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    def query(name: str, parameters: dict[str, Any]) -> Rows:
        return Rows(("name", "parameters"), [(name, parameters)])

    monkeypatch.setattr(engine, "query", query)
    return local_client(engine)


def test_a_statement_of_the_cookbook_gets_its_name_and_parameters(cookbook: TestClient) -> None:
    told = cookbook.post("/v1/queries/lapsing-loyalists", json={"parameters": {"limit": 3}}).json()
    assert told["rows"] == [["lapsing-loyalists", {"limit": 3}]]
    assert cookbook.post("/v1/queries/a%2Fb").json()["rows"] == [["a/b", {}]]


def test_unknown_statements_are_not_found(client: TestClient) -> None:
    answer = client.post("/v1/queries/nothing", json={})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert client.post("/v1/queries/..%2Fread%2Fcustomer", json={}).status_code == 404


def test_the_cookbook_is_listed_and_every_statement_with_defaults_runs(client: TestClient) -> None:
    for each in client.get("/v1/queries").json()["items"]:
        assert each["purpose"]
        parameters = {
            p["name"]: {"text": "C0042", "date": "2024-09-01"}[p["type"]]
            for p in each["parameters"]
            if p["default"] is None
        }
        answer = client.post(f"/v1/queries/{each['name']}", json={"parameters": parameters})
        assert answer.status_code == 200, answer.text
        assert answer.json()["columns"] == each["columns"]
