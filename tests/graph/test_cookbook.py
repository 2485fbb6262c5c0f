"""The cookbook as a whole: complete headers, safe statements, errors that help, documents that are true."""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import cypher
from graph.guard import check_read_only
from graph.model import NO_PRODUCT
from graph.store import QueryLimits
from habitue.cookbook import Recipe, list_queries, recipe, run_query
from habitue.cookbook_document import SUBJECTS, document
from habitue.errors import NotFoundError, UsageError
from tests.graph.kitchen import ASKED, Kitchen

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "cypher" / "explore"
DIALECTS = ("ladybug", "neo4j")
EVERY = pytest.mark.parametrize(
    "each", [pytest.param(each, id=f"{each.name}-{dialect}") for dialect in DIALECTS for each in list_queries(dialect)]
)


#: What asks an index that the embedded store lacks; tested in `test_neo4j_vectors.py`.
NEO4J_ONLY = {"nearest-customers"}


def test_there_are_enough_statements_and_each_lies_where_it_is_found() -> None:
    names = {each.name for each in list_queries("ladybug")}
    assert len(names) >= 26
    assert names | NEO4J_ONLY == {each.name for each in list_queries("neo4j")}
    assert names | NEO4J_ONLY == {path.stem for path in FOLDER.rglob("*.cypher")}


def test_every_statement_is_compared_with_pandas() -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_cookbook_*.py")]
    compared = {
        name.replace("_", "-") for text in texts for name in re.findall(r"^def test_(\w+)\(kitchen", text, re.M)
    }
    asked = {name for text in texts for name in re.findall(r"kitchen\.(?:check|answer)\(\s*\"([\w-]+)\"", text)}
    names = {each.name for each in list_queries("ladybug")}
    assert names == compared == asked


def test_both_forms_of_a_statement_have_one_header() -> None:
    for path in (FOLDER / "ladybug").iterdir():
        ladybug, neo4j = (cypher.statement(f"explore/{path.stem}", dialect) for dialect in DIALECTS)
        assert ladybug.header == neo4j.header, path.stem
        assert ladybug.text != neo4j.text, f"{path.stem} needs one form only"


@EVERY
def test_a_header_is_complete(each: Recipe) -> None:
    assert each.purpose
    assert each.subject in SUBJECTS
    used = set(re.findall(r"\$(\w+)", each.text))
    assert used == {parameter.name for parameter in each.parameters}
    for parameter in each.parameters:
        assert parameter.meaning, parameter.name
        assert parameter.type in ("text", "integer", "number", "date")
    header = cypher.statement(f"explore/{each.name}", "neo4j").header
    known = {"purpose", "subject", "parameters", "columns", "example"}
    known |= {f"parameter {parameter.name}" for parameter in each.parameters}
    known |= {f"column {name}" for name in each.columns}
    assert set(header) <= known


@EVERY
def test_the_example_runs_this_statement_with_what_it_needs(each: Recipe) -> None:
    words = shlex.split(each.example)
    assert words[:3] == ["habitue", "query", each.name]
    assert set(words[3::2]) <= {"-p"}
    given = [word.partition("=")[0] for word in words[4::2]]
    assert len(given) == len(set(given))
    assert {p.name for p in each.parameters if p.default is None} <= set(given) <= {p.name for p in each.parameters}


@EVERY
def test_a_statement_only_reads_and_orders_its_rows(each: Recipe) -> None:
    check_read_only(each.text, {parameter.name: parameter.default for parameter in each.parameters})
    last = each.text.rpartition("RETURN")[2]
    assert "ORDER BY" in last or each.name == "one-time-buyers"  # one row
    assert ("LIMIT $limit" in each.text) == any(parameter.name == "limit" for parameter in each.parameters)


def test_the_reserved_product_is_in_no_answer(kitchen: Kitchen) -> None:
    values = {"customer": ASKED, "product": NO_PRODUCT, "from_product": NO_PRODUCT, "to_product": "P000",
              "category": "KITCHEN", "from_category": "KITCHEN", "to_category": "BOOKS", "since": "2024-01-01",
              "split": "2024-09-01", "until": "2025-02-01"}  # fmt: skip
    for each in list_queries(kitchen.store.dialect):
        given: dict[str, Any] = {p.name: 0 if p.name.startswith("min_") else values[p.name]
                 for p in each.parameters if p.name in values or p.name.startswith("min_")}  # fmt: skip
        rows = run_query(kitchen.store, each.name, given).rows
        assert all(NO_PRODUCT not in map(str, row) for row in rows), each.name


def test_a_statement_of_the_cookbook_is_bounded(kitchen: Kitchen) -> None:
    answer = run_query(kitchen.store, "bundles-of-two", {"min_orders": 1, "limit": 50}, QueryLimits(seconds=30, rows=7))
    assert (len(answer.rows), answer.truncated) == (7, True)


def test_ids_are_values_and_never_part_of_a_statement(kitchen: Kitchen) -> None:
    assert run_query(kitchen.store, "shared-taste", {"customer": "x'}) RETURN 1 //"}).rows == []


def test_an_unknown_name_offers_the_nearest() -> None:
    for wrong, near in (("shared-tast", "shared-taste"), ("lapsing", "lapsing-loyalists")):
        with pytest.raises(NotFoundError, match=f"no statement '{wrong}'") as caught:
            recipe(wrong, "neo4j")
        assert caught.value.hint == f"Did you mean '{near}'?"
    with pytest.raises(NotFoundError) as caught:
        recipe("zzzz", "neo4j")
    assert caught.value.hint.startswith("There are: audience-overlap, ")
    with pytest.raises(NotFoundError):
        recipe("../read/customer", "neo4j")


@pytest.mark.parametrize(
    ("name", "given", "complaint", "hint"),
    [
        ("shared-taste", {}, "needs the parameter customer.", "`-p customer=…`; an example: habitue query"),
        ("category-migration", {"split": None}, "needs the parameters since, split and until.", "`-p until=…`"),
        ("shared-taste", {"custommer": "x"}, "has no parameter custommer.", "Did you mean customer? Its parameters"),
        ("one-time-buyers", {"x": 1}, "has no parameter x.", "Its parameters: none."),
        ("highest-value-at-risk", {"min_risk": "high"}, "min_risk should be a number, not 'high'.", ""),
        ("new-to-category", {"category": "A", "since": "May"}, "since should be a date such as 2025-03-01", ""),
        ("shared-taste", {"customer": ["a"]}, "customer should be a text", ""),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly(kitchen: Kitchen, name: str, given: dict[str, Any], complaint: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_query(kitchen.store, name, given)
    assert complaint in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("limit", ["many", -1, "-1", True, 10**23, 1.5, "٣", [], "1e3"])
def test_a_limit_is_a_whole_number(kitchen: Kitchen, limit: Any) -> None:
    with pytest.raises(UsageError, match="limit should be a whole number from 0 to 1,000,000,000"):
        run_query(kitchen.store, "shared-taste", {"customer": "x", "limit": limit})


def test_a_date_may_have_a_zone(kitchen: Kitchen) -> None:
    given = {"category": "BOOKS", "limit": 1000}
    naive, zoned, native = (
        run_query(kitchen.store, "new-to-category", {**given, "since": since}).rows
        for since in ("2024-09-01", "2024-09-01T02:00:00+02:00", datetime(2024, 9, 1))
    )
    assert naive == zoned == native != []


def test_the_document_is_what_the_headers_say() -> None:
    told = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
    assert told == document(), "write it again: python -m habitue.cookbook_document > docs/cookbook.md"


def test_the_statements_of_the_readme_run_in_neo4j_as_they_stand(kitchen: Kitchen) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    statements = re.findall(r"```cypher\n(.*?)```", readme, re.DOTALL)
    assert len(statements) >= 5
    assert f"The cookbook holds {len(list_queries('ladybug'))} statements" in readme
    for text in statements:
        assert "$" not in text  # nothing to fill in
        if kitchen.store.dialect == "neo4j":
            assert kitchen.store.query(text, {}, QueryLimits(seconds=60)).columns
