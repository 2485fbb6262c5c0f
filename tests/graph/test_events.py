"""Interactions that come one by one: checked as rows of a table are, durable, and the same again changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import events
from graph.events import EventsReport, load_events
from graph.model import NO_PRODUCT
from graph.store import no_progress
from habitue.errors import NothingLoadedError
from tests.graph.bench import NUMBERED, PRODUCTS, TOP, Bench, numbered
from tests.graph.shop import content
from tests.graph.test_loading_in_parts import forget


@pytest.fixture
def shop(bench: Bench) -> Bench:
    """One purchase, held."""
    bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10")}).load()
    return bench


def line(identifier: Any, **more: Any) -> dict[str, Any]:
    return {"type": "PURCHASED", "id": identifier, "customer": "ann", "product": "p1", "at": "2024-01-02T10:00:00Z",
            "quantity": 1, "amount": 7.5, **more}  # fmt: skip


def send(bench: Bench, *sent: dict[str, Any]) -> EventsReport:
    return load_events(bench.store, sent, bench.workspace, no_progress)


def test_events_are_brought_in_once(shop: Bench) -> None:
    first = send(shop, line("n1"), line("n2", customer="cleo", product="p9", at=datetime(2024, 1, 3, tzinfo=UTC)))
    assert (first.load, first.loaded, first.refused) == (2, {"PURCHASED": 2}, [])
    assert shop.purchases("id", "customer", "target", "at", "amount", "load") == [
        ("1", "ann", "p1", datetime(2024, 1, 1), 10.0, 1),
        ("n1", "ann", "p1", datetime(2024, 1, 2, 10), 7.5, 2),
        ("n2", "cleo", "p9", datetime(2024, 1, 3), 7.5, 2),
    ]
    held = shop.store.tables()
    assert sorted(held.customers["id"].to_pylist()) == ["ann", "cleo"]
    assert {row["id"]: row["stub"] for row in held.products.to_pylist()} == {"p1": True, "p9": True}
    before, facts = content(held), shop.store.facts()

    again = send(shop, line("n1"), line("n2", customer="cleo", product="p9", at="2024-01-03T00:00:00"))

    assert (again.load, again.loaded, again.unchanged) == (None, {}, {"PURCHASED": 2})
    assert (content(shop.store.tables()), shop.store.facts()) == (before, facts)
    assert [(each.sequence, each.source) for each in shop.store.loads()] == [(1, "shop"), (2, "api")]
    assert not list((shop.workspace / "staging").iterdir())


def test_a_table_is_taken_as_well(shop: Bench) -> None:
    report = load_events(shop.store, pa.Table.from_pylist([line("n1"), line("n2")]), shop.workspace, no_progress)
    assert report.loaded == {"PURCHASED": 2}


def test_another_value_is_a_correction_and_what_was_known_before_is_kept(shop: Bench) -> None:
    send(shop, line("n1", known_at="2024-01-02"))
    report = send(shop, line("n1", amount=8, known_at="2024-02-01"))
    assert (report.loaded, report.corrected) == ({}, {"PURCHASED": 1})
    assert shop.purchases("id", "amount") == [("1", 10.0), ("n1", 8.0)]
    (former,) = shop.store.tables().superseded.to_pylist()
    assert (former["amount"], former["superseded_at"]) == (7.5, datetime(2024, 2, 1))


def test_the_same_line_from_a_file_is_the_same(shop: Bench) -> None:
    assert send(shop, line("1", at="2024-01-01", amount=10)).unchanged == {"PURCHASED": 1}


def test_all_types_with_and_without_their_optional_values(shop: Bench) -> None:
    at = {"customer": "ann", "at": "2024-01-02"}
    report = send(
        shop,
        {"type": "PURCHASED", "id": "a", **at},
        {"type": "PURCHASED", "id": "b", "product": "p1", "discount": 0.5, "channel": "web", **at},
        {"type": "PURCHASED", "id": "c", "product": "p1", "quantity": -1, "amount": -3, **at},
        {"type": "VIEWED", "id": "d", "product": "p1", **at},
        {"type": "RETURNED", "id": "e", "product": "p1", "quantity": 2, **at},
        {"type": "REVIEWED", "id": "f", "product": "p1", "rating": 4, **at},
        {"type": "CONTACTED", "id": "g", "campaign": "spring", "treatment": "letter", **at},
        {"type": "REDEEMED", "id": "h", "campaign": "spring", "order_id": "o1", **at},
    )
    assert report.loaded == {"PURCHASED": 2, "RETURNED": 2, "VIEWED": 1, "REVIEWED": 1, "CONTACTED": 1, "REDEEMED": 1}
    rows = {row["id"]: row for table in shop.store.tables().interactions.values() for row in table.to_pylist()}
    assert (rows["a"]["target"], rows["a"]["discount"], rows["a"]["amount"]) == (NO_PRODUCT, None, None)
    assert (rows["b"]["discount"], rows["b"]["channel"]) == (0.5, "web")
    assert (rows["c"]["quantity"], rows["c"]["amount"]) == (1.0, 3.0)
    assert (rows["f"]["rating"], rows["g"]["treatment"], rows["h"]["order_id"]) == (4.0, "letter", "o1")
    assert rows["g"]["target"] == "spring"


CAMPAIGNS = '[campaigns]\npath = "campaigns.csv"\nid = "id"\nstart = "start"\n'


@pytest.mark.parametrize("few", [500, 0], ids=["asked one by one", "asked together"])
def test_what_is_known_of_nodes_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(events, "_FEW", few)
    description = TOP + CAMPAIGNS + PRODUCTS.replace('id = "sku"', 'id = "sku"\nname = "name"') + NUMBERED
    tables = {"campaigns.csv": "id,start\nspring,2024-03-01\n", "products.csv": "sku,name\np1,Pot\n",
              "orders.csv": numbered("1,ann,p1,2024-01-01,1,10")}  # fmt: skip
    bench.write(description, tables).load()
    contact = {"type": "CONTACTED", "customer": "ann", "at": "2024-03-02"}
    send(bench, line("n1"), {**contact, "id": "k1", "campaign": "spring"}, {**contact, "id": "k2", "campaign": "fall"})
    held = bench.store.tables()
    assert [(row["id"], row["name"]) for row in held.products.to_pylist()] == [("p1", "Pot")]
    assert sorted((row["id"], row["start"]) for row in held.campaigns.to_pylist()) == [
        ("fall", None), ("spring", datetime(2024, 3, 1)),
    ]  # fmt: skip
    assert held.customers["id"].to_pylist() == ["ann"]
    assert bench.store.asked["nodes"] == (0 if few else 1)


def test_refused_rows_are_named_with_their_reasons_and_the_others_are_brought_in(shop: Bench) -> None:
    report = send(
        shop,
        line("n1"),
        line("n2", at="yesterday"),
        line(None),
        line("n4", customer=" "),
        line("n5", amount="dear"),
        line("n6", amount=float("inf")),
        line("n7", type="STOLEN"),
        line("n8", type="VIEWED", product=None),
        line("n9", product=NO_PRODUCT),
        line("n10", amount=10**400),
        line("n11"),
    )
    assert report.loaded == {"PURCHASED": 2}
    assert [(each["row"], each["column"], each["reason"]) for each in report.refused] == [
        (2, "at", "not a time"),
        (3, "id", "the id is empty"),
        (4, "customer", "the customer id is empty"),
        (5, "amount", "not a number"),
        (6, "amount", "not finite"),
        (7, "type", "not a type of interaction"),
        (8, "product", "the product id is empty"),
        (9, "product", "the product id is reserved"),
        (10, "amount", "not finite"),
    ]
    assert not (shop.workspace / "quarantine").exists()


def test_an_id_that_comes_twice_counts_as_its_last_version(shop: Bench) -> None:
    report = send(shop, line("n1", amount=1), line("n1", amount=2, discount=0.5), line("n1", amount=3))
    assert (report.loaded, report.repeated) == ({"PURCHASED": 1}, 2)
    assert shop.purchases("id", "amount") == [("1", 10.0), ("n1", 3.0)]


def test_a_purchase_and_a_view_may_share_an_id(shop: Bench) -> None:
    report = send(shop, line("n1"), line("n1", type="RETURNED"), line("n1", type="VIEWED"))
    assert report.loaded == {"PURCHASED": 1, "RETURNED": 1, "VIEWED": 1}


def test_events_of_the_erased_are_left_out(shop: Bench) -> None:
    forget(shop, "bob")
    report = send(shop, line("n1", customer="bob"), line("n2", customer="bob", at="soon"), line("n3"))
    assert (report.erased, report.loaded, report.refused) == (2, {"PURCHASED": 1}, [])
    assert "bob" not in json.dumps(report.to_json()) + str(shop.store.loads())
    assert shop.store.facts().erased


def test_an_empty_graph_takes_no_events(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(NothingLoadedError):
        send(bench, line("n1"))
    assert not (tmp_path / "workspace" / "staging").exists()


EVENTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["PURCHASED", "VIEWED", "CONTACTED", "OTHER"]),
         "at": st.sampled_from(["2024-01-05", "?"])},
        optional={"id": st.sampled_from(["1", "n1", "n2"]), "customer": st.sampled_from(["ann", "bob", "dan"]),
                  "product": st.sampled_from(["p1", "p2"]), "campaign": st.just("spring"),
                  "amount": st.sampled_from([10, 2.5, "3", "x", True])},
    ),
    max_size=8,
)  # fmt: skip


@given(EVENTS)
@settings(deadline=None, max_examples=30)
def test_every_event_is_counted_exactly_once_and_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, sent: list[dict[str, Any]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("events"))
    bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10")}).load()
    forget(bench, "dan")
    report = send(bench, *sent)
    counted = sum(sum(each.values()) for each in (report.loaded, report.corrected, report.unchanged))
    assert counted + report.repeated + report.erased + len(report.refused) == len(sent)
    before = content(bench.store.tables())
    assert send(bench, *sent).load is None
    assert content(bench.store.tables()) == before
