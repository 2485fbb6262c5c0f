"""The embedded graph as Arrow tables. Interactions come in ranges of customers, so that memory stays bounded.

A statement's whole result lies in the engine's buffers until it is fetched, and both ends of a relationship as text
cost a join and most of those bytes: exports fetch offsets and put the ids in their place here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ladybug
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import cypher
from graph.ladybug_build import Derived
from graph.ladybug_query import rows_of, run
from graph.model import (
    BRAND_SCHEMA,
    CAMPAIGN_SCHEMA,
    CATEGORY_SCHEMA,
    CUSTOMER_SCHEMA,
    INTERACTIONS,
    PRODUCT_SCHEMA,
    PROPERTY_OWNERS,
    PROPERTY_SCHEMA,
    SCORE_SCHEMA,
    STORED_INTERACTION_SCHEMA,
    SUPERSEDED_SCHEMA,
    TIMESTAMP,
    interaction_target,
)
from graph.tables import GraphTables

_OWNERS = dict(zip(PROPERTY_OWNERS, ("customers", "products", "campaigns"), strict=True))
_FEW_OWNERS = 2_000
_RANGE_ROWS = 150_000  # about so many at once; four times as many fill a buffer pool of 512 MB
_SIMILAR_SCHEMA = pa.schema(
    [("source", pa.string()), ("target", pa.string()), ("score", pa.float64()), ("model", pa.string())]
)
_AUDIENCE_SCHEMA = pa.schema([("id", pa.string()), ("name", pa.string()), ("created_at", TIMESTAMP)])
_MEMBER_SCHEMA = pa.schema([
    ("source", pa.string()), ("target", pa.string()), ("score", pa.float64()), ("rank", pa.int64()),
    ("run", pa.string()),
])  # fmt: skip


def export_nodes(connection: ladybug.Connection, of: GraphTables | None = None) -> GraphTables:
    """Nodes and properties, without anything derived; the tables of interactions are empty.

    Args:
        connection: To a version.
        of: Only tables that have rows here are read, and of properties, by far the dearest, those of these owners
            where they are few.
    """
    empty = GraphTables.empty()
    schemas = {
        "customers": CUSTOMER_SCHEMA,
        "products": PRODUCT_SCHEMA,
        "categories": CATEGORY_SCHEMA,
        "brands": BRAND_SCHEMA,
        "campaigns": CAMPAIGN_SCHEMA,
    }
    nodes = {
        name: fetch(connection, f"export_{name}", schema)
        for name, schema in schemas.items()
        if of is None or len(getattr(of, name))
    }
    properties = dict(empty.properties)
    for label, table in _OWNERS.items():
        if of is None:
            properties[label] = fetch(connection, f"export_{label.lower()}_properties", PROPERTY_SCHEMA)
        elif table in nodes and len(of.properties[label]):
            owners = pc.unique(of.properties[label]["owner"])
            held = owners.filter(pc.is_in(owners, value_set=nodes[table]["id"].combine_chunks()))
            properties[label] = _properties_of(connection, label, held)
    return replace(empty, **nodes, properties=properties)


def _properties_of(connection: ladybug.Connection, label: str, owners: pa.Array) -> pa.Table:
    """Properties of some nodes at least: asked one by one while that is quicker than reading all there are."""
    if len(owners) > _FEW_OWNERS:
        return fetch(connection, f"export_{label.lower()}_properties", PROPERTY_SCHEMA)
    name = f"held_{label.lower()}_properties"
    found = [fetch(connection, name, PROPERTY_SCHEMA, owner=owner) for owner in owners.to_pylist()]
    return pa.concat_tables([PROPERTY_SCHEMA.empty_table(), *found])


def export_superseded(connection: ladybug.Connection, after: int = 0) -> pa.Table:
    """Replaced versions of loads with a greater number."""
    return pa.concat_tables([
        fetch(connection, f"export_superseded_{label}", SUPERSEDED_SCHEMA, after=after)
        for label in ("product", "campaign")
    ])  # fmt: skip


def export_derived(connection: ladybug.Connection | None) -> Derived:
    """Signals, similarities and audiences that were written back; all empty without a store."""
    schemas = {
        "scores": SCORE_SCHEMA,
        "similar": _SIMILAR_SCHEMA,
        "audiences": _AUDIENCE_SCHEMA,
        "members": _MEMBER_SCHEMA,
    }
    return Derived(**{
        name: schema.empty_table() if connection is None else fetch(connection, f"export_{name}", schema)
        for name, schema in schemas.items()
    })  # fmt: skip


def export_property_values(connection: ladybug.Connection) -> pa.Array:
    """Ids of all `PropertyValue` nodes."""
    return fetch(connection, "property_values", pa.schema([("id", pa.string())]))["id"].combine_chunks()


def fetch(connection: ladybug.Connection, name: str, schema: pa.Schema, **parameters: Any) -> pa.Table:
    """The answer to a statement of `read/` as a table of this schema."""
    result = run(connection, cypher.statement(f"read/{name}", "ladybug").text, parameters)
    try:
        table = result.get_as_arrow()
    finally:
        result.close()
    if not len(table):
        return schema.empty_table()
    return pa.table([table[field.name].cast(field.type) for field in schema], schema=schema)


@dataclass(frozen=True)
class NodeIds:
    """Ids by offset, of the labels at the ends of interactions."""

    ids: Mapping[str, pa.Array]
    places: Mapping[str, npt.NDArray[np.int64]]

    @staticmethod
    def read(connection: ladybug.Connection) -> NodeIds:
        """Of the version that a connection is to."""
        ids, places = {}, {}
        schema = pa.schema([("offset", pa.int64()), ("id", pa.string())])
        for label in ("Customer", "Product", "Campaign"):
            table = fetch(connection, f"offsets_{label.lower()}", schema)
            offsets = table["offset"].to_numpy()
            place = np.zeros(int(offsets.max(initial=-1)) + 1, np.int64)  # with holes where nodes were removed
            place[offsets] = np.arange(len(offsets))
            ids[label], places[label] = table["id"].combine_chunks(), place
        return NodeIds(ids, places)

    def highest(self, label: str) -> int:
        """One more than the highest offset."""
        return len(self.places[label])

    def take(self, label: str, offsets: pa.ChunkedArray) -> pa.Array:
        """The ids at these offsets."""
        return self.ids[label].take(pa.array(self.places[label][offsets.to_numpy()]))


def stream_interactions(connection: ladybug.Connection, ids: NodeIds, name: str, after: int = 0) -> Iterator[pa.Table]:
    """Interactions of one type of loads with a greater number, in tables of some 150,000 rows."""
    counted = run(connection, cypher.statement(f"read/count_{name.lower()}", "ladybug").text, {"after": after})
    rows = int(rows_of(counted)[0][0])
    if not rows:
        return
    customers = ids.highest("Customer")
    step = max(1, customers * _RANGE_ROWS // max(rows, _RANGE_ROWS))
    offsets = pa.schema([
        field.with_type(pa.int64()) if field.name in ("customer", "target") else field
        for field in STORED_INTERACTION_SCHEMA
    ])  # fmt: skip
    pending = [(first, min(first + step, customers)) for first in range(0, customers, step)][::-1]
    while pending:
        first, last = pending.pop()
        try:
            table = fetch(connection, f"export_{name.lower()}", offsets, first=first, last=last, after=after)
        except RuntimeError as error:
            if "buffer pool is full" not in str(error) or last - first == 1:
                raise
            middle = (first + last) // 2  # these customers buy more than others
            pending += [(middle, last), (first, middle)]
            continue
        if len(table):
            yield _with_ids(table, ids, name)


def _with_ids(table: pa.Table, ids: NodeIds, name: str) -> pa.Table:
    ends: Mapping[str, pa.Array] = {
        "customer": ids.take("Customer", table["customer"]),
        "target": ids.take(interaction_target(name), table["target"]),
    }
    return pa.table([ends.get(field.name, table[field.name]) for field in STORED_INTERACTION_SCHEMA],
                    schema=STORED_INTERACTION_SCHEMA)  # fmt: skip


def types_that_occur(connection: ladybug.Connection) -> list[str]:
    """Interaction types with at least one relationship."""
    return [name for name in INTERACTIONS if run(connection, f"MATCH ()-[r:{name}]->() RETURN r.id LIMIT 1").has_next()]
