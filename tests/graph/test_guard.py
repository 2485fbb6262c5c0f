"""The guard before user-supplied Cypher: what reads passes, what could do more does not, however it is dressed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.guard import check_read_only
from graph.store import GraphStore, QueryLimits
from habitue.errors import CypherRefusedError
from tests.graph.shop import SMALL

READS = [
    "MATCH (c:Customer) RETURN c",
    "match (c:Customer)-[r:PURCHASED]->(p) where r.amount > 10 and c.id <> 'x' return p.id, sum(r.amount) as total;",
    "OPTIONAL MATCH (l:Load) RETURN l.id AS id ORDER BY id DESC SKIP 1 LIMIT 5",
    "MATCH ()-[r:PURCHASED]->() WHERE r.load >= 3 RETURN count(r)",
    "UNWIND $ids AS id MATCH (c:Customer {id: id})-[:SIMILAR_TO*1..2]->(o) WITH DISTINCT o RETURN o.id",
    "RETURN 'CREATE (n) DELETE n; CALL db.labels()' AS text",
    'RETURN "it\'s a \\" SET" AS text',
    "MATCH (c) // DELETE everything?\nRETURN c /* CALL nothing; */",
    "MATCH (m:Campaign) RETURN m.`end`, m.start, m.set",
    "MATCH (c:Customer)\r\nRETURN c",
    "MATCH (a:Product) RETURN CASE WHEN a.price >= 1.5e1 THEN [1, 2] ELSE [3] END AS x, {k: 'v'} AS y"
    " UNION ALL MATCH (b) RETURN [4] AS x, {k: 'w'} AS y",
    "MATCH (c) WHERE EXISTS { MATCH (c)-[:PURCHASED]->() } RETURN COUNT { (c)--() } AS n",
]

NOT_READS = [
    "CREATE (n)",
    "MATCH (n) DELETE n",
    "MATCH (n) detach delete n RETURN 1",
    "MATCH (n) SET n.x = 1 RETURN n",
    "MATCH (n) REMOVE n.x RETURN n",
    "MERGE (n:Customer {id: 'x'}) RETURN n",
    "MATCH (n) FOREACH (x IN [1] | CREATE (n)) RETURN n",
    "MATCH (n) CALL { WITH n DELETE n } RETURN 1",
    "MATCH (n) CALL db.labels() YIELD label RETURN label",
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "WITH 1 AS x LOAD CSV FROM 'http://127.0.0.1/' AS line RETURN line",
    "LOAD FROM '/etc/passwd' RETURN *",
    "MATCH (n) RETURN n UNION LOAD FROM '/etc/passwd' RETURN *",
    "COPY (MATCH (n) RETURN n) TO '/tmp/x.csv'",
    "EXPORT DATABASE '/tmp/x'",
    "INSTALL httpfs",
    "SHOW TRANSACTIONS YIELD * RETURN *",
    "TERMINATE TRANSACTION 'x'",
    "EXPLAIN MATCH (n) RETURN n",
    "PROFILE MATCH (n) RETURN n",
    "USE system MATCH (n) RETURN n",
    "CYPHER runtime=slotted MATCH (n) RETURN n",
    "MATCH (n) RETURN n; MATCH (m) RETURN m",
    "MATCH (n) RETURN n; DROP TABLE Customer",
    "BEGIN TRANSACTION",
    "DROP TABLE Customer",
    "RETURN apoc.cypher.runFirstColumnSingle('CREATE (n) RETURN n', {})",
    "RETURN `apoc`.cypher.runFirstColumnSingle('CREATE (n) RETURN n', {})",
    "RETURN genai . vector.encode('text', 'OpenAI')",
    "RETURN `genai`.`vector`.`encode`('text', 'OpenAI')",
    "",
    ";",
    "// RETURN 1",
    "MATCH (n)",
    "RETURN 'unclosed",
    "RETURN `unclosed",
]

#: A comment that ends where one reader sees its end and another does not, and what it would hide.
DISGUISES = [
    "RETURN 1 AS x //\rLOAD CSV FROM 'http://127.0.0.1/' AS line RETURN line",
    "MATCH (n) RETURN n // '\r CREATE (m) //'",
    "MATCH (n) /* */ dElEtE/**/n RETURN 1",
    "MATCH (n)\u00a0DELETE\u2003n RETURN 1",
    "MATCH (n) \\u0044ELETE n RETURN 1",
    "MATCH (n) RETURN n /* /* */ DELETE n // */",
    "MATCH (n) RETURN '\\\\' DELETE n //'",
]


@pytest.mark.parametrize("text", READS)
def test_reads_pass(text: str) -> None:
    check_read_only(text)


@pytest.mark.parametrize("text", NOT_READS + DISGUISES)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(CypherRefusedError):
        check_read_only(text)


def test_a_very_long_statement_is_refused() -> None:
    with pytest.raises(CypherRefusedError, match="longer than"):
        check_read_only("RETURN 1" + " " * 20_000)


def test_a_refusal_never_repeats_the_statement() -> None:
    with pytest.raises(CypherRefusedError) as caught:
        check_read_only("MATCH (c:Customer {id: 'somebody@example.org'}) DELETE c RETURN 1")
    assert "somebody" not in str(caught.value)
    assert "DELETE" in str(caught.value)


@given(
    word=st.sampled_from(["CREATE", "DELETE", "SET", "MERGE", "REMOVE", "CALL", "LOAD", "DROP", "COPY", "FOREACH"]),
    flips=st.lists(st.booleans(), min_size=7, max_size=7),
    blank=st.sampled_from([" ", "\n", "\t", "\r\n", "/* x */", "// y\n", " \u00a0"]),
    before=st.sampled_from(["MATCH (n)", "WITH 1 AS x", "MATCH (n) WHERE n.a = 'b'", "UNWIND [1] AS x"]),
)
def test_no_case_blank_or_comment_hides_a_clause(word: str, flips: list[bool], blank: str, before: str) -> None:
    dressed = "".join(letter.lower() if flip else letter for letter, flip in zip(word, flips, strict=False))
    dressed += word[len(flips) :]
    with pytest.raises(CypherRefusedError):
        check_read_only(f"{before}{blank}{dressed}{blank}(n) RETURN 1")


@given(st.text(max_size=60))
def test_a_text_in_quotes_is_only_text(text: str) -> None:
    quoted = text.replace("\\", "").replace("'", "").replace("\r", "")
    check_read_only(f"RETURN '{quoted}' AS text")


@given(st.text(max_size=200))
def test_any_text_is_either_passed_or_refused_and_never_breaks_the_guard(text: str) -> None:
    with contextlib.suppress(CypherRefusedError):
        check_read_only(text)
        assert "RETURN" in text.upper()


@pytest.mark.parametrize(
    "text", [text for text in READS if "$" not in text and "EXISTS" not in text and "m.set" not in text]
)
def test_what_passes_runs(embedded: GraphStore, text: str) -> None:
    embedded.query(text, {}, QueryLimits())


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    from graph.ladybug_store import LadybugStore

    folder = tmp_path_factory.mktemp("guard")
    store = LadybugStore(folder / "graph")
    SMALL.load(store, folder)
    return store


def test_deep_nesting_is_refused_before_it_reaches_a_parser() -> None:
    check_read_only(f"RETURN {'(' * 100}1{')' * 100} AS x")
    for pair in ("()", "[]"):
        with pytest.raises(CypherRefusedError, match="nested"):
            check_read_only(f"RETURN {pair[0] * 9000}1{pair[1] * 9000} AS x")


@pytest.mark.parametrize(
    "text",
    [
        'RETURN repeat("x", 300000000)',
        "RETURN `lpad` ('x', 300000000, 'y')",
        "RETURN `apoc.load`.json('x')",
        "RETURN `apoc.load.json`('x')",
        "RETURN 1. CALL db.labels()",
    ],
)
def test_what_fills_the_memory_or_hides_a_name_space_is_refused(text: str) -> None:
    with pytest.raises(CypherRefusedError):
        check_read_only(text)
