"""The command line, run in process: exit statuses, JSON that is one object, errors without a stack trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graph.store import Rows
from graph.tiny import write_tiny
from habitue import __version__
from habitue.cli.app import run
from habitue.cli.learn import print_backtest
from habitue.engine import Engine
from tests.graph.shop import SMALL

ROOT = Path(__file__).parents[2]
COMMANDS = ("datasets", "load", "status", "schema", "export", "doctor", "migrate", "merge", "erase", "copy", "backup",
            "restore", "embed", "cypher", "query", "customer", "similar", "similar-products", "recommend", "lookalike",
            "train", "backtest", "score", "demo", "serve")  # fmt: skip
HEAVY = ("pandas", "numpy", "torch", "pyarrow", "sklearn", "scipy", "lightgbm", "ladybug", "neo4j", "fastapi")


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it is."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


class Shell:
    """Runs commands on a workspace."""

    def __init__(self, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.workspace, self._capsys = workspace, capsys

    def __call__(self, *arguments: str, workspace: bool = True) -> Done:
        self._capsys.readouterr()
        status = run([*arguments, *(["--workspace", str(self.workspace)] if workspace else [])])
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Done(status, captured.out, captured.err)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STORE", "WORKSPACE", "DEBUG", "API_KEY"):
        monkeypatch.delenv(f"HABITUE_{name}", raising=False)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "workspace", capsys)


@pytest.fixture(scope="module")
def small_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    with Engine.open(folder / "workspace", f"ladybug://{folder / 'workspace' / 'graph'}") as engine:
        engine.load(str(SMALL.write(folder / "shop")))
    return folder / "workspace"


@pytest.fixture
def small(small_workspace: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A workspace in which the small shop is loaded; for reading only."""
    return Shell(small_workspace, capsys)


# The frame


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself(shell: Shell, command: str, option: str) -> None:
    done = shell(command, option, workspace=False)
    assert (done.status, done.err) == (0, "")
    assert f"Usage: habitue {command}" in done.out


def test_the_help_lists_every_command(shell: Shell) -> None:
    done = shell("--help", workspace=False)
    assert done.status == 0
    for command in COMMANDS:
        assert command in done.out


def test_version(shell: Shell) -> None:
    assert shell("--version", workspace=False) == Done(0, f"habitue {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["bogus"], "bogus"),
        (["load"], "source"),
        (["load", "tiny", "--bogus"], "--bogus"),
        (["status", "--workspace"], "--workspace"),
        (["similar", "ann", "--limit", "0"], "--limit"),
        (["similar", "ann", "--limit", "many"], "integer"),
        (["train", "--horizon", "0"], "--horizon"),
        (["datasets", "superfluous"], "superfluous"),
        (["erase", "7"], "Say --yes"),  # nobody is there to be asked
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(shell: Shell, arguments: list[str], complaint: str) -> None:
    done = shell(*arguments, workspace=False)
    assert (done.status, done.out) == (2, "")
    assert complaint in done.err
    assert not shell.workspace.exists()


def test_help_loads_nothing_heavy() -> None:
    code = f"""
import sys
sys.argv = ["habitue", "--help"]
from habitue.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("HEAVY", [name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_what_the_neo4j_driver_repeats_by_itself_is_not_told_in_between() -> None:
    code = """
import logging, sys
from habitue.__main__ import main
sys.argv = ["habitue", "--version"]
try:
    main()
except SystemExit:
    logging.getLogger("neo4j.session").warning("Transaction failed and will be retried")
    logging.getLogger("other").warning("told")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == "told\n"


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "habitue", "bogus"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'bogus'" in done.stderr


def test_what_nobody_foresaw_is_one_line_and_1(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Engine, "status", fail)
    done = shell("status")
    assert (done.status, done.out) == (1, "")
    assert "RuntimeError: boom" in done.err
    monkeypatch.setenv("HABITUE_DEBUG", "1")
    with pytest.raises(RuntimeError, match="boom"):
        shell("status")


def test_a_full_disk_is_said_plainly(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Engine, "load", fail)
    done = shell("load", "tiny")
    assert (done.status, done.out) == (1, "")
    assert done.err == "Error: the system refused: [Errno 28] No space left on device.\n"


def test_an_interruption_is_130(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "load", interrupt)
    assert shell("load", "tiny").status == 130


@pytest.mark.parametrize("url", ["mysql://here", "ladybug://", "neo4j", "/a/path"])
def test_an_address_that_is_no_stores_is_2(shell: Shell, url: str) -> None:
    done = shell("status", "--store", url)
    assert done.status == 2
    assert "ladybug:///path" in done.err


# Loading


def test_datasets(shell: Shell) -> None:
    found = shell("datasets", "--json", workspace=False).json["datasets"]
    assert [each["name"] for each in found] == ["complete-journey", "cdnow", "tiny"]
    assert all(set(each) == {"name", "summary", "available"} for each in found)
    assert "habitue[demo]" in shell("datasets", workspace=False).out


def test_a_source_of_which_nothing_can_be_loaded_is_told_with_the_reason(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("who,when\na,2024-01-05 10:00\nb,2024-01-06 10:00\n", encoding="utf-8")
    (tmp_path / "dataset.toml").write_text(
        'name = "dated"\n[[interactions]]\ntype = "PURCHASED"\npath = "orders.csv"\ncustomer = "who"\nat = "when"\n'
        'at_format = "%d.%m.%Y"\n',
        encoding="utf-8",
    )
    for command in ("load", "demo"):
        done = shell(command, str(tmp_path / "dataset.toml"))
        assert "when: not a time in the form %d.%m.%Y" in done.out
        assert "No interaction could be loaded" in done.out


def test_load_status_and_load_again(shell: Shell, tmp_path: Path) -> None:
    source = str(SMALL.write(tmp_path / "shop"))
    first = shell("load", source, "--json")
    assert (first.status, first.err) == (0, "")
    assert (first.json["changed"], first.json["loaded"]) == (True, {"PURCHASED": 3, "RETURNED": 1, "CONTACTED": 1})
    again = shell("load", source)
    assert again.status == 0
    assert "nothing changed" in again.out
    assert shell("load", source, "--quiet") == Done(0, "", "")
    status = shell("status", "--json").json
    assert (status["dataset"], status["currency"], status["interrupted"]) == ("hand-made", "EUR", [])
    assert [(each["source"], each["complete"]) for each in status["loads"]] == [(source, True)]
    assert status["counts"]["PURCHASED"] == 3
    shown = shell("status", "--quiet")  # an answer is never silenced
    assert "hand-made, amounts in EUR" in shown.out
    assert "Attention" not in shown.out


def test_status_of_nothing(shell: Shell) -> None:
    done = shell("status", "--json")
    assert (done.status, done.json["dataset"], done.json["counts"], done.json["loads"]) == (0, None, {}, [])
    assert "habitue load" in shell("status").out
    assert not shell.workspace.exists()


def test_a_broken_data_set_is_reported_and_the_rest_is_loaded(shell: Shell, tmp_path: Path) -> None:
    broken = type(SMALL)(
        [*SMALL.orders, {**SMALL.orders[0], "id": "9", "at": "soon"}, {**SMALL.orders[0], "id": "10", "customer": ""}]
    )
    source = str(broken.write(tmp_path / "shop"))
    done = shell("load", source)
    assert done.status == 0
    assert "at: not a time" in done.out
    assert "load-000001.csv" in done.out
    assert "1 lines without a customer (guests), left out" in done.out


@pytest.mark.parametrize("as_json", [True, False])
def test_a_missing_column_is_2_and_names_everything(shell: Shell, tmp_path: Path, as_json: bool) -> None:
    source = SMALL.write(tmp_path / "shop")
    (tmp_path / "shop" / "orders.csv").write_text("id,customer,product,time\n")
    done = shell("load", str(source), *(["--json"] if as_json else []))
    assert done.status == 2
    assert "orders.csv has no column 'at'" in done.err
    assert "It has: id, customer, product, time." in done.err
    if as_json:
        assert done.json["error"]["type"] == "invalid-dataset"
    else:
        assert done.out == ""
    assert not (shell.workspace / "graph").exists()


def test_another_data_set_into_the_same_workspace_is_2(shell: Shell, tmp_path: Path) -> None:
    shell("load", str(SMALL.write(tmp_path / "shop")))
    other = write_tiny(tmp_path / "tiny", customers=3)
    done = shell("load", str(other))
    assert done.status == 2
    assert "The graph holds the data set 'hand-made'; 'tiny' is another one." in done.err


@pytest.mark.parametrize("source", ["tinny", "nowhere/dataset.toml"])
def test_an_unknown_source_is_2(shell: Shell, source: str) -> None:
    done = shell("load", source)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("Error: There is no data")


def test_a_second_writer_is_turned_away(shell: Shell, tmp_path: Path) -> None:
    from habitue.workspace import Workspace

    with Workspace(shell.workspace).writing("training"):
        done = shell("load", str(SMALL.write(tmp_path / "shop")), "--json")
        assert shell("status", "--json").json["writing"].startswith("training, process")
    assert done.status == 1
    assert done.json["error"]["type"] == "locked"
    assert "training" in done.err


def test_a_killed_load_is_reported_and_the_next_one_completes(shell: Shell, tmp_path: Path) -> None:
    source = str(SMALL.write(tmp_path / "shop"))
    code = """
import os, signal, sys
from pathlib import Path
from habitue.engine import Engine

def progress(task, fraction):
    if task.startswith("building"):
        os.kill(os.getpid(), signal.SIGKILL)

Engine.open(sys.argv[1], f"ladybug://{sys.argv[1]}/graph").load(sys.argv[2], progress=progress)
"""
    command = [sys.executable, "-c", code, str(shell.workspace), source]
    assert subprocess.run(command, check=False, timeout=120, cwd=ROOT).returncode == -signal.SIGKILL
    status = shell("status", "--json").json
    assert status["dataset"] is None
    assert status["writing"] == ""
    (line,) = status["interrupted"]
    assert f"a load of {source}" in line
    assert "was interrupted while writing to the graph" in line
    assert f"habitue load {source}" in shell("status").out
    assert shell("load", source, "--json").json["loaded"]["PURCHASED"] == 3
    after = shell("status", "--json").json
    assert (after["interrupted"], after["problems"], after["dataset"]) == ([], [], "hand-made")


# Looking


def test_cypher(small: Shell) -> None:
    done = small("cypher", "MATCH (c:Customer) RETURN c.id AS id ORDER BY id", "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json == {"columns": ["id"], "rows": [["ann"], ["bob"]], "truncated": False}
    assert small("cypher", "MATCH (c:Customer) RETURN c.id AS id ORDER BY id", "--csv").out == "id\nann\nbob\n"
    assert "ann" in small("cypher", "MATCH (c:Customer) RETURN c.id").out


def test_parameters_are_values(small: Shell) -> None:
    text = "MATCH (c:Customer) WHERE c.id IN $ids RETURN count(c) AS n"
    assert small("cypher", text, "-p", 'ids=["ann", "zed"]', "--json").json["rows"] == [[1]]
    done = small("cypher", text, "-p", "ids")
    assert done.status == 2
    assert "'ids' is not key=value" in done.err


@pytest.mark.parametrize(
    "text",
    [
        "CREATE (:Customer {id: 'x'})",
        "MATCH (n) DETACH DELETE n",
        "MATCH (c:Customer RETURN c",
        "LOAD FROM '/etc/hostname' RETURN *",
    ],
)
def test_cypher_that_is_no_read_is_2(small: Shell, text: str) -> None:
    done = small("cypher", text, "--json")
    assert done.status == 2
    assert done.json["error"]["type"] == "cypher-refused"
    assert done.err.startswith("Error: ")


def test_values_without_a_json_form_still_make_one_object(small: Shell) -> None:
    text = "RETURN CAST('2024-01-02' AS DATE) AS day, CAST('nan' AS DOUBLE) AS gap, INTERVAL('1 day') AS span"
    (row,) = small("cypher", text, "--json").json["rows"]
    assert row[:2] == ["2024-01-02", None]
    assert isinstance(row[2], str)


def test_queries_are_listed_and_run(small: Shell) -> None:
    queries = {each["name"]: each for each in small("query", "--json").json["queries"]}
    customer = {"name": "customer", "type": "text", "default": None, "meaning": "id of the customer"}
    assert queries["shared-taste"]["parameters"][0] == customer
    done = small("query", "shared-taste", "-p", "customer=ann", "-p", "min_shared=1", "--json")
    columns = ["customer", "shared_products", "jaccard", "cosine"]
    assert done.json == {"columns": columns, "rows": [["bob", 1, 0.5, pytest.approx(0.5**0.5)]], "truncated": False}
    assert "one-time-buyers" in small("query").out


def test_a_query_that_does_not_exist_is_1_and_wrong_parameters_are_2(small: Shell) -> None:
    unknown = small("query", "nope")
    assert unknown.status == 1
    assert "shared-taste" in unknown.err
    assert small("query", "shared-taste").status == 2
    assert small("query", "shared-taste", "-p", "customer=ann", "-p", "limit=many").status == 2


def test_a_customer(small: Shell) -> None:
    done = small("customer", "ann", "--json")
    assert done.status == 0
    assert done.json["customer"]["id"] == "ann"
    assert done.json["churn_risk"] is None
    assert "habitue train" in small("customer", "ann").out
    missing = small("customer", "zed", "--json")
    assert (missing.status, missing.json["error"]["type"]) == (1, "not-found")


@pytest.mark.parametrize("arguments", [["cypher", "RETURN 1"], ["query", "one-time-buyers"], ["customer", "ann"]])
def test_an_empty_graph_is_1_and_says_what_to_do(shell: Shell, arguments: list[str]) -> None:
    done = shell(*arguments)
    assert (done.status, done.out) == (1, "")
    assert done.err == "Error: The graph is empty.\nRun `habitue load SOURCE` first.\n"


@pytest.mark.parametrize("arguments", [["similar", "ann"]])
def test_before_training_is_1_and_says_what_to_do(small: Shell, arguments: list[str]) -> None:
    done = small(*arguments, "--json")
    assert (done.status, done.json["error"]["type"]) == (1, "not-trained")
    assert "habitue train" in done.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "--cutoff", "tomorrow"], "'tomorrow' is not a date"),
        (["train", "--active-window", "-3"], "active window is '-3'"),
        (["backtest", "--cutoff", "2017-13-01"], "'2017-13-01' is not a date"),
    ],
)
def test_dates_and_windows_that_are_none_are_2(small: Shell, arguments: list[str], complaint: str) -> None:
    done = small(*arguments)
    assert (done.status, done.out) == (2, "")
    assert complaint in done.err


def test_rows_that_are_cut_off_are_said_so(small: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "cypher", lambda *_, **__: Rows(("n",), [(1,)], truncated=True))
    assert "Only the first 1 rows are shown" in small("cypher", "RETURN 1 AS n").out
    assert small("cypher", "RETURN 1 AS n", "--json").json["truncated"] is True


def test_bounds_of_risk_that_exclude_each_other_are_2(small: Shell, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("ann\n")
    done = small("lookalike", str(seeds), "--min-churn-risk", "0.9", "--max-churn-risk", "0.1")
    assert (done.status, done.out) == (2, "")
    assert "No `churn_risk` is at least 0.9 and at most 0.1" in done.err


def test_a_backtest_says_where_nothing_could_be_learnt(capsys: pytest.CaptureFixture[str]) -> None:
    learnt_at: dict[str, list[str]] = {"2024-02-01": [], "2024-03-01": ["2024-01-01"]}
    folds = [{"cutoff": cutoff, "training_cutoffs": dates} for cutoff, dates in learnt_at.items()]
    task = {"horizon_days": 30, "active_window_days": None}
    print_backtest({"dataset": "shop", "task": task, "folds": folds, "models": {}, "paired": []})
    said = capsys.readouterr()
    assert "Before 2024-02-01 no outcome of 30 days is known" in " ".join((said.out + said.err).split())
