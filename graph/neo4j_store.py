"""The customer graph in a Neo4j server, for teams: many readers, one writer at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import neo4j
import pyarrow as pa
from neo4j import exceptions

import cypher
from graph.changes import GraphChanges
from graph.guard import check_read_only
from graph.model import INTERACTIONS, NO_PRODUCT
from graph.neo4j_connection import RECOMMENDED_VERSION, Neo4jConnection
from graph.neo4j_export import export_tables
from graph.neo4j_load import apply_changes, missing_constraints, only_writer, prepare_schema, run_in_batches, statement
from graph.neo4j_values import plain
from graph.store import DatasetFacts, LoadRecord, Progress, QueryLimits, Rows, StoreHealth, best_first, no_progress
from graph.tables import GraphTables
from habitue.errors import CypherRefusedError, NothingLoadedError, StoreError

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
            for name in missing_constraints(self._connection):
                yield f"the constraint {name} is missing; the next load creates it"

    def tables(self) -> GraphTables:
        """The whole graph of complete loads, without anything derived; read again if a load ends meanwhile."""
        for _ in range(_EXPORT_ATTEMPTS):
            before = self.facts()
            tables = export_tables(self._connection)
            if self.facts() == before:
                return tables
        raise StoreError("The graph changed while it was read.", hint="Try again when no load is running.")

    # -- changes ----------------------------------------------------------------------------------------------------

    def apply(self, changes: GraphChanges, record: LoadRecord, facts: DatasetFacts, progress: Progress) -> None:
        """Bring a load in (see `graph.neo4j_load`); visible to `tables` only when all of it is."""
        apply_changes(self._connection, changes, record, facts, progress)

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

    def write_audience(self, audience: Mapping[str, Any], members: Iterable[Mapping[str, Any]]) -> None:
        """Write an audience and its members in place of the one of that id, in one transaction."""
        with self._replacing() as transaction:
            transaction.run(statement("clear_audience"), {"id": audience["id"]}).consume()
            transaction.run(statement("add_audience"), dict(audience)).consume()
            table = pa.Table.from_pylist([dict(member) for member in members])
            run_in_batches(transaction, "add_members", table, no_progress, "", audience=audience["id"])

    # -- reading ----------------------------------------------------------------------------------------------------

    def read(self, name: str, **parameters: Any) -> Rows:
        """Run one of the project's own reading statements."""
        columns, records = self._connection.read(cypher.statement(name, self.dialect).text, parameters)
        return Rows(columns, [tuple(plain(value) for value in record) for record in records])

    def neighbours(self, relationship: str, direction: str, ids: list[str], limit: int) -> list[dict[str, Any]]:
        """Nodes at the other end of a relationship type, for several nodes in the middle at once."""
        parameters: dict[str, Any] = {"ids": ids, "limit": limit}
        if relationship in INTERACTIONS:
            parameters["leave_out"] = NO_PRODUCT
        return best_first(self.read(f"read/neighbours_{relationship.lower()}_{direction}", **parameters).dicts())

    def query(self, text: str, parameters: Mapping[str, Any], limits: QueryLimits) -> Rows:
        """Run a user's statement, read-only and limited: its tokens and the server's plan must say it is a read."""
        check_read_only(text)
        if self.facts() is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        with self._connection.session(fetch_size=max(1, min(limits.rows, 1000))) as session:
            try:
                with session.begin_transaction(timeout=limits.seconds) as transaction:
                    return _limited(transaction, text, dict(parameters), limits)
            except exceptions.Neo4jError as error:
                raise _refusal(error, limits) from error

    @contextmanager
    def _replacing(self) -> Iterator[neo4j.Transaction]:
        """One transaction, as the only writer, in a graph that holds something."""
        if self.facts() is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        prepare_schema(self._connection)
        with only_writer(self._connection) as transaction:
            yield transaction


def _limited(transaction: neo4j.Transaction, text: str, parameters: dict[str, Any], limits: QueryLimits) -> Rows:
    """Run a statement that the server, too, takes for a read, and fetch no more rows than asked for."""
    kind = transaction.run(f"EXPLAIN {text}", parameters).consume().query_type
    if kind != "r":
        raise CypherRefusedError("The statement is not a read.", hint="Only reading is allowed: MATCH … RETURN.")
    result = transaction.run(text, parameters)
    rows = [tuple(plain(value) for value in record) for record in result.fetch(limits.rows)]
    truncated = result.peek() is not None
    columns = tuple(result.keys())
    transaction.rollback()
    return Rows(columns, rows, truncated)


def _refusal(error: exceptions.Neo4jError, limits: QueryLimits) -> CypherRefusedError:
    code = error.code or ""
    if "TransactionTimedOut" in code or "Terminated" in code:
        return CypherRefusedError(
            f"The statement was stopped after {limits.seconds:g} seconds.", hint="Ask for less at once."
        )
    return CypherRefusedError(f"The statement is not valid: {(error.message or code).splitlines()[0]}.")
