"""The selected part of a small shop, worked out by hand, from each kind of store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from graph.handover.extract import Extract
from graph.handover.selection import Around, Selection
from graph.history import History, StoreTables
from graph.store import GraphStore
from habitue.errors import CutoffError, NotFoundError


def read(store: GraphStore, selection: Selection) -> tuple[dict[str, set[str]], dict[str, set[tuple[str, ...]]]]:
    """Ids of nodes by label; of interactions their ids, of other relationships their ends."""
    extract = Extract(store, selection)
    links: dict[str, set[tuple[str, ...]]] = {}
    for part in extract.relationships():
        columns = ("id",) if "id" in part.table.column_names else ("source", "target")
        rows = [tuple(row[name] for name in columns) for row in part.table.to_pylist()]
        found = links.setdefault(part.type, set())
        assert not found & set(rows)
        found |= set(rows)
    return {label: set(table["id"].to_pylist()) for label, table in extract.nodes()}, links


def row(store: GraphStore, selection: Selection, name: str, identifier: str) -> dict[str, Any]:
    parts = [part.table for part in Extract(store, selection).relationships() if part.type == name]
    (found,) = [each for each in pa.concat_tables(parts).to_pylist() if each["id"] == identifier]
    return found


def test_the_whole_graph(shop_store: GraphStore) -> None:
    nodes, links = read(shop_store, Selection())
    assert nodes == {
        "Customer": {"ann", "bob", "cyd", "idle"}, "Product": {"p1", "p2", "p3"}, "Campaign": {"spring"},
        "Category": {"KITCHEN", "KITCHEN/KNIVES", "KITCHEN/POTS", "FLOOR", "FLOOR/RUGS"}, "Brand": {"Sharp", "Soft"},
        "PropertyValue": {"country=FR", "country=PT", "tier=basic", "tier=gold", "colour=red", "colour=blue",
                          "kind=letter"},
    }  # fmt: skip
    assert links["PURCHASED"] == {("1",), ("2",), ("3",), ("4",), ("5",)}
    assert len(links["CONTACTED"]) == 1
    assert links["CHILD_OF"] == {("KITCHEN/KNIVES", "KITCHEN"), ("KITCHEN/POTS", "KITCHEN"), ("FLOOR/RUGS", "FLOOR")}
    assert links["IN_CATEGORY"] == {("p1", "KITCHEN/KNIVES"), ("p2", "KITCHEN/POTS"), ("p3", "FLOOR/RUGS")}
    assert links["MADE_BY"] == {("p1", "Sharp"), ("p3", "Soft")}
    assert links["HAS_PROPERTY"] == {
        ("ann", "country=FR"), ("ann", "tier=basic"), ("ann", "tier=gold"), ("bob", "country=PT"),
        ("idle", "country=PT"), ("p1", "colour=red"), ("p2", "colour=blue"), ("p3", "colour=red"),
        ("spring", "kind=letter"),
    }  # fmt: skip
    assert row(shop_store, Selection(), "PURCHASED", "1") == {
        "source": "ann", "target": "p1", "id": "1", "at": datetime(2024, 2, 1, 10, 0, 0, 123000), "known_at": None,
        "quantity": 1.0, "amount": 12.5, "discount": None, "order_id": "o1", "channel": "web", "rating": None,
        "treatment": None, "load": 1,
    }  # fmt: skip
    assert row(shop_store, Selection(), "PURCHASED", "3")["amount"] == 20.0


def test_by_type(shop_store: GraphStore) -> None:
    nodes, links = read(shop_store, Selection.of(["PURCHASED"]))
    assert set(nodes) == {"Customer", "Product"}
    assert nodes["Customer"] == {"ann", "bob", "cyd", "idle"}
    assert set(links) == {"PURCHASED"}
    nodes, links = read(shop_store, Selection.of(["Campaign", "PropertyValue"]))
    assert links == {"HAS_PROPERTY": {("spring", "kind=letter")}}


def test_by_time_with_the_nodes_touched_and_their_taxonomy(shop_store: GraphStore) -> None:
    nodes, links = read(shop_store, Selection(since=datetime(2024, 2, 3, 10), until=datetime(2024, 2, 7, 10)))
    assert links["PURCHASED"] == {("2",), ("3",)}  # the beginning is in it, the end is not
    assert nodes["Customer"] == {"ann", "bob"}
    assert nodes["Product"] == {"p1", "p2"}
    assert nodes["Category"] == {"KITCHEN", "KITCHEN/KNIVES", "KITCHEN/POTS"}
    assert nodes["Brand"] == {"Sharp"}
    assert "Campaign" not in nodes
    assert "CONTACTED" not in links
    assert {source for source, _ in links["HAS_PROPERTY"]} == {"ann", "bob", "p1", "p2"}


def test_as_of_a_date_the_version_known_then(shop_store: GraphStore) -> None:
    before, after = datetime(2024, 2, 8), datetime(2024, 2, 11)
    assert row(shop_store, Selection(as_of=before), "PURCHASED", "3")["amount"] == 12.5
    assert row(shop_store, Selection(as_of=after), "PURCHASED", "3")["amount"] == 20.0
    nodes, links = read(shop_store, Selection(as_of=datetime(2024, 2, 6)))
    assert links["PURCHASED"] == {("1",), ("2",)}  # line 3 happened on the 5th, and became known at midnight
    assert nodes["Customer"] == {"ann"}
    assert ("ann", "tier=basic") in links["HAS_PROPERTY"]
    assert ("ann", "tier=gold") not in links["HAS_PROPERTY"]


@pytest.mark.parametrize("day", [2, 3, 6, 8, 11, 21, 29])
def test_as_of_equals_the_snapshot(shop_store: GraphStore, day: int) -> None:
    facts = shop_store.facts()
    assert facts is not None
    as_of = datetime(2024, 2, day)
    snapshot = History.of(StoreTables.of(shop_store.tables(), facts)).at(as_of)
    nodes, links = read(shop_store, Selection(as_of=as_of))
    for label, ids in (("Customer", snapshot.customers), ("Product", snapshot.products), ("Brand", snapshot.brands),
                       ("Category", snapshot.categories), ("Campaign", snapshot.campaigns)):  # fmt: skip
        assert nodes.get(label, set()) == set(ids.to_pylist()), label
    for name, events in snapshot.events.items():
        assert len(links.get(name, set())) == len(events), name


def test_as_of_a_date_after_the_data_is_refused(shop_store: GraphStore) -> None:
    with pytest.raises(CutoffError, match="complete until"):
        Extract(shop_store, Selection(as_of=datetime(2024, 6, 1)))


def test_around_a_customer(shop_store: GraphStore) -> None:
    selection = Selection.of(["PURCHASED", "MADE_BY"], around=Around("ann", depth=1))
    nodes, links = read(shop_store, selection)
    assert nodes == {"Customer": {"ann"}, "Product": {"p1", "p2"}, "Brand": {"Sharp"}}
    assert links == {"PURCHASED": {("1",), ("2",)}, "MADE_BY": {("p1", "Sharp")}}
    nodes, links = read(shop_store, Selection.of(["PURCHASED"], around=Around("ann", depth=2)))
    assert links == {"PURCHASED": {("1",), ("2",), ("3",), ("4",)}}
    assert nodes == {"Customer": {"ann", "bob"}, "Product": {"p1", "p2"}}


def test_around_a_customer_with_a_limit_says_what_is_missing(shop_store: GraphStore) -> None:
    extract = Extract(shop_store, Selection.of(["PURCHASED"], around=Around("ann", depth=1, limit=1)))
    assert [part.table["id"].to_pylist() for part in extract.relationships()] == [["2"]]
    assert extract.truncated


def test_around_somebody_unknown(shop_store: GraphStore) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        Extract(shop_store, Selection(around=Around("nobody")))


def test_what_is_derived(shop_store: GraphStore) -> None:
    selection = Selection(derived=True)
    nodes, links = read(shop_store, selection)
    assert links["SIMILAR_TO"] == {("ann", "bob"), ("bob", "ann")}
    assert links["IN_AUDIENCE"] == {("bob", "a1")}
    assert nodes["Audience"] == {"a1"}
    extract = Extract(shop_store, selection)
    list(extract.relationships())
    customers = {each["id"]: each for each in dict(extract.nodes())["Customer"].to_pylist()}
    assert customers["ann"]["churn_risk"] == 0.25
    assert customers["ann"]["scored_at"] == datetime(2024, 3, 2)
    assert customers["cyd"]["churn_risk"] is None
    dated = Selection(derived=True, until=datetime(2024, 2, 4))  # ann alone
    nodes, links = read(shop_store, dated)
    assert "SIMILAR_TO" not in links
    assert "Audience" not in nodes
