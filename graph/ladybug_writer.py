"""Every change of the embedded graph: the next version made aside, in a child process, and published.

A version is *full*, a file of its own, or *deferred*: it shares the file of the version before and adds to a log that
readers replay when they open it. Small changes are deferred; `merge` makes the next version full.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph import ladybug_build, ladybug_write
from graph.change_files import LoadChanges
from graph.changes import merge as merge_nodes
from graph.ladybug_begun import Begun, begun_ahead
from graph.ladybug_build import in_microseconds
from graph.ladybug_erase import ids_of, plan_erasure
from graph.ladybug_export import export_derived, export_property_values
from graph.ladybug_increment import plan_facts, plan_interactions, plan_nodes
from graph.ladybug_index import InteractionIndex, Records, records_of, records_of_part, to_be_asked
from graph.ladybug_write import ChangePlan, Step
from graph.model import INTERACTIONS, SCORE_SCHEMA, TIMESTAMP
from graph.store import DatasetFacts, LoadRecord, Progress
from graph.tables import GraphTables
from graph.time import utc_now
from graph.versions import VersionedDirectory
from habitue.errors import NothingLoadedError, StoreError

if TYPE_CHECKING:
    from graph.ladybug_store import LadybugStore

STATE_NAME = "version.json"  # in a version: how many rows wait in its log
_DEFERRED_ROWS = 500_000  # of one change; beyond, readers would replay its log for too long
_WAITING_ROWS = 1_000_000  # of all changes since the last full version
#: Of the buffer pool for merging alone: all that is in it comes on top of the groups that the engine rewrites, and
#: half a million waiting rows did with less. Where it does not suffice, merging begins again with more.
_MERGE_BYTES = 384 << 20
_POOL_IS_FULL = "buffer pool is full"
_ROWS_INDEXED_MEANWHILE = 5_000_000  # of a first load: its index is made while the engine copies
_INDEXED_AT_ONCE = 250_000  # rows, which bounds what indexing holds beside the engine
_SMALL_ROWS = 20_000  # up to here a load is always a change of what is there
_MEMBER_SCHEMA = pa.schema([("id", pa.string()), ("score", pa.float64()), ("rank", pa.int64()), ("run", pa.string())])
# What the two ways to bring a load in cost, to choose by.
_SECONDS_TO_ADD, _SECONDS_TO_REMOVE, _SECONDS_TO_BUILD = 50e-6, 2e-3, 12e-6


class LadybugWriter:
    """Writes the next version of a store.

    Args:
        store: The store, for reading the version before.
        versions: Its directory.
    """

    def __init__(self, store: LadybugStore, versions: VersionedDirectory) -> None:
        self._store = store
        self._versions = versions
        self._expected: tuple[Begun, ExitStack] | None = None  # the second publishes it

    # -- loads ------------------------------------------------------------------------------------------------------

    @contextmanager
    def expecting(self, rows: int) -> Iterator[None]:
        """See `GraphStore.expecting`: the engine's process starts, and opens the version before where that is needed.

        Opening replays what waits in the log, some seconds for 100,000 rows, which are those of reading the source.
        """
        if self._store.version() and not rows_fit_a_change(rows, len(self._store.index())):
            yield  # exporting what is held comes first
            return
        with ExitStack() as version:
            building = version.enter_context(self._next_version())
            before = self._store.version()  # asked under the lock: from now on nobody publishes another
            former = self._versions.directory / before if before else None
            begun = version.enter_context(begun_ahead(building, former))
            # Seconds for a file of gigabytes, which the load would else wait for when it publishes.
            version.enter_context(ThreadPoolExecutor(1)).submit(self._versions.forget_former)
            self._expected = (begun, version.pop_all())
        try:
            yield
        finally:
            if self._expected is not None:  # nothing came
                with self._expected_or_next():
                    raise _NothingToDo

    def apply(self, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, progress: Progress) -> None:
        """See `GraphStore.apply`."""
        with self._expected_or_next() as begun:
            before = bool(self._store.version())
            loads = self._store.loads()
            if book and {each.sequence for each in book} <= {each.sequence for each in loads}:
                raise _NothingToDo
            entered = [replace(each, finished_at=utc_now()) for each in book] if len(book) == 1 else list(book)
            if before and change_is_faster(changes, len(self._store.index())):
                self._change(begun, changes, entered, facts, progress)
            else:
                if before:
                    begun.give_up()
                self._build(begun, changes, [*loads, *entered], facts, progress)

    def _change(
        self, begun: Begun, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, progress: Progress
    ) -> None:
        plan = ChangePlan(begun.directory)
        sequence = max((each.sequence for each in book), default=0)
        connection = self._store.connection()
        some = any(map(len, changes.nodes.added.properties.values()))
        values = export_property_values(connection) if some else pa.array([], pa.string())
        plan_nodes(plan, changes.nodes, values, sequence)
        plan_interactions(plan, changes.parts, self._store.removed(changes.parts))
        plan_facts(plan, facts)
        plan.run("add_load", load_table(book))
        self._run(plan, progress, begun=begun)
        InteractionIndex(begun.directory).extend(
            self._store.index(), (records for part in changes.parts for records in records_of_part(part))
        )

    # -- building anew ----------------------------------------------------------------------------------------------

    def _build(
        self,
        begun: Begun,
        changes: LoadChanges | None,
        book: Sequence[LoadRecord],
        facts: DatasetFacts,
        progress: Progress,
    ) -> None:
        """The whole store from its export and the files of a load, by COPY into empty tables."""
        building = begun.directory
        before = bool(self._store.version())
        nodes = self._store.nodes() if before else GraphTables.empty()
        superseded = [self._store.superseded()] if before else []
        files: dict[str, list[Path]] = {name: [] for name in INTERACTIONS}
        removed = dict.fromkeys(INTERACTIONS, pa.array([], pa.string()))
        if changes is not None:
            nodes = merge_nodes(nodes, changes.nodes)
            gone = [part.removed() for part in changes.parts]
            removed = {name: pa.concat_arrays([removed[name], *(each[name] for each in gone)]) for name in removed}
            superseded += [part.superseded() for part in changes.parts]
            for name in INTERACTIONS:
                files[name] += [path for part in changes.parts if (path := part.added_file(name))]
        if before:
            progress("reading the graph", 0.0)
            for name in INTERACTIONS:
                if path := self._export(building, name, removed[name]):
                    files[name].append(path)
        tables = {
            "Dataset": pa.table({"id": [facts.name], "facts": [facts.model_dump_json()]}),
            "Load": load_table(book),
        }
        derived = export_derived(self._store.connection() if before else None)
        replaced = pa.concat_tables([*superseded, GraphTables.empty().superseded])
        ladybug_build.write_plan(building, nodes, derived, tables, files, replaced)

        def index() -> None:
            InteractionIndex(building).create([*_records_of_files(files), to_be_asked(replaced["id"])])
            pa.default_memory_pool().release_unused()  # the engine can use it; in the thread that took it

        pa.default_memory_pool().release_unused()  # what staging left behind
        rows = sum(pq.read_metadata(path).num_rows for paths in files.values() for path in paths)
        if before or rows > _ROWS_INDEXED_MEANWHILE:  # COPY needs the memory, and takes the exported files away
            progress("indexing interactions", 0.0)
            index()
            begun.work(ladybug_build.__name__, progress)
        else:
            with ThreadPoolExecutor(1) as pool:
                indexed = pool.submit(index)
                begun.work(ladybug_build.__name__, progress)
                indexed.result()
        _write_state(building, 0)

    def _export(self, building: Path, name: str, removed: pa.Array) -> Path | None:
        """What the store holds of a type, without some ids, as a file that COPY takes."""
        path = building / f"{name}.parquet"
        writer = None
        try:
            for table in self._store.interactions(name):
                rows = table.filter(pc.invert(pc.is_in(table["id"], value_set=removed))) if len(removed) else table
                rows = in_microseconds(rows)
                writer = writer or pq.ParquetWriter(path, rows.schema, compression="lz4")
                writer.write_table(rows)
        finally:
            if writer is not None:
                writer.close()
        return path if writer is not None else None

    # -- merging, erasing -------------------------------------------------------------------------------------------

    def merge(self, progress: Progress) -> None:
        """See `GraphStore.merge`."""
        if not self.unmerged():
            return
        with self._next_version() as building:
            self._store.release()  # the merged version is read anew, and merging needs the memory
            try:
                self._run(ChangePlan(building), progress, full=True, merge_bytes=_MERGE_BYTES)
            except StoreError as error:
                if _POOL_IS_FULL not in str(error):
                    raise
                ladybug_write.unshare(building)
                self._run(ChangePlan(building), progress, full=True)
            InteractionIndex(building).merge(self._store.index())

    def unmerged(self) -> int:
        """See `GraphStore.unmerged`."""
        version = self._store.version()
        return waiting_rows(self._versions.directory / version) if version else 0

    def erase(self, customers: Sequence[str], facts: DatasetFacts, progress: Progress) -> dict[str, int]:
        """See `GraphStore.erase`."""
        with self._changing() as plan:
            connection = self._store.connection()
            ids = ids_of(connection, INTERACTIONS, customers)
            counts = plan_erasure(plan, connection, customers)
            plan_facts(plan, facts)
            # One statement, but a log as long as what it removes.
            plan.rows = sum(counts.values())
            self._run(plan, progress)
            InteractionIndex(plan.directory).extend(self._store.index(), [to_be_asked(ids)])
        return counts

    def purge(self, progress: Progress) -> bool:
        """See `GraphStore.purge`."""
        facts = self._store.facts()
        if facts is not None:
            with self._next_version() as building:
                self._build(Begun(building), None, self._store.loads(), facts, progress)
        self._store.close()
        self._versions.drop_former()
        return True

    def clear(self) -> None:
        """See `GraphStore.clear`."""
        if self._store.read_only:
            raise _read_only()
        self._versions.clear()

    def migrate(self, name: str | None, facts: DatasetFacts, progress: Progress) -> None:
        """See `GraphStore.migrate`."""
        with self._changing() as plan:
            if name:
                plan.steps.append(Step(name))
            plan_facts(plan, facts)
            self._run(plan, progress)
            InteractionIndex(plan.directory).extend(self._store.index(), [])

    # -- what is derived --------------------------------------------------------------------------------------------

    def write_scores(self, scores: pa.Table, progress: Progress) -> None:
        """See `GraphStore.write_scores`."""
        with self._changing() as plan:
            plan.run("clear_scores")
            # Columns have the engine's types, one that is null throughout as well.
            plan.run("set_scores", scores.select(SCORE_SCHEMA.names).cast(SCORE_SCHEMA, safe=False))
            self._run(plan, progress)
            InteractionIndex(plan.directory).extend(self._store.index(), [])

    def write_similar(self, pairs: pa.Table, model: str, progress: Progress) -> None:
        """See `GraphStore.write_similar`."""
        with self._changing() as plan:
            table = pairs.append_column("model", pa.array([model] * len(pairs), pa.string()))
            plan.fill_anew("SIMILAR_TO", "schema/40_similar_to", table)
            self._run(plan, progress, full=True)
            InteractionIndex(plan.directory).extend(self._store.index(), [])

    def write_audience(
        self, audience: Mapping[str, Any], members: Iterable[Mapping[str, Any]], progress: Progress
    ) -> None:
        """See `GraphStore.write_audience`."""
        with self._changing() as plan:
            plan.run("clear_audience", id=audience["id"])
            plan.run("add_audience", pa.Table.from_pylist([dict(audience)]), form="each")
            rows = [dict(member) for member in members]
            if rows:
                plan.run("add_members", pa.Table.from_pylist(rows, _MEMBER_SCHEMA), audience=audience["id"])
            self._run(plan, progress)
            InteractionIndex(plan.directory).extend(self._store.index(), [])

    # -- versions ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _next_version(self) -> Iterator[Path]:
        """A directory to make the next version in; published when the block ends without error."""
        if self._store.read_only:
            raise _read_only()
        try:
            with self._versions.next() as building:
                yield building
        except _NothingToDo:
            pass

    @contextmanager
    def _expected_or_next(self) -> Iterator[Begun]:
        """The version that was begun when it was expected; else a new one."""
        if self._expected is None:
            with self._next_version() as building:
                yield Begun(building)
            return
        (begun, version), self._expected = self._expected, None
        with version:
            yield begun

    @contextmanager
    def _changing(self) -> Iterator[ChangePlan]:
        """A plan for a change of what is there."""
        with self._next_version() as building:
            if not self._store.version():
                raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
            yield ChangePlan(building)

    def _run(
        self,
        plan: ChangePlan,
        progress: Progress,
        *,
        full: bool = False,
        merge_bytes: int = ladybug_write.ROOMY_BYTES,
        begun: Begun | None = None,
    ) -> None:
        """Make a version of the one before, full where asked for or where too much would wait."""
        former = self._versions.directory / self._store.version()
        rows = max(1, plan.rows)
        waiting = waiting_rows(former) + rows
        deferred = not full and rows <= _DEFERRED_ROWS and waiting <= _WAITING_ROWS
        begun = begun or Begun(plan.directory)
        if not deferred:
            begun.give_up()
        plan.write(former, deferred=deferred, merge_bytes=merge_bytes)
        begun.work(ladybug_write.__name__, progress)
        _write_state(plan.directory, waiting if deferred else 0)


def _records_of_files(files: Mapping[str, Sequence[Path]]) -> Iterator[Records]:
    for name, paths in files.items():
        for path in paths:
            for batch in pq.ParquetFile(path).iter_batches(_INDEXED_AT_ONCE):
                yield records_of(name, pa.Table.from_batches([batch]))


def change_is_faster(changes: LoadChanges, held: int) -> bool:
    """Whether changing the store by statements takes less than building it anew.

    Args:
        changes: Of a load.
        held: Interactions that the store holds.
    """
    nodes = changes.nodes
    added = sum(changes.added.values()) + sum(nodes.added.counts().values())
    added += sum(map(len, nodes.added.properties.values()))
    removed = sum(changes.corrected.values()) + sum(map(len, nodes.removed_properties.values()))
    return rows_fit_a_change(added, held, removed)


def rows_fit_a_change(added: int, held: int, removed: int = 0) -> bool:
    """The same by numbers of rows, as far as they are known."""
    by_change = added * _SECONDS_TO_ADD + removed * _SECONDS_TO_REMOVE
    return added + removed <= _SMALL_ROWS or by_change < (held + added) * _SECONDS_TO_BUILD


def _read_only() -> StoreError:
    return StoreError("The embedded graph is open for reading only.", hint="Writing is another process's work.")


class _NothingToDo(Exception):  # noqa: N818  not an error: it leaves a version unmade
    pass


def load_table(records: Sequence[LoadRecord]) -> pa.Table:
    """Loads as rows of the `Load` table."""
    return pa.table({
        "id": pa.array([each.sequence for each in records], pa.int64()),
        "source": pa.array([each.source for each in records], pa.string()),
        "started_at": pa.array([each.started_at for each in records], TIMESTAMP),
        "finished_at": pa.array([each.finished_at for each in records], TIMESTAMP),
        "complete": pa.array([each.complete for each in records], pa.bool_()),
        "report": pa.array([each.report for each in records], pa.string()),
    })  # fmt: skip


def waiting_rows(directory: Path) -> int:
    """How many rows wait in a version's log; 0 in one that is full."""
    path = directory / STATE_NAME
    return int(json.loads(path.read_text())["unmerged"]) if path.is_file() else 0


def _write_state(directory: Path, unmerged: int) -> None:
    (directory / STATE_NAME).write_text(json.dumps({"unmerged": unmerged}))
