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

import numpy as np
import numpy.typing as npt
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
    interaction_target,
)
from graph.neo4j_connection import Neo4jConnection
from graph.neo4j_statements import read_statement
from graph.tables import GraphTables
from habitue.errors import StoreError

_NUMBERED = pa.schema([
    field.with_type(pa.int64()) if field.name == "target" else field for field in STORED_INTERACTION_SCHEMA
])  # fmt: skip
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

    def of_complete_loads(self, table: pa.Table) -> pa.Table:
        """The rows of a table that complete loads have written."""
        loads = table["load"]
        if not len(table) or (not self.incomplete and pc.max(loads).as_py() <= self.latest):
            return table
        hidden = pc.or_(
            pc.greater(loads, self.latest), pc.is_in(loads, value_set=pa.array(self.incomplete, pa.int64()))
        )
        return table.filter(pc.invert(hidden))


@dataclass(frozen=True)
class NodeNumbers:
    """Ids of nodes by the numbers that the server gives them.

    Attributes:
        numbers: Sorted.
        ids: In the same order.
    """

    numbers: npt.NDArray[np.int64]
    ids: pa.Array

    @staticmethod
    def read(connection: Neo4jConnection, label: str) -> NodeNumbers:
        """Of all nodes with a label."""
        schema = pa.schema([("number", pa.int64()), ("id", pa.string())])
        table = _fetch(connection, f"numbers_{label.lower()}", schema).sort_by("number")
        return NodeNumbers(table["number"].to_numpy(), table["id"].combine_chunks())

    def take(self, numbers: npt.NDArray[np.int64]) -> pa.Array:
        """The ids of these numbers.

        Raises:
            StoreError: If a node came after the numbers were read.
        """
        places = np.minimum(np.searchsorted(self.numbers, numbers), max(len(self.numbers) - 1, 0))
        if len(numbers) and (not len(self.numbers) or bool((self.numbers[places] != numbers).any())):
            raise StoreError("The graph changed while it was read.", hint="Try again when no load is running.")
        return self.ids.take(pa.array(places))


def export_nodes(connection: Neo4jConnection, of: GraphTables | None = None) -> GraphTables:
    """Nodes and properties without anything derived; the tables of interactions are empty.

    Args:
        connection: To the server.
        of: Only tables that have rows here are read, and of customers and properties only these and theirs.
    """
    visible = Visible.of(connection)

    def fetch(name: str, schema: pa.Schema, **parameters: Any) -> pa.Table:
        return _fetch(connection, f"export_{name}", schema, **asdict(visible), **parameters)

    def kept_aside(name: str, schema: pa.Schema, **parameters: Any) -> pa.Table:
        if not visible.incomplete:
            return schema.empty_table()
        return _fetch(connection, f"replaced_{name}", schema, incomplete=visible.incomplete, **parameters)

    empty = GraphTables.empty()
    nodes = {}
    schemas = {
        "products": PRODUCT_SCHEMA, "categories": CATEGORY_SCHEMA, "brands": BRAND_SCHEMA, "campaigns": CAMPAIGN_SCHEMA,
    }  # fmt: skip
    for name, schema in schemas.items():
        if of is None or len(getattr(of, name)):
            nodes[name] = fetch(name, schema)
            if name in ("products", "campaigns"):
                nodes[name] = _in_stead(nodes[name], kept_aside(name, schema))
    if of is None:
        nodes["customers"] = fetch("customers", CUSTOMER_SCHEMA)
    elif len(of.customers):
        nodes["customers"] = _of_ids(connection, "held_customers", CUSTOMER_SCHEMA, of.customers["id"], visible)
    properties = {}
    for label in PROPERTY_OWNERS:
        if of is None:
            now = fetch(f"{label.lower()}_properties", PROPERTY_SCHEMA)
        elif len(of.properties[label]):
            owners = pc.unique(of.properties[label]["owner"])
            now = _of_ids(connection, f"held_{label.lower()}_properties", PROPERTY_SCHEMA, owners, visible)
        else:
            continue
        properties[label] = pa.concat_tables([now, kept_aside("properties", PROPERTY_SCHEMA, label=label)])
    return replace(empty, **nodes, properties={**empty.properties, **properties})


def _of_ids(
    connection: Neo4jConnection, name: str, schema: pa.Schema, ids: pa.Array | pa.ChunkedArray, visible: Visible
) -> pa.Table:
    """What a statement tells of nodes with some ids, by the index on them."""
    parts = [ids.slice(start, _IDS_AT_ONCE).to_pylist() for start in range(0, len(ids), _IDS_AT_ONCE)]
    tasks = [partial(_fetch, connection, name, schema, ids=part, **asdict(visible)) for part in parts]
    return pa.concat_tables([schema.empty_table(), *_ahead(tasks)])


def export_superseded(connection: Neo4jConnection, after: int) -> pa.Table:
    """Versions that corrections of complete loads replaced: `SUPERSEDED_SCHEMA`, of loads after `after`."""
    visible = asdict(Visible.of(connection))
    return pa.concat_tables([
        _fetch(connection, f"export_superseded_{label}", SUPERSEDED_SCHEMA, after=after, **visible)
        for label in ("product", "campaign")
    ])  # fmt: skip


def stream_interactions(connection: Neo4jConnection, name: str, after: int) -> Iterator[pa.Table]:
    """Interactions of one type, in tables of `STORED_INTERACTION_SCHEMA`.

    Ranges of customers are read by two sessions; a few of them wait here at most. Where all loads are asked for, those
    that are not complete are left out here rather than by the server, which would look at each row's load once more.
    Otherwise customers whose interactions are all older are passed over without reading any.

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
    text = cypher.statement(f"read/export_{'' if after else 'all_'}{name.lower()}", "neo4j").text
    parameters = {"after": after, **asdict(visible)} if after else {}
    targets = NodeNumbers.read(connection, interaction_target(name))

    def export(above: str, upto: str) -> list[pa.Table]:
        with connection.session(fetch_size=_FETCH_CUSTOMERS) as session:
            records = session.run(text, {"above": above, "upto": upto, **parameters})
            return [_with_targets(visible.of_complete_loads(each), targets) for each in _tables(records)]

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
    """Records of a customer and its interactions as tables, the targets by their numbers."""
    customers: list[str] = []
    counts: list[int] = []
    rows: list[list[Any]] = []
    for customer, found in records:
        customers.append(customer)
        counts.append(len(found))
        rows += found
        if len(rows) >= _ROWS_IN_TABLE:
            yield _numbered(customers, counts, rows)
            customers, counts, rows = [], [], []
    if rows:
        yield _numbered(customers, counts, rows)


def _numbered(customers: list[str], counts: list[int], rows: list[list[Any]]) -> pa.Table:
    places = np.repeat(np.arange(len(customers)), counts)
    owners = pa.array(customers, pa.string()).take(pa.array(places))
    rest = _table(zip(*rows, strict=True), pa.schema([each for each in _NUMBERED if each.name != "customer"]))
    return pa.table([owners, *rest.columns], schema=_NUMBERED)


def _with_targets(table: pa.Table, targets: NodeNumbers) -> pa.Table:
    place = table.schema.get_field_index("target")
    ids = targets.take(table["target"].to_numpy())
    return table.set_column(place, STORED_INTERACTION_SCHEMA.field(place), ids)


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
