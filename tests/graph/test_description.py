"""What a store holds, described and drawn."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from graph.description import GraphDescription, LabelDescription, RelationshipDescription, describe_graph
from graph.schema_picture import draw_schema
from graph.store import GraphStore
from tests.graph.shop import SMALL

SVG = "{http://www.w3.org/2000/svg}"


def test_a_small_shop_described(store: GraphStore, tmp_path: Path) -> None:
    SMALL.load(store, tmp_path)
    found = describe_graph(store)
    assert found.dataset == "hand-made"
    labels = {each.label: each for each in found.labels}
    assert {name: each.count for name, each in labels.items()} == {
        "Customer": 2, "Product": 2, "Category": 3, "Brand": 1, "Campaign": 1, "PropertyValue": 6
    }  # fmt: skip
    products = {each.name: (each.type, each.filled, each.fill_rate) for each in labels["Product"].properties}
    assert products == {
        "id": ("text", 2, 1.0), "name": ("text", 2, 1.0), "price": ("number", 1, 0.5), "stub": ("boolean", 2, 1.0)
    }  # fmt: skip
    own = {
        each.name: (each.filled, each.fill_rate, each.values, each.dated) for each in labels["Customer"].has_property
    }
    assert own == {"country": (2, 1.0, 2, True), "tier": (1, 0.5, 1, True)}
    links = {(each.type, each.source, each.target): each for each in found.relationships}
    assert {name: each.count for name, each in links.items()} == {
        ("PURCHASED", "Customer", "Product"): 3, ("RETURNED", "Customer", "Product"): 1,  # line 4 is negative
        ("CONTACTED", "Customer", "Campaign"): 1,
        ("IN_CATEGORY", "Product", "Category"): 2, ("CHILD_OF", "Category", "Category"): 2,
        ("MADE_BY", "Product", "Brand"): 1, ("HAS_PROPERTY", "Customer", "PropertyValue"): 3,
        ("HAS_PROPERTY", "Product", "PropertyValue"): 2, ("HAS_PROPERTY", "Campaign", "PropertyValue"): 1,
    }  # fmt: skip
    bought = links["PURCHASED", "Customer", "Product"]
    assert bought.first_at == datetime(2024, 2, 1, 10, 0, 0, 123000)
    filled = {each.name: each.filled for each in bought.properties}
    assert (filled["id"], filled["known_at"], filled["channel"], filled["rating"]) == (bought.count, 1, 1, 0)
    assert links["CHILD_OF", "Category", "Category"].properties == ()
    assert [each.type for each in found.relationships[:3]] == ["PURCHASED", "RETURNED", "CONTACTED"]


def example(purchases: int = 1_469_307) -> GraphDescription:
    def link(name: str, source: str, target: str, count: int) -> RelationshipDescription:
        return RelationshipDescription(type=name, source=source, target=target, count=count, properties=())

    counts = {"Customer": 2_469, "Product": 92_339, "Category": 2_383, "Audience": 1}
    return GraphDescription(
        dataset='shop <&> "more"',
        labels=tuple(LabelDescription(label=name, count=count, properties=()) for name, count in counts.items()),
        relationships=(
            link("PURCHASED", "Customer", "Product", purchases), link("VIEWED", "Customer", "Product", 12),
            link("SUPERSEDED", "Customer", "Product", 3), link("IN_CATEGORY", "Product", "Category", 92_331),
            link("CHILD_OF", "Category", "Category", 2_352), link("IN_AUDIENCE", "Customer", "Audience", 10),
        ),
    )  # fmt: skip


def test_the_picture_shows_every_label_and_type_with_its_count() -> None:
    root = ElementTree.fromstring(draw_schema(example()))
    circles = {each.get("class"): float(each.get("r", "0")) for each in root.iter(f"{SVG}circle")}
    assert set(circles) == {"Customer", "Product", "Category", "Audience"}
    assert circles["Product"] > circles["Customer"] > circles["Audience"]
    texts = ["|".join(each.itertext()) for each in root.iter(f"{SVG}text") if each.get("class") == "type"]
    assert texts == ["PURCHASED|1,469,307", "VIEWED|12", "IN_CATEGORY|92,331", "CHILD_OF|2,352", "IN_AUDIENCE|10"]
    assert "shop <&>" in "".join(next(root.iter(f"{SVG}text")).itertext())
    assert len(list(root.iter(f"{SVG}polygon"))) == 5


def test_the_picture_is_the_same_for_the_same_graph_and_stays_in_its_frame() -> None:
    assert draw_schema(example()) == draw_schema(example())
    for purchases in (1, 10**9):
        root = ElementTree.fromstring(draw_schema(example(purchases)))
        _, _, width, height = map(float, root.get("viewBox", "").split())
        for each in root.iter(f"{SVG}circle"):
            x, y, radius = (float(each.get(name, "0")) for name in ("cx", "cy", "r"))
            assert radius < x < width - radius
            assert radius < y < height - radius
        for text in root.iter(f"{SVG}text"):
            assert 0 < float(text.get("x", "0")) < width
            assert 0 < float(text.get("y", "0")) < height


def test_an_empty_picture_is_one() -> None:
    assert "0 nodes, 0 relationships" in draw_schema(GraphDescription(dataset="new", labels=(), relationships=()))
