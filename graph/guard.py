"""Is a user's Cypher a read and nothing else? Decided on its tokens, before any store sees it.

Neither store's read-only mode is a sandbox: both let statements through that read files, list other people's queries
or end their transactions, and a Neo4j server ends whole when one expression fills its memory. So a statement is read by
the grammar of reading: clauses, functions and operators that are known are allowed, and everything else is refused,
whatever its case, its comments or its quoting. One procedure is allowed, Neo4j's search of a vector index, by name in
`graph.guard_grammar`, where clauses are read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from graph.guard_grammar import ReadingStatement
from graph.guard_tokens import DEEPEST_NESTING, Token, read_tokens
from habitue.errors import CypherRefusedError

_LONGEST_KEPT = 5_000  # characters
_PLAIN = bytes | float | date | time | timedelta | Decimal | uuid.UUID


def check_read_only(text: str, parameters: Mapping[str, Any] | None = None) -> tuple[str, ...] | None:
    """Refuse everything that is not one reading statement with all its parameters; takes time linear in its length.

    Args:
        text: The statement.
        parameters: Values of its parameters; those it does not use are not looked at.

    Returns:
        What Cypher calls the columns of its answer; None where it returns `*`.

    Raises:
        CypherRefusedError: With the reason; names the word, never the whole statement.
    """
    tokens = _known_tokens(text) if len(text) <= _LONGEST_KEPT else read_tokens(text)
    given = parameters or {}
    used = {token.value[1:] for token in tokens if token.kind == "parameter"}
    if missing := sorted(used - set(given)):
        raise CypherRefusedError(
            f"The parameter {', '.join(f'${name[:60]}' for name in missing[:5])} is missing.",
            hint="Give a value for each $name of the statement.",
        )
    for name in used:
        _check_value(name, given[name], 0)
    statement = ReadingStatement(tokens, given)
    try:
        statement.read()
    except RecursionError as error:  # a caller that stands deep itself
        raise CypherRefusedError("The statement is nested too deep.") from error
    return statement.columns(text)


@lru_cache(maxsize=256)
def _known_tokens(text: str) -> list[Token]:
    """Tokens of statements that come again and again, as the cookbook's do; nobody changes them."""
    return read_tokens(text)


def _check_value(name: str, value: Any, depth: int) -> None:
    """Refuse a parameter's value that the stores cannot take."""
    if depth > DEEPEST_NESTING:
        raise CypherRefusedError(f"The parameter ${name} is nested more than {DEEPEST_NESTING} deep.")
    if value is None or isinstance(value, bool | _PLAIN):
        return
    if isinstance(value, str):
        _check_text(name, value)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise CypherRefusedError(f"The parameter ${name} holds a whole number that does not fit in 64 bits.")
    elif isinstance(value, list | tuple):
        for each in value:
            _check_value(name, each, depth + 1)
    elif isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        for key, each in value.items():
            _check_text(name, key)
            _check_value(name, each, depth + 1)
    else:
        raise CypherRefusedError(
            f"The parameter ${name} holds a {type(value).__name__}, which is no value of Cypher.",
            hint="Give texts, numbers, truth values, times, and lists or maps of them.",
        )


def _check_text(name: str, value: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise CypherRefusedError(f"The parameter ${name} holds half of a character (a lone surrogate).")
