"""`docs/cookbook.md`, made from the headers of the statements: `python -m habitue.cookbook_document`."""

from __future__ import annotations

import sys
from itertools import groupby

from habitue.cookbook import Parameter, Recipe, list_queries

#: Subjects in the order in which the document, and the list of the command line, has them.
SUBJECTS = (
    "products",
    "categories and brands",
    "one customer",
    "customers",
    "campaigns and audiences",
    "time and orders",
)

_INTRODUCTION = """\
# The cookbook

Statements that analysts of customer relationships ask for, one a file in `cypher/explore/`. Each gives the same answer
on the embedded store and on Neo4j, but for those that say where they run. `habitue query` lists them, `habitue query
NAME --describe` shows one with its Cypher, `habitue query NAME -p key=value` runs it and prints a table, `--csv` or
`--json` for programs. Over HTTP: `GET /v1/queries` and `POST /v1/queries/NAME`. A statement is stopped after 60
seconds, and gives 10,000 rows at most.

A parameter without a default must be given. Dates are naive UTC; amounts are in the data set's currency. Purchases
without a product are nobody's taste: statements about products leave them out. The examples are written for Complete
Journey (`habitue demo`); where an answer needs what that data set lacks (views, returns, audiences), it is empty there.
"""


def by_subject(recipes: list[Recipe]) -> list[Recipe]:
    """The same statements, those of a subject together, then by name."""
    return sorted(recipes, key=lambda each: (SUBJECTS.index(each.subject), each.name))


def document() -> str:
    """The whole document, from the headers."""
    parts = [_INTRODUCTION]
    everywhere = {each.name for each in list_queries("ladybug")}
    for subject, recipes in groupby(by_subject(list_queries("neo4j")), key=lambda each: each.subject):
        parts.append(f"## {subject.capitalize()}\n")
        parts.extend(_section(each, everywhere=each.name in everywhere) for each in recipes)
    return "\n".join(parts)


def _section(recipe: Recipe, *, everywhere: bool) -> str:
    where = "" if everywhere else " On Neo4j only."
    lines = [f"### {recipe.name}", "", f"{recipe.purpose[0].upper()}{recipe.purpose[1:]}.{where}", ""]
    if recipe.parameters:
        lines += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
        lines += [f"| `{p.name}` | {p.type} | {_default(p)} | {p.meaning} |" for p in recipe.parameters]
        lines.append("")
    lines += ["| column | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {recipe.meanings.get(name, '')} |" for name in recipe.columns]
    lines += ["", "```", recipe.example, "```", ""]
    return "\n".join(lines)


def _default(parameter: Parameter) -> str:
    return "" if parameter.default is None else f"`{parameter.default}`"


if __name__ == "__main__":
    sys.stdout.write(document())
