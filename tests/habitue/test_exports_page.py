"""Every command and every example of docs/exports.md runs, on the sample shop."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from habitue.cli.app import run
from habitue.engine import Engine

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
#: The page speaks of the sample data of the README; the sample shop has other customers and other years.
OURS = PAGE.replace("1228", "C0007").replace("2017", "2024")
COMMANDS = re.findall(r"^habitue ((?:export|schema|status)\b.*?)(?:\s{2,}.*)?$", OURS, re.MULTILINE)
EXAMPLES = re.findall(r"```python\n(.*?)```", OURS, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `my-workspace` holds the sample shop."""
    path = tmp_path_factory.mktemp("page")
    with Engine.open(path / "my-workspace", f"ladybug://{path / 'my-workspace' / 'graph'}") as engine:
        engine.load("tiny")
    return path


def test_the_commands_and_then_the_examples_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HABITUE_STORE", raising=False)
    assert len(COMMANDS) >= 9
    for command in COMMANDS:
        assert run([*shlex.split(command), "--workspace", "my-workspace", "--quiet"]) == 0, command
    assert (folder / "schema.svg").is_file()
    assert len(EXAMPLES) >= 4
    found: dict[str, object] = {}
    for example in EXAMPLES:
        exec(compile(example, "docs/exports.md", "exec"), found)  # the page's own code
    assert found["purchases"].num_rows == 8_500  # type: ignore[attr-defined]
    assert found["graph"].has_node("Customer:C0007")  # type: ignore[attr-defined]
    assert found["data"].validate()  # type: ignore[attr-defined]
