# ruff: noqa: E501  statements stand on one line each
"""Users' statements on a Neo4j server: cut, stopped and refused as on the embedded engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import neo4j
import pytest
from neo4j.exceptions import ClientError, Neo4jError, TransientError

from graph.neo4j_connection import Neo4jConnection
from graph.neo4j_query import run_limited
from graph.store import QueryLimits, Rows
from habitue.errors import CypherRefusedError, StoreError

pytestmark = pytest.mark.neo4j
LIMITS = QueryLimits(seconds=30.0)


@pytest.fixture
def connection(neo4j_url: str) -> Iterator[Neo4jConnection]:
    made = Neo4jConnection(neo4j_url, user="", password="", database="neo4j")
    yield made
    made.close()


@pytest.mark.parametrize(("error", "tried_again"), [(TransientError("busy"), True), (ClientError("wrong"), False)])
def test_our_own_reads_are_tried_again_where_the_server_says_that_it_helps(
    connection: Neo4jConnection, monkeypatch: pytest.MonkeyPatch, error: Neo4jError, tried_again: bool
) -> None:
    assert connection.read("UNWIND $given AS x RETURN x, -x AS y", {"given": [1, 2]})[0] == ("x", "y")
    run, asked = neo4j.Session.run, []

    def refused_once(session: neo4j.Session, text: str, *arguments: Any) -> neo4j.Result:
        asked.append(text)
        if len(asked) == 1:
            raise error
        return run(session, text, *arguments)

    monkeypatch.setattr(neo4j.Session, "run", refused_once)
    if tried_again:
        keys, records = connection.read("RETURN $x AS x", {"x": 7})
        assert (keys, [record.values() for record in records]) == (("x",), [[7]])
    else:
        with pytest.raises(StoreError, match="refused a statement"):
            connection.read("RETURN $x AS x", {"x": 7})
    assert len(asked) == 1  # what follows is a transaction that the driver repeats by itself


def test_rows_and_bytes_cut_the_answer_and_a_row_too_long_is_refused(connection: Neo4jConnection) -> None:
    text = "UNWIND range(1, 5000) AS x RETURN x"
    assert run_limited(connection, text, {}, QueryLimits(rows=3)) == Rows(("x",), [(1,), (2,), (3,)], truncated=True)
    assert run_limited(connection, text, {}, QueryLimits(rows=0)) == Rows(("x",), [], truncated=True)
    whole = run_limited(connection, text, {}, QueryLimits(rows=5000))
    assert (len(whole.rows), whole.truncated) == (5000, False)
    # Each row is `[7]`: three bytes as JSON.
    assert run_limited(connection, text, {}, QueryLimits(bytes=8)) == Rows(("x",), [(1,), (2,)], truncated=True)
    with pytest.raises(CypherRefusedError, match="A row of the answer is longer than the 100 bytes"):
        run_limited(connection, "RETURN range(1, 100) AS x", {}, QueryLimits(bytes=100))


def test_a_statement_that_runs_for_ever_is_stopped_by_the_server(connection: Neo4jConnection) -> None:
    endless = " ".join(f"UNWIND range(1, 10000) AS {name}" for name in "abcd") + " RETURN count(a * b * c * d) AS n"
    started = time.monotonic()
    with pytest.raises(CypherRefusedError, match=r"stopped after 0\.3 seconds"):
        run_limited(connection, endless, {}, QueryLimits(seconds=0.3))
    assert time.monotonic() - started < 20
    assert run_limited(connection, "RETURN 1 AS x", {}, LIMITS).rows == [(1,)]


def test_a_statement_that_eats_memory_is_stopped_by_the_server(connection: Neo4jConnection) -> None:
    text = "UNWIND range(1, 100000) AS a UNWIND range(1, 10000) AS b RETURN size(collect([a, b])) AS n"
    with pytest.raises(CypherRefusedError, match="needs more memory than the server gives"):
        run_limited(connection, text, {}, QueryLimits(seconds=60.0))
    assert run_limited(connection, "RETURN 1 AS x", {}, LIMITS).rows == [(1,)]


@pytest.mark.parametrize(
    "text",
    ["CREATE (n) RETURN n", "MATCH (n) DETACH DELETE n", "SHOW TRANSACTIONS", "SHOW SETTINGS",
     "SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery", "TERMINATE TRANSACTION 'neo4j-transaction-1'",
     "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line", "CALL db.labels() YIELD label RETURN label",
     "CALL dbms.listConfig() YIELD name RETURN name", "MATCH (n) CALL (n) { RETURN 1 AS x } IN TRANSACTIONS RETURN x",
     "UNWIND [1] AS x LOAD CSV FROM 'http://127.0.0.1:1/' AS line RETURN line", "CREATE INDEX sneaky FOR (c:Customer) ON (c.model)",
     "CREATE USER mallory SET PASSWORD 'long-enough'", "CREATE DATABASE other"],
)  # fmt: skip
def test_the_server_refuses_what_the_guard_would_have(connection: Neo4jConnection, text: str) -> None:
    with pytest.raises(CypherRefusedError):
        run_limited(connection, text, {}, LIMITS)
    with neo4j.GraphDatabase.driver(connection.url) as driver:
        indexes = driver.execute_query("SHOW INDEXES YIELD name RETURN collect(name) AS names").records[0]["names"]
    assert "sneaky" not in indexes


@pytest.mark.parametrize(
    "text",
    ["RETURN 'a secret' + ", "MATCH (c:Customer) WHERE c.id = 'a secret' RETURN d AS x", "RETURN sqrt('a secret') AS x",
     "RETURN toInteger({a: 'a secret'}) AS x", "WITH ['a secret'] AS x RETURN x.name AS y", "RETURN date('a secret') AS x",
     "RETURN duration('a secret') AS x", "UNWIND ['a secret'] AS x RETURN 1 / 0, x"],
)  # fmt: skip
def test_complaints_do_not_repeat_texts(connection: Neo4jConnection, text: str) -> None:
    with pytest.raises(CypherRefusedError) as caught:
        run_limited(connection, text, {}, LIMITS)
    assert "secret" not in str(caught.value)


def test_times_beyond_python_are_refused(connection: Neo4jConnection) -> None:
    with pytest.raises(CypherRefusedError, match="a time outside the years 1 to 9999"):
        run_limited(connection, "RETURN date('+99999-01-01') AS x", {}, LIMITS)
    assert run_limited(connection, "RETURN 1 AS x", {}, LIMITS).rows == [(1,)]
