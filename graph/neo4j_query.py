"""A user's statement on a Neo4j server: in a transaction that may only read, for a bounded time, piece by piece.

The guard has read its tokens before; here the server's own plan must say that it reads, and the transaction is rolled
back whatever happens. What a statement may take of the server's memory is the operator's setting
`db.memory.transaction.max`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import neo4j
from neo4j import exceptions

from graph.guard_words import VECTOR_SEARCH
from graph.neo4j_connection import Neo4jConnection
from graph.neo4j_values import plain_row
from graph.store import QueryLimits, Rows
from graph.wire import dump
from habitue.errors import CypherRefusedError

#: Steps of plans that the server takes for reads, although they read files, settings or other people's statements.
_REACHES_OUT = re.compile(r"LoadCSV|Show|Terminate|ProcedureCall|Transaction", re.IGNORECASE)
_VECTOR_SEARCH = f"{VECTOR_SEARCH}("
_ROWS_AT_ONCE = 200  # what the server sends ahead is held here before its bytes can be counted


def run_limited(connection: Neo4jConnection, text: str, parameters: Mapping[str, Any], limits: QueryLimits) -> Rows:
    """Run a statement that the guard let through.

    Args:
        connection: To the server.
        text: The statement.
        parameters: Values of its parameters.
        limits: Rows and bytes (of the rows as JSON) cut the answer, which is then `truncated`; seconds end it.

    Raises:
        CypherRefusedError: If the server does not take it for a read, it is not valid, takes too long, needs more
            memory than the server gives, or if its first row alone is longer than the bytes allowed.
        StoreError: If the server does not answer.
    """
    with connection.session(fetch_size=max(1, min(limits.rows, _ROWS_AT_ONCE))) as session:
        try:
            with session.begin_transaction(timeout=limits.seconds) as transaction:
                _check_plan(transaction, text, parameters)
                rows = _fetch(transaction.run(text, dict(parameters)), limits)
                transaction.rollback()
                return rows
        except exceptions.Neo4jError as error:
            raise _refusal(error, limits) from error
        except (exceptions.BrokenRecordError, OverflowError, ValueError) as error:
            raise CypherRefusedError(
                "The answer holds a time outside the years 1 to 9999.", hint="Return it as text, or leave it out."
            ) from error


def _check_plan(transaction: neo4j.Transaction, text: str, parameters: Mapping[str, Any]) -> None:
    """Have the server plan the statement: it must be a read, and no step may reach beyond the graph."""
    summary = transaction.run(f"EXPLAIN {text}", dict(parameters)).consume()
    if summary.query_type != "r" or any(_REACHES_OUT.match(step) for step in _steps(summary.plan)):
        raise CypherRefusedError("The statement is not a read.", hint="Only reading is allowed: MATCH … RETURN.")


def _steps(plan: Mapping[str, Any] | None) -> Iterator[str]:
    """The operators of a plan; the search of a vector index, the one procedure that the guard lets through, is none."""
    waiting = [plan or {}]
    while waiting:
        step = waiting.pop()
        if _VECTOR_SEARCH not in str(step.get("args", {}).get("Details", "")):
            yield str(step.get("operatorType", ""))
        waiting += step.get("children", [])


def _fetch(result: neo4j.Result, limits: QueryLimits) -> Rows:
    """Take rows until there are no more, or as many rows or bytes as asked for."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    for record in result:
        row = plain_row(record)
        size += len(dump(row))
        if len(rows) == limits.rows:
            return Rows(tuple(result.keys()), rows, truncated=True)
        if size > limits.bytes:
            if not rows:
                raise CypherRefusedError(
                    f"A row of the answer is longer than the {limits.bytes:,} bytes that an answer may have.",
                    hint="Return fewer values in a row, or collect fewer.",
                )
            return Rows(tuple(result.keys()), rows, truncated=True)
        rows.append(row)
    return Rows(tuple(result.keys()), rows)


def _refusal(error: exceptions.Neo4jError, limits: QueryLimits) -> CypherRefusedError:
    """The server's complaint in its own words, without the statement, which it repeats, and the texts in it."""
    code = error.code or ""
    if "TransactionTimedOut" in code or "Terminated" in code:
        return CypherRefusedError(
            f"The statement was stopped after {limits.seconds:g} seconds.", hint="Ask for less at once."
        )
    if "Memory" in code:
        return CypherRefusedError(
            "The statement needs more memory than the server gives.", hint="Ask for less at once."
        )
    lines = (error.message or code).splitlines() or [code]
    said = re.sub(r'"[^"]*"', "“…”", lines[0])[:300].rstrip(".")
    return CypherRefusedError(f"The statement is not valid: {said}.")
