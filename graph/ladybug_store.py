"""The embedded graph: a Ladybug database for each version of it, in one directory (see `graph.versions`).

A load never touches the version that readers see. It makes the next one, by bulk COPY in a child process or, for few
rows, by changing a copy in a transaction, and publishes it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import ladybug
import pyarrow as pa
import pyarrow.parquet as pq

import cypher
from graph import ladybug_build
from graph.changes import GraphChanges, merge
from graph.guard import check_read_only
from graph.ladybug_export import export_derived, export_tables
from graph.ladybug_increment import apply_increment, in_batches
from graph.ladybug_query import fetch_rows, plain, rows_of, run
from graph.model import INTERACTIONS, NO_PRODUCT, TIMESTAMP
from graph.row_cache import RowCache
from graph.store import DatasetFacts, LoadRecord, Progress, QueryLimits, Rows, StoreHealth, best_first
from graph.tables import GraphTables
from graph.time import utc_now
from graph.versions import VersionedDirectory
from habitue.errors import CypherRefusedError, NothingLoadedError, StoreError

_READ_BUFFER_BYTES = 512 << 20
_INCREMENT_ROWS = 20_000  # from here on, building anew by COPY is faster than CREATE row by row


class LadybugStore:
    """A `GraphStore` in a directory. Safe to read from several threads; each has its own connection."""

    dialect = "ladybug"

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self.directory = directory
        self.read_only = read_only
        self._versions = VersionedDirectory(directory)
        self._open_lock = threading.Lock()
        self._open: tuple[str, ladybug.Database] | None = None
        self._local = threading.local()
        self._neighbours = RowCache()

    # -- versions ---------------------------------------------------------------------------------------------------

    def version(self) -> str:
        """Name of the published version; empty when there is none."""
        return self._versions.current()

    def close(self) -> None:
        with self._open_lock:
            if self._open is not None:
                self._open[1].close()
                self._open = None

    def _connection(self) -> ladybug.Connection:
        """This thread's connection to the published version, opened again when a newer one was published."""
        version = self.version()
        if not version:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        if getattr(self._local, "version", None) != version:
            self._local.connection = ladybug.Connection(self._database(version), num_threads=1)
            self._local.version = version
        connection: ladybug.Connection = self._local.connection
        return connection

    def _database(self, version: str) -> ladybug.Database:
        with self._open_lock:
            if self._open is None or self._open[0] != version:
                path = self.directory / version / ladybug_build.FILE_NAME
                try:
                    database = ladybug.Database(str(path), buffer_pool_size=_READ_BUFFER_BYTES, read_only=True)
                except (RuntimeError, OSError) as error:
                    raise StoreError(
                        f"The embedded graph at {path} does not open: {error}.",
                        hint="Another process may hold it; otherwise restore it or load the data again.",
                    ) from error
                self._open = (version, database)  # the former one closes when its last connection is gone
            return self._open[1]

    @contextmanager
    def _next_version(self) -> Iterator[Path]:
        """A directory to make the next version in; published when the block ends without error."""
        if self.read_only:
            raise StoreError("The embedded graph is open for reading only.", hint="Writing is another process's work.")
        with self._versions.next() as building:
            yield building

    # -- facts and whole tables -------------------------------------------------------------------------------------

    def facts(self) -> DatasetFacts | None:
        if not self.version():
            return None
        rows = self.read("read/dataset").rows
        return DatasetFacts.model_validate_json(rows[0][1]) if rows else None

    def loads(self) -> list[LoadRecord]:
        return [LoadRecord(*row) for row in self.read("read/loads").rows] if self.version() else []

    def health(self) -> StoreHealth:
        problems = tuple(
            f"an interrupted change was left behind ({name}); the next load removes it"
            for name in self._versions.left_behind()
        )
        url = f"ladybug://{self.directory}"
        counts: dict[str, int] = {}
        if self.version():
            connection = self._connection()
            for row in rows_of(run(connection, "CALL show_tables() RETURN name, type")):
                name, kind = row
                pattern = f"(n:{name})" if kind == "NODE" else f"()-[n:{name}]->()"
                counts[name] = int(rows_of(run(connection, f"MATCH {pattern} RETURN count(n)"))[0][0])
        return StoreHealth(url, f"ladybug {ladybug.Database.get_version()}", counts, problems)

    def tables(self) -> GraphTables:
        return export_tables(self._connection()) if self.version() else GraphTables.empty()

    # -- changes ----------------------------------------------------------------------------------------------------

    def apply(self, changes: GraphChanges, record: LoadRecord, facts: DatasetFacts, progress: Progress) -> None:
        rows = sum(changes.added.counts().values()) + sum(map(len, changes.added.properties.values()))
        before = self.version()
        with self._next_version() as building:
            if before and rows < _INCREMENT_ROWS:
                with self._changing_copy(building) as connection:
                    apply_increment(connection, changes, record, facts, progress)
            else:
                held = self.tables()
                book = {
                    "Dataset": pa.table({"id": [facts.name], "facts": [facts.model_dump_json()]}),
                    "Load": _load_table([*self.loads(), replace(record, finished_at=utc_now())]),
                }
                derived = export_derived(self._connection() if before else None)
                progress("writing tables", 0.0)
                ladybug_build.write_plan(building, merge(held, changes), derived, book)
                _build_in_child(building, progress)

    @contextmanager
    def _changing_copy(self, building: Path, *, transaction: bool = True) -> Iterator[ladybug.Connection]:
        """A writable copy of the published version, changed in one transaction (COPY wants none)."""
        if not self.version():
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        target = building / ladybug_build.FILE_NAME
        shutil.copyfile(self.directory / self.version() / ladybug_build.FILE_NAME, target)
        database = ladybug.Database(str(target), buffer_pool_size=_READ_BUFFER_BYTES)
        connection = ladybug.Connection(database, num_threads=2)
        try:
            if transaction:
                connection.execute("BEGIN TRANSACTION")
            yield connection
            if transaction:
                connection.execute("COMMIT")
            connection.execute("CHECKPOINT")
        except RuntimeError as error:
            raise StoreError(f"The embedded graph refused a change: {error}.") from error
        finally:
            connection.close()
            database.close()

    def write_scores(self, scores: pa.Table, progress: Progress) -> None:
        with self._next_version() as building, self._changing_copy(building) as connection:
            connection.execute(cypher.statement("load/clear_scores", "ladybug").text)
            in_batches(connection, "load/set_scores", scores, progress, "writing scores")

    def write_similar(self, pairs: pa.Table, model: str, progress: Progress) -> None:
        progress("writing similarities", 0.0)
        table = pairs.append_column("model", pa.array([model] * len(pairs), pa.string()))
        with self._next_version() as building, self._changing_copy(building, transaction=False) as connection:
            # The version is private until it is published, so the table can be dropped and filled anew by COPY.
            connection.execute("DROP TABLE SIMILAR_TO")
            connection.execute(cypher.statement("schema/40_similar_to", "ladybug").text)
            if len(table):
                rows = building / "similar.parquet"
                pq.write_table(table, rows)
                connection.execute(f"COPY SIMILAR_TO FROM {ladybug_build.quoted(rows)}")
                rows.unlink()

    def write_audience(self, audience: Mapping[str, Any], members: Iterable[Mapping[str, Any]]) -> None:
        with self._next_version() as building, self._changing_copy(building) as connection:
            connection.execute(cypher.statement("load/clear_audience", "ladybug").text, {"id": audience["id"]})
            connection.execute(cypher.statement("load/add_audience", "ladybug").text, dict(audience))
            table = pa.Table.from_pylist([dict(member) for member in members])
            in_batches(connection, "load/add_members", table, lambda *_: None, "", audience=audience["id"])

    # -- reading ----------------------------------------------------------------------------------------------------

    def read(self, name: str, **parameters: Any) -> Rows:
        text = cypher.statement(name, self.dialect).text
        try:
            result = run(self._connection(), text, parameters)
        except RuntimeError as error:
            self._local.version = None  # what the connection keeps of a failed statement would spoil the next ones
            raise StoreError(f"The embedded graph refused {name}: {error}.") from error
        return Rows(tuple(result.get_column_names()), [tuple(plain(v) for v in row) for row in rows_of(result)])

    def neighbours(self, relationship: str, direction: str, ids: list[str], limit: int) -> list[dict[str, Any]]:
        if not self._occurs(relationship):
            return []
        # One statement for each node in the middle: a primary key is looked up at once, a list of them by a scan.
        # None has a LIMIT: as a parameter it would have the statement planned anew each time, the dearest part.
        text = cypher.statement(f"read/neighbours_{relationship.lower()}_{direction}", self.dialect).text
        connection = self._connection()
        version = self._local.version

        def fetch(middle: str) -> Rows:
            result = run(connection, text, {"id": middle})
            rows = [tuple(row) for row in result.get_n(limit + 1)]
            columns = tuple(result.get_column_names())
            return Rows(columns, [row for row in rows if row[columns.index("id")] != NO_PRODUCT][:limit])

        keys = {middle: (version, relationship, direction, middle, limit) for middle in ids}
        found = {middle: self._neighbours.get(key) for middle, key in keys.items()}
        missing = [middle for middle, rows in found.items() if rows is None]
        for middle in missing:
            answer = found[middle] = fetch(middle)
            self._neighbours.put(keys[middle], answer)
        known = {middle: answer for middle, answer in found.items() if answer is not None}
        return best_first([{"middle": middle, **row} for middle, answer in known.items() for row in answer.dicts()])

    def _occurs(self, relationship: str) -> bool:
        """Whether the published version has any such relationship; asked once for each version."""
        connection = self._connection()
        counted: dict[str, bool] | None = getattr(self._local, "occurs", None)
        if counted is None or self._local.occurs_version != self._local.version:
            counted = {}
            self._local.occurs, self._local.occurs_version = counted, self._local.version
        if relationship not in counted:
            shown = "r.id" if relationship in INTERACTIONS else "n.id"
            found = run(connection, f"MATCH (n)-[r:{relationship}]->() RETURN {shown} LIMIT 1")
            counted[relationship] = found.has_next()
        return counted[relationship]

    def query(self, text: str, parameters: Mapping[str, Any], limits: QueryLimits) -> Rows:
        check_read_only(text)
        connection = ladybug.Connection(self._database(self.version()), num_threads=2) if self.version() else None
        if connection is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        try:
            connection.set_query_timeout(int(limits.seconds * 1000))
            return fetch_rows(run(connection, text, parameters), limits.rows)
        except OverflowError as error:
            raise CypherRefusedError(
                "The answer holds a time outside the years 1 to 9999.", hint="Return it as text, or leave it out."
            ) from error
        except (RuntimeError, TypeError, ValueError) as error:  # the latter two of parameters it has no type for
            if "nterrupted" in str(error):
                raise CypherRefusedError(
                    f"The statement was stopped after {limits.seconds:g} seconds.", hint="Ask for less at once."
                ) from error
            raise CypherRefusedError(f"The statement is not valid: {error}.") from error
        finally:
            connection.close()


def _load_table(records: list[LoadRecord]) -> pa.Table:
    def times(values: list[datetime | None]) -> pa.Array:
        return pa.array(values, TIMESTAMP)

    return pa.table({
        "id": pa.array([each.sequence for each in records], pa.int64()),
        "source": pa.array([each.source for each in records], pa.string()),
        "started_at": times([each.started_at for each in records]),
        "finished_at": times([each.finished_at for each in records]),
        "complete": pa.array([each.complete for each in records], pa.bool_()),
        "report": pa.array([each.report for each in records], pa.string()),
    })  # fmt: skip


def _build_in_child(building: Path, progress: Progress) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "graph.ladybug_build", str(building)]
    with subprocess.Popen(  # noqa: S603  our own module, our own interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            for line in child.stdout or ():
                step = json.loads(line)
                progress(f"building the graph: {step['table']}", float(step["done"]))
            _, complaint = child.communicate()
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        last = complaint.strip().splitlines()[-1:] or ["no message"]
        raise StoreError(
            f"The embedded engine ended with status {child.returncode} while the graph was built: {last[0]}.",
            hint="Nothing was published; the last complete state is untouched. Load again, or use Neo4j.",
        )
