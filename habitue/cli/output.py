"""What commands print: one JSON object, or tables for people."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TextIO


def print_json(value: Mapping[str, Any]) -> None:
    """One object on standard output; times as ISO 8601, and null for a number that is not finite."""
    # As a whole first, so that a value without a JSON form leaves no half an object behind.
    sys.stdout.write(json.dumps(_finite(value), indent=2, ensure_ascii=False, default=_plain, allow_nan=False) + "\n")


def write_csv(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table as CSV."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(value) if isinstance(value, datetime) else value for value in row] for row in rows)


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Collection[int] = ()
) -> None:
    """A table for people; `numbers` are the columns set flush right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(
            name, justify="right" if place in numbers else "left", overflow="fold", no_wrap=place in numbers
        )
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    width = None if sys.stdout.isatty() else 120
    Console(width=width, highlight=False).print(table)


def say(text: str) -> None:
    """A line for people."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def shown(value: Any) -> str:
    """A value for people."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return (
            value.isoformat(sep=" ", timespec="seconds") if value.time() != datetime.min.time() else f"{value:%Y-%m-%d}"
        )
    if isinstance(value, dict | list):
        return json.dumps(_finite(value), default=_plain, ensure_ascii=False)
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name if isinstance(name, str) else str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, frozenset | set):
        return [_finite(each) for each in sorted(value)]
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)  # what a user's Cypher may return besides: intervals, identifiers, bytes
