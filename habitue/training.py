"""Train the models of a run: the forecaster and the embedding as of a cutoff, and the same at the cutoff before.

The earlier pair is what `meta` needs: how stable a customer's score is from one month to the next.
"""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gnn.cutoffs import first_purchase, training_dates
from gnn.examples import PastExamples, SharedExamples
from gnn.habitue_forecaster import HabitueForecaster
from gnn.model_files import save as save_forecaster
from gnn.task import Task
from graph.history import History
from graph.store import Progress
from habitue import __version__
from habitue.embedding_training import train_embedding
from habitue.errors import CutoffError
from habitue.histories import current_history
from habitue.runs import EMBEDDING, MODEL, PREVIOUS, RunManifest, TaskSettings, write_manifest

if TYPE_CHECKING:
    from habitue.engine import Engine

#: Days between the cutoff and the one before it, and between training cutoffs.
STEP_DAYS = 30
#: Training cutoffs stacked for a forecaster.
TRAINING_CUTOFFS = 4
_PACKAGES = ("torch", "lightgbm", "pykeen", "torch-geometric", "numpy", "pandas", "pyarrow", "scikit-learn", "ladybug")


def train(engine: Engine, task: Task, cutoff: datetime | None, *, seed: int, progress: Progress) -> RunManifest:
    """Train as of a cutoff and keep the models as a run of kind `trained`.

    An interrupted training of TransE goes on, when the same is asked for again, from the last pass that was done.

    Raises:
        CutoffError: If the cutoff is later than the data are complete, or no earlier cutoff has a known outcome.
    """
    begin = time.monotonic()
    history = current_history(engine.store, engine.workspace, progress)
    as_of = cutoff or history.complete_until
    snapshot = history.at(as_of)
    if as_of <= first_purchase(history):
        raise CutoffError(
            f"Nobody had bought anything before the cutoff {as_of:%Y-%m-%d}: the first purchase is of "
            f"{first_purchase(history):%Y-%m-%d}.",
            hint="Choose a later cutoff.",
        )
    if not training_dates(history, task, as_of, count=TRAINING_CUTOFFS, step_days=STEP_DAYS):
        raise CutoffError(
            f"There is no cutoff before {as_of:%Y-%m-%d} whose outcome within {task.horizon_days} days is known and "
            "that has 60 days of data before it.",
            hint=("Choose a later cutoff or" if as_of < history.complete_until else "Choose")
            + " a shorter horizon, or load more of the past.",
        )
    seconds: dict[str, float] = {}
    kept = engine.workspace.checkpoints
    with engine.workspace.new_directory(engine.workspace.runs, "training") as directory:
        shared = SharedExamples(history, task)
        settings = _train_at(history, shared, task, as_of, directory, seed, _part(progress, 0.0, 0.5), seconds, kept)
        before = as_of - timedelta(days=STEP_DAYS)
        has_before = bool(training_dates(history, task, before, count=TRAINING_CUTOFFS, step_days=STEP_DAYS))
        if has_before:
            earlier = _part(progress, 0.5, 1.0)
            _train_at(history, shared, task, before, directory / PREVIOUS, seed, earlier, seconds, kept)
        facts = engine.store.facts()
        manifest = RunManifest(
            id=run_id(directory),
            kind="trained",
            created_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            dataset=history.dataset,
            currency=facts.currency if facts else None,
            as_of=as_of,
            task=TaskSettings(
                horizon_days=task.horizon_days, active_window_days=task.active_window_days, properties=task.properties
            ),
            seed=seed,
            settings={**settings, "previous_as_of": before.isoformat() if has_before else None},
            data_fingerprint=snapshot.fingerprint,
            versions=versions(),
            counts={"customers": len(snapshot.customers), "purchases": len(snapshot.purchases)},
            seconds={**{name: round(value, 2) for name, value in seconds.items()},
                     "training": round(time.monotonic() - begin, 2)},
            publisher=engine.publisher,
            reason="training",
        )  # fmt: skip
        write_manifest(directory, manifest)
    shutil.rmtree(kept, ignore_errors=True)  # the run is whole
    return manifest


def run_id(directory: Path) -> str:
    """The id of a run being made: the last part of its directory's name, which it keeps when it is finished."""
    return directory.name.split("-", 2)[-1]


def versions() -> dict[str, str]:
    """Versions of what the figures depend on."""
    found = {"habitue": __version__, "python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in _PACKAGES}


def _train_at(
    history: History,
    shared: SharedExamples,
    task: Task,
    as_of: datetime,
    directory: Path,
    seed: int,
    progress: Progress,
    seconds: dict[str, float],
    checkpoints: Path,
) -> dict[str, object]:
    """Fit and save forecaster and embedding as of a date; the past alone is within reach."""
    past = PastExamples(shared, as_of)
    dates = training_dates(history, task, as_of, count=TRAINING_CUTOFFS, step_days=STEP_DAYS)
    clock = time.monotonic()
    training = []
    for place, date in enumerate(dates):
        progress(f"features as of {date:%Y-%m-%d}", 0.2 * place / len(dates))
        training.append(past.labelled(date))
    seconds["features"] = seconds.get("features", 0.0) + time.monotonic() - clock
    clock = time.monotonic()
    forecaster = HabitueForecaster(task, progress=_part(progress, 0.2, 0.7))
    forecaster.fit(training, seed=seed)
    directory.mkdir(exist_ok=True)
    save_forecaster(forecaster, directory / MODEL)
    seconds["forecaster"] = seconds.get("forecaster", 0.0) + time.monotonic() - clock
    clock = time.monotonic()
    embedding = train_embedding(
        history.at(as_of), directory / EMBEDDING, checkpoints, seed=seed, progress=_part(progress, 0.7, 1.0)
    )
    seconds["embedding"] = seconds.get("embedding", 0.0) + time.monotonic() - clock
    return {"training_cutoffs": [f"{date:%Y-%m-%d}" for date in dates], "embedding": embedding}


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """Progress of a part of the whole."""
    return lambda what, share: progress(what, begin + (end - begin) * share)
