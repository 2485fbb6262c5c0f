"""What a store holds, described: labels, relationship types, their properties, counts and times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from graph.model import (
    CAMPAIGN_SCHEMA,
    CATEGORY_SCHEMA,
    PRODUCT_SCHEMA,
    PROPERTY_SCHEMA,
    SCORE_SCHEMA,
    SUPERSEDED_SCHEMA,
)
from graph.store import GraphStore, Progress, no_progress


class Described(BaseModel):
    """Root of the descriptions."""

    model_config = ConfigDict(frozen=True)


class PropertyDescription(Described):
    """A property, its type (`text`, `number`, `integer`, `time`, `boolean`), and how many have it."""

    name: str
    type: str
    filled: int
    fill_rate: float


class ValueDescription(Described):
    """A property of the data set's own, held as `HAS_PROPERTY`: how many have it, and how many values there are."""

    name: str
    filled: int
    fill_rate: float
    values: int
    dated: bool


class LabelDescription(Described):
    """Nodes of a label."""

    label: str
    count: int
    properties: tuple[PropertyDescription, ...]
    has_property: tuple[ValueDescription, ...] = ()


class RelationshipDescription(Described):
    """Relationships of a type between two labels; times of what has any."""

    type: str
    source: str
    target: str
    count: int
    properties: tuple[PropertyDescription, ...]
    first_at: datetime | None = None
    last_at: datetime | None = None


class GraphDescription(Described):
    """What a store holds, without its own book-keeping; what does not occur is absent."""

    dataset: str
    labels: tuple[LabelDescription, ...]
    relationships: tuple[RelationshipDescription, ...]


def describe_graph(store: GraphStore, progress: Progress = no_progress) -> GraphDescription:
    """Have the store count all it holds of complete loads.

    Args:
        store: One that holds a graph.
        progress: Called with what is being counted.
    """
    facts = store.facts()
    progress("counting nodes", 0.0)
    nodes = [row for row in store.read("read/schema_nodes").dicts() if row["total"]]
    progress("counting properties", 0.2)
    own = store.read("read/schema_properties").dicts()
    progress("counting relationships", 0.4)
    links = store.read("read/schema_relationships").dicts()
    labels = tuple(
        LabelDescription(
            label=row["label"],
            count=row["total"],
            properties=_properties(row),
            has_property=tuple(
                ValueDescription(name=each["name"], filled=each["owners"], fill_rate=each["owners"] / row["total"],
                                 values=each["values"], dated=each["dated"] > 0)
                for each in own if each["label"] == row["label"]
            ),
        )
        for row in nodes
    )  # fmt: skip
    relationships = tuple(
        RelationshipDescription(
            type=row["type"], source=row["source"], target=row["target"], count=row["total"],
            properties=_properties(row), first_at=row["first_at"], last_at=row["last_at"],
        )
        for row in links
    )  # fmt: skip
    order = {name: place for place, name in enumerate(_ORDER)}
    ranked = sorted(relationships, key=lambda each: (order.get(each.type, len(order)), each.source, each.target))
    return GraphDescription(dataset=facts.name if facts else "", labels=labels, relationships=tuple(ranked))


_ORDER = ("PURCHASED", "VIEWED", "RETURNED", "REVIEWED", "CONTACTED", "REDEEMED", "SUPERSEDED", "IN_CATEGORY",
          "CHILD_OF", "MADE_BY", "HAS_PROPERTY", "SIMILAR_TO", "IN_AUDIENCE")  # fmt: skip
_OTHERS = pa.schema([("score", pa.float64()), ("rank", pa.int64()), ("created_at", pa.timestamp("ms"))])


def _properties(row: dict[str, Any]) -> tuple[PropertyDescription, ...]:
    return tuple(
        PropertyDescription(name=name, type=_TYPES.get(name, "text"), filled=count, fill_rate=count / row["total"])
        for name, count in zip(row["properties"], row["filled"], strict=True)
        if name
    )


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "time"
    if pa.types.is_floating(kind):
        return "number"
    if pa.types.is_integer(kind):
        return "integer"
    return "boolean" if pa.types.is_boolean(kind) else "text"


#: A property's name means the same wherever it stands.
_TYPES = {
    field.name: _type_name(field.type)
    for schema in (SUPERSEDED_SCHEMA, SCORE_SCHEMA, PRODUCT_SCHEMA, CATEGORY_SCHEMA, CAMPAIGN_SCHEMA, PROPERTY_SCHEMA,
                   _OTHERS)
    for field in schema
}  # fmt: skip
