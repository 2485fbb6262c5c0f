"""One statement to the embedded engine, one result back."""

from __future__ import annotations

from collections.abc import Mapping
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
