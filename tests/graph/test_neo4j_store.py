"""What is Neo4j's own: connecting, refusing, plain values, constraints and the remains of interrupted loads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import neo4j
import pyarrow as pa
import pytest
from neo4j import exceptions, time

from graph import neo4j_load
from graph.neo4j_connection import Neo4jConnection, _supported
from graph.neo4j_store import Neo4jStore
from graph.neo4j_values import plain
from graph.opening import open_store
from graph.store import Progress, QueryLimits, no_progress
from habitue.errors import CypherRefusedError, StoreError
from habitue.settings import Settings
from tests.graph.memory_store import MemoryStore
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
    assert store.health().problems == ("the constraint or index purchased_id is missing; the next load creates it",)
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
    monkeypatch.setattr("graph.neo4j_store.check_read_only", lambda *_: None)
    for text in ("CREATE INDEX sneaky FOR (c:Customer) ON (c.model)", "MATCH (n) DETACH DELETE n"):
        with pytest.raises(CypherRefusedError):
            store.query(text, {}, QueryLimits())
    assert store.health().counts["Customer"] == 2


# -- corrections, interruptions and erasure ---------------------------------------------------------------------------

#: Changes of every kind: values, ends, kind, product, campaign, property; and new lines.
CHANGED = Shop(
    customers=[{"id": "bob", "country": "ES"}],
    products=[
        {"id": "p1", "name": "New name", "price": 13, "department": "TOOLS", "brand": "Blunt", "colour": "green"}
    ],
    campaigns=[{"id": "spring", "start": "2024-03-01", "end": "2024-04-30", "kind": "letter"}],
    orders=[
        order("1", "ann", "p1", "2024-02-01T10:00:00.123", 99.0),
        order("3", "bob", "p2", "2024-02-05T10:00:00", 20.0, known_at="2024-02-10T00:00:00"),
        order("2", "ann", "p2", "2024-02-03T10:00:00", -30.25, quantity=-1),
        *(order(f"n{number}", f"c{number}", "p3", "2024-02-20", 5.0) for number in range(5)),
    ],
)


class InterruptedLoadError(Exception):
    """A load that ends in the middle."""


def batches_of(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    for module in ("neo4j_load", "neo4j_remains"):
        monkeypatch.setattr(f"graph.{module}.BATCH_ROWS", rows)


def interrupt_at(number: int) -> Progress:
    """Ends a load when so many batches are written."""
    met = 0

    def progress(task: str, _fraction: float) -> None:
        nonlocal met
        met += task == "writing to Neo4j"
        if met == number:
            raise InterruptedLoadError

    return progress


@pytest.mark.neo4j
def test_a_load_of_corrections_may_end_after_any_batch(
    store: Neo4jStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers see the former state all along; the same load goes on where it was, and the end is the same."""
    batches_of(monkeypatch, 1)
    before, ids = content(store.tables()), store.tables()
    written: list[str] = []
    real = neo4j_load._Lane.run

    def counted(lane: neo4j_load._Lane, batch: neo4j_load.Batch) -> int:
        rows = real(lane, batch)
        written.extend([lane._name] * bool(rows))
        return rows

    monkeypatch.setattr(neo4j_load._Lane, "run", counted)
    interruptions = 0
    for number in range(1, 100, 5):
        try:
            CHANGED.load(store, tmp_path, interrupt_at(number))
            break
        except InterruptedLoadError:
            interruptions += 1
            assert content(store.tables()) == before
            assert content(store.held(ids))["PURCHASED"] == before["PURCHASED"]
            assert [each.complete for each in store.loads()] == [True, False]
    assert interruptions > 3

    monkeypatch.setattr(neo4j_load._Lane, "run", real)
    after = content(store.tables())
    assert after["products"][0] == ("p1", "New name", 13.0, "TOOLS", "Blunt", False)
    assert after["properties of Customer"][-1] == ("bob", "country", "ES", None)
    assert after["properties of Product"][0] == ("p1", "colour", "green", None)
    assert after["campaigns"] == [("spring", datetime(2024, 3, 1), datetime(2024, 4, 30))]
    assert {row[2]: (row[0], row[1], row[6]) for row in after["PURCHASED"]} == {
        "1": ("ann", "p1", 99.0), "3": ("bob", "p2", 20.0), **{f"n{n}": (f"c{n}", "p3", 5.0) for n in range(5)},
    }  # fmt: skip
    assert sorted(row[2] for row in after["RETURNED"]) == ["2", "4"]
    assert [row[2] for row in after["superseded"]] == ["3"]
    assert store.health().problems == ()
    assert not CHANGED.load(store, tmp_path).changed


@pytest.mark.neo4j
@pytest.mark.parametrize("number", [3, 12, 21])
def test_another_load_takes_back_what_an_interrupted_one_had_changed(
    store: Neo4jStore, session: neo4j.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    batches_of(monkeypatch, 1)
    with pytest.raises(InterruptedLoadError):
        CHANGED.load(store, tmp_path, interrupt_at(number))

    Shop(orders=[order("9", "dora", "p1", "2024-02-09", 1.0)]).load(store, tmp_path / "other")
    held = content(store.tables())

    undisturbed = MemoryStore()
    SMALL.load(undisturbed, tmp_path / "memory")  # type: ignore[arg-type]
    Shop(orders=[order("9", "dora", "p1", "2024-02-09", 1.0)]).load(undisturbed, tmp_path / "memory")  # type: ignore[arg-type]
    assert held == content(undisturbed.tables())
    assert (
        session.run("MATCH (n) WHERE n:Replaced OR n:LoadProgress RETURN count(n) AS n").single(strict=True)["n"] == 0
    )


@pytest.mark.neo4j
def test_later_loads_are_read_alone(store: Neo4jStore, tmp_path: Path) -> None:
    Shop(orders=[order("9", "ann", "p1", "2024-02-09", 1.0), order("1", "ann", "p1", "2024-02-01", 7.0)]).load(
        store, tmp_path
    )
    new = pa.concat_tables(store.interactions("PURCHASED", after=1))
    assert sorted(zip(new["id"].to_pylist(), new["load"].to_pylist(), strict=True)) == [("1", 2), ("9", 2)]
    assert sum(map(len, store.interactions("PURCHASED", after=2))) == 0


@pytest.mark.neo4j
def test_an_erased_customer_is_out_of_sight_before_anything_is_deleted(
    store: Neo4jStore, session: neo4j.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = store.facts()
    assert facts is not None
    later = facts.model_copy(update={"erased": frozenset({"x"}), "fingerprint": "later"})
    monkeypatch.setattr("graph.neo4j_erase.tidy", lambda _connection: [])

    counts = store.erase(["ann", "nobody", "ann"], later, no_progress)

    assert counts == {"Customer": 1, "PURCHASED": 2, "CONTACTED": 1, "HAS_PROPERTY": 2, "PropertyValue": 2}
    held = content(store.tables())
    assert "ann" not in str(held)
    assert held["customers"] == [("bob",)]
    assert store.facts() == later
    assert store.read("read/customer", id="ann").rows == []
    assert session.run("MATCH (n:Erased) RETURN count(n) AS n").single(strict=True)["n"] == 3
    assert store.repair(no_progress) == ["finished an interrupted erasure"]
    assert session.run("MATCH (n) WHERE n.id = 'ann' RETURN count(n) AS n").single(strict=True)["n"] == 0
    assert session.run("MATCH (v:PropertyValue {value: 'FR'}) RETURN count(v) AS n").single(strict=True)["n"] == 0
