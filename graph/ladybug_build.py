"""Build an embedded store from Parquet tables, by COPY into empty tables: the fastest way there is for many rows.

The parent writes the small tables and a plan; `python -m graph.ladybug_build DIRECTORY` carries it out (see
`graph.ladybug_child`). Interactions are copied from the very files that a load staged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import cypher
from graph.ladybug_capacity import available_memory
from graph.ladybug_child import serve
from graph.ladybug_layout import Constants, constants, node_groups, spread, without_columns
from graph.model import (
    CAMPAIGN_INTERACTIONS,
    INTERACTION_PROPERTIES,
    INTERACTIONS,
    PROPERTY_OWNERS,
    SCORE_SCHEMA,
    STORED_INTERACTION_SCHEMA,
)
from graph.store import Progress
from graph.tables import GraphTables

if TYPE_CHECKING:
    import ladybug

FILE_NAME = "graph.lbug"
_PLAN = "plan.json"
_COLUMNS = STORED_INTERACTION_SCHEMA.names
_SHARE_OF_MEMORY = 0.8  # what is left is for what the engine keeps beside its buffers


@dataclass(frozen=True)
class Derived:
    """What was written back on the graph, carried over when the store is built anew."""

    scores: pa.Table
    similar: pa.Table
    audiences: pa.Table
    members: pa.Table


def property_value_id(name: pa.ChunkedArray, value: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ids of `PropertyValue` nodes: `name=value`, in which a `=` of the name is `%3D`, so that they are unambiguous."""
    return pc.binary_join_element_wise(pc.replace_substring(name, "=", "%3D"), value, "=")


def in_microseconds(table: pa.Table) -> pa.Table:
    """With times in the unit that the engine's timestamps have."""
    return table.cast(pa.schema([
        field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field for field in table.schema
    ]))  # fmt: skip


def write_plan(
    directory: Path,
    nodes: GraphTables,
    derived: Derived,
    book: Mapping[str, pa.Table],
    interactions: Mapping[str, Sequence[Path]],
    superseded: pa.Table,
) -> None:
    """Write the small tables as Ladybug's COPY wants them, and the plan that lists all files.

    Args:
        directory: Where to.
        nodes: Nodes and properties; its interactions are not looked at.
        derived: Signals, similarities and audiences.
        book: `Dataset` and `Load` nodes.
        interactions: Files of interactions by type; those in `directory` are removed when they have been copied.
        superseded: Replaced versions.
    """
    plan: list[dict[str, object]] = []
    groups = node_groups(interactions)

    def put(kind: str, table: pa.Table, source: str = "", target: str = "", *, between: str = "") -> None:
        if not len(table):
            return
        path = directory / f"{len(plan):02d}.parquet"
        pq.write_table(in_microseconds(table), path, compression="lz4")
        plan.append({"table": kind, "files": [str(path)], "from": source, "to": target, "between": between})

    def put_spread(label: str, table: pa.Table) -> None:
        wide = spread(table, groups[label])
        put(label, wide.nodes if wide else table, between=wide.prefix if wide else "")

    def pairs(table: pa.Table, source: str, target: str) -> pa.Table:
        linked = table.filter(pc.is_valid(table[target]))
        return pa.table({"from": linked[source], "to": linked[target]})

    put("Customer", _with_scores(nodes.customers, derived.scores))
    put_spread("Product", nodes.products.select(["id", "name", "price", "stub"]))
    put("Category", nodes.categories.select(["id", "name"]))
    put("Brand", nodes.brands)
    put_spread("Campaign", nodes.campaigns)
    values = [_values(table) for table in nodes.properties.values()]
    put("PropertyValue", pa.concat_tables(values).group_by(["id", "name", "value"]).aggregate([]))
    put("Audience", derived.audiences)
    for label, table in book.items():
        put(label, table)
    for name in INTERACTIONS:
        if files := [path.resolve() for path in interactions.get(name, ())]:
            plan.append({"table": name, "files": list(map(str, files)), "constants": constants(files)})
    columns = [*INTERACTION_PROPERTIES, "load"]
    of_campaign = pc.is_in(superseded["type"], value_set=pa.array(CAMPAIGN_INTERACTIONS))
    for label, table in (
        ("Product", superseded.filter(pc.invert(of_campaign))),
        ("Campaign", superseded.filter(of_campaign)),
    ):
        put("SUPERSEDED", table.select(["customer", "target", *columns, "type", "superseded_at"]), "Customer", label)
    put("IN_CATEGORY", pairs(nodes.products, "id", "category"))
    put("CHILD_OF", pairs(nodes.categories, "id", "parent"))
    put("MADE_BY", pairs(nodes.products, "id", "brand"))
    for label in PROPERTY_OWNERS:
        table = nodes.properties[label]
        links = pa.table({
            "from": table["owner"],
            "to": property_value_id(table["name"], table["value"]),
            "valid_from": table["valid_from"],
            "load": pa.nulls(len(table), pa.int64()),
        })  # fmt: skip
        put("HAS_PROPERTY", links, label, "PropertyValue")
    put("SIMILAR_TO", derived.similar)
    put("IN_AUDIENCE", derived.members)
    (directory / _PLAN).write_text(json.dumps(plan))


def quoted(path: str | Path) -> str:
    """A path as a text in Cypher: COPY takes none as a parameter."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def build(directory: Path, progress: Progress) -> None:
    """Create the store in `directory` from its plan, and remove the tables there."""
    import ladybug

    plan = json.loads((directory / _PLAN).read_text())
    # A COPY takes what it can get before it spills to disk; more than there is would have the system end it.
    pool = int((available_memory() or 0) * _SHARE_OF_MEMORY)  # 0: as the engine thinks fit
    database = ladybug.Database(str(directory / FILE_NAME), buffer_pool_size=pool)
    connection = ladybug.Connection(database)
    left_out = {entry["table"]: entry["constants"] for entry in plan if entry.get("constants")}
    late = _make_tables(connection, left_out)
    for number, entry in enumerate(plan):
        table = entry["table"]
        # COPY takes neither its table nor its files as parameters; both come from the plan above, not from a user.
        ends = f" (from='{entry['from']}', to='{entry['to']}')" if entry.get("from") else ""
        progress(f"building the graph: {table}", number / len(plan))
        files = f"[{', '.join(map(quoted, entry['files']))}]"
        if table in late:
            columns = [each for each in _COLUMNS if each not in left_out[table]]
            files = f"(LOAD FROM {files} RETURN {', '.join(columns)})"
        connection.execute(f"COPY {table} FROM {files}{ends}")
        for declaration in late.get(table, ()):
            connection.execute(f"ALTER TABLE {table} ADD {declaration}")
        if entry.get("between"):
            text = cypher.statement(f"load/remove_between_{table.lower()}", "ladybug").text
            connection.execute(text, {"prefix": entry["between"]})
            connection.execute("CHECKPOINT")
        for path in map(Path, entry["files"]):
            if path.parent == directory:
                path.unlink()
    progress("building the graph: writing", 1.0)
    connection.execute("CHECKPOINT")
    connection.close()
    database.close()
    (directory / _PLAN).unlink()


def _make_tables(connection: ladybug.Connection, left_out: Mapping[str, Constants]) -> dict[str, list[str]]:
    """Make all tables; returns the declarations of columns that were left out, by table."""
    late = {}
    for name in cypher.names("schema", "ladybug"):
        text = cypher.statement(name, "ladybug").text
        for table, columns in left_out.items():
            if f"TABLE {table}(" in text:
                text, late[table] = without_columns(text, columns)
        connection.execute(text)
    return late


def _values(table: pa.Table) -> pa.Table:
    identifiers = property_value_id(table["name"], table["value"])
    return pa.table({"id": identifiers, "name": table["name"], "value": table["value"]})


def _with_scores(customers: pa.Table, scores: pa.Table) -> pa.Table:
    place = pc.index_in(customers["id"], value_set=scores["id"].combine_chunks())
    columns = {
        field.name: scores[field.name].take(place) if len(scores) else pa.nulls(len(customers), field.type)
        for field in SCORE_SCHEMA
        if field.name != "id"
    }
    return pa.table({"id": customers["id"], **columns})


if __name__ == "__main__":
    serve(build)
