"""What is Neo4j's own: connecting, refusing, plain values, constraints and the remains of interrupted loads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import neo4j
import pytest
from neo4j import exceptions, time

from graph.neo4j_connection import Neo4jConnection, _supported
from graph.neo4j_store import Neo4jStore
from graph.neo4j_values import plain
from graph.opening import open_store
from graph.store import QueryLimits
from habitue.errors import CypherRefusedError, StoreError
from habitue.settings import Settings
from tests.graph.shop import SMALL, Shop, content, order
from tests.graph.test_store_contract import killed_load


def connection(url: str = "neo4j://127.0.0.1:1", password: str = "") -> Neo4jConnection:
    return Neo4jConnection(url, user="neo4j" if password else "", password=password, database="neo4j")


# -- without a server -------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_met_at_the_first_question_and_not_before() -> None:
    store = open_store(Settings(store="bolt://127.0.0.1:1", neo4j_user="neo4j", neo4j_password="very-secret"))  # type: ignore[arg-type]
    assert isinstance(store, Neo4jStore)
    with pytest.raises(StoreError, match="does not answer") as caught:
        store.facts()
    assert "127.0.0.1:1" in caught.value.message
    assert "HABITUE_STORE" in caught.value.hint
    assert "very-secret" not in str(caught.value)
    store.close()


def test_an_address_of_no_known_kind_is_refused() -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        connection("neo4j+what://127.0.0.1:1").driver()


def test_the_shown_address_holds_no_credentials() -> None:
    assert connection("neo4j://ann:secret@graph.example:7687").address == "neo4j://graph.example:7687"


@pytest.mark.parametrize(
    ("agent", "version"),
    [("Neo4j/5.26.30", (5, 26, 30)), ("Neo4j/5.23.0", (5, 23, 0)), ("Neo4j/2025.01.0", (2025, 1, 0))],
)
def test_servers_that_are_new_enough(agent: str, version: tuple[int, ...]) -> None:
    assert _supported(agent, "neo4j://x") == version


@pytest.mark.parametrize("agent", ["Neo4j/4.4.41", "Neo4j/5.22.0", "Memgraph", ""])
def test_other_servers_are_refused_with_what_is_needed(agent: str) -> None:
    with pytest.raises(StoreError, match=r"needs Neo4j 5\.23"):
        _supported(agent, "neo4j://x")


def test_refused_credentials_say_which_settings_to_correct() -> None:
    with pytest.raises(StoreError, match="refuses the user name") as caught, connection().translated_errors("x"):
        raise exceptions.AuthError("The client is unauthorized due to authentication failure.")
    assert "HABITUE_NEO4J_PASSWORD" in caught.value.hint


def test_times_become_plain_and_naive() -> None:
    paris = datetime(2024, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert plain(time.DateTime(2024, 2, 1, 10, 0, 0, 123_000_000)) == datetime(2024, 2, 1, 10, 0, 0, 123_000)
    assert plain(time.DateTime.from_native(paris)) == datetime(2024, 7, 1, 12)
    assert plain(time.Date(2024, 2, 1)) == date(2024, 2, 1)
    assert plain(time.Duration(days=1, seconds=2, nanoseconds=3_000)) == timedelta(days=1, seconds=2, microseconds=3)
    assert plain({"a": [time.Date(2024, 2, 1), None, 1.5]}) == {"a": [date(2024, 2, 1), None, 1.5]}


# -- with one ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(empty_neo4j_url: str, tmp_path: Path) -> Iterator[Neo4jStore]:
    opened = Neo4jStore(empty_neo4j_url, user="", password="", database="neo4j")
    SMALL.load(opened, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def session(empty_neo4j_url: str) -> Iterator[neo4j.Session]:
    with neo4j.GraphDatabase.driver(empty_neo4j_url) as driver, driver.session() as opened:
        yield opened


@pytest.mark.neo4j
def test_a_refused_change_names_no_customer(store: Neo4jStore) -> None:
    with pytest.raises(StoreError, match="ConstraintValidationFailed") as caught:
        store._connection.write(lambda transaction: transaction.run("CREATE (:Customer {id: 'ann'})").consume())
    assert "ann" not in str(caught.value)


@pytest.mark.neo4j
def test_a_database_that_does_not_exist(empty_neo4j_url: str) -> None:
    store = Neo4jStore(empty_neo4j_url, user="", password="", database="nowhere")
    with pytest.raises(StoreError, match="DatabaseNotFound") as caught:
        store.facts()
    assert "HABITUE_NEO4J_DATABASE" in caught.value.hint
    store.close()


@pytest.mark.neo4j
def test_a_missing_constraint_is_a_problem_until_the_next_load(
    store: Neo4jStore, session: neo4j.Session, tmp_path: Path
) -> None:
    assert store.health().problems == ()
    session.run("DROP CONSTRAINT purchased_id").consume()
    assert store.health().problems == ("the constraint purchased_id is missing; the next load creates it",)
    Shop(orders=[order("9", "ann", "p1", "2024-02-09", 1.0)]).load(store, tmp_path)
    assert store.health().problems == ()


@pytest.mark.neo4j
def test_nothing_of_the_writers_place_is_left(store: Neo4jStore, session: neo4j.Session) -> None:
    assert session.run("MATCH (w:Writer) RETURN count(w) AS n").single(strict=True)["n"] == 0


@pytest.mark.neo4j
def test_what_an_interrupted_load_left_behind_is_told_and_another_load_removes_it(
    store: Neo4jStore, session: neo4j.Session, empty_neo4j_url: str, tmp_path: Path
) -> None:
    lost = Shop(orders=[order("lost", "ghost", "p1", "2024-02-09", 1.0)])
    killed_load(empty_neo4j_url, lost, tmp_path, "making the load visible")
    assert (
        session.run("MATCH (:Customer {id: 'ghost'})-[r:PURCHASED]->() RETURN count(r) AS n").single(strict=True)["n"]
        == 1
    )
    before = content(store.tables())
    assert "ghost" not in str(before)
    assert store.health().problems == ("load 2 of shop was interrupted; load it again to finish it",)

    Shop(orders=[order("9", "ann", "p1", "2024-02-09", 1.0)]).load(store, tmp_path)

    assert session.run("MATCH (c:Customer {id: 'ghost'}) RETURN count(c) AS n").single(strict=True)["n"] == 0
    assert [(each.sequence, each.complete) for each in store.loads()] == [(1, True), (2, True)]
    assert store.health().problems == ()
    assert len(store.tables().interactions["PURCHASED"]) == 4


@pytest.mark.neo4j
def test_the_server_stands_even_where_the_guard_would_not(store: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.neo4j_store.check_read_only", lambda _text: None)
    for text in ("CREATE INDEX sneaky FOR (c:Customer) ON (c.model)", "MATCH (n) DETACH DELETE n"):
        with pytest.raises(CypherRefusedError):
            store.query(text, {}, QueryLimits())
    assert store.health().counts["Customer"] == 2
