"""What every graph store can do, so that nothing above it knows which one it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Protocol

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from graph.change_files import LoadChanges
from graph.tables import GraphTables

#: Called with what is being done and how far it is, from 0 to 1.
Progress = Callable[[str, float], None]


def no_progress(_task: str, _fraction: float) -> None:
    """Progress that nobody watches."""


class DatasetFacts(BaseModel):
    """What a store knows of the data set it holds; kept with the graph so that all who share it agree.

    Attributes:
        name: Of the data set; a store holds one.
        currency: ISO 4217 code of all amounts; None where the source does not say.
        complete_until: Until when the source's events are complete; None where it does not say.
        sensitive: Customer properties that are never a feature unless allowed by name.
        identities: By source path, which fields make up the id of interactions that the source does not number.
        fingerprint: Changes with every load and erasure.
        schema_version: Of the graph's layout.
        salt: Of the tombstones; made with the first of them.
        erased: Tombstones of erased customers (see `graph.erasure`): a later load leaves them out.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    currency: str | None = None
    complete_until: datetime | None = None
    sensitive: frozenset[str] = frozenset()
    identities: dict[str, str] = {}
    fingerprint: str = ""
    schema_version: int = 1
    salt: str = ""
    erased: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LoadRecord:
    """One load in the store's own book. An incomplete one was interrupted; its rows are not seen by snapshots."""

    sequence: int
    source: str
    started_at: datetime
    finished_at: datetime | None
    complete: bool
    report: str = ""


@dataclass(frozen=True)
class Rows:
    """The answer to a statement: column names and rows of plain Python values."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool = False

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class QueryLimits:
    """Bounds on a user's statement.

    Attributes:
        seconds: Of work; then the statement is stopped.
        rows: Of the answer; then it is cut.
        bytes: Of the answer's rows as JSON; then it is cut before the row that would exceed them.
        memory: Bytes that the embedded engine may take for it; then the statement is stopped. On a Neo4j server the
            operator's `db.memory.transaction.max` says.
    """

    seconds: float = 10.0
    rows: int = 10_000
    bytes: int = 16 << 20
    memory: int = 1 << 30


@dataclass(frozen=True)
class StoreHealth:
    """How a store is: its address without credentials, version, counts by label and type, and what is amiss."""

    url: str
    version: str
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class GraphStore(Protocol):
    """A customer graph that can be read, changed load by load, and written back to.

    Every change is all or nothing to readers: after an interruption the last complete state is what they see.
    """

    @property
    def dialect(self) -> str:
        """Whose Cypher it speaks: `ladybug` or `neo4j`."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...

    def facts(self) -> DatasetFacts | None:
        """The data set it holds; None when nothing was ever loaded."""
        ...

    def loads(self) -> list[LoadRecord]:
        """All loads, oldest first."""
        ...

    def health(self) -> StoreHealth:
        """Counts and state; raises `StoreError` when the store cannot be reached."""
        ...

    def nodes(self, of: GraphTables | None = None) -> GraphTables:
        """Nodes and properties of complete loads, without anything derived; the tables of interactions are empty.

        Args:
            of: What is asked about, all when None: tables without rows here may be left out, and customers and
                owners of properties who are not in it.
        """
        ...

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        """Interactions of one type of complete loads, in tables of bounded size, in any order.

        Args:
            name: Such as `PURCHASED`.
            after: Only those of loads with a greater sequence number.

        Yields:
            `STORED_INTERACTION_SCHEMA`.
        """
        ...

    def superseded(self, *, after: int = 0) -> pa.Table:
        """Versions that a later correction replaced: `SUPERSEDED_SCHEMA`, of loads with a greater number."""
        ...

    def tables(self) -> GraphTables:
        """All of the above in memory at once: for graphs that fit there."""
        ...

    def held(self, staged: GraphTables) -> GraphTables:
        """What the store holds of the interactions in `staged`: all with the same id, of whatever type.

        Returns:
            Interactions and superseded versions with these ids; the node tables are empty.
        """
        ...

    def expecting(self, rows: int) -> AbstractContextManager[None]:
        """Within the block one `apply` is expected: what it takes may be made ready while the rows are read.

        By itself it changes nothing. Other changes are for before or after the block.

        Args:
            rows: About how many interactions will come.
        """
        ...

    def apply(self, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, progress: Progress) -> None:
        """Bring a load's changes in; visible only when all of it is. Running the same again changes nothing.

        On return what was brought in is durable. Work that only makes reading faster may be left to `merge`.

        Args:
            changes: From `graph.staging`, or a whole graph on its way from another store.
            book: The loads that these changes are: one, but for a graph that moves here with all of its loads.
            facts: Of the data set, afterwards.
            progress: Called with what is being done.
        """
        ...

    def check_capacity(self, rows: int) -> None:
        """Refuse a load that this machine cannot hold, before anything is written.

        Args:
            rows: How many interactions the load brings, about as many where nothing was read yet.

        Raises:
            StoreError: With what is needed, what there is, and the way on.
        """
        ...

    def unmerged(self) -> int:
        """Rows that were brought in and still wait for `merge`."""
        ...

    def merge(self, progress: Progress) -> None:
        """Put deferred changes in their final place; may be interrupted at any time, and then starts again."""
        ...

    def migrate(self, name: str | None, facts: DatasetFacts, progress: Progress) -> None:
        """Run a statement of `migrate/` until it changes nothing more, then set the facts.

        Args:
            name: Such as `migrate/0002_last_load`; None where only the facts change.
            facts: Of the data set, afterwards.
            progress: Called with what is being done.
        """
        ...

    def repair(self, progress: Progress) -> list[str]:
        """Put right what is safe to: missing constraints, remains of interrupted work, what is derived from the rest.

        Returns:
            What was done, in words; empty when there was nothing to do.
        """
        ...

    def erase(self, customers: Sequence[str], facts: DatasetFacts, progress: Progress) -> dict[str, int]:
        """Remove customers with everything that hangs on them, all or nothing to readers.

        Args:
            customers: Their ids; unknown ones count as nothing.
            facts: Of the data set, afterwards (with the tombstones).
            progress: Called with what is being done.

        Returns:
            Numbers of removed nodes by label and relationships by type.
        """
        ...

    def purge(self, progress: Progress) -> bool:
        """Write the store anew, so that nothing erased is left in its files; False where only its operator can."""
        ...

    def one_version(self) -> AbstractContextManager[None]:
        """Reads of this thread inside are of one published version, where the store has versions, found out once."""
        ...

    def read(self, name: str, **parameters: Any) -> Rows:
        """Run one of the project's own reading statements (`read/…`, `explore/…`)."""
        ...

    def neighbours(self, relationship: str, direction: str, ids: list[str], limit: int) -> list[dict[str, Any]]:
        """Nodes at the other end of a relationship type, for several nodes in the middle at once.

        Args:
            relationship: Such as `PURCHASED` or `IN_CATEGORY`.
            direction: `out` where the nodes in the middle are the sources, `in` where they are the targets.
            ids: Of the nodes in the middle.
            limit: How many for each: the newest (of `SIMILAR_TO`, the closest), then by id.

        Returns:
            Rows with `middle`, `id`, `label`, `name`, and of interactions `events`, `amount`, `first_at`, `last_at`,
            of similarities `score`; best first.
        """
        ...

    def query(self, text: str, parameters: Mapping[str, Any], limits: QueryLimits) -> Rows:
        """Run a user's statement, read-only and limited.

        Raises:
            CypherRefusedError: If it is not a read, a parameter is missing, it does not parse, takes too long or too
                much memory, or a row alone is longer than the bytes allowed.
            StoreError: If it ended the engine; nothing is lost, and the next statement is answered.
        """
        ...

    def clear(self) -> None:
        """Give the whole graph up, for what was brought in and cannot stay; the store is empty afterwards."""
        ...

    def write_scores(self, scores: pa.Table, progress: Progress) -> None:
        """Replace the signals on `Customer` nodes: `id` and the other columns of `SCORE_SCHEMA`."""
        ...

    def write_similar(self, pairs: pa.Table, model: str, progress: Progress) -> None:
        """Replace all `SIMILAR_TO` relationships by these: `source`, `target`, `score`."""
        ...

    def write_audience(self, audience: Mapping[str, Any], members: Iterable[Mapping[str, Any]]) -> None:
        """Write an audience (`id`, `name`, `created_at`) and its members (`id`, `score`, `rank`, `run`)."""
        ...


def best_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours in the order that `GraphStore.neighbours` promises: newest or closest, then by id, then by middle."""
    if len(rows) < 2:
        return rows
    rows = sorted(rows, key=itemgetter("id", "middle"))
    rank = next((name for name in ("last_at", "score") if rows and name in rows[0]), None)
    return sorted(rows, key=itemgetter(rank), reverse=True) if rank else rows
