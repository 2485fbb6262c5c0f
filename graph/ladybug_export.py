"""The embedded graph as Arrow tables."""

from __future__ import annotations

import ladybug
import pyarrow as pa

import cypher
from graph.ladybug_build import Derived
from graph.ladybug_query import run
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
)
from graph.tables import GraphTables

_SIMILAR_SCHEMA = pa.schema(
    [("source", pa.string()), ("target", pa.string()), ("score", pa.float64()), ("model", pa.string())]
)
_AUDIENCE_SCHEMA = pa.schema([("id", pa.string()), ("name", pa.string()), ("created_at", TIMESTAMP)])
_MEMBER_SCHEMA = pa.schema([
    ("source", pa.string()), ("target", pa.string()), ("score", pa.float64()), ("rank", pa.int64()),
    ("run", pa.string()),
])  # fmt: skip


def export_tables(connection: ladybug.Connection) -> GraphTables:
    """The whole graph without anything derived."""

    def export(name: str, schema: pa.Schema) -> pa.Table:
        return _export(connection, f"read/export_{name}", schema)

    return GraphTables(
        customers=export("customers", CUSTOMER_SCHEMA),
        products=export("products", PRODUCT_SCHEMA),
        categories=export("categories", CATEGORY_SCHEMA),
        brands=export("brands", BRAND_SCHEMA),
        campaigns=export("campaigns", CAMPAIGN_SCHEMA),
        properties={label: export(f"{label.lower()}_properties", PROPERTY_SCHEMA) for label in PROPERTY_OWNERS},
        interactions={name: export(name.lower(), STORED_INTERACTION_SCHEMA) for name in INTERACTIONS},
        superseded=pa.concat_tables(
            [export(f"superseded_{label}", SUPERSEDED_SCHEMA) for label in ("product", "campaign")]
        ),
    )


def export_derived(connection: ladybug.Connection | None) -> Derived:
    """Signals, similarities and audiences that were written back; all empty without a store."""
    schemas = {
        "scores": SCORE_SCHEMA,
        "similar": _SIMILAR_SCHEMA,
        "audiences": _AUDIENCE_SCHEMA,
        "members": _MEMBER_SCHEMA,
    }
    return Derived(**{
        name: schema.empty_table() if connection is None else _export(connection, f"read/export_{name}", schema)
        for name, schema in schemas.items()
    })  # fmt: skip


def _export(connection: ladybug.Connection, name: str, schema: pa.Schema) -> pa.Table:
    table = run(connection, cypher.statement(name, "ladybug").text).get_as_arrow()
    if not len(table):
        return schema.empty_table()
    return pa.table([table[field.name].cast(field.type) for field in schema], schema=schema)
