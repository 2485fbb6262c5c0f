"""Our own statements on a Neo4j server, and tables in the form in which they travel there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import neo4j
import pyarrow as pa
from neo4j import exceptions

import cypher
from graph.neo4j_connection import Neo4jConnection
from graph.store import Progress
from habitue.errors import LockedError

BATCH_ROWS = 5_000  # larger ones are no faster and cost the server memory
_SECONDS_FOR_OTHER_WRITER = 3.0

#: How the server says that a transaction waited too long for another one's lock.
_STOPPED_WAITING = frozenset({
    "LockAcquisitionTimeout", "LockClientStopped", "Terminated", "TransactionTimedOut",
    "TransactionTimedOutClientConfiguration",
})  # fmt: skip

#: Constraints whose index costs a load a third of its speed: a first load makes them when its rows are in.
_LATE = frozenset({"purchased_id", "viewed_id", "returned_id", "reviewed_id", "contacted_id", "redeemed_id"})


def statement(name: str) -> str:
    """The text of a statement of `load/`."""
    return cypher.statement(f"load/{name}", "neo4j").text


def columns_of(table: pa.Table) -> dict[str, list[Any]]:
    """A table as it travels: a list for each column, empty where it has no value; times as epoch milliseconds.

    The server reads lists of columns faster than as many maps, and takes a place beyond a list's end for null.
    """
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ms")).cast(pa.int64())
        # Each becomes a parameter; `load` is that of the number of the load at work.
        columns["loads" if name == "load" else name] = column.to_pylist() if column.null_count < len(column) else []
    return columns


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """A table's rows as they travel: times as epoch milliseconds, columns without any value left out."""
    columns = {
        name: values for name, values in zip(table.column_names, columns_of(table).values(), strict=True) if values
    }
    if not columns:
        return [{} for _ in range(len(table))]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def read_statement(connection: Neo4jConnection, name: str, **parameters: Any) -> list[neo4j.Record]:
    """The records that a statement of `read/` gives."""
    return connection.read(cypher.statement(f"read/{name}", "neo4j").text, parameters)[1]


def run_by_itself(connection: Neo4jConnection, name: str, **parameters: Any) -> None:
    """Run a statement of `load/` that commits in batches of its own (`IN TRANSACTIONS`)."""
    with connection.session(write=True) as session:
        session.run(statement(name), parameters).consume()


def run_once(connection: Neo4jConnection, name: str, **parameters: Any) -> neo4j.SummaryCounters:
    """Run a statement of `load/` in a transaction of its own; what it changed."""
    text = statement(name)
    return connection.write(lambda transaction: transaction.run(text, parameters).consume().counters)


def run_in_batches(
    transaction: neo4j.Transaction, name: str, table: pa.Table, progress: Progress, task: str, **parameters: Any
) -> None:
    """Run a statement of `load/` over a table's rows inside one transaction."""
    text = statement(name)
    for start in range(0, len(table), BATCH_ROWS):
        transaction.run(text, {"rows": rows_of(table.slice(start, BATCH_ROWS)), **parameters}).consume()
        progress(task, min(1.0, (start + BATCH_ROWS) / len(table)))


@contextmanager
def only_writer(connection: Neo4jConnection) -> Iterator[neo4j.Transaction]:
    """A transaction that holds the place of the only writer; committed when the block ends without error.

    The place is a node that is created at the start, under a uniqueness constraint, and deleted at the end: nobody
    ever sees it, and the server frees the place when a client is gone.

    Raises:
        LockedError: If somebody else has it.
    """
    take, release = statement("take_writer"), statement("release_writer")
    with connection.session(write=True) as session:
        try:
            with session.begin_transaction(timeout=_SECONDS_FOR_OTHER_WRITER) as attempt:
                attempt.run(take).consume()
                attempt.rollback()
        except exceptions.Neo4jError as error:
            if (error.code or "").rpartition(".")[2] in _STOPPED_WAITING:
                raise LockedError(
                    f"Another process is writing to the graph at {connection.address}.",
                    hint="Wait until it has finished.",
                ) from error
            raise
        with session.begin_transaction(timeout=0) as transaction:
            transaction.run(take).consume()
            yield transaction
            transaction.run(release).consume()
            transaction.commit()


def prepare_schema(connection: Neo4jConnection, *, first_load: bool = False) -> None:
    """Create the constraints and indexes that are not there; those that slow a first load down, only after it."""
    with connection.session(write=True) as session:
        for name, text in missing_schema(connection).items():
            if not (first_load and name in _LATE):
                session.run(text).consume()


def missing_schema(connection: Neo4jConnection) -> dict[str, str]:
    """Names of constraints and indexes that are not there, with the statements that create them."""
    there = {record["name"] for record in read_statement(connection, "schema_names")}
    wanted = [cypher.statement(name, "neo4j") for name in cypher.names("schema", "neo4j")]
    return {each.header["name"]: each.text for each in wanted if each.header["name"] not in there}
