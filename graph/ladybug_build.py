"""Build an embedded store from Parquet tables: `python -m graph.ladybug_build DIRECTORY`.

Runs as a process of its own, so that the memory of a bulk load goes back to the system, and a crash inside the engine
ends this process and nothing else. The directory holds the tables and `plan.json`, the list of what to copy, in order.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import cypher
from graph.model import INTERACTION_PROPERTIES, INTERACTIONS, PROPERTY_OWNERS, SCORE_SCHEMA, interaction_target
from graph.tables import GraphTables

FILE_NAME = "graph.lbug"
_BUFFER_BYTES = 1 << 30


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


def write_plan(directory: Path, tables: GraphTables, derived: Derived, book: dict[str, pa.Table]) -> None:
    """Write the tables as Ladybug's COPY wants them, and the plan that lists them.

    Args:
        directory: Where to.
        tables: The graph.
        derived: Signals, similarities and audiences.
        book: `Dataset` and `Load` nodes.
    """
    plan: list[dict[str, str]] = []

    def put(kind: str, table: pa.Table, source: str = "", target: str = "") -> None:
        if not len(table):
            return
        name = f"{len(plan):02d}.parquet"
        microseconds = [
            field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field
            for field in table.schema
        ]
        pq.write_table(table.cast(pa.schema(microseconds)), directory / name, compression="lz4")
        plan.append({"table": kind, "file": name, "from": source, "to": target})

    def pairs(table: pa.Table, source: str, target: str) -> pa.Table:
        linked = table.filter(pc.is_valid(table[target]))
        return pa.table({"from": linked[source], "to": linked[target]})

    put("Customer", _with_scores(tables.customers, derived.scores))
    put("Product", tables.products.select(["id", "name", "price", "stub"]))
    put("Category", tables.categories.select(["id", "name"]))
    put("Brand", tables.brands)
    put("Campaign", tables.campaigns)
    values = [_values(table) for table in tables.properties.values()]
    put("PropertyValue", pa.concat_tables(values).group_by(["id", "name", "value"]).aggregate([]))
    put("Audience", derived.audiences)
    for label, table in book.items():
        put(label, table)
    columns = [*INTERACTION_PROPERTIES, "load"]
    for name in INTERACTIONS:
        put(name, tables.interactions[name].select(["customer", "target", *columns]))
    of_product = pc.is_in(tables.superseded["type"], value_set=pa.array(_types_to("Product")))
    for label, table in (
        ("Product", tables.superseded.filter(of_product)),
        ("Campaign", tables.superseded.filter(pc.invert(of_product))),
    ):
        put("SUPERSEDED", table.select(["customer", "target", *columns, "type", "superseded_at"]), "Customer", label)
    put("IN_CATEGORY", pairs(tables.products, "id", "category"))
    put("CHILD_OF", pairs(tables.categories, "id", "parent"))
    put("MADE_BY", pairs(tables.products, "id", "brand"))
    for label in PROPERTY_OWNERS:
        table = tables.properties[label]
        links = pa.table({
            "from": table["owner"],
            "to": property_value_id(table["name"], table["value"]),
            "valid_from": table["valid_from"],
            "load": pa.nulls(len(table), pa.int64()),
        })  # fmt: skip
        put("HAS_PROPERTY", links, label, "PropertyValue")
    put("SIMILAR_TO", derived.similar)
    put("IN_AUDIENCE", derived.members)
    (directory / "plan.json").write_text(json.dumps(plan))


def quoted(path: Path) -> str:
    """A path as a text in Cypher: COPY takes none as a parameter."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def build(directory: Path) -> None:
    """Create the store in `directory` from its plan, and remove the tables."""
    import ladybug

    plan = json.loads((directory / "plan.json").read_text())
    database = ladybug.Database(str(directory / FILE_NAME), buffer_pool_size=_BUFFER_BYTES)
    connection = ladybug.Connection(database)
    for name in cypher.names("schema", "ladybug"):
        connection.execute(cypher.statement(name, "ladybug").text)
    for number, entry in enumerate(plan):
        # COPY takes neither its table nor its file as a parameter; both come from the plan above, not from a user.
        ends = f" (from='{entry['from']}', to='{entry['to']}')" if entry["from"] else ""
        connection.execute(f"COPY {entry['table']} FROM {quoted(directory / entry['file'])}{ends}")
        print(json.dumps({"table": entry["table"], "done": (number + 1) / len(plan)}), flush=True)
        (directory / entry["file"]).unlink()
    connection.execute("CHECKPOINT")
    connection.close()
    database.close()
    (directory / "plan.json").unlink()


def _types_to(label: str) -> list[str]:
    return [name for name in INTERACTIONS if interaction_target(name) == label]


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


def _end_with_parent() -> None:
    """Standard input ends when the process that asked for the build does: nobody waits for the result any more."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    build(Path(sys.argv[1]))
