"""The first load of a Neo4j database by its offline importer, many times faster than through the server.

The graph is written as CSV files, exactly as an online load would leave it: with the book, the data set's facts and
the numbers of loads. `import.sh` holds the importer's command, `after.cypher` the constraints to create when the
server runs again (a repair or the next load creates them, too). Interactions are written part by part.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

import cypher
from graph.change_files import EventPart, LoadChanges
from graph.changes import GraphChanges
from graph.ladybug_build import property_value_id
from graph.model import INTERACTION_PROPERTIES, INTERACTIONS, PROPERTY_OWNERS, TIMESTAMP, interaction_target
from graph.store import DatasetFacts, LoadRecord, Progress
from graph.tables import GraphTables
from habitue.errors import StoreError, UsageError

_WRITERS = 2
#: Of the importer, at least: with as many as cores its own steps wait for each other, on two of them a quarter longer.
_THREADS = 8
_TYPES = {
    pa.string(): "",
    pa.float64(): "double",
    pa.int64(): "long",
    pa.bool_(): "boolean",
    TIMESTAMP: "localdatetime",
}
_PERCENT = re.compile(r"(\d{1,3})%")


@dataclass(frozen=True)
class _Group:
    """Files of one kind of node or relationship: a header of its own, and rows."""

    option: str  # nodes or relationships
    kind: str
    header: str
    rows: str  # name, or a pattern of names


class OfflineStore:
    """An empty Neo4j database that no server runs: what `graph.loading.load` asks of a store, for a first load.

    Args:
        directory: Where the files go; empty, or not there.
        importer: The command that runs `neo4j-admin`, such as `("neo4j-admin",)`; empty to write the files only.
        database: To import into.
        overwrite: Replace the database that is there, as the importer must where a server has run before.
    """

    dialect = "neo4j"

    def __init__(
        self, directory: Path, *, importer: Sequence[str] = (), database: str = "neo4j", overwrite: bool = False
    ) -> None:
        if directory.exists() and any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty.", hint="Name a new directory.")
        self.directory = directory
        self._importer = tuple(importer)
        self._database = database
        self._overwrite = overwrite

    def facts(self) -> DatasetFacts | None:
        """None: nothing was ever loaded."""
        return None

    def loads(self) -> list[LoadRecord]:
        """None yet."""
        return []

    def nodes(self) -> GraphTables:
        """None yet."""
        return GraphTables.empty()

    def held(self, _staged: GraphTables) -> GraphTables:
        """Nothing."""
        return GraphTables.empty()

    def check_capacity(self, _rows: int) -> None:
        """Nothing to refuse: memory does not grow with the load."""

    def unmerged(self) -> int:
        """Nothing is put off."""
        return 0

    def expecting(self, _rows: int) -> AbstractContextManager[None]:
        """Nothing to make ready."""
        return nullcontext()

    def apply(self, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, progress: Progress) -> None:
        """Write the files and, where an importer is named, run it."""
        command = write_import(self.directory, changes, book, facts, self._database, progress)
        if self._importer:
            run_import([*self._importer, *command, *(["--overwrite-destination"] if self._overwrite else [])], progress)


def write_import(
    directory: Path,
    changes: LoadChanges,
    book: Sequence[LoadRecord],
    facts: DatasetFacts,
    database: str,
    progress: Progress,
) -> list[str]:
    """Write the CSV files, `import.sh` and `after.cypher`.

    Args:
        directory: Where to.
        changes: All of a graph: nothing of it may replace anything.
        book: The loads that it consists of.
        facts: Of the data set.
        database: To import into.
        progress: Called with how far writing is.

    Returns:
        Arguments of `neo4j-admin`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    writer = _CsvWriter(directory)
    load = max(each.sequence for each in book)
    groups = [*_write_nodes(writer, changes.nodes, load), *_write_book(writer, book, facts)]
    groups += _write_events(writer, changes.parts, load, progress)
    command = ["database", "import", "full", database, "--id-type=string"]
    if writer.multiline:
        command.append("--multiline-fields=true")
    command += [f"--{each.option}={each.kind}={directory / each.header},{directory / each.rows}" for each in groups]
    command.append(f"--report-file={directory / 'import.report'}")
    (directory / "import.sh").write_text(
        "#!/bin/sh\n# Run this where Neo4j is installed, while its server is stopped. Where the server has run\n"
        "# before, add --overwrite-destination: it replaces the database and all that it holds.\n"
        "cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)\n"
        f"threads=$((cores > {_THREADS} ? cores : {_THREADS}))\n"
        f'exec neo4j-admin {shlex.join(command)} --threads="$threads" "$@"\n',
        encoding="utf-8",
    )
    (directory / "import.sh").chmod(0o755)
    schema = [cypher.statement(name, "neo4j").text for name in cypher.names("schema", "neo4j")]
    (directory / "after.cypher").write_text(";\n".join(schema) + ";\n", encoding="utf-8")
    return command


def run_import(command: Sequence[str], progress: Progress) -> None:
    """Run the importer, with more threads than a small machine has cores.

    Raises:
        StoreError: If it is not there, or fails.
    """
    progress("importing into Neo4j", 0.0)
    last = ""
    try:
        with subprocess.Popen(  # noqa: S603 - the operator's own command
            [*command, f"--threads={max(_THREADS, os.cpu_count() or 1)}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as importer:
            for line in importer.stdout or ():
                last = line.strip() or last
                if found := _PERCENT.search(line):
                    progress("importing into Neo4j", min(1.0, int(found[1]) / 100))
    except OSError as error:
        raise StoreError(
            f"The importer {command[0]!r} does not start: {error.strerror}.",
            hint="Name it by --importer or HABITUE_NEO4J_ADMIN, such as /usr/bin/neo4j-admin.",
        ) from error
    if importer.returncode:
        raise StoreError(
            f"The importer failed: {last}",
            hint="Stop the server first; where it has run before, its database is replaced by --overwrite only.",
        )
    progress("importing into Neo4j", 1.0)


class _CsvWriter:
    """Writes tables as the importer reads them; notes whether any text goes over several lines."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.multiline = False

    def group(self, option: str, kind: str, name: str, columns: Mapping[str, str], rows: str = "") -> _Group:
        """Write a header: columns with their types."""
        header = ",".join(f"{column}:{kind}" if kind else column for column, kind in columns.items())
        (self._directory / f"{name}-header.csv").write_text(header + "\n", encoding="utf-8")
        return _Group(option, kind, f"{name}-header.csv", rows or f"{name}.csv")

    def rows(self, name: str, table: pa.Table) -> None:
        """Write rows: nulls as nothing, texts in quotes, times as the importer takes them."""
        columns = {}
        for column in table.column_names:
            values = table[column]
            if pa.types.is_timestamp(values.type):
                text = values.cast(pa.timestamp("ms")).cast(pa.string())
                values = pc.binary_replace_slice(text, 10, 11, "T")
            elif pa.types.is_string(values.type) and not self.multiline:
                self.multiline = bool(pc.any(pc.match_substring_regex(values, "[\r\n]")).as_py())
            columns[column] = values
        options = pyarrow.csv.WriteOptions(include_header=False, batch_size=64_000)
        pyarrow.csv.write_csv(pa.table(columns), self._directory / name, options)

    def table(self, option: str, kind: str, name: str, table: pa.Table, ends: Mapping[str, str]) -> Iterator[_Group]:
        """Write a whole table, if it has rows. `ends` gives columns that are keys their own headers."""
        if not len(table):
            return
        columns: dict[str, str] = {}
        for column in table.schema:
            if column.name in ends:
                columns[ends[column.name]] = ""
            else:
                columns[column.name] = _TYPES[column.type]
        self.rows(f"{name}.csv", table)
        yield self.group(option, kind, name, columns)


def _write_nodes(writer: _CsvWriter, changes: GraphChanges, load: int) -> Iterator[_Group]:
    added = changes.added

    def nodes(label: str, table: pa.Table, **more: int) -> Iterator[_Group]:
        for column, value in {"load": load, **more}.items():
            table = table.append_column(column, pa.array([value] * len(table), pa.int64()))
        yield from writer.table("nodes", label, label, table, {"id": f"id:ID({label})"})

    def links(kind: str, name: str, table: pa.Table, source: str, target: str) -> Iterator[_Group]:
        ends = {"source": f":START_ID({source})", "target": f":END_ID({target})"}
        yield from writer.table("relationships", kind, name, table, ends)

    def pairs(table: pa.Table, target: str) -> pa.Table:
        linked = table.filter(pc.is_valid(table[target]))
        return pa.table({"source": linked["id"], "target": linked[target]})

    yield from nodes("Customer", added.customers, last_load=load)
    yield from nodes("Product", added.products.select(["id", "name", "price", "stub"]))
    yield from nodes("Category", added.categories.select(["id", "name"]))
    yield from nodes("Brand", added.brands)
    yield from nodes("Campaign", added.campaigns)
    values = []
    for table in added.properties.values():
        ids = property_value_id(table["name"], table["value"])
        values.append(pa.table({"id": ids, "name": table["name"], "value": table["value"]}))
    distinct = pa.concat_tables(values).group_by(["id", "name", "value"]).aggregate([])
    yield from nodes("PropertyValue", distinct)
    yield from links("CHILD_OF", "CHILD_OF", pairs(added.categories, "parent"), "Category", "Category")
    yield from links("IN_CATEGORY", "IN_CATEGORY", pairs(added.products, "category"), "Product", "Category")
    yield from links("MADE_BY", "MADE_BY", pairs(added.products, "brand"), "Product", "Brand")
    for label in PROPERTY_OWNERS:
        table = added.properties[label]
        properties = pa.table({
            "source": table["owner"],
            "target": property_value_id(table["name"], table["value"]),
            "valid_from": table["valid_from"],
            "load": pa.array([load] * len(table), pa.int64()),
        })  # fmt: skip
        yield from links("HAS_PROPERTY", f"HAS_PROPERTY-{label}", properties, label, "PropertyValue")


def _write_book(writer: _CsvWriter, book: Sequence[LoadRecord], facts: DatasetFacts) -> Iterator[_Group]:
    loads = pa.table({
        "id": pa.array([each.sequence for each in book], pa.int64()),
        "source": [each.source for each in book],
        "started_at": pa.array([each.started_at for each in book], TIMESTAMP),
        "finished_at": pa.array([each.finished_at for each in book], TIMESTAMP),
        "complete": [True] * len(book),
        "report": [each.report for each in book],
    })  # fmt: skip
    yield from writer.table("nodes", "Load", "Load", loads, {})
    dataset = pa.table({"id": [facts.name], "facts": [facts.model_dump_json()]})
    yield from writer.table("nodes", "Dataset", "Dataset", dataset, {"id": "id:ID(Dataset)"})


def _write_events(writer: _CsvWriter, parts: Sequence[EventPart], load: int, progress: Progress) -> Iterator[_Group]:
    """Write interactions, some parts at a time; columns without any value are left out of all files of a type."""
    filled = {name: _columns_with_values(name, parts) for name in INTERACTIONS}
    met: set[str] = set()

    def write(number: int) -> None:
        for name in INTERACTIONS:
            path = parts[number].added_file(name)
            if path is not None:
                writer.rows(f"{name}-{number:05d}.csv", pq.read_table(path, columns=filled[name], partitioning=None))
                met.add(name)
        superseded = parts[number].superseded()
        for label in ("Product", "Campaign"):
            kinds = [name for name in INTERACTIONS if interaction_target(name) == label]
            table = superseded.filter(pc.is_in(superseded["type"], value_set=pa.array(kinds)))
            if len(table):
                by = pa.array([load] * len(table), pa.int64())
                writer.rows(f"SUPERSEDED-{label}-{number:05d}.csv", table.append_column("by", by))
                met.add(f"SUPERSEDED-{label}")

    with ThreadPoolExecutor(_WRITERS) as pool:
        for number, _ in enumerate(pool.map(write, range(len(parts)))):
            progress("writing CSV", (number + 1) / len(parts))
    kinds = {**INTERACTION_PROPERTIES, "load": pa.int64()}
    for name in INTERACTIONS:
        if name in met:
            columns = {**_ends(interaction_target(name)), **{each: _TYPES[kinds[each]] for each in filled[name][2:]}}
            yield writer.group("relationships", name, name, columns, f"{name}-[0-9]+\\.csv")
    kinds |= {"type": pa.string(), "superseded_at": TIMESTAMP, "by": pa.int64()}
    for label in ("Product", "Campaign"):
        if f"SUPERSEDED-{label}" in met:
            columns = {**_ends(label), **{each: _TYPES[kind] for each, kind in kinds.items()}}
            name = f"SUPERSEDED-{label}"
            yield writer.group("relationships", "SUPERSEDED", name, columns, f"{name}-[0-9]+\\.csv")


def _ends(label: str) -> dict[str, str]:
    return {":START_ID(Customer)": "", f":END_ID({label})": ""}


def _columns_with_values(name: str, parts: Sequence[EventPart]) -> list[str]:
    """Columns of a type's files in which any part has a value, by what the files say of themselves."""
    filled: dict[str, bool] = {}
    for part in parts:
        path = part.added_file(name)
        if path is None:
            continue
        metadata = pq.read_metadata(path)
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                column = metadata.row_group(group).column(number)
                known = column.statistics is not None and column.statistics.has_null_count
                empty = known and column.statistics.null_count == metadata.row_group(group).num_rows
                filled[column.path_in_schema] = filled.get(column.path_in_schema, False) or not empty
    return [column for column, some in filled.items() if some]
