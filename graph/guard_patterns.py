"""Regular expressions that a user may match with: only those that cannot run for ever.

Neo4j matches with Java's engine, which tries all ways to match one after another and cannot be stopped meanwhile. So
nothing that repeats may hold what repeats or chooses, and only a few things may repeat.
"""

from __future__ import annotations

import re
from typing import Any

from habitue.errors import CypherRefusedError

LONGEST_PATTERN = 200
MOST_REPEATS = 3
MOST_OPTIONAL = 10

_CLASS = re.compile(r"\[\^?\]?(?:[^\]\[\\&]|\\.)*\]")
_PART = re.compile(r"\\.|\(\?:|\(\?[a-z]+\)|\{\d+(?:,\d*)?\}|.", re.DOTALL)


def check_pattern(value: Any) -> None:
    """Refuse a regular expression that could take for ever on some text.

    Args:
        value: The pattern; anything that is no text is refused.

    Raises:
        CypherRefusedError: With the reason.
    """
    if not isinstance(value, str):
        raise CypherRefusedError("The pattern after =~ is not a text.")
    if len(value) > LONGEST_PATTERN:
        raise CypherRefusedError(f"The pattern after =~ is longer than {LONGEST_PATTERN} characters.")
    repeats = optional = 0
    previous = ""
    # A class such as [a-z] is one character to what follows it.
    for part in _PART.findall(_CLASS.sub("x", value)):
        if part in ("[", "]"):
            _refuse("a character class inside another one")
        if re.fullmatch(r"\\[1-9kQE]", part):
            _refuse(f"{part}")
        if part == "?" and previous == "(":
            _refuse("a group that looks ahead or back, or has a name")
        if part in ("*", "+", "?") or part.startswith("{"):
            if previous == ")":
                _refuse("a group that repeats or is optional")
            repeats += part in ("*", "+") or "," in part
            optional += part == "?"
        previous = part
    if repeats > MOST_REPEATS:
        _refuse(f"more than {MOST_REPEATS} parts that repeat")
    if optional > MOST_OPTIONAL:
        _refuse(f"more than {MOST_OPTIONAL} optional parts")


def _refuse(what: str) -> None:
    raise CypherRefusedError(
        f"The pattern after =~ holds {what}: refused, because the match could take for ever.",
        hint="CONTAINS, STARTS WITH and ENDS WITH answer most questions.",
    )
