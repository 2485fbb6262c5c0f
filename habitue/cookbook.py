"""The analyst's cookbook: the statements of `cypher/explore`, listed, described and run by name.

A statement's header holds, besides its purpose, `subject` (what it is about), `parameters` (with type and default,
separated by semicolons: `customer: text; limit: integer = 20`), `columns`, an `example`, and what a parameter or a
column means: `parameter customer: …`, `column lift: …`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import cypher
from graph.store import GraphStore, QueryLimits, Rows
from habitue.errors import NotFoundError, UsageError

#: More time than a user's own statement has: these are known to end, and go through all customers of a large shop.
LIMITS = QueryLimits(seconds=60.0)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a statement: `text`, `integer`, `number` or `date`; `default` is None where it must be given."""

    name: str
    type: str
    default: Any
    meaning: str = ""


@dataclass(frozen=True)
class Recipe:
    """A statement of the cookbook.

    Attributes:
        name: Such as `lapsing-loyalists`.
        purpose: What it answers, in a sentence.
        subject: What it is about; statements of one subject stand together.
        parameters: In the order of the header.
        columns: Of the answer.
        meanings: What a column holds, by its name, where the name alone does not say it.
        example: A command that runs it.
        text: The Cypher itself.
    """

    name: str
    purpose: str
    subject: str
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    meanings: dict[str, str]
    example: str
    text: str


def list_queries(dialect: str) -> list[Recipe]:
    """All statements of the cookbook, by name."""
    return [_recipe(name, dialect) for name in cypher.names("explore", dialect)]


def recipe(name: str, dialect: str) -> Recipe:
    """One statement of the cookbook.

    Raises:
        NotFoundError: If there is no such statement; names the nearest.
    """
    known = [each.removeprefix("explore/") for each in cypher.names("explore", dialect)]
    if name not in known:
        near = get_close_matches(name, known, n=1) or [each for each in known if name and name in each][:1]
        raise NotFoundError(
            f"There is no statement {name[:60]!r} in the cookbook.",
            hint=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}.",
        )
    return _recipe(f"explore/{name}", dialect)


def run_query(store: GraphStore, name: str, parameters: Mapping[str, Any], limits: QueryLimits = LIMITS) -> Rows:
    """Run a statement of the cookbook.

    Args:
        store: Where.
        name: Such as `lapsing-loyalists`.
        parameters: As given by the user, text or values; defaults fill the rest.
        limits: Seconds of work and rows of answer.

    Raises:
        NotFoundError: If there is no such statement.
        UsageError: If a parameter is missing, unknown, or of another type.
        CypherRefusedError: If it takes too long.
    """
    asked = recipe(name, store.dialect)
    return store.query(asked.text, _values(asked, parameters), limits)


def _values(asked: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    names = [each.name for each in asked.parameters]
    if unknown := sorted(set(given) - set(names)):
        near = get_close_matches(unknown[0], names, n=1)
        suggestion = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"{asked.name} has no parameter {', '.join(unknown)}.",
            hint=f"{suggestion}Its parameters: {', '.join(names) or 'none'}.",
        )
    missing = [each for each in asked.parameters if given.get(each.name, each.default) is None]
    if missing:
        raise UsageError(
            f"{asked.name} needs the parameter{'s' * (len(missing) > 1)} {_enumerated(each.name for each in missing)}.",
            hint=f"Give {' '.join(f'`-p {each.name}=…`' for each in missing)}; an example: {asked.example}",
        )
    return {each.name: _convert(each, given.get(each.name, each.default)) for each in asked.parameters}


def _enumerated(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _recipe(name: str, dialect: str) -> Recipe:
    statement = cypher.statement(name, dialect)
    header = statement.header
    lines = [line for line in header.get("parameters", "none").split(";") if line.strip() not in ("", "none")]
    parameters = [_parameter(line, header) for line in lines]
    columns = tuple(each.strip() for each in header.get("columns", "").split(","))
    return Recipe(
        name=name.removeprefix("explore/"),
        purpose=statement.purpose,
        subject=header.get("subject", ""),
        parameters=tuple(parameters),
        columns=columns,
        meanings={each: header[f"column {each}"] for each in columns if f"column {each}" in header},
        example=header.get("example", ""),
        text=statement.text,
    )


def _parameter(line: str, header: Mapping[str, str]) -> Parameter:
    declaration, _, default = (part.strip() for part in line.partition("="))
    name, _, kind = (part.strip() for part in declaration.partition(":"))
    bare = Parameter(name, kind, None, header.get(f"parameter {name}", ""))
    return Parameter(name, kind, _convert(bare, default) if default else None, bare.meaning)


def _convert(parameter: Parameter, value: Any) -> Any:
    """The value as the store takes it; what is of another type and cannot be read as this one is refused."""
    try:
        if isinstance(value, bool | list | dict):
            raise ValueError(value)
        if parameter.type == "integer":
            return _integer(value)
        if parameter.type == "number":
            return float(value)
        if parameter.type == "date":
            return _naive(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
        return str(value)
    except ValueError as error:
        expected = {
            "integer": "a whole number from 0 to 1,000,000,000",
            "number": "a number",
            "date": "a date such as 2025-03-01, or with a time 2025-03-01T12:00:00",
            "text": "a text",
        }[parameter.type]
        raise UsageError(f"The parameter {parameter.name} should be {expected}, not {str(value)[:60]!r}.") from error


def _integer(value: Any) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= 1_000_000_000):
        raise ValueError(text)
    return int(text)


def _naive(moment: datetime) -> datetime:
    """Without a time zone, in UTC, as the graph's times are."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
