"""A place among the tokens of a statement, and what may come next there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from graph.guard_tokens import Token, match_brackets
from graph.guard_words import REFUSED, RESERVED
from habitue.errors import CypherRefusedError

ONLY_READING = (
    "Only reading is allowed: MATCH, OPTIONAL MATCH, WHERE, WITH, UNWIND, RETURN, ORDER BY, SKIP, LIMIT, UNION."
)


class TokenCursor:
    """Reads a statement token by token.

    Args:
        tokens: Of the whole statement, the last of the kind `end`.
        parameters: Values of the statement's parameters.
    """

    def __init__(self, tokens: list[Token], parameters: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self.parameters = parameters
        self.at = 0
        self.partner = match_brackets(tokens)

    def peek(self, ahead: int = 0) -> Token:
        """The token that comes next, or one behind it."""
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def next_is(self, *values: str, ahead: int = 0) -> bool:
        """Whether the token there is one of these signs or keywords (in capitals)."""
        return self.peek(ahead).mark in values

    def accept(self, *values: str) -> bool:
        """Take the next token if it is one of these signs or keywords."""
        if self.next_is(*values):
            self.at += 1
            return True
        return False

    def expect(self, *values: str) -> None:
        """Take the next token, which must be one of these."""
        if not self.accept(*values):
            self.unexpected(values[0])

    def take_name(self, *, alias: bool = False) -> str:
        """Take a name of the user's choice: of a variable, or, behind AS, of a column, where no clause can stand."""
        token = self.peek()
        if token.keyword in RESERVED and not (alias and token.keyword in REFUSED):
            why = f": {REFUSED[token.keyword]}" if token.keyword in REFUSED else ""
            raise CypherRefusedError(
                f"{token.keyword} is refused at position {token.place + 1}{why}.",
                hint=f"{ONLY_READING} A name like this one goes in backticks.",
            )
        if not token.name:
            self.unexpected("a name")
        self.at += 1
        return token.name.lower()

    def take_key(self) -> None:
        """Take the name of a property, a label, or a map's key, which may be any word."""
        if not self.peek().name:
            self.unexpected("a name")
        self.at += 1

    def unexpected(self, wanted: str = "") -> NoReturn:
        """Refuse the statement at the next token, with the reason if it is a known one."""
        token = self.peek()
        if token.keyword in REFUSED:
            raise CypherRefusedError(f"{token.keyword} is refused: {REFUSED[token.keyword]}.", hint=ONLY_READING)
        if token.kind == "end":
            raise CypherRefusedError(
                f"The statement ends too early{f'; {wanted} is missing' if wanted else ''}.", hint=ONLY_READING
            )
        shown = {"text": "A text", "number": "A number", "quoted": "A quoted name"}.get(token.kind, token.value[:30])
        instead = f"; expected {wanted}" if wanted else ""
        raise CypherRefusedError(f"{shown} is not expected at position {token.place + 1}{instead}.", hint=ONLY_READING)
