"""One statement to the embedded engine, one result back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import ladybug

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
