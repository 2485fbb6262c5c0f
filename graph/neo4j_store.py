"""The customer graph in a Neo4j server, for teams: many readers, one writer at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import neo4j
import numpy as np
import numpy.typing as npt
import pyarrow as pa

import cypher
from graph.change_files import LoadChanges
from graph.guard import check_read_only
from graph.model import INTERACTIONS, NO_PRODUCT, STORED_INTERACTION_SCHEMA
from graph.neo4j_connection import RECOMMENDED_VERSION, Neo4jConnection
from graph.neo4j_erase import erase_customers
from graph.neo4j_export import export_nodes, export_superseded, find_held, stream_interactions
from graph.neo4j_load import apply_changes
from graph.neo4j_query import run_limited
from graph.neo4j_remains import tidy
from graph.neo4j_statements import (
    BATCH_ROWS,
    missing_schema,
    only_writer,
    prepare_schema,
    read_statement,
    run_by_itself,
    run_in_batches,
    statement,
)
from graph.neo4j_values import plain_row
from graph.neo4j_vectors import Kind, renew_vectors, write_vectors
from graph.store import DatasetFacts, LoadRecord, Progress, QueryLimits, Rows, StoreHealth, best_first, no_progress
from graph.tables import GraphTables
from habitue.errors import NothingLoadedError, StoreError

_LABELS = ("Customer", "Product", "Category", "Brand", "Campaign", "PropertyValue", "Audience", "Dataset", "Load")
_TYPES = ("PURCHASED", "VIEWED", "RETURNED", "REVIEWED", "CONTACTED", "REDEEMED", "SUPERSEDED",
          "IN_CATEGORY", "CHILD_OF", "MADE_BY", "HAS_PROPERTY", "SIMILAR_TO", "IN_AUDIENCE")  # fmt: skip
_EXPORT_ATTEMPTS = 3


class Neo4jStore:
    """A `GraphStore` in a Neo4j database. Safe to use from several threads.

    Nothing is connected before it is needed. Statements and parameters are never logged.

    Args:
        url: `neo4j://host:7687`, `bolt://…` or their encrypted forms (`neo4j+s://…`).
        user: Empty for a server without authentication.
        password: Of the user.
        database: The database, which holds one data set.
    """

    dialect = "neo4j"

    def __init__(self, url: str, *, user: str, password: str, database: str) -> None:
        self._connection = Neo4jConnection(url, user=user, password=password, database=database)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    # -- facts and whole tables -------------------------------------------------------------------------------------

    def facts(self) -> DatasetFacts | None:
        """The data set it holds; None when nothing was ever loaded."""
        rows = self.read("read/dataset").rows
        if len(rows) > 1:
            raise StoreError(
                f"The database at {self._connection.address} holds {len(rows)} data sets.",
                hint="Two first loads ran at once; empty the database and load again.",
            )
        return DatasetFacts.model_validate_json(rows[0][1]) if rows else None

    def loads(self) -> list[LoadRecord]:
        """All loads, oldest first."""
        return [LoadRecord(**{**row, "report": row["report"] or ""}) for row in self.read("read/loads").dicts()]

    def health(self) -> StoreHealth:
        """Version, counts and what is amiss; rows of an interrupted load are counted, too."""
        version = self._connection.version
        counts = {}
        for label in _LABELS:
            counts[label] = self._count(f"(n:{label})")
        for name in _TYPES:
            counts[name] = self._count(f"()-[n:{name}]->()")
        return StoreHealth(
            self._connection.address, f"neo4j {'.'.join(map(str, version))}", counts, tuple(self._problems(version))
        )

    def _count(self, pattern: str) -> int:
        _, records = self._connection.read(f"MATCH {pattern} RETURN count(n) AS number", {})
        return int(records[0]["number"])

    def _problems(self, version: tuple[int, ...]) -> Iterable[str]:
        if version < RECOMMENDED_VERSION:
            yield "the server is older than 5.26, the long-term support line"
        yield from (
            f"load {each.sequence} of {each.source} was interrupted; load it again to finish it"
            for each in self.loads()
            if not each.complete
        )
        if self.facts() is not None:
            for name in missing_schema(self._connection):
                yield f"the constraint or index {name} is missing; the next load creates it"

    def nodes(self, of: GraphTables | None = None) -> GraphTables:
        """Nodes and properties of complete loads; read again if a load ends meanwhile."""
        return self._unchanged(lambda: export_nodes(self._connection, of))

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        """Interactions of one type of complete loads, range of customers by range of customers.

        Raises:
            StoreError: At the end, if a load or an erasure has changed what was read meanwhile.
        """
        before = self._state()
        yield from stream_interactions(self._connection, name, after)
        if self._state() != before:
            raise _changed_meanwhile()

    def superseded(self, *, after: int = 0) -> pa.Table:
        """Versions that a later correction replaced."""
        return export_superseded(self._connection, after)

    def tables(self) -> GraphTables:
        """The whole graph of complete loads, without anything derived; read again if a load ends meanwhile."""
        return self._unchanged(
            lambda: replace(
                export_nodes(self._connection),
                interactions={
                    name: pa.concat_tables([
                        STORED_INTERACTION_SCHEMA.empty_table(), *stream_interactions(self._connection, name, 0)
                    ])
                    for name in INTERACTIONS
                },
                superseded=self.superseded(),
            )
        )  # fmt: skip

    def held(self, staged: GraphTables) -> GraphTables:
        """What complete loads hold under the ids in `staged`."""
        return find_held(self._connection, staged) if self.facts() is not None else GraphTables.empty()

    def _state(self) -> tuple[DatasetFacts | None, int]:
        """What changes when readers may no longer trust what they have read: the facts, and what is being replaced."""
        (row,) = read_statement(self._connection, "replacing")
        return self.facts(), row["versions"]

    def _unchanged(self, read: Callable[[], GraphTables]) -> GraphTables:
        for _ in range(_EXPORT_ATTEMPTS):
            before = self._state()
            tables = read()
            if self._state() == before:
                return tables
        raise _changed_meanwhile()

    # -- changes ----------------------------------------------------------------------------------------------------

    def expecting(self, _rows: int) -> AbstractContextManager[None]:
        """Nothing to make ready: the server runs."""
        return nullcontext()

    def apply(self, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, progress: Progress) -> None:
        """Bring a load in (see `graph.neo4j_load`); visible only when all of it is."""
        apply_changes(self._connection, changes, book, facts, progress)

    def check_capacity(self, rows: int) -> None:
        """Nothing to refuse: memory does not grow with the load, and the server's disk is its operator's."""

    def unmerged(self) -> int:
        """Nothing is put off."""
        return 0

    def merge(self, progress: Progress) -> None:
        """Nothing is put off."""

    def migrate(self, name: str | None, facts: DatasetFacts, progress: Progress) -> None:
        """Run a statement of `migrate/` in bounded transactions, then set the facts."""
        prepare_schema(self._connection)
        with only_writer(self._connection) as transaction:
            progress("migrating", 0.0)
            if name:
                text = cypher.statement(name, self.dialect).text
                while self._connection.write(
                    lambda each: each.run(text, {"limit": BATCH_ROWS}).consume().counters.contains_updates
                ):
                    pass
            transaction.run(statement("clear_dataset")).consume()
            transaction.run(statement("add_dataset"), {"id": facts.name, "facts": facts.model_dump_json()}).consume()

    def repair(self, progress: Progress) -> list[str]:
        """Create missing constraints and indexes, and delete what is only waiting for it."""
        progress("repairing", 0.0)
        missing = sorted(missing_schema(self._connection)) if self.facts() is not None else []
        if missing:  # before the writer's place is taken: that place has a constraint itself
            prepare_schema(self._connection)
        with only_writer(self._connection):
            done = [f"created {name}" for name in missing] + tidy(self._connection)
        progress("repairing", 1.0)
        return done

    def erase(self, customers: Sequence[str], facts: DatasetFacts, progress: Progress) -> dict[str, int]:
        """Remove customers (see `graph.neo4j_erase`)."""
        return erase_customers(self._connection, customers, facts, progress)

    def purge(self, progress: Progress) -> bool:  # noqa: ARG002  nothing is done
        """Only the server's operator can rewrite its files."""
        return False

    def clear(self) -> None:
        """Delete what is Habitué's, the facts first: from then on readers take the graph for empty."""
        with only_writer(self._connection) as transaction:
            transaction.run(statement("clear_dataset")).consume()
        run_by_itself(self._connection, "clear_graph_relationships")
        run_by_itself(self._connection, "clear_graph")

    def write_scores(self, scores: pa.Table, progress: Progress) -> None:
        """Replace the signals on `Customer` nodes, in one transaction."""
        with self._replacing() as transaction:
            transaction.run(statement("clear_scores")).consume()
            run_in_batches(transaction, "set_scores", scores, progress, "writing scores")

    def write_similar(self, pairs: pa.Table, model: str, progress: Progress) -> None:
        """Replace all `SIMILAR_TO` relationships, in one transaction."""
        with self._replacing() as transaction:
            transaction.run(statement("clear_similar")).consume()
            run_in_batches(transaction, "add_similar", pairs, progress, "writing similarities", model=model)

    def write_vectors(
        self, kind: Kind, ids: pa.StringArray, vectors: npt.NDArray[np.float32], progress: Progress
    ) -> None:
        """Replace the vectors of customers or products and their index (see `graph.neo4j_vectors`)."""
        if self.facts() is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        write_vectors(self._connection, kind, ids, vectors, progress)

    def renew_vectors(
        self, kind: Kind, ids: pa.StringArray, vectors: npt.NDArray[np.float32], progress: Progress
    ) -> None:
        """Put some vectors in place of theirs (see `graph.neo4j_vectors`)."""
        renew_vectors(self._connection, kind, ids, vectors, progress)

    def write_audience(self, audience: Mapping[str, Any], members: Iterable[Mapping[str, Any]]) -> None:
        """Write an audience and its members in place of the one of that id, in one transaction."""
        with self._replacing() as transaction:
            transaction.run(statement("clear_audience"), {"id": audience["id"]}).consume()
            transaction.run(statement("add_audience"), dict(audience)).consume()
            table = pa.Table.from_pylist([dict(member) for member in members])
            run_in_batches(transaction, "add_members", table, no_progress, "", audience=audience["id"])

    # -- reading ----------------------------------------------------------------------------------------------------

    def one_version(self) -> AbstractContextManager[None]:
        """Nothing to hold on to: the server has no versions, and each statement reads what is there."""
        return nullcontext()

    def read(self, name: str, **parameters: Any) -> Rows:
        """Run one of the project's own reading statements."""
        columns, records = self._connection.read(cypher.statement(name, self.dialect).text, parameters)
        return Rows(columns, [plain_row(record) for record in records])

    def neighbours(self, relationship: str, direction: str, ids: list[str], limit: int) -> list[dict[str, Any]]:
        """Nodes at the other end of a relationship type, for several nodes in the middle at once."""
        parameters: dict[str, Any] = {"ids": ids, "limit": limit}
        if relationship in INTERACTIONS:
            parameters["leave_out"] = NO_PRODUCT
        return best_first(self.read(f"read/neighbours_{relationship.lower()}_{direction}", **parameters).dicts())

    def query(self, text: str, parameters: Mapping[str, Any], limits: QueryLimits) -> Rows:
        """Run a user's statement, read-only and limited: its tokens and the server's plan must say it is a read."""
        check_read_only(text, parameters)
        if self.facts() is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        return run_limited(self._connection, text, parameters, limits)

    @contextmanager
    def _replacing(self) -> Iterator[neo4j.Transaction]:
        """One transaction, as the only writer, in a graph that holds something."""
        if self.facts() is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        prepare_schema(self._connection)
        with only_writer(self._connection) as transaction:
            yield transaction


def _changed_meanwhile() -> StoreError:
    return StoreError("The graph changed while it was read.", hint="Try again when no load is running.")
