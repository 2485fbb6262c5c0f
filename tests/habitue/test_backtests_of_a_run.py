"""A run's report shows a backtest of the same task on the same state of the graph, or none."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from habitue.errors import NotTrainedError
from habitue.runs import SOURCE, RunManifest, TaskSettings, newest_backtest, newest_trained
from habitue.workspace import Workspace

TASK = TaskSettings(horizon_days=60, active_window_days=180)
MANIFEST = RunManifest(
    id="r", kind="trained", created_at=datetime(2024, 1, 2), dataset="shop", currency=None, as_of=datetime(2024, 1, 1),
    task=TASK, seed=0, data_fingerprint="f",
)  # fmt: skip


def keep(workspace: Workspace, name: str, graph: str, task: TaskSettings) -> Path:
    directory = workspace.backtests / name
    directory.mkdir(parents=True)
    source = {"graph": graph, "task": task.model_dump(mode="json")}
    (directory / SOURCE).write_text(json.dumps(source), encoding="utf-8")
    return directory


def test_the_newest_of_the_same_graph_and_task_is_found(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert newest_backtest(workspace, MANIFEST, "now") is None
    keep(workspace, "20240101T000000-a", "now", TASK)
    expected = keep(workspace, "20240102T000000-b", "now", TASK)
    keep(workspace, "20240103T000000-c", "before", TASK)
    keep(workspace, "20240104T000000-d", "now", TASK.model_copy(update={"horizon_days": 30}))
    keep(workspace, "20240105T000000-e", "now", TASK.model_copy(update={"properties": ("age",)}))
    assert newest_backtest(workspace, MANIFEST, "now") == expected


def test_without_models_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotTrainedError, match="habitue train"):
        newest_trained(Workspace(tmp_path))
