"""Statements that would end the process inside the embedded engine are refused, and the process lives on."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
import ladybug
from graph.ladybug_query import fetch_rows, run
connection = ladybug.Connection(ladybug.Database(sys.argv[1]), num_threads=1)
try:
    print(fetch_rows(run(connection, sys.argv[2]), 10).rows)
except OverflowError:
    print("refused")
print(fetch_rows(run(connection, "RETURN 1 AS x"), 10).rows)
"""


def ask(path: Path, statement: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, str(path), statement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "statement", ['RETURN DATE("99999-01-01") AS x', "RETURN make_date(12000, 1, 1) AS x",
                  'RETURN [TIMESTAMP("2024-01-01 00:00:00") + INTERVAL("9000 years")] AS x']
)  # fmt: skip
def test_times_beyond_python_do_not_end_the_process(tmp_path: Path, statement: str) -> None:
    assert ask(tmp_path / "graph", statement) == ["refused", "[(1,)]"]


def test_times_within_python_come_as_they_are(tmp_path: Path) -> None:
    answer = ask(tmp_path / "graph", 'RETURN DATE("2024-02-29") AS x, INTERVAL("2 days") AS y, "a" AS z')
    assert answer[0] == str([(date(2024, 2, 29), timedelta(days=2), "a")]).replace("datetime.", "datetime.")
