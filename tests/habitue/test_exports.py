"""`habitue export`, `habitue schema` and the figures of `habitue status`, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx
import pyarrow.dataset as ds
import pytest

import habitue
from graph.handover.memory import ROW_BYTES
from habitue.cli.app import run
from habitue.engine import Engine
from habitue.status import _stale_signals
from tests.graph.shop import SMALL


class Shell:
    """Runs commands on a workspace and reads their JSON."""

    def __init__(self, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.workspace, self._capsys = workspace, capsys

    def __call__(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        self._capsys.readouterr()
        assert run([*arguments, "--json", "--workspace", str(self.workspace)]) == status
        value = json.loads(self._capsys.readouterr().out)
        assert isinstance(value, dict)
        return value

    def text(self, *arguments: str) -> str:
        self._capsys.readouterr()
        assert run([*arguments, "--workspace", str(self.workspace)]) == 0
        return self._capsys.readouterr().out


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    with Engine.open(folder / "workspace", f"ladybug://{folder / 'workspace' / 'graph'}") as engine:
        engine.load(str(SMALL.write(folder / "shop")))
    return folder / "workspace"


@pytest.fixture
def shell(workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("STORE", "WORKSPACE", "DEBUG"):
        monkeypatch.delenv(f"HABITUE_{name}", raising=False)
    return Shell(workspace, capsys)


def test_parquet_with_filters(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = shell("export", "parquet", str(out), "--types", "PURCHASED,IN_CATEGORY", "--until", "2024-02-04")
    assert done["counts"] == {"Customer": 1, "Product": 2, "Category": 2, "PURCHASED": 2, "IN_CATEGORY": 2}
    assert done["selection"] == {
        "types": ["IN_CATEGORY", "PURCHASED"],
        "until": "2024-02-04T00:00:00",
        "derived": False,
    }
    assert len(ds.dataset(out / "relationships" / "PURCHASED").to_table()) == 2
    assert done["size"] == sum(each.stat().st_size for each in out.rglob("*") if each.is_file())


def test_graphml_around_a_customer(shell: Shell, tmp_path: Path) -> None:
    done = shell("export", "graphml", str(tmp_path / "ann.graphml"), "--around", "customer:ann", "--depth", "1",
                 "--types", "PURCHASED")  # fmt: skip
    graph = networkx.read_graphml(tmp_path / "ann.graphml")
    assert set(graph) == {"Customer:ann", "Product:p1", "Product:p2"}
    assert done["replaced_characters"] == 0
    assert [each.name for each in tmp_path.iterdir()] == ["ann.graphml"]


def test_pyg(shell: Shell, tmp_path: Path) -> None:
    shell("export", "pyg", str(tmp_path / "out"))
    data = habitue.load_hetero_data(tmp_path / "out")
    assert data["Customer"].node_id == ["ann", "bob"]


def test_an_earlier_export_is_replaced_only_with_force(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shell("export", "parquet", str(out))
    refused = shell("export", "parquet", str(out), status=2)
    assert "--force" in refused["error"]["hint"]
    shell("export", "pyg", str(out), "--force")
    assert sorted(each.name for each in out.iterdir()) == ["graph.json", "tensors.safetensors"]
    file = tmp_path / "graph.graphml"
    shell("export", "graphml", str(file))
    shell("export", "graphml", str(file), status=2)
    shell("export", "graphml", str(file), "--force", "--types", "PURCHASED")
    assert "MADE_BY" not in file.read_text(encoding="utf-8")


def test_what_is_no_export_is_not_replaced_even_with_force(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letters.txt").write_text("dear")
    refused = shell("export", "parquet", str(tmp_path / "mine"), "--force", status=2)
    assert "no export" in refused["error"]["detail"]
    assert (tmp_path / "mine" / "letters.txt").read_text() == "dear"
    shell("export", "graphml", str(tmp_path / "mine"), "--force", status=2)


def test_a_refused_export_leaves_nothing_behind(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("export", "parquet", str(tmp_path / "out"), "--as-of", "2031-01-01", status=2)
    shell("export", "graphml", str(tmp_path / "out"), "--around", "customer:nobody", status=1)
    monkeypatch.setitem(ROW_BYTES, "pyg", 1 << 30)  # as if a row took a gibibyte
    assert "allow more memory" in shell("export", "pyg", str(tmp_path / "out"), status=2)["error"]["hint"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--around", "ann"], "customer:ID"),
        (["--types", "BOUGHT"], "BOUGHT"),
        (["--since", "soon"], "soon"),
        (["--types", "SIMILAR_TO"], "derived"),
    ],
)
def test_wrong_filters_say_what_is_wrong(shell: Shell, tmp_path: Path, options: list[str], complaint: str) -> None:
    error = shell("export", "parquet", str(tmp_path / "out"), *options, status=2)["error"]
    assert complaint in error["detail"] + error["hint"]


def test_schema(shell: Shell, tmp_path: Path) -> None:
    found = shell("schema", "--picture", str(tmp_path / "schema.svg"))
    assert {each["label"]: each["count"] for each in found["labels"]}["Customer"] == 2
    assert ElementTree.parse(tmp_path / "schema.svg").getroot().tag.endswith("svg")
    told = shell.text("schema")
    assert "(Product)" in told
    assert "[MADE_BY]" in told


def test_status_has_figures_and_keeps_them(shell: Shell, workspace: Path) -> None:
    found = shell("status")
    assert found["last_complete_load"]["sequence"] == 1
    assert found["statistics"]["purchases_per_customer"]["nodes"] == 2
    assert shell("status", "--no-statistics")["statistics"] is None
    (kept,) = (workspace / "figures").glob("statistics-*.json")
    changed = json.loads(kept.read_text())
    changed["purchases_per_customer"]["maximum"] = 77
    kept.write_text(json.dumps(changed))
    assert shell("status")["statistics"]["purchases_per_customer"]["maximum"] == 77  # read, not counted again
    kept.write_text("{damaged")
    assert shell("status")["statistics"]["purchases_per_customer"]["maximum"] == 2
    assert "Growth" in shell.text("status")


def test_figures_of_a_large_graph_are_counted_only_when_asked_for(
    shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (workspace / "figures").glob("*"):
        each.unlink()
    monkeypatch.setattr("habitue.status._QUICKLY_COUNTED", 2)
    assert shell("status")["statistics"] is None
    assert "habitue status --statistics" in shell.text("status")
    assert shell("status", "--statistics")["statistics"] is not None
    assert shell("status")["statistics"] is not None  # known by now


def test_status_says_when_the_graph_carries_other_signals_than_the_published_run() -> None:
    class Store:
        def __init__(self) -> None:
            self.written: list[tuple[str]] = []

        def facts(self) -> object:
            return object()

        def read(self, name: str) -> Any:
            return type("Rows", (), {"rows": self.written})

    engine: Any = type("Engine", (), {"store": Store()})
    assert _stale_signals(engine, None) == []
    assert "no signals" in _stale_signals(engine, "run-2")[0]
    engine.store.written = [("run-1",)]
    assert "run-1" in _stale_signals(engine, "run-2")[0]
    engine.store.written = [("run-2",)]
    assert _stale_signals(engine, "run-2") == []
