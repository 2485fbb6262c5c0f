"""What a run is: models trained as of a cutoff, and the scores that came of them; immutable once written."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from habitue.errors import HabitueError, NotTrainedError
from habitue.workspace import Workspace

#: Folders of a run: the forecaster, the embedding, and both as of the cutoff before.
MODEL, EMBEDDING, PREVIOUS = "model", "embedding", "previous"
#: Says, beside a backtest, on which state of the graph and for which task it was made.
SOURCE = "source.json"
MANIFEST, SCORES, BACKTEST, CURVES, REPORT = (
    "manifest.json", "scores.parquet", "backtest.json", "curves.json", "report.html",
)  # fmt: skip


class TaskSettings(BaseModel):
    """The task a run was trained for; `active_window_days` is None where everybody counts."""

    model_config = ConfigDict(frozen=True)

    horizon_days: int
    active_window_days: int | None
    properties: tuple[str, ...] = ()


class RunManifest(BaseModel):
    """What went into a run, enough to make it again.

    Attributes:
        id: Name of its directory.
        kind: `trained` has models; `scored` has scores beside them and can be published.
        as_of: The cutoff T (naive UTC).
        data_fingerprint: Of the snapshot as of T.
        settings: Of the models.
        weights: Of the HyperScore's components; they sum to 1.
        metrics: The newest backtest's figures for this task, by model; empty without a backtest.
        publisher: Who made it (`command line`, `api`, `python`).
        parent: The run whose models it uses; None for a training.
        reason: Why it was made.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Literal["trained", "scored"]
    created_at: datetime
    dataset: str
    currency: str | None
    as_of: datetime
    task: TaskSettings
    seed: int
    settings: dict[str, Any] = {}
    data_fingerprint: str
    versions: dict[str, str] = {}
    weights: dict[str, float] = {}
    hyperscore: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    counts: dict[str, int] = {}
    seconds: dict[str, float] = {}
    publisher: str = ""
    parent: str | None = None
    reason: str = ""


def read_manifest(directory: Path) -> RunManifest:
    """The manifest of a run's directory.

    Raises:
        HabitueError: If it is not there, or is of another release.
    """
    try:
        return RunManifest.model_validate_json((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise HabitueError(
            f"The manifest of the run {directory.name} cannot be read.", hint="Run `habitue train` and `habitue score`."
        ) from error


def write_manifest(directory: Path, manifest: RunManifest) -> None:
    """Write the manifest into a run's directory."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (directory / MANIFEST).write_text(text, encoding="utf-8")


def read_scores(directory: Path) -> pd.DataFrame:
    """The scores of a scored run, one row per customer, ordered by id."""
    return pd.read_parquet(directory / SCORES)


def newest_trained(workspace: Workspace) -> tuple[Path, RunManifest]:
    """The latest run that has models.

    Raises:
        NotTrainedError: If nothing was trained yet.
    """
    for directory in sorted(workspace.runs.glob("2*"), reverse=True):
        with suppress(HabitueError):  # one that cannot be read is not the newest that can be used
            manifest = read_manifest(directory)
            if manifest.kind == "trained":
                return directory, manifest
    raise NotTrainedError("No model has been trained in this workspace.", hint="Run `habitue train` first.")


def newest_backtest(workspace: Workspace, manifest: RunManifest, graph: str) -> Path | None:
    """The latest backtest of the run's task on the graph as it now is; figures of older data are not the run's own.

    Args:
        workspace: Where backtests are kept.
        manifest: Of the run.
        graph: Fingerprint of the store's state (`DatasetFacts.fingerprint`).
    """
    for directory in sorted(workspace.backtests.glob("2*"), reverse=True):
        try:
            source = json.loads((directory / SOURCE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if source == {"graph": graph, "task": manifest.task.model_dump(mode="json")}:
            return directory
    return None
