"""The analyst's cookbook: the statements of `cypher/explore`, listed and run by name.

A header lists the parameters with type and default, separated by semicolons: `customer: text; limit: integer = 20`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cypher
from graph.store import GraphStore, Rows
from habitue.errors import NotFoundError, UsageError

_TYPES: dict[str, Any] = {"text": str, "integer": int, "number": float, "date": datetime.fromisoformat}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a statement; `default` is None where it must be given."""

    name: str
    type: str
    default: Any


@dataclass(frozen=True)
class Recipe:
    """A statement of the cookbook."""

    name: str
    purpose: str
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    text: str


def list_queries(dialect: str) -> list[Recipe]:
    """All statements of the cookbook, by name."""
    return [_recipe(name, dialect) for name in cypher.names("explore", dialect)]


def run_query(store: GraphStore, name: str, parameters: Mapping[str, Any]) -> Rows:
    """Run a statement of the cookbook.

    Args:
        store: Where.
        name: Such as `lapsing-loyalists`.
        parameters: As given by the user, text or values; defaults fill the rest.

    Raises:
        NotFoundError: If there is no such statement.
        UsageError: If a parameter is missing, unknown, or of another type.
    """
    known = {each.name: each for each in list_queries(store.dialect)}
    if name not in known:
        raise NotFoundError(f"There is no statement {name!r} in the cookbook.", hint=f"There are: {', '.join(known)}.")
    recipe = known[name]
    if unknown := set(parameters) - {each.name for each in recipe.parameters}:
        expected = ", ".join(each.name for each in recipe.parameters) or "none"
        raise UsageError(f"{name} has no parameter {', '.join(sorted(unknown))}.", hint=f"Its parameters: {expected}.")
    values = {}
    for each in recipe.parameters:
        given = parameters.get(each.name, each.default)
        if given is None:
            raise UsageError(f"{name} needs the parameter {each.name}.", hint=f"Give it as `-p {each.name}=…`.")
        values[each.name] = _convert(each, given)
    return store.read(f"explore/{name}", **values)


def _recipe(name: str, dialect: str) -> Recipe:
    statement = cypher.statement(name, dialect)
    lines = [line for line in statement.header.get("parameters", "none").split(";") if line.strip() not in ("", "none")]
    columns = tuple(each.strip() for each in statement.header.get("columns", "").split(","))
    parameters = tuple(_parameter(line) for line in lines)
    return Recipe(name.removeprefix("explore/"), statement.purpose, parameters, columns, statement.text)


def _parameter(line: str) -> Parameter:
    declaration, _, default = line.partition("=")
    name, _, kind = declaration.partition(":")
    bare = Parameter(name.strip(), kind.strip(), None)
    return Parameter(bare.name, bare.type, _convert(bare, default.strip()) if default.strip() else None)


def _convert(parameter: Parameter, value: Any) -> Any:
    convert = _TYPES[parameter.type]
    if isinstance(value, bool) or (parameter.type == "integer" and not _is_count(value)):
        raise UsageError(f"The parameter {parameter.name} should be a whole number from 0 to 1,000,000,000.")
    if isinstance(value, convert if isinstance(convert, type) else datetime):
        return value
    try:
        return convert(str(value))
    except ValueError as error:
        raise UsageError(
            f"The parameter {parameter.name} should be of the type {parameter.type}, not {value!r}."
        ) from error


def _is_count(value: Any) -> bool:
    text = str(value).strip()
    return text.isdecimal() and int(text) <= 1_000_000_000
