"""One statement to the embedded engine, one result back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import ladybug

from graph.store import Rows
from habitue.errors import StoreError


def run(connection: ladybug.Connection, text: str, parameters: Mapping[str, Any] | None = None) -> ladybug.QueryResult:
    """Execute one statement; a text that holds several is refused."""
    result = connection.execute(text, dict(parameters or {}))
    if isinstance(result, list):
        raise StoreError("Several statements came where one was expected.", hint="Send them one by one.")
    return result


def rows_of(result: ladybug.QueryResult) -> list[list[Any]]:
    """All rows as lists."""
    return [list(row) for row in result.get_all()]


def fetch_rows(result: ladybug.QueryResult, most: int) -> Rows:
    """At most so many rows, as plain values.

    Raises:
        OverflowError: If a time lies outside what Python can hold. Fetched one by one, such a value ends the process
            (Ladybug 0.22), so answers with computed times travel as Arrow.
    """
    columns = tuple(result.get_column_names())
    if not any(kind in str(each) for each in result.get_column_data_types() for kind in ("DATE", "TIME", "INTERVAL")):
        rows = [tuple(plain(value) for value in row) for row in result.get_n(most)]
        return Rows(columns, rows, truncated=result.has_next())
    table = result.get_as_arrow()
    values = [column.to_pylist() for column in table.slice(0, most).itercolumns()]
    found = [tuple(plain(value) for value in row) for row in zip(*values, strict=True)]
    return Rows(columns, found, truncated=len(table) > most)


def plain(value: Any) -> Any:
    """Ladybug's value as plain Python: nodes and relationships as dictionaries with `_label` or `_type`."""
    if isinstance(value, dict):
        if "_LABEL" in value:
            kind = "_type" if "_SRC" in value else "_label"
            rest = {key: plain(each) for key, each in value.items() if not key.startswith("_") and each is not None}
            return {kind: value["_LABEL"], **rest}
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):  # sums of integers come as 128-bit integers
        return int(value) if value == value.to_integral_value() else float(value)
    return value
