"""The graph in Neo4j as Arrow tables, of complete loads only."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

import cypher
from graph.model import (
    BRAND_SCHEMA,
    CAMPAIGN_SCHEMA,
    CATEGORY_SCHEMA,
    CUSTOMER_SCHEMA,
    INTERACTIONS,
    PRODUCT_SCHEMA,
    PROPERTY_OWNERS,
    PROPERTY_SCHEMA,
    STORED_INTERACTION_SCHEMA,
    SUPERSEDED_SCHEMA,
)
from graph.neo4j_connection import Neo4jConnection
from graph.tables import GraphTables

_SESSIONS = 2
_CUSTOMERS_AT_ONCE = 2_000
_FETCH_CUSTOMERS = 100  # a record holds all of a customer's interactions of a type


@dataclass(frozen=True)
class Visible:
    """Which loads are complete: those up to `latest` but for the `incomplete` ones."""

    latest: int
    incomplete: tuple[int, ...]

    @staticmethod
    def of(connection: Neo4jConnection) -> Visible:
        """As the book says now."""
        _, book = connection.read(cypher.statement("read/loads", "neo4j").text, {})
        return Visible(
            max((each["sequence"] for each in book), default=0),
            tuple(each["sequence"] for each in book if not each["complete"]),
        )

    def parameters(self) -> dict[str, Any]:
        """For the statements `read/export_…`."""
        return {"latest": self.latest, "incomplete": list(self.incomplete)}


def export_tables(connection: Neo4jConnection) -> GraphTables:
    """The whole graph without anything derived. Times travel as epoch milliseconds."""
    visible = Visible.of(connection)

    def nodes(name: str, schema: pa.Schema) -> pa.Table:
        _, records = connection.read(cypher.statement(f"read/export_{name}", "neo4j").text, visible.parameters())
        return _table(zip(*(record.values() for record in records), strict=True), schema)

    customers = nodes("customers", CUSTOMER_SCHEMA)
    ids = customers["id"].to_pylist()
    with ThreadPoolExecutor(_SESSIONS) as pool:

        def events(name: str, schema: pa.Schema) -> Callable[[], pa.Table]:
            return _events(pool, connection, name, schema, ids, visible)

        interactions = {name: events(name.lower(), STORED_INTERACTION_SCHEMA) for name in INTERACTIONS}
        superseded = [events(f"superseded_{label}", SUPERSEDED_SCHEMA) for label in ("product", "campaign")]
        return GraphTables(
            customers=customers,
            products=nodes("products", PRODUCT_SCHEMA),
            categories=nodes("categories", CATEGORY_SCHEMA),
            brands=nodes("brands", BRAND_SCHEMA),
            campaigns=nodes("campaigns", CAMPAIGN_SCHEMA),
            properties={label: nodes(f"{label.lower()}_properties", PROPERTY_SCHEMA) for label in PROPERTY_OWNERS},
            interactions={name: collect() for name, collect in interactions.items()},
            superseded=pa.concat_tables([collect() for collect in superseded]),
        )


def _events(
    pool: ThreadPoolExecutor,
    connection: Neo4jConnection,
    name: str,
    schema: pa.Schema,
    ids: list[str],
    visible: Visible,
) -> Callable[[], pa.Table]:
    """Start the export of one type, some customers at a time; call the answer to have the table."""
    text = cypher.statement(f"read/export_{name}", "neo4j").text

    def export(part: list[str]) -> pa.Table:
        parameters = {"customers": part, **visible.parameters()}
        customers: list[str] = []
        rows: list[list[Any]] = []
        with connection.session(fetch_size=_FETCH_CUSTOMERS) as session:
            for customer, found in session.run(text, parameters):
                customers += [customer] * len(found)
                rows += found
        return _table([customers, *zip(*rows, strict=True)] if rows else [], schema)

    parts = [ids[start : start + _CUSTOMERS_AT_ONCE] for start in range(0, len(ids), _CUSTOMERS_AT_ONCE)]
    futures = [pool.submit(export, part) for part in parts]
    return lambda: pa.concat_tables([schema.empty_table(), *(future.result() for future in futures)])


def _table(columns: Any, schema: pa.Schema) -> pa.Table:
    """Columns of plain values, in the schema's order, as a table; integers become times where it says so."""
    arrays = []
    for values, field in zip(columns, schema, strict=False):
        kind = pa.int64() if pa.types.is_timestamp(field.type) else field.type
        arrays.append(pa.array(values, kind).cast(field.type))
    return pa.table(arrays, schema=schema) if arrays else schema.empty_table()
