# ruff: noqa: E501  statements stand on one line each
"""The guard before user-supplied Cypher: what reads passes, what could do more does not, however it is dressed."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cypher
from graph.guard import check_read_only
from graph.guard_tokens import limited_to, used_parameters
from graph.guard_words import REFUSED
from habitue.cookbook import list_queries
from habitue.errors import CypherRefusedError
from tests.graph.guard_statements import (
    HOSTILE,
    HOSTILE_PARAMETERS,
    LEGITIMATE,
    ONLY_LADYBUG,
    ONLY_NEO4J,
    PARAMETERS,
    SOUP,
)


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, texts in HOSTILE for text in texts])
def test_what_could_do_more_than_read_is_refused_and_told_why(reason: str, text: str) -> None:
    with pytest.raises(CypherRefusedError) as caught:
        check_read_only(text, HOSTILE_PARAMETERS)
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", LEGITIMATE + ONLY_NEO4J + ONLY_LADYBUG)
def test_reads_pass(text: str) -> None:
    check_read_only(text, PARAMETERS)


@pytest.mark.parametrize("dialect", ["ladybug", "neo4j"])
def test_the_cookbook_passes(dialect: str) -> None:
    values: dict[str, Any] = {"text": "x", "integer": 1, "number": 0.5, "date": PARAMETERS["since"]}
    for recipe in list_queries(dialect):
        text = cypher.statement(f"explore/{recipe.name}", dialect).text
        check_read_only(text, {each.name: values[each.type] for each in recipe.parameters})


def test_there_are_as_many_as_promised_and_none_twice() -> None:
    hostile = [text for _, texts in HOSTILE for text in texts]
    assert len(hostile) == len(set(hostile)) >= 220
    assert len(set(LEGITIMATE)) == len(LEGITIMATE) >= 70


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (c:Customer {id: 'somebody@example.org'}) DELETE c RETURN 1",
        "MATCH (c:Customer) RETURN c.id 'somebody@example.org'",
        "MATCH (c:Customer) RETURN c.id `somebody@example.org`",
        "RETURN 'somebody@example.org",
        "RETURN 1 =~ 'somebody@example.org(a+)+'",
        "CALL x('somebody@example.org')",
    ],
)
def test_a_refusal_never_repeats_texts_of_the_statement(text: str) -> None:
    with pytest.raises(CypherRefusedError) as caught:
        check_read_only(text)
    assert "somebody" not in str(caught.value)


def test_only_parameters_that_are_used_matter() -> None:
    check_read_only("RETURN $a AS a // $b", {"a": 1, "unused": object()})
    assert used_parameters("RETURN $a + '$b' AS a // $c") == {"a"}
    for value in (object(), {1: 2}, {"x": {1, 2}}, "\ud83d", {"\udc00": 1}, [2**63], -(2**63) - 1):
        with pytest.raises(CypherRefusedError, match=r"The parameter \$a"):
            check_read_only("RETURN $a AS a", {"a": value})


@pytest.mark.parametrize(
    ("text", "limited"),
    [
        ("MATCH (n) RETURN n", "MATCH (n) RETURN n\nLIMIT 8"),
        ("MATCH (n) RETURN n ; // all", "MATCH (n) RETURN n \nLIMIT 8"),
        ("MATCH (n) RETURN n // all", "MATCH (n) RETURN n // all\nLIMIT 8"),
        ("MATCH (n) WITH n LIMIT 3 RETURN n", "MATCH (n) WITH n LIMIT 3 RETURN n\nLIMIT 8"),
        (
            "RETURN COUNT { MATCH (n) RETURN n LIMIT 3 } AS x",
            "RETURN COUNT { MATCH (n) RETURN n LIMIT 3 } AS x\nLIMIT 8",
        ),
        ("MATCH (n:LIMIT) RETURN n.limit", "MATCH (n:LIMIT) RETURN n.limit\nLIMIT 8"),
        ("MATCH (n) RETURN n LIMIT 3", "MATCH (n) RETURN n LIMIT 3"),
        ("RETURN 1 AS x UNION RETURN 2 AS x", "RETURN 1 AS x UNION RETURN 2 AS x"),
    ],
)
def test_a_statement_without_a_limit_gets_one(text: str, limited: str) -> None:
    assert limited_to(text, 8) == limited


# -- fuzzing ----------------------------------------------------------------------------------------------------------

#: What follows each forbidden clause so that it would be a whole one.
REST = {
    "CREATE": "(x)", "DELETE": "n", "DETACH": "DELETE n", "SET": "n.x = 1", "MERGE": "(x)", "REMOVE": "n.x", "CALL": "db.labels()",
    "LOAD": "CSV FROM 'file:///x' AS l", "FOREACH": "(x IN [1] | CREATE ())", "COPY": "Customer TO 'x'", "DROP": "TABLE x",
    "SHOW": "USERS", "USE": "system", "INSTALL": "httpfs", "ATTACH": "'x' AS y", "EXPORT": "DATABASE 'x'", "TERMINATE": "TRANSACTION 'x'",
}  # fmt: skip
BLANKS = st.lists(
    st.sampled_from([" ", "\n", "\t", "\r\n", "/* x */", "// y\n", "/**/", "/*/*/", "// '\n", '/* " */']),
    min_size=1,
    max_size=3,
)
BEFORE = st.sampled_from([
    "", "MATCH (n)", "WITH 1 AS n", "MATCH (n) WHERE n.a = 'b'", "UNWIND [1] AS n", "OPTIONAL MATCH (n)-[r:X*1..2]->(m {a: \"//\"})",
    "MATCH (n) WITH n ORDER BY n.x LIMIT 1", "MATCH (n) RETURN n UNION ", "MATCH (n) RETURN 1 AS `x`", "RETURN '/*' AS n",
    "MATCH (n:CREATE {set: 1}) WHERE n.delete > 1", "RETURN EXISTS {", "MATCH (n) RETURN n ;", "RETURN COUNT { MATCH (n)",
])  # fmt: skip
AFTER = st.sampled_from(["", " RETURN 1", " RETURN n", "}", " RETURN 1 }", ";", " // RETURN 1"])


def dressed(word: str, flips: list[bool]) -> str:
    return "".join(letter.lower() if flip else letter for letter, flip in zip(word, flips, strict=True))


#: Deeper with HABITUE_FUZZ=5000, say.
FUZZ = settings(max_examples=int(os.environ.get("HABITUE_FUZZ", "100")), deadline=None)


@FUZZ
@given(data=st.data(), word=st.sampled_from(sorted(REST)), before=BEFORE, after=AFTER, first=BLANKS, second=BLANKS)
def test_nothing_hides_a_clause(
    data: st.DataObject, word: str, before: str, after: str, first: list[str], second: list[str]
) -> None:
    flips = data.draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
    quote = data.draw(st.sampled_from(["", "", "", "`"]))  # a clause in backticks is none, and no more allowed there
    with pytest.raises(CypherRefusedError):
        check_read_only(
            f"{before}{''.join(first)}{quote}{dressed(word, flips)}{quote}{''.join(second)}{REST[word]}{after}"
        )


@FUZZ
@given(
    parts=st.lists(st.sampled_from(["apoc", "load", "json", "db", "dbms", "x", "`apoc`", "`a.b`"]), min_size=2, max_size=4),
    blanks=st.lists(st.sampled_from(["", " ", "/**/", "\n"]), min_size=8, max_size=8),
    place=st.sampled_from(["RETURN {}", "MATCH (n) WHERE {} RETURN n", "RETURN [1, {{a: {}}}]", "UNWIND {} AS x RETURN x",
                           "MATCH (n {{a: {}}}) RETURN n", "RETURN [x IN {} | x]", "RETURN CASE WHEN {} THEN 1 END"]),
)  # fmt: skip
def test_nothing_hides_a_function(parts: list[str], blanks: list[str], place: str) -> None:
    name = "".join(
        f"{blank}{'.' if part is not parts[0] or number else ''}{part}"
        for number, (part, blank) in enumerate(zip(parts, blanks, strict=False))
    )
    with pytest.raises(CypherRefusedError, match="not among the functions"):
        check_read_only(place.format(f"{name}{blanks[-1]}('x')"))


@FUZZ
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\'\u2028\u2029"), max_size=60))
def test_a_text_in_quotes_is_only_text(text: str) -> None:
    check_read_only(f"RETURN '{text}' AS text")


@given(st.sampled_from(sorted(REFUSED)))
def test_names_that_are_also_clauses_pass_where_no_clause_can_stand(word: str) -> None:
    check_read_only(f"MATCH (n:{word} {{{word}: $value}})-[r:{word}]->() WHERE n.{word} = 1 RETURN n.{word} AS {word}, "
                    f"{{{word}: 1}} AS map, `{word}` ORDER BY `{word}`", {"value": 1})  # fmt: skip


@FUZZ
@given(st.text(max_size=200))
def test_any_text_is_either_passed_or_refused_and_never_breaks_the_guard(text: str) -> None:
    with contextlib.suppress(CypherRefusedError):
        check_read_only(text)
        assert "RETURN" in text.upper()


@FUZZ
@given(st.lists(st.sampled_from(SOUP), max_size=40))
def test_any_tokens_are_either_passed_or_refused_and_never_break_the_guard(tokens: list[str]) -> None:
    with contextlib.suppress(CypherRefusedError):
        check_read_only(" ".join(tokens), PARAMETERS)


@pytest.mark.parametrize(
    "shape",
    ["/*{}*/", "/*", "a.", "(", "1+", "[x IN ", "RETURN a{}.b", "'{}'", "'", "`{}", "MATCH (a){}-[]-(b) RETURN 1",
     "RETURN 1{} AND 1", "RETURN a{}.b(1)", "RETURN f({}1)", "{{a: ", "MATCH (a:A{}|B) RETURN 1", "RETURN (a){}-(b)", "CASE ", "$a "],
)  # fmt: skip
def test_the_work_grows_with_the_length_and_no_faster(shape: str) -> None:
    def work(repeats: int) -> int:
        calls = 0

        def count(_frame: object, _event: str, _argument: object) -> None:
            nonlocal calls
            calls += 1

        filled = shape.format(" -[]-(b)" * repeats if "-[]-" in shape else "x," * repeats)
        text = filled if "{}" in shape else filled * repeats
        sys.setprofile(count)
        try:
            with contextlib.suppress(CypherRefusedError):
                check_read_only(text, {"a": 1})
        finally:
            sys.setprofile(None)
        return calls

    assert work(1000) < 2.5 * work(500) + 1000
