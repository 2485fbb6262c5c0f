"""A user's Cypher as tokens, read so strictly that both stores' own readers see the same ones.

What the stores could read differently (Unicode escapes, odd blanks, lone carriage returns, letters that only look like
those of a keyword) is refused here, so that no later check has to think of it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from habitue.errors import CypherRefusedError

MAXIMUM_LENGTH = 20_000
DEEPEST_NESTING = 100
_LARGEST_INTEGER = 2**63 - 1
_PAIRS = {")": "(", "]": "[", "}": "{"}

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r\n]+)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^'\\]|\\['"\\bfnrt])*'|"(?:[^"\\]|\\['"\\bfnrt])*")
  | (?P<quoted>`(?:[^`]|``)+`)
  | (?P<parameter>\$\w+)
  | (?P<number>(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?!\w))
  | (?P<word>[^\W\d]\w*)
  | (?P<sign><>|<=|>=|=~|\.\.|\|\||/(?!\*)|[-+*%^=<>.,:;|&!?(){}\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """A piece of a statement.

    Attributes:
        kind: `word`, `quoted`, `text`, `number`, `parameter`, `sign`, or `end` behind the last one.
        value: As written.
        place: Of its first character in the statement, from 0.
    """

    kind: str
    value: str
    place: int

    @cached_property
    def keyword(self) -> str:
        """The word in capitals; empty for everything that cannot be a keyword."""
        return self.value.upper() if self.kind == "word" and self.value.isascii() else ""

    @cached_property
    def mark(self) -> str:
        """What decides the grammar: a sign as it is, a keyword in capitals, empty for all else."""
        return self.value if self.kind == "sign" else self.keyword

    @cached_property
    def name(self) -> str:
        """The name that a word or a quoted name gives; empty for everything else."""
        if self.kind == "quoted":
            return self.value[1:-1].replace("``", "`")
        return self.value if self.kind == "word" else ""


def read_tokens(text: str) -> list[Token]:
    """The tokens of a statement, without blanks and comments; linear in its length.

    Raises:
        CypherRefusedError: If a character, a text, a name or a number is not one that both stores read alike.
    """
    _check_characters(text)
    tokens = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _unreadable(text, place)
        if found.lastgroup not in ("blank", "comment"):
            token = Token(found.lastgroup, found.group(), place)
            _check_token(token)
            tokens.append(token)
        place = found.end()
    tokens.append(Token("end", "", place))
    return tokens


def used_parameters(text: str) -> frozenset[str]:
    """Names of the parameters that a statement uses, without their `$`."""
    return frozenset(token.value[1:] for token in read_tokens(text) if token.kind == "parameter")


def limited_to(text: str, rows: int) -> str:
    """The same statement asking for at most so many rows, where it has one answer and names no LIMIT itself.

    Saves an engine that gathers the whole answer before it hands out the first row from gathering what nobody takes.
    """
    depth, bounded, previous = 0, False, ""
    tokens = read_tokens(text)
    for token in tokens:
        if token.kind == "sign" and token.value in ("(", "[", "{"):
            depth += 1
        elif token.kind == "sign" and token.value in _PAIRS:
            depth -= 1
        elif depth == 0 and previous not in (".", ":", "AS"):
            if token.keyword == "UNION":
                return text
            bounded = token.keyword == "LIMIT" or (bounded and token.keyword != "RETURN")
        previous = token.keyword or token.value
    end = tokens[-2].place if len(tokens) > 1 and tokens[-2].value == ";" else len(text)
    return text if bounded else f"{text[:end]}\nLIMIT {rows}"


def match_brackets(tokens: list[Token]) -> dict[int, int]:
    """Where each opening bracket's partner stands.

    Raises:
        CypherRefusedError: If one has none, or they are nested so deep that an engine's own stack could overflow.
    """
    partner: dict[int, int] = {}
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.value in ("(", "[", "{"):
            opened.append(place)
            if len(opened) > DEEPEST_NESTING:
                raise CypherRefusedError(f"Brackets are nested more than {DEEPEST_NESTING} deep.")
        elif token.value in _PAIRS:
            if not opened or tokens[opened[-1]].value != _PAIRS[token.value]:
                raise CypherRefusedError(f"The bracket {token.value} at position {token.place + 1} closes nothing.")
            partner[opened.pop()] = place
    if opened:
        bracket = tokens[opened[-1]]
        raise CypherRefusedError(f"The bracket {bracket.value} at position {bracket.place + 1} is never closed.")
    return partner


def text_value(token: Token) -> str:
    """What a text token stands for."""
    escapes = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
    return re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), token.value[1:-1])


def integer_value(token: Token) -> int | None:
    """The value of a number token if it is a whole number."""
    return int(token.value, 0) if re.fullmatch(r"0[xXoO]\w+", token.value) else _decimal(token.value)


def _decimal(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() else None


def _check_characters(text: str) -> None:
    if len(text) > MAXIMUM_LENGTH:
        raise CypherRefusedError(f"The statement is longer than {MAXIMUM_LENGTH} characters.")
    if found := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", text):
        raise CypherRefusedError(f"{_named(found.group())} at position {found.start() + 1} is refused.")
    if re.search(r"\\u", text, re.IGNORECASE):
        raise CypherRefusedError("Unicode escapes (\\u…) are refused.", hint="Write the character itself.")
    if re.search(r"\r(?!\n)", text):  # ends a comment for one store and not for the other
        raise CypherRefusedError("A carriage return without a line feed is refused.", hint="Use line feeds.")


def _check_token(token: Token) -> None:
    if token.kind == "word" and not token.value.isascii():
        # Engines compare keywords without regard to case, by rules of their own: ſ is S to some, K (Kelvin) is k.
        if unicodedata.normalize("NFKC", token.value).upper().isascii():
            raise CypherRefusedError(
                f"The word at position {token.place + 1} holds letters that only look like those of the alphabet.",
                hint="Use plain letters, or put the name in backticks.",
            )
    elif token.kind == "number":
        whole = integer_value(token) if len(token.value) <= 40 else _LARGEST_INTEGER + 1
        if whole is not None and whole > _LARGEST_INTEGER:
            raise CypherRefusedError(f"The number at position {token.place + 1} does not fit in 64 bits.")


def _unreadable(text: str, place: int) -> CypherRefusedError:
    character = text[place]
    if character in "'\"":
        return CypherRefusedError(
            f"The text that begins at position {place + 1} has no end, or an escape other than \\\\ \\' \\\" \\b \\f "
            "\\n \\r \\t."
        )
    if character == "`":
        return CypherRefusedError(f"The quoted name that begins at position {place + 1} has no end, or is empty.")
    if text.startswith("/*", place):
        return CypherRefusedError(f"The comment that begins at position {place + 1} has no end.")
    if character.isdecimal():
        return CypherRefusedError(f"The number at position {place + 1} is not one that both stores read alike.")
    return CypherRefusedError(f"{_named(character)} at position {place + 1} is not expected.")


def _named(character: str) -> str:
    name = unicodedata.name(character, "a control character").lower()
    return f"The character U+{ord(character):04X} ({name})"
