"""One statement to the embedded engine, one result back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import ladybug

from habitue.errors import StoreError

_PLAIN = frozenset({type(None), str, int, float, bool, datetime})


def run(connection: ladybug.Connection, text: str, parameters: Mapping[str, Any] | None = None) -> ladybug.QueryResult:
    """Execute one statement; a text that holds several is refused."""
    result = connection.execute(text, dict(parameters or {}))
    if isinstance(result, list):
        raise StoreError("Several statements came where one was expected.", hint="Send them one by one.")
    return result


class Reader:
    """A connection that keeps the plans of statements whose parameters are texts. For one thread at a time.

    The engine takes the type of a whole number from its value, so that a plan made for 5 would misread 500: statements
    with other parameters are left to the connection.
    """

    def __init__(self, connection: ladybug.Connection) -> None:
        self.connection = connection
        self._plans: dict[str, ladybug.PreparedStatement] = {}

    def run(self, text: str, parameters: dict[str, Any]) -> ladybug.QueryResult:
        """Execute one statement."""
        for value in parameters.values():
            if type(value) is not str:
                return run(self.connection, text, parameters)
        plan = self._plans.get(text)
        if plan is None:
            plan = ladybug.PreparedStatement(self.connection, text, parameters)
            if not plan.is_success():
                raise RuntimeError(plan.get_error_message())
            self._plans[text] = plan
        result: ladybug.QueryResult = self.connection.execute(plan, parameters)  # type: ignore[assignment]
        return result


def rows_of(result: ladybug.QueryResult) -> list[list[Any]]:
    """All rows as lists."""
    return [list(row) for row in result.get_all()]


def plain_row(row: Iterable[Any]) -> tuple[Any, ...]:
    """A row of plain values."""
    return tuple([value if type(value) in _PLAIN else plain(value) for value in row])


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
