"""Every Cypher statement, one per `.cypher` file; this module finds them and reads their header comments.

A statement that both stores accept stands once; where they differ, `neo4j/` and `ladybug/` hold the two forms under
one name. The header is a block of `// key: value` lines: purpose, parameters, columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from habitue.errors import NotFoundError


@dataclass(frozen=True)
class Statement:
    """A statement with its header.

    Attributes:
        name: Path below `cypher/` without the dialect's folder and the suffix, such as `read/customer`.
        purpose: What it answers, in a sentence.
        header: All header lines by key.
        text: The Cypher itself, without the header.
    """

    name: str
    purpose: str
    header: dict[str, str]
    text: str


@cache
def statement(name: str, dialect: str) -> Statement:
    """The statement of that name for a store.

    Args:
        name: Such as `read/customer`.
        dialect: `ladybug` or `neo4j`.

    Raises:
        NotFoundError: If there is none.
    """
    folder, _, leaf = name.rpartition("/")
    for path in (f"{folder}/{dialect}/{leaf}.cypher", f"{folder}/{leaf}.cypher"):
        resource = files(__name__).joinpath(path)
        if resource.is_file():
            return _parse(name, resource.read_text(encoding="utf-8"))
    raise NotFoundError(f"There is no Cypher statement {name!r} for {dialect}.", hint="`habitue query` lists them.")


@cache
def names(folder: str, dialect: str) -> tuple[str, ...]:
    """Names of all statements of a folder, in alphabetical order."""
    top = files(__name__).joinpath(folder)
    found = {entry.name for entry in top.iterdir()} if top.is_dir() else set()
    specific = top.joinpath(dialect)
    if specific.is_dir():
        found |= {entry.name for entry in specific.iterdir()}
    return tuple(sorted(f"{folder}/{each.removesuffix('.cypher')}" for each in found if each.endswith(".cypher")))


def _parse(name: str, text: str) -> Statement:
    header: dict[str, str] = {}
    body: list[str] = []
    for line in text.splitlines():
        if line.startswith("//") and not body:
            key, _, value = line[2:].partition(":")
            header[key.strip()] = value.strip()
        elif line.strip() or body:
            body.append(line)
    return Statement(name, header.get("purpose", ""), header, "\n".join(body).strip())
