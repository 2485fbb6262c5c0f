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
    "ALTER", "ATTACH", "BEGIN", "CALL", "CHECKPOINT", "COMMENT", "COMMIT", "COPY", "CREATE", "DEALLOCATE", "DELETE",
    "DENY", "DETACH", "DRYRUN", "DROP", "EXECUTE", "EXPLAIN", "EXPORT", "FINISH", "FOREACH", "GRANT", "IMPORT", "INSERT",
    "INSTALL", "LOAD", "MACRO", "MERGE", "PREPARE", "PROFILE", "PROJECT_GRAPH", "REMOVE", "RENAME", "REVOKE", "ROLLBACK",
    "SET", "SHOW", "START", "STOP", "TERMINATE", "UNINSTALL", "UPDATE", "USE", "USING",
})  # fmt: skip

#: Name spaces of functions that reach outside the graph.
_REFUSED_NAMESPACES = frozenset({"APOC", "DB", "DBMS", "GDS", "GENAI", "GRAPH", "TX"})


def check_read_only(text: str) -> None:
    """Refuse everything that is not one reading statement.

    Raises:
        CypherRefusedError: With the reason; names the word, never the whole statement.
    """
    if len(text) > _MAXIMUM_LENGTH:
        raise CypherRefusedError(f"The statement is longer than {_MAXIMUM_LENGTH} characters.")
    if re.search(r"\\u", text, re.IGNORECASE):
        raise CypherRefusedError("Unicode escapes (\\u…) are refused.", hint="Write the character itself.")
    tokens = [(kind, value) for kind, value in _tokens(text) if kind not in ("blank", "comment")]
    if tokens and tokens[-1][1] == ";":
        tokens.pop()
    if not tokens:
        raise CypherRefusedError("The statement is empty.")
    first = tokens[0][1].upper()
    if tokens[0][0] != "word" or first not in _FIRST:
        raise CypherRefusedError(f"The statement starts with {tokens[0][1][:30]!r}.", hint=_hint())
    returns = False
    for place, (kind, value) in enumerate(tokens):
        if value == ";":
            raise CypherRefusedError("There is more than one statement.", hint="Send them one by one.")
        if kind != "word":
            continue
        before = tokens[place - 1][1] if place else ""
        after = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        name = value.upper()
        if before == ".":
            continue  # a property
        if name in _REFUSED and before != ":":
            raise CypherRefusedError(f"{name} is refused.", hint=_hint())
        if name in _REFUSED_NAMESPACES and after == ".":
            raise CypherRefusedError(f"Functions of {value.lower()}.… are refused.", hint=_hint())
        returns = returns or name == "RETURN"
    if not returns:
        raise CypherRefusedError("The statement returns nothing.", hint="End it with RETURN.")


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
