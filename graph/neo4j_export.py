"""The graph in Neo4j as Arrow tables, of complete loads only. Times travel as epoch milliseconds.

What an interrupted load replaced stands aside on `Replaced` nodes (see `graph.neo4j_load`) and is read from there.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

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
from graph.neo4j_statements import read_statement
from graph.tables import GraphTables

_SESSIONS = 2
_ROWS_AT_ONCE = 100_000  # in a range of customers, about
_RANGES_AHEAD = 4  # that are read or waiting to be taken
_ROWS_IN_TABLE = 20_000  # what is held as Python values before it becomes a table
_FETCH_CUSTOMERS = 500  # a record holds all of a customer's interactions of a type
_IDS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Visible:
    """Which loads are complete: those up to `latest` but for the `incomplete` ones."""

    latest: int
    incomplete: list[int]

    @staticmethod
    def of(connection: Neo4jConnection) -> Visible:
        """As the book says now."""
        book = read_statement(connection, "loads")
        return Visible(
            max((each["sequence"] for each in book), default=0),
            [each["sequence"] for each in book if not each["complete"]],
        )


def export_nodes(connection: Neo4jConnection) -> GraphTables:
    """Nodes and properties without anything derived; the tables of interactions are empty."""
    visible = Visible.of(connection)

    def fetch(name: str, schema: pa.Schema, **parameters: Any) -> pa.Table:
        return _fetch(connection, f"export_{name}", schema, **asdict(visible), **parameters)

    def kept_aside(name: str, schema: pa.Schema, **parameters: Any) -> pa.Table:
        if not visible.incomplete:
            return schema.empty_table()
        return _fetch(connection, f"replaced_{name}", schema, incomplete=visible.incomplete, **parameters)

    properties = {}
    for label in PROPERTY_OWNERS:
        now = fetch(f"{label.lower()}_properties", PROPERTY_SCHEMA)
        properties[label] = pa.concat_tables([now, kept_aside("properties", PROPERTY_SCHEMA, label=label)])
    return replace(
        GraphTables.empty(),
        customers=fetch("customers", CUSTOMER_SCHEMA),
        products=_in_stead(fetch("products", PRODUCT_SCHEMA), kept_aside("products", PRODUCT_SCHEMA)),
        categories=fetch("categories", CATEGORY_SCHEMA),
        brands=fetch("brands", BRAND_SCHEMA),
        campaigns=_in_stead(fetch("campaigns", CAMPAIGN_SCHEMA), kept_aside("campaigns", CAMPAIGN_SCHEMA)),
        properties=properties,
    )


def export_superseded(connection: Neo4jConnection, after: int) -> pa.Table:
    """Versions that corrections of complete loads replaced: `SUPERSEDED_SCHEMA`, of loads after `after`."""
    visible = asdict(Visible.of(connection))
    return pa.concat_tables([
        _fetch(connection, f"export_superseded_{label}", SUPERSEDED_SCHEMA, after=after, **visible)
        for label in ("product", "campaign")
    ])  # fmt: skip


def stream_interactions(connection: Neo4jConnection, name: str, after: int) -> Iterator[pa.Table]:
    """Interactions of one type, in tables of `STORED_INTERACTION_SCHEMA`.

    Ranges of customers are read by two sessions; a few of them wait here at most. Customers whose interactions are
    all older than asked for are passed over without reading any.

    Args:
        connection: To the server.
        name: Of the type.
        after: Only of loads with a greater number.
    """
    rows = types_that_occur(connection).get(name, 0)
    visible = Visible.of(connection)
    if visible.incomplete:
        aside = {"type": name, "after": after, "incomplete": visible.incomplete}
        yield _fetch(connection, "replaced_interactions", STORED_INTERACTION_SCHEMA, **aside)
    if not rows:
        return
    customers = read_statement(connection, "customers_in_all")[0]["customers"]
    share = rows / _ROWS_AT_ONCE / max(customers, 1)
    bounds = ["", *(each["id"] for each in read_statement(connection, "customer_bounds", share=share))]
    text = cypher.statement(f"read/export_{name.lower()}", "neo4j").text

    def export(above: str, upto: str) -> list[pa.Table]:
        parameters = {"above": above, "upto": upto, "after": after, **asdict(visible)}
        with connection.session(fetch_size=_FETCH_CUSTOMERS) as session:
            return list(_tables(session.run(text, parameters)))

    tasks = [partial(export, above, upto) for above, upto in itertools.pairwise(bounds)]
    for tables in _ahead(tasks):
        yield from tables


def find_held(connection: Neo4jConnection, staged: GraphTables) -> GraphTables:
    """Interactions and superseded versions with the ids in `staged`, by the indexes on ids."""
    visible = asdict(Visible.of(connection))
    counts = types_that_occur(connection)
    names = [name for name in INTERACTIONS if counts.get(name)]
    columns = [table["id"] for table in (*staged.interactions.values(), staged.superseded)]
    ids = pc.unique(pa.chunked_array([chunk for each in columns for chunk in each.chunks], pa.string())).to_pylist()
    parts = [ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE)]

    def find(name: str, schema: pa.Schema, **parameters: Any) -> pa.Table:
        tasks = [partial(_fetch, connection, f"held_{name}", schema, ids=part, **parameters) for part in parts]
        return pa.concat_tables([schema.empty_table(), *_ahead(tasks)])

    interactions = dict(GraphTables.empty().interactions)
    for name in names:
        interactions[name] = find(name.lower(), STORED_INTERACTION_SCHEMA, **visible)
    if visible["incomplete"]:
        for name in INTERACTIONS:
            aside = find("replaced", STORED_INTERACTION_SCHEMA, type=name, incomplete=visible["incomplete"])
            interactions[name] = pa.concat_tables([interactions[name], aside])
    superseded = [SUPERSEDED_SCHEMA.empty_table()]
    if counts.get("SUPERSEDED"):
        superseded = [find(f"superseded_{label}", SUPERSEDED_SCHEMA, **visible) for label in ("product", "campaign")]
    return replace(GraphTables.empty(), interactions=interactions, superseded=pa.concat_tables(superseded))


def types_that_occur(connection: Neo4jConnection) -> dict[str, int]:
    """How many relationships of each type there are, hidden ones included: the server keeps count."""
    return {each["type"]: each["rows"] for each in read_statement(connection, "types_that_occur") if each["rows"]}


def _ahead(tasks: Sequence[Callable[[], Any]]) -> Iterator[Any]:
    """Results of tasks in their order, some of which are worked out ahead, side by side."""
    pool = ThreadPoolExecutor(_SESSIONS)
    waiting: deque[Future[Any]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) == _RANGES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _tables(records: Any) -> Iterator[pa.Table]:
    """Records of a customer and its interactions as tables."""
    customers: list[str] = []
    rows: list[list[Any]] = []
    for customer, found in records:
        customers += [customer] * len(found)
        rows += found
        if len(rows) >= _ROWS_IN_TABLE:
            yield _table([customers, *zip(*rows, strict=True)], STORED_INTERACTION_SCHEMA)
            customers, rows = [], []
    if rows:
        yield _table([customers, *zip(*rows, strict=True)], STORED_INTERACTION_SCHEMA)


def _fetch(connection: Neo4jConnection, name: str, schema: pa.Schema, **parameters: Any) -> pa.Table:
    records = read_statement(connection, name, **parameters)
    return _table(zip(*(record.values() for record in records), strict=True), schema)


def _table(columns: Any, schema: pa.Schema) -> pa.Table:
    """Columns of plain values, in the schema's order, as a table; integers become times where it says so."""
    arrays = []
    for values, field in zip(columns, schema, strict=False):
        kind = pa.int64() if pa.types.is_timestamp(field.type) else field.type
        arrays.append(pa.array(values, kind).cast(field.type))
    return pa.table(arrays, schema=schema) if arrays else schema.empty_table()


def _in_stead(table: pa.Table, former: pa.Table) -> pa.Table:
    """The table with former rows in place of those with their ids."""
    if not len(former):
        return table
    return pa.concat_tables([table.filter(pc.invert(pc.is_in(table["id"], value_set=former["id"]))), former])
