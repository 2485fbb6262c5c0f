"""Is a user's Cypher a read and nothing else? Decided on its tokens, before any store sees it.

Neither store's read-only mode is a sandbox: both let statements through that read files, list other people's queries
or end their transactions. So a statement may hold only the clauses of reading, one statement at a time; everything
that could do more is refused by name, whatever its case, its comments or its quoting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from habitue.errors import CypherRefusedError

_MAXIMUM_LENGTH = 20_000
_DEEPEST_NESTING = 100

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<parameter>\$[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d]\w*)
  | (?P<sign><>|<=|>=|=~|\.\.|->|<-|[-+*/%^=<>.,:;|&!?(){}\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)

#: Clauses that a statement may start with.
_FIRST = frozenset({"MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN"})

#: Words that write, administer, read files, or run procedures: refused wherever they could be a clause.
_REFUSED = frozenset({
    "ALTER", "ATTACH", "BEGIN", "CALL", "CHECKPOINT", "COMMENT", "COMMIT", "COPY", "CREATE", "DEALLOCATE",
    "DELETE", "DENY", "DETACH", "DROP", "DRYRUN", "EXECUTE", "EXPLAIN", "EXPORT", "FINISH", "FOREACH", "GRANT",
    "IMPORT", "INSERT", "INSTALL", "LOAD", "MACRO", "MERGE", "PREPARE", "PROFILE", "PROJECT_GRAPH", "REMOVE",
    "RENAME", "REVOKE", "ROLLBACK", "SET", "SHOW", "START", "STOP", "TERMINATE", "UNINSTALL", "UPDATE", "USE",
    "USING",
})  # fmt: skip

#: Functions that make texts of any length.
_REFUSED_FUNCTIONS = frozenset({"LPAD", "REPEAT", "RPAD"})

#: Name spaces of functions that reach outside the graph.
_REFUSED_NAMESPACES = frozenset({"APOC", "DB", "DBMS", "GDS", "GENAI", "GRAPH", "TX"})


def check_read_only(text: str) -> None:
    """Refuse everything that is not one reading statement.

    Raises:
        CypherRefusedError: With the reason; names the word, never the whole statement.
    """
    _check_characters(text)
    tokens = [(kind, value) for kind, value in _tokens(text) if kind not in ("blank", "comment")]
    if tokens and tokens[-1][1] == ";":
        tokens.pop()
    if not tokens:
        raise CypherRefusedError("The statement is empty.")
    if tokens[0][0] != "word" or tokens[0][1].upper() not in _FIRST:
        raise CypherRefusedError(f"The statement starts with {tokens[0][1][:30]!r}.", hint=_hint())
    if any(value == ";" for _, value in tokens):
        raise CypherRefusedError("There is more than one statement.", hint="Send them one by one.")
    before = [("sign", ""), *tokens]
    after = [*tokens[1:], ("sign", "")]
    for place, ((_, previous), (kind, value), (_, following)) in enumerate(zip(before, tokens, after, strict=False)):
        # After a full stop stands a property; not after one that belongs to a number.
        if previous != "." or (place > 1 and tokens[place - 2][0] == "number"):
            _check_name(kind, value, previous, following)
    _check_nesting(tokens)
    if not any(kind == "word" and value.upper() == "RETURN" for kind, value in tokens):
        raise CypherRefusedError("The statement returns nothing.", hint="End it with RETURN.")


def _check_characters(text: str) -> None:
    """Refuse what the stores' own readers could see otherwise than we do."""
    if len(text) > _MAXIMUM_LENGTH:
        raise CypherRefusedError(f"The statement is longer than {_MAXIMUM_LENGTH} characters.")
    if re.search(r"\\u", text, re.IGNORECASE):
        raise CypherRefusedError("Unicode escapes (\\u…) are refused.", hint="Write the character itself.")
    if re.search(r"\r(?!\n)", text):  # ends a comment for one store and not for the other
        raise CypherRefusedError("A carriage return without a line feed is refused.", hint="Use line feeds.")


def _check_name(kind: str, value: str, previous: str, following: str) -> None:
    """Refuse a word that could be a clause, and functions of forbidden name spaces, in backticks or not."""
    name = value.strip("`").upper()
    space = name.partition(".")[0].strip("` ")
    if kind in ("word", "quoted") and space in _REFUSED_NAMESPACES and (following == "." or "." in name):
        raise CypherRefusedError(f"Functions of {space.lower()}.… are refused.", hint=_hint())
    if kind in ("word", "quoted") and name in _REFUSED_FUNCTIONS and following == "(":
        raise CypherRefusedError(f"The function {name.lower()} is refused: it fills the memory.", hint=_hint())
    if kind == "word" and name in _REFUSED and previous != ":":
        raise CypherRefusedError(f"{name} is refused.", hint=_hint())


def _check_nesting(tokens: list[tuple[str, str]]) -> None:
    """Refuse deep nesting, which overflows the stack of the embedded engine's parser."""
    depth = deepest = 0
    for kind, value in tokens:
        if kind == "sign" and value in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif kind == "sign" and value in ")]}":
            depth -= 1
    if deepest > _DEEPEST_NESTING:
        raise CypherRefusedError(
            f"Brackets are nested {deepest} deep.", hint=f"At most {_DEEPEST_NESTING} are allowed."
        )


def _hint() -> str:
    return "Only reading is allowed: MATCH, OPTIONAL MATCH, WHERE, WITH, UNWIND, RETURN, ORDER BY, SKIP, LIMIT, UNION."


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise CypherRefusedError(f"The character {text[place]!r} at position {place + 1} is not expected there.")
        yield found.lastgroup, found.group()
        place = found.end()
