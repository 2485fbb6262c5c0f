# ruff: noqa: E501  statements stand on one line each
"""Users' statements on the embedded engine: whatever they do to it, this process and the graph live on."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import ladybug
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph import wire
from graph.ladybug_sandbox import MOST_AT_ONCE, Sandbox
from graph.store import QueryLimits, Rows
from habitue.errors import CypherRefusedError, StoreError

ENDLESS = " ".join(f"UNWIND range(1, 10000) AS {name}" for name in "abcd") + " RETURN count(a * b * c * d) AS n"
HUGE = "UNWIND range(1, 100000) AS a UNWIND range(1, 10000) AS b RETURN size(collect(a * b)) AS n"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sandbox") / "graph.lbug"
    make(path, 3)
    return path


def make(path: Path, customers: int) -> None:
    with ladybug.Database(str(path)) as opened, ladybug.Connection(opened) as connection:
        connection.execute("CREATE NODE TABLE Customer(id STRING PRIMARY KEY)")
        for number in range(customers):
            connection.execute("CREATE (:Customer {id: $id})", {"id": f"c{number}"})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


@pytest.fixture
def fresh() -> Iterator[Sandbox]:
    """A sandbox without any process yet."""
    made = Sandbox()
    yield made
    made.close()


def ask(sandbox: Sandbox, database: Path, text: str, limits: QueryLimits | None = None, **parameters: Any) -> Rows:
    return sandbox.query(database, text, parameters, limits or QueryLimits(seconds=30.0))


def count(sandbox: Sandbox, database: Path) -> Any:
    return ask(sandbox, database, "MATCH (c:Customer) RETURN count(c) AS n").rows[0][0]


def lives(process: int) -> bool:
    """Whether a process runs; one that ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def test_answers_come_as_they_would_in_process(sandbox: Sandbox, database: Path) -> None:
    text = (
        "MATCH (c:Customer) WHERE c.id < 'c2' RETURN c, [1, null] AS l, {a: 1.5} AS m, date('2024-02-29') AS d, "
        "timestamp('2024-02-29 10:00:00.5') AS t, interval('36 hours') AS i, sum(2) AS s, $p AS p ORDER BY c.id"
    )
    answer = ask(sandbox, database, text, p="x\x00'")
    assert answer.columns == ("c", "l", "m", "d", "t", "i", "s", "p")
    rest = ([1, None], {"a": 1.5}, date(2024, 2, 29), datetime(2024, 2, 29, 10, 0, 0, 500_000),
            timedelta(hours=36), 2, "x\x00'")  # fmt: skip
    assert answer.rows == [({"_label": "Customer", "id": name}, *rest) for name in ("c0", "c1")]
    assert not answer.truncated


def test_one_process_serves_one_statement_after_another(fresh: Sandbox, database: Path) -> None:
    assert fresh.processes() == []
    assert count(fresh, database) == 3
    (first,) = fresh.processes()
    with pytest.raises(CypherRefusedError, match="The statement is not valid"):
        ask(fresh, database, "MATCH (c:Customer) RETURN d")
    assert count(fresh, database) == 3
    assert fresh.processes() == [first]


def test_a_statement_that_runs_for_ever_is_stopped(sandbox: Sandbox, database: Path) -> None:
    assert count(sandbox, database) == 3
    started = time.monotonic()
    with pytest.raises(CypherRefusedError, match=r"stopped after 0\.3 seconds"):
        ask(sandbox, database, ENDLESS, QueryLimits(seconds=0.3))
    assert time.monotonic() - started < 10
    assert count(sandbox, database) == 3


def test_a_process_that_does_not_heed_the_time_is_killed(fresh: Sandbox, database: Path) -> None:
    assert count(fresh, database) == 3
    (process,) = fresh.processes()
    os.kill(process, signal.SIGSTOP)
    with pytest.raises(CypherRefusedError, match=r"stopped after 0\.3 seconds"):
        ask(fresh, database, "RETURN 1 AS x", QueryLimits(seconds=0.3))
    assert not lives(process)
    assert count(fresh, database) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted on Linux")
@pytest.mark.parametrize(
    "text", [HUGE, "RETURN size(range(1, 1000000000)) AS n", "RETURN size(repeat('x', 2000000000)) AS n"]
)
def test_a_statement_that_eats_memory_is_stopped(sandbox: Sandbox, database: Path, text: str) -> None:
    with pytest.raises(CypherRefusedError, match="needs more memory than the 300 MiB"):
        ask(sandbox, database, text, QueryLimits(seconds=60.0, memory=300 << 20))
    assert count(sandbox, database) == 3


def test_a_killed_process_is_told_of_and_the_next_statement_answers(fresh: Sandbox, database: Path) -> None:
    assert count(fresh, database) == 3
    (process,) = fresh.processes()
    killer = threading.Timer(0.3, os.kill, (process, signal.SIGSEGV))
    killer.start()
    with pytest.raises(StoreError, match=r"ended the embedded engine \(SIGSEGV\)\. Nothing was lost") as caught:
        ask(fresh, database, ENDLESS, QueryLimits(seconds=60.0))
    killer.join()
    assert "next statement is answered" in caught.value.hint
    assert count(fresh, database) == 3


def test_a_process_that_died_while_it_waited_is_replaced_unnoticed(fresh: Sandbox, database: Path) -> None:
    assert count(fresh, database) == 3
    (process,) = fresh.processes()
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert count(fresh, database) == 3


def test_rows_and_bytes_cut_the_answer_and_a_row_too_long_is_refused(sandbox: Sandbox, database: Path) -> None:
    text = "UNWIND range(1, 5000) AS x RETURN x"
    assert ask(sandbox, database, text, QueryLimits(rows=3)) == Rows(("x",), [(1,), (2,), (3,)], truncated=True)
    assert ask(sandbox, database, text, QueryLimits(rows=0)) == Rows(("x",), [], truncated=True)
    assert not ask(sandbox, database, text, QueryLimits(rows=5000)).truncated
    assert ask(sandbox, database, f"{text} LIMIT 3", QueryLimits(rows=3)).truncated is False
    # Each row is `[7]`: three bytes as JSON.
    assert ask(sandbox, database, text, QueryLimits(bytes=8)) == Rows(("x",), [(1,), (2,)], truncated=True)
    dated = "UNWIND range(1, 300) AS x RETURN date('2024-02-29') AS d"
    assert len(ask(sandbox, database, dated, QueryLimits(rows=250)).rows) == 250
    with pytest.raises(CypherRefusedError, match="A row of the answer is longer than the 100 bytes"):
        ask(sandbox, database, "RETURN range(1, 100) AS x", QueryLimits(bytes=100))


def test_a_long_answer_comes_whole(sandbox: Sandbox, database: Path) -> None:
    answer = ask(sandbox, database, "UNWIND range(1, 100000) AS x RETURN x, 'abcdefghij' AS y", QueryLimits(rows=10**6))
    assert answer.rows == [(x, "abcdefghij") for x in range(1, 100_001)]


def test_statements_of_eight_threads_at_once(sandbox: Sandbox, database: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda x: ask(sandbox, database, "RETURN $x AS x", x=x).rows[0][0], range(64))
    assert list(answers) == list(range(64))
    assert len(sandbox.processes()) <= MOST_AT_ONCE


def test_places_are_limited(fresh: Sandbox, database: Path) -> None:
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        running = [threads.submit(ask, fresh, database, ENDLESS, QueryLimits(seconds=3.0)) for _ in range(MOST_AT_ONCE)]
        while len(fresh.processes()) < MOST_AT_ONCE:
            assert not any(each.done() for each in running)
        with pytest.raises(StoreError, match="statements are running"):
            ask(fresh, database, "RETURN 1 AS x", QueryLimits(seconds=0.1))
        for each in running:
            assert isinstance(each.exception(), CypherRefusedError)
    assert count(fresh, database) == 3


def test_another_state_of_the_database_is_opened_anew(fresh: Sandbox, tmp_path: Path) -> None:
    first, second = tmp_path / "v1", tmp_path / "v2"
    make(first, 1)
    make(second, 2)
    assert [count(fresh, path) for path in (first, second)] == [1, 2]
    assert len(fresh.processes()) == 1
    second.replace(first)
    assert count(fresh, first) == 2


def test_a_database_that_does_not_open(fresh: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "graph.lbug").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="does not open"):
        count(fresh, tmp_path / "graph.lbug")
    assert fresh.processes() == []


def test_closing_leaves_no_process_and_the_sandbox_can_be_used_again(database: Path) -> None:
    sandbox = Sandbox()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: count(sandbox, database), range(8)))
    processes = sandbox.processes()
    assert processes
    sandbox.close()
    assert not any(map(lives, processes))
    assert sandbox.processes() == []
    assert count(sandbox, database) == 3
    sandbox.close()


def test_a_sandbox_that_is_forgotten_ends_its_processes(database: Path) -> None:
    forgotten = Sandbox()
    assert count(forgotten, database) == 3
    (process,) = forgotten.processes()
    del forgotten
    assert not lives(process)


def test_processes_end_with_their_parent(database: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom graph.ladybug_sandbox import Sandbox\n"
        "from graph.store import QueryLimits\nsandbox = Sandbox()\n"
        "sandbox.query(Path(sys.argv[1]), 'RETURN 1 AS x', {}, QueryLimits(seconds=60.0))\n"
        "print(*sandbox.processes(), flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(database)], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    (process,) = map(int, done.stdout.split())
    deadline = time.monotonic() + 30
    while lives(process):
        assert time.monotonic() < deadline
    assert not lives(process)


@pytest.mark.parametrize(
    "text",
    ["LOAD FROM '{here}/secret.csv' RETURN *", "COPY (MATCH (c:Customer) RETURN c.id) TO '{here}/out.csv'",
     "EXPORT DATABASE '{here}/out'", "INSTALL httpfs", "ATTACH '{here}/other.lbug' AS o (dbtype lbug)",
     "CREATE (:Customer {{id: 'x'}})", "MATCH (c:Customer) DELETE c", "CREATE NODE TABLE T(id INT64 PRIMARY KEY)"],
)  # fmt: skip
def test_the_process_itself_can_neither_read_nor_write_files(
    sandbox: Sandbox, database: Path, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard refuses these; here they are sent past it."""
    monkeypatch.setattr("graph.ladybug_sandbox.limited_to", lambda text, _rows: text)
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    with pytest.raises((CypherRefusedError, StoreError)):
        ask(sandbox, database, text.format(here=tmp_path))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["secret.csv"]
    assert count(sandbox, database) == 3


def test_the_process_knows_no_secrets(fresh: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HABITUE_API_KEY", "a-secret-key")
    assert count(fresh, database) == 3
    (process,) = fresh.processes()
    if Path("/proc").is_dir():
        assert b"a-secret-key" not in Path(f"/proc/{process}/environ").read_bytes()


@pytest.mark.parametrize("text", ['DATE("99999-01-01")', "make_date(12000, 1, 1)",
                                  '[TIMESTAMP("2024-01-01 00:00:00") + INTERVAL("9000 years")]'])  # fmt: skip
def test_times_beyond_python_are_refused(sandbox: Sandbox, database: Path, text: str) -> None:
    with pytest.raises(CypherRefusedError, match="a time outside the years 1 to 9999"):
        ask(sandbox, database, f"RETURN {text} AS x")
    assert count(sandbox, database) == 3


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates() | st.times()
    | st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.timedeltas() | st.decimals(allow_nan=False) | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("\x00") | st.integers(), inner),
)  # fmt: skip


@given(VALUES)
def test_values_survive_the_way(value: Any) -> None:
    assert wire.load(wire.dump(value)) == value


def test_what_equality_does_not_tell_apart_survives_the_way() -> None:
    assert math.isnan(wire.load(wire.dump(math.nan)))
    assert wire.load(wire.dump([math.inf, -0.0, Decimal("1.50"), UUID(int=7)])) == [
        math.inf,
        -0.0,
        Decimal("1.5"),
        UUID(int=7),
    ]
    assert str(wire.load(wire.dump(Decimal("1.50")))) == "1.50"
    assert wire.load(wire.dump({"\x00": ["uuid", "x"]})) == {"\x00": ["uuid", "x"]}
