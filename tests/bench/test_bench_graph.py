"""The benchmarks of the graph run from end to end on very little, and their figures are of what they say."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import bench_graph
from bench.bench_kills import Expected, Step, Tally, trial
from bench.graph_data import Size, increments, prepared
from bench.graph_place import Place, beside
from bench.graph_report import markdown, print_report
from bench.kill_places import Embedded
from bench.measure import BenchmarkError, Memory, Run, quantiles, run_command
from bench.synthetic.settings import Settings

ROOT = Path(__file__).parents[2]
TINY = Size(Settings(1_000, 20_000, days=200, increments=1, increment_rows=1_000), repeats=1, reads=3)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("graph")
    place = Place(TINY, prepared(folder / "data", TINY), folder / "work", lambda _task: None)
    rows = json.loads((place.data / "truth" / "process.json").read_text())["rows"]
    start = {"size": "tiny", "data": {"rows": rows, "increment": _expected_rows(place.data)}}
    result = bench_graph.measure(place, list(bench_graph.SECTIONS), folder / "results.json", start)
    assert json.loads((folder / "results.json").read_text()) == result
    return result


def _expected_rows(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((increments(data)[0].parent / "expected.json").read_text())
    return found


@pytest.mark.slow
def test_both_sides_of_a_load_and_an_export_have_the_generated_rows(measured: dict[str, Any]) -> None:
    rows = sum(measured["data"]["rows"][name] for name in ("orders", "returns", "contacts", "redemptions"))
    load, export = measured["load"], measured["export"]
    assert load["ours"]["loaded"] == rows
    assert load["again"]["unchanged"] == rows
    assert not load["again"]["changed"]
    assert [export[name][side]["rows"] for name in ("stream", "history") for side in ("ours", "reference")] == [
        rows
    ] * 4


@pytest.mark.slow
def test_an_increment_is_counted_as_the_generator_made_it(measured: dict[str, Any]) -> None:
    expected, found = measured["data"]["increment"], measured["increments"]
    assert (found["first"]["loaded"], found["first"]["corrected"]) == (expected["new"], expected["corrected"])
    assert found["reference"]["rows"] == expected["new"] + expected["corrected"]
    assert (found["again"]["loaded"], found["again"]["corrected"]) == (0, 0)


@pytest.mark.slow
def test_the_second_snapshot_reads_only_what_is_new(measured: dict[str, Any]) -> None:
    expected = measured["data"]["increment"]
    assert measured["increments"]["second_snapshot"]["rows_read"] == expected["new"] + expected["corrected"]


@pytest.mark.slow
def test_reads_are_measured_both_ways_as_often(measured: dict[str, Any]) -> None:
    assert measured["reads"]["customer"]["reads"] == TINY.reads
    assert measured["reads"]["neighbourhood, depth 2"]["statements_each"] > 1
    assert "customer-journey" in measured["reads"]["cookbook"]


@pytest.mark.slow
def test_the_table_shows_every_section(measured: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    print_report(measured)
    shown = capsys.readouterr().out
    for line in ("bulk load, whole", "export, stream", "customer, p50", "first increment, durable"):
        assert line in shown


def test_the_quickest_runs_are_compared() -> None:
    def run(seconds: float, megabytes: int) -> Run:
        return Run(seconds, seconds / 2, Memory(tree=megabytes * 1_000_000))

    found = beside([run(9, 500), run(6, 300)], [run(4, 200), run(5, 100)], "seconds", "seconds")
    assert (found["time_ratio"], found["cpu_ratio"], found["memory_ratio"]) == (1.5, 1.5, 1.5)
    assert found["all_seconds"] == {"ours": [9, 6], "reference": [4, 5]}


def test_memory_is_that_of_a_command_with_its_children() -> None:
    hold = "import time; held = bytearray(60_000_000); time.sleep(0.5)"
    both = f"import subprocess, sys; held = bytearray(60_000_000); subprocess.run([sys.executable, '-c', {hold!r}])"
    memory = run_command([sys.executable, "-c", both]).memory
    assert memory.tree > memory.largest + 50_000_000
    assert memory.largest > 60_000_000


def test_a_measured_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(BenchmarkError, match="status 3: no such luck"):
        run_command([sys.executable, "-c", "import sys; print('no such luck', file=sys.stderr); sys.exit(3)"])


def test_quantiles_are_in_milliseconds() -> None:
    assert quantiles([number / 1000 for number in range(101)]) == {"p50": 50.0, "p99": 99.0}
    assert quantiles([0.25]) == {"p50": 250.0, "p99": 250.0}


def test_the_page_quotes_the_results() -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    files = sorted((ROOT / "bench" / "results").glob("graph-*m.json"))
    assert files
    for path in files:
        for line in markdown(json.loads(path.read_text(encoding="utf-8"))):
            assert line in page, (path.name, line)


class StandIn(Embedded):
    """A place whose command sleeps for ever, and whose content is said beforehand."""

    def __init__(self, folder: Path, contents: list[dict[str, Any]]) -> None:
        super().__init__(folder)
        self.contents = contents

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]

    def content(self) -> dict[str, Any]:
        return self.contents.pop(0)

    def run(self, *arguments: str) -> float:
        return 0.0

    def other_kills(self) -> list[Any]:
        return []


EMPTY: dict[str, Any] = {"digest": "empty", "rows": {}}
LOADED: dict[str, Any] = {"digest": "loaded", "rows": {"PURCHASED": 40}}


def kill_once(folder: Path, *contents: dict[str, Any]) -> Tally:
    tally = Tally()
    expected = [Expected(LOADED["digest"], LOADED["rows"], 0.01)]
    trial(StandIn(folder, list(contents)), [Step("load", ("load",))], expected, 0.01, 1, random.Random(0), tally)
    return tally


def test_a_kill_may_leave_the_state_before_or_after(tmp_path: Path) -> None:
    before, after = kill_once(tmp_path, EMPTY, EMPTY, LOADED), kill_once(tmp_path, EMPTY, LOADED, LOADED)
    assert (before.found_before, before.found_after, before.failures) == (1, 0, [])
    assert (after.found_before, after.found_after, after.failures) == (0, 1, [])
    assert before.kills == after.kills == {"load, client": 1}


@pytest.mark.parametrize(
    ("rows", "counted"),
    [
        (39, {"lost": 1, "doubled": 0, "different": 0}),
        (41, {"lost": 0, "doubled": 1, "different": 0}),
        (40, {"lost": 0, "doubled": 0, "different": 1}),
    ],
)
def test_a_kill_that_changed_rows_is_found(tmp_path: Path, rows: int, counted: dict[str, int]) -> None:
    for contents in (
        [EMPTY, {"digest": "other", "rows": {"PURCHASED": rows}}],
        [EMPTY, EMPTY, {"digest": "other", "rows": {"PURCHASED": rows}}],
    ):
        tally = kill_once(tmp_path, *contents)
        assert {name: getattr(tally, name) for name in counted} == counted
        assert len(tally.failures) == 1
