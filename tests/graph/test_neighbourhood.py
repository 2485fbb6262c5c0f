"""Neighbourhoods of a graph small enough to draw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pytest

from graph.dataset import read_dataset
from graph.ladybug_store import LadybugStore
from graph.loading import load
from graph.model import NO_PRODUCT
from graph.neighbourhood import Link, Node, neighbourhood
from graph.store import no_progress
from habitue.errors import NotFoundError, UsageError

# ann ── p1 ×2, p2      p1, p2 ∈ FOOD/BREAD ⊂ FOOD      p1 by Mill
# bob ── p2, nothing    ann viewed p1, was told of spring
# cyd ── p3             ann is like bob (0.9) and cyd (0.5)
FILES = {
    "dataset.toml": """
name = "drawn"
[products]
path = "products.csv"
id = "id"
name = "name"
category = ["one", "two"]
brand = "brand"
[[interactions]]
type = "PURCHASED"
path = "orders.csv"
customer = "who"
product = "what"
at = "at"
amount = "amount"
[[interactions]]
type = "PURCHASED"
path = "till.csv"
customer = "who"
at = "at"
[[interactions]]
type = "VIEWED"
path = "views.csv"
customer = "who"
product = "what"
at = "at"
[[interactions]]
type = "CONTACTED"
path = "contacts.csv"
customer = "who"
campaign = "campaign"
at = "at"
""",
    "products.csv": "id,name,one,two,brand\np1,Roll,FOOD,BREAD,Mill\np2,Loaf,FOOD,BREAD,\n",
    "orders.csv": "who,what,at,amount\nann,p1,2024-01-01,1\nann,p1,2024-01-03,2\nann,p2,2024-01-02,5\n"
    "bob,p2,2024-01-04,6\ncyd,p3,2024-01-05,7\n",
    "till.csv": "who,at\nbob,2024-02-01\nann,2024-02-02\n",
    "views.csv": "who,what,at\nann,p1,2023-12-31\n",
    "contacts.csv": "who,campaign,at\nann,spring,2024-01-10\n",
}
BREAD, FOOD = "FOOD/BREAD", "FOOD"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LadybugStore]:
    folder = tmp_path_factory.mktemp("drawn")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    made = LadybugStore(folder / "graph")
    load(made, read_dataset(folder), "drawn", folder / "workspace", no_progress)
    pairs = pa.table({"source": ["ann", "ann"], "target": ["bob", "cyd"], "score": [0.9, 0.5]})
    made.write_similar(pairs, "run-1", no_progress)
    yield made
    made.close()


def day(number: int) -> datetime:
    return datetime(2024, 1, number)


PURCHASES = [
    Link("Customer:ann", "Product:p1", "PURCHASED", 2, 3.0, day(1), day(3), None),
    Link("Customer:ann", "Product:p2", "PURCHASED", 1, 5.0, day(2), day(2), None),
]


def test_one_hop_aggregates_parallel_events_and_leaves_out_the_reserved_product(store: LadybugStore) -> None:
    found = neighbourhood(store, "ann", types=["PURCHASED"])
    assert found.nodes == [
        Node("ann", "Customer", "ann", 0),
        Node("p1", "Product", "Roll", 1),
        Node("p2", "Product", "Loaf", 1),
    ]
    assert found.links == PURCHASES
    assert not found.truncated


def test_all_types_are_followed_by_default(store: LadybugStore) -> None:
    found = neighbourhood(store, "ann")
    assert {(node.key, node.hops) for node in found.nodes} == {
        ("Customer:ann", 0), ("Product:p1", 1), ("Product:p2", 1), ("Campaign:spring", 1), ("Customer:bob", 1),
        ("Customer:cyd", 1),
    }  # fmt: skip
    others = [link for link in found.links if link.type != "PURCHASED"]
    assert others == [
        Link("Customer:ann", "Product:p1", "VIEWED", 1, None, datetime(2023, 12, 31), datetime(2023, 12, 31), None),
        Link("Customer:ann", "Campaign:spring", "CONTACTED", 1, None, day(10), day(10), None),
        Link("Customer:ann", "Customer:bob", "SIMILAR_TO", 1, None, None, None, 0.9),
        Link("Customer:ann", "Customer:cyd", "SIMILAR_TO", 1, None, None, None, 0.5),
    ]
    assert NO_PRODUCT not in {node.id for node in found.nodes}


def test_two_hops_and_three(store: LadybugStore) -> None:
    types = ["PURCHASED", "IN_CATEGORY", "CHILD_OF", "MADE_BY"]
    two = neighbourhood(store, "ann", depth=2, types=types)
    assert {(node.key, node.hops) for node in two.nodes} == {
        ("Customer:ann", 0), ("Product:p1", 1), ("Product:p2", 1), ("Customer:bob", 2), (f"Category:{BREAD}", 2),
        ("Brand:Mill", 2),
    }  # fmt: skip
    links = {(link.source, link.type, link.target) for link in two.links}
    assert links == {
        ("Customer:ann", "PURCHASED", "Product:p1"), ("Customer:ann", "PURCHASED", "Product:p2"),
        ("Customer:bob", "PURCHASED", "Product:p2"), ("Product:p1", "MADE_BY", "Brand:Mill"),
        ("Product:p1", "IN_CATEGORY", f"Category:{BREAD}"), ("Product:p2", "IN_CATEGORY", f"Category:{BREAD}"),
    }  # fmt: skip
    three = neighbourhood(store, "ann", depth=3, types=types)
    assert {node.key for node in three.nodes} - {node.key for node in two.nodes} == {f"Category:{FOOD}"}
    assert (f"Category:{BREAD}", "CHILD_OF", f"Category:{FOOD}") in {(x.source, x.type, x.target) for x in three.links}


def test_every_link_joins_nodes_that_are_there_and_stands_once(store: LadybugStore) -> None:
    for depth in (1, 2, 3):
        found = neighbourhood(store, "ann", depth=depth)
        keys = [node.key for node in found.nodes]
        assert len(keys) == len(set(keys))
        assert {end for link in found.links for end in (link.source, link.target)} <= set(keys)
        names = [(link.source, link.type, link.target) for link in found.links]
        assert len(names) == len(set(names))


def test_the_limit_keeps_the_newest_and_says_that_there_is_more(store: LadybugStore) -> None:
    found = neighbourhood(store, "ann", limit=1, types=["PURCHASED", "SIMILAR_TO"])
    assert [(link.type, link.target) for link in found.links] == [
        ("PURCHASED", "Product:p1"),  # bought on the 3rd; p2 on the 2nd
        ("SIMILAR_TO", "Customer:bob"),
    ]
    assert found.truncated
    assert not neighbourhood(store, "ann", limit=2, types=["PURCHASED"]).truncated


def test_similarity_is_followed_from_whose_list_it_is(store: LadybugStore) -> None:
    assert [link.target for link in neighbourhood(store, "ann", types=["SIMILAR_TO"]).links] == [
        "Customer:bob",
        "Customer:cyd",
    ]
    assert neighbourhood(store, "cyd", types=["SIMILAR_TO"]).links == []


def test_a_product_that_its_table_lacks_goes_by_its_id(store: LadybugStore) -> None:
    assert neighbourhood(store, "cyd", types=["PURCHASED"]).nodes[1:] == [Node("p3", "Product", "p3", 1)]


def test_no_types_no_neighbours(store: LadybugStore) -> None:
    assert neighbourhood(store, "ann", types=[]).nodes == [Node("ann", "Customer", "ann", 0)]


def test_an_unknown_customer(store: LadybugStore) -> None:
    with pytest.raises(NotFoundError, match="no customer 'zed'"):
        neighbourhood(store, "zed")


@pytest.mark.parametrize("depth", [0, 4, -1])
def test_depth_out_of_range(store: LadybugStore, depth: int) -> None:
    with pytest.raises(UsageError, match="depth"):
        neighbourhood(store, "ann", depth=depth)


@pytest.mark.parametrize("limit", [0, 201])
def test_limit_out_of_range(store: LadybugStore, limit: int) -> None:
    with pytest.raises(UsageError, match="limit"):
        neighbourhood(store, "ann", limit=limit)


def test_an_unknown_type_is_named_with_those_there_are(store: LadybugStore) -> None:
    with pytest.raises(UsageError, match="BOUGHT is no relationship type") as caught:
        neighbourhood(store, "ann", types=["PURCHASED", "BOUGHT"])
    assert "MADE_BY" in caught.value.hint
