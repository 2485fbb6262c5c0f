"""The embedded graph: a Ladybug database for each version of it, in one directory (see `graph.versions`).

A load never touches the version that readers see. It makes the next one, by bulk COPY in a child process or, for few
rows, by changing a copy in a transaction, and publishes it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ladybug
import pyarrow as pa

import cypher
from graph import ladybug_build
from graph.change_files import EventPart, LoadChanges
from graph.guard import check_read_only
from graph.ladybug_capacity import check_capacity
from graph.ladybug_export import NodeIds, export_nodes, export_superseded, stream_interactions
from graph.ladybug_held import Met, Removed, find_held, find_removed
from graph.ladybug_index import InteractionIndex, records_of, to_be_asked
from graph.ladybug_query import Reader, plain_row, rows_of, run
from graph.ladybug_sandbox import Sandbox
from graph.ladybug_writer import LadybugWriter, rows_fit_a_change, waiting_rows
from graph.model import INTERACTIONS, NO_PRODUCT, STORED_INTERACTION_SCHEMA, SUPERSEDED_SCHEMA
from graph.row_cache import RowCache
from graph.store import (
    DatasetFacts,
    LoadRecord,
    Progress,
    QueryLimits,
    Rows,
    StoreHealth,
    best_first,
    no_progress,
)
from graph.tables import GraphTables
from graph.versions import VersionedDirectory
from habitue.errors import NothingLoadedError, StoreError

_READ_BUFFER_BYTES = 512 << 20
#: Addresses that an open version reserves, a power of two. The engine's own 8 TiB would let a process hold fifteen
#: versions, those included that nobody uses any more but the interpreter has not let go of yet.
_ADDRESSES = 1 << 40
_EXPORT_THREADS = 2
_SOON = 20_000  # rows waiting in a version's log up to which it opens within a second


class LadybugStore:
    """A `GraphStore` in a directory. Safe to read from several threads; each has its own connection."""

    dialect = "ladybug"

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self.directory = directory
        self.read_only = read_only
        self._versions = VersionedDirectory(directory)
        self._open_lock = threading.Lock()
        self._open: tuple[str, ladybug.Database] | None = None
        self._opening: threading.Thread | None = None
        self._local = threading.local()
        self._neighbours = RowCache()
        self._occurring: tuple[str, dict[str, bool]] = ("", {})
        self._sandbox = Sandbox()
        self._ids: tuple[str, NodeIds] | None = None
        self._met = Met()
        self._writer = LadybugWriter(self, self._versions)

    # -- versions ---------------------------------------------------------------------------------------------------

    def version(self) -> str:
        """Name of the published version; empty when there is none."""
        return self._versions.current()

    def close(self) -> None:
        self._sandbox.close()
        with self._open_lock:
            if self._open is not None:
                self._open[1].close()
                self._open = None

    def release(self) -> None:
        """Let go of the open version and its memory, unless other threads read it; the next read opens it again."""
        with self._open_lock:
            self._open = self._ids = None
        self._local.reader = self._local.version = None

    def connection(self) -> ladybug.Connection:
        """This thread's connection to the published version, opened again when a newer one was published."""
        return self._reader().connection

    def _reader(self) -> Reader:
        version, database = self._database()
        if getattr(self._local, "version", None) != version:
            self._local.reader = Reader(ladybug.Connection(database, num_threads=1))
            self._local.version = version
        reader: Reader = self._local.reader
        return reader

    def _database(self) -> tuple[str, ladybug.Database]:
        """The published version. One that takes seconds to open is opened aside, and readers keep the former one.

        The engine holds the interpreter's lock while it opens (Ladybug 0.22): readers are not refused, but they wait.
        """
        kept: tuple[str, ladybug.Database] | None = getattr(self._local, "kept", None)
        if kept is not None:
            return kept
        version = self.version()
        if not version:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        with self._open_lock:
            if self._open is None or self._open[0] != version:
                aside = self.read_only and self._open is not None and waiting_rows(self._file(version).parent) > _SOON
                if not aside:
                    self._open = (version, self._opened(version))  # the former closes with its last connection
                elif self._opening is None or not self._opening.is_alive():
                    self._opening = threading.Thread(target=self._open_aside, args=(version,), daemon=True)
                    self._opening.start()
            return self._open  # type: ignore[return-value]  # set in every branch above

    def _open_aside(self, version: str) -> None:
        try:
            opened = (version, self._opened(version))
        except StoreError:
            return  # the next reader tries again, and hears of it when there is no former version
        with self._open_lock:
            self._open = opened

    def _opened(self, version: str) -> ladybug.Database:
        path = self._file(version)
        try:
            return ladybug.Database(
                str(path), buffer_pool_size=_READ_BUFFER_BYTES, read_only=True, max_db_size=_ADDRESSES
            )
        except (RuntimeError, OSError) as error:
            raise StoreError(
                f"The embedded graph at {path} does not open: {error}.",
                hint="Another process may hold it; otherwise restore it or load the data again.",
            ) from error

    def _file(self, version: str) -> Path:
        """The database of a version."""
        return self.directory / version / ladybug_build.FILE_NAME

    def published_file(self) -> Path | None:
        """The published version's database, which opens read-only together with the log beside it; None without."""
        version = self.version()
        return self._file(version) if version else None

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
        index = InteractionIndex(self.directory / self.version()) if self.version() else None
        if index is not None and index.directory.is_dir() and not index.exists:
            problems += ("the index of interactions is not whole; the next incremental load makes it anew",)
        url = f"ladybug://{self.directory}"
        counts: dict[str, int] = {}
        if self.version():
            connection = self.connection()
            for row in rows_of(run(connection, "CALL show_tables() RETURN name, type")):
                name, kind = row
                pattern = f"(n:{name})" if kind == "NODE" else f"()-[n:{name}]->()"
                counts[name] = int(rows_of(run(connection, f"MATCH {pattern} RETURN count(n)"))[0][0])
        return StoreHealth(url, f"ladybug {ladybug.Database.get_version()}", counts, problems)

    def nodes(self, of: GraphTables | None = None) -> GraphTables:
        return export_nodes(self.connection(), of) if self.version() else GraphTables.empty()

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        if self.version():
            version, database = self._database()
            with ladybug.Connection(database, num_threads=_EXPORT_THREADS) as connection:
                yield from stream_interactions(connection, self._node_ids(version, connection), name, after)

    def superseded(self, *, after: int = 0) -> pa.Table:
        return export_superseded(self.connection(), after) if self.version() else SUPERSEDED_SCHEMA.empty_table()

    def tables(self) -> GraphTables:
        return replace(
            self.nodes(),
            interactions={
                name: pa.concat_tables([STORED_INTERACTION_SCHEMA.empty_table(), *self.interactions(name)])
                for name in INTERACTIONS
            },
            superseded=self.superseded(),
        )

    def held(self, staged: GraphTables) -> GraphTables:
        if not self.version():
            return GraphTables.empty()
        found = find_held(self.connection(), self.index(), self.interactions, staged)
        self._met.note(self.version(), found.read)
        return found.held

    def removed(self, parts: Sequence[EventPart]) -> Removed:
        """Whose the interactions are that a load's changes remove; mostly `held` has met them already."""
        return find_removed(self.connection(), self.interactions, parts, self._met.rows(self.version()))

    def index(self) -> InteractionIndex:
        """Hashes of the published version's interactions; made from the store where they are missing."""
        index = InteractionIndex(self.directory / self.version())
        if not index.exists:
            index.create(
                itertools.chain(
                    (records_of(name, table) for name in INTERACTIONS for table in self.interactions(name)),
                    (to_be_asked(self.superseded()["id"]) for _ in range(1)),
                )
            )
        return index

    def _node_ids(self, version: str, connection: ladybug.Connection) -> NodeIds:
        with self._open_lock:
            if self._ids is None or self._ids[0] != version:
                self._ids = (version, NodeIds.read(connection))
            return self._ids[1]

    # -- changes (see `graph.ladybug_writer`) -----------------------------------------------------------------------

    def expecting(self, rows: int) -> AbstractContextManager[None]:
        return self._writer.expecting(rows)

    def apply(self, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, progress: Progress) -> None:
        self._writer.apply(changes, book, facts, progress)

    def check_capacity(self, rows: int) -> None:
        held = len(self.index()) if self.version() else 0
        check_capacity(self.directory, held, rows, anew=not (held and rows_fit_a_change(rows, held)))

    def unmerged(self) -> int:
        return self._writer.unmerged()

    def merge(self, progress: Progress) -> None:
        self._writer.merge(progress)

    def migrate(self, name: str | None, facts: DatasetFacts, progress: Progress) -> None:
        self._writer.migrate(name, facts, progress)

    def repair(self, progress: Progress) -> list[str]:
        done = [
            f"removed what an interrupted change left behind ({name})" for name in self._versions.clear_left_behind()
        ]
        if self.version() and not InteractionIndex(self.directory / self.version()).exists:
            progress("indexing interactions", 0.0)
            self.index()
            done.append("made the index of interactions anew")
        return done

    def erase(self, customers: Sequence[str], facts: DatasetFacts, progress: Progress) -> dict[str, int]:
        return self._writer.erase(customers, facts, progress)

    def purge(self, progress: Progress) -> bool:
        return self._writer.purge(progress)

    def clear(self) -> None:
        self._writer.clear()
        self.close()

    def write_scores(self, scores: pa.Table, progress: Progress) -> None:
        self._writer.write_scores(scores, progress)

    def write_similar(self, pairs: pa.Table, model: str, progress: Progress) -> None:
        self._writer.write_similar(pairs, model, progress)

    def write_audience(self, audience: Mapping[str, Any], members: Iterable[Mapping[str, Any]]) -> None:
        self._writer.write_audience(audience, members, no_progress)

    # -- reading ----------------------------------------------------------------------------------------------------

    @contextmanager
    def one_version(self) -> Iterator[None]:
        before = getattr(self._local, "kept", None)
        self._local.kept = self._database()
        try:
            yield
        finally:
            self._local.kept = before

    def read(self, name: str, **parameters: Any) -> Rows:
        text = cypher.statement(name, self.dialect).text
        try:
            result = self._reader().run(text, parameters)
        except RuntimeError as error:
            self._local.version = None  # what the connection keeps of a failed statement would spoil the next ones
            raise StoreError(f"The embedded graph refused {name}: {error}.") from error
        return Rows(tuple(result.get_column_names()), [plain_row(row) for row in result])

    def neighbours(self, relationship: str, direction: str, ids: list[str], limit: int) -> list[dict[str, Any]]:
        reader = self._reader()
        version = self._local.version
        if not self._occurs(relationship, version, reader.connection):
            return []
        # One statement for each node in the middle: a primary key is looked up at once, a list of them by a scan.
        # None has a LIMIT: as a parameter it would have the statement planned anew each time, the dearest part.
        text = cypher.statement(f"read/neighbours_{relationship.lower()}_{direction}", self.dialect).text

        def fetch(middle: str) -> Rows:
            result = reader.run(text, {"id": middle})
            columns = tuple(result.get_column_names())
            place = columns.index("id")
            rows = [tuple(row) for row in result.get_n(limit + 1)]
            return Rows(columns, [row for row in rows if row[place] != NO_PRODUCT][:limit])

        found: list[dict[str, Any]] = []
        for middle in dict.fromkeys(ids):
            key = (version, relationship, direction, middle, limit)
            answer = self._neighbours.get(key)
            if answer is None:
                answer = fetch(middle)
                self._neighbours.put(key, answer)
            columns = ("middle", *answer.columns)
            found += [dict(zip(columns, (middle, *row), strict=True)) for row in answer.rows]
        return best_first(found)

    def _occurs(self, relationship: str, version: str, connection: ladybug.Connection) -> bool:
        """Whether a version has any such relationship; asked once for each version."""
        known, counted = self._occurring
        if known != version:
            counted = {}
            self._occurring = (version, counted)
        if relationship not in counted:
            shown = "r.id" if relationship in INTERACTIONS else "n.id"
            found = run(connection, f"MATCH (n)-[r:{relationship}]->() RETURN {shown} LIMIT 1")
            counted[relationship] = found.has_next()
        return counted[relationship]

    def query(self, text: str, parameters: Mapping[str, Any], limits: QueryLimits) -> Rows:
        columns = check_read_only(text, parameters)
        version = self.version()
        if not version:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        found = self._sandbox.query(self._file(version), text, parameters, limits)
        # The engine calls `count(*)` COUNT_STAR(), and other expressions as it understood them.
        return replace(found, columns=columns) if columns and len(columns) == len(found.columns) else found
