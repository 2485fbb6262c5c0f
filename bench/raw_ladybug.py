"""The references: the same work by the embedded engine alone, with the statements that one would write by hand.

    python -m bench.raw_ladybug copy PLANNED DATABASE [--pool BYTES]
    python -m bench.raw_ladybug export DATABASE [--pool BYTES]
    python -m bench.raw_ladybug append DATABASE PLANNED

prints one line of JSON. PLANNED is a directory of rows as `bench.timed_store` keeps them. These statements stand here
and not below `cypher/`: they are no part of Habitué.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import ladybug
import pyarrow as pa
import pyarrow.parquet as pq

import cypher
from graph.ladybug_build import quoted
from graph.ladybug_query import rows_of, run
from graph.model import INTERACTION_PROPERTIES, INTERACTIONS, interaction_target

COLUMNS = (*INTERACTION_PROPERTIES, "load")
_BATCH_ROWS = 10_000


def copy(options: argparse.Namespace) -> dict[str, Any]:
    """One COPY for each table, into an empty database of the same schema."""
    plan = json.loads((options.rows / "plan.json").read_text())
    begin = time.perf_counter()
    database = ladybug.Database(str(options.database), buffer_pool_size=options.pool)
    connection = ladybug.Connection(database)
    for name in cypher.names("schema", "ladybug"):
        connection.execute(cypher.statement(name, "ladybug").text)
    seconds = {"interactions": 0.0, "others": 0.0}
    for entry in plan:
        columns = f"({', '.join(f'`{name}`' for name in entry['columns'])})" if entry["columns"] else ""
        ends = f" (from='{entry['source']}', to='PropertyValue')" if entry["source"] else ""
        started = time.perf_counter()
        connection.execute(f"COPY {entry['table']}{columns} FROM [{', '.join(map(quoted, entry['files']))}]{ends}")
        seconds["interactions" if entry["table"] in INTERACTIONS else "others"] += time.perf_counter() - started
    started = time.perf_counter()
    connection.execute("CHECKPOINT")
    connection.close()
    database.close()
    return {
        "copy_seconds": round(time.perf_counter() - begin, 3),
        "interactions_seconds": round(seconds["interactions"], 3),
        "others_seconds": round(seconds["others"], 3),
        "checkpoint_seconds": round(time.perf_counter() - started, 3),
        "file_mb": options.database.stat().st_size // 1_000_000,
    }


def export(options: argparse.Namespace) -> dict[str, Any]:
    """Every interaction with all its columns and the offsets of its ends, one statement and one Arrow table a type."""
    database = ladybug.Database(str(options.database), buffer_pool_size=options.pool, read_only=True)
    connection = ladybug.Connection(database)
    run(connection, "MATCH (n:Dataset) RETURN n.id").get_all()  # reads what opening has put off
    properties = ", ".join(f"r.{name} AS {name}" for name in COLUMNS)
    rows = size = 0
    begin = time.perf_counter()
    for name in INTERACTIONS:
        table = run(
            connection,
            f"MATCH (c:Customer)-[r:{name}]->(t:{interaction_target(name)}) "
            f"RETURN offset(id(c)) AS customer, offset(id(t)) AS target, {properties}",
        ).get_as_arrow()
        rows, size = rows + len(table), size + table.nbytes
    return {"rows": rows, "export_seconds": round(time.perf_counter() - begin, 3), "arrow_mb": size // 1_000_000}


def append(options: argparse.Namespace) -> dict[str, Any]:
    """A load's interactions by `LOAD FROM … MATCH … MATCH … CREATE`; its nodes are made first, and not counted."""
    plan = {entry["table"]: entry["files"] for entry in json.loads((options.rows / "plan.json").read_text())}
    database = ladybug.Database(str(options.database), buffer_pool_size=options.pool, auto_checkpoint=False)
    connection = ladybug.Connection(database)
    connection.execute("CALL force_checkpoint_on_close=false")
    for label in ("Customer", "Product"):
        for path in plan.get(label, ()):
            ids = [{"id": each} for each in pq.read_table(path, columns=["id"])["id"].to_pylist()]
            match = f"UNWIND $rows AS row MATCH (n:{label} {{id: row.id}}) RETURN n.id"
            known = {row[0] for row in rows_of(run(connection, match, {"rows": ids}))}
            new = [row for row in ids if row["id"] not in known]
            if new:
                connection.execute(f"UNWIND $rows AS row CREATE (:{label} {{id: row.id}})", {"rows": new})
    rows = 0
    begin = time.perf_counter()
    for name in INTERACTIONS:
        for path in plan.get(name, ()):
            for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS):
                rows += len(batch)
                _create(connection, name, pa.Table.from_batches([batch]))
    return {"rows": rows, "append_seconds": round(time.perf_counter() - begin, 3)}


def _create(connection: ladybug.Connection, name: str, table: pa.Table) -> None:
    assigned = ", ".join(f"{column}: {column}" for column in table.column_names if column not in ("customer", "target"))
    connection.execute(
        f"LOAD FROM $rows WITH * MATCH (c:Customer {{id: customer}}) WITH * "
        f"MATCH (t:{interaction_target(name)} {{id: target}}) CREATE (c)-[:{name} {{{assigned}}}]->(t)",
        {"rows": table},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="work", required=True)
    for work, function, names in (
        ("copy", copy, ("rows", "database")),
        ("export", export, ("database",)),
        ("append", append, ("database", "rows")),
    ):
        command = commands.add_parser(work)
        for name in names:
            command.add_argument(name, type=Path)
        command.add_argument("--pool", type=int, default=0, help="bytes of the buffer pool; by default the engine's")
        command.set_defaults(function=function)
    options = parser.parse_args()
    print(json.dumps(options.function(options)), flush=True)


if __name__ == "__main__":
    main()
