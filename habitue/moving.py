"""Moving house: a graph from one store to another, and backups of a whole workspace."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graph.archive import Archive, open_archive, restore_archive, write_archive
from graph.opening import open_store
from graph.store import Progress
from habitue.errors import UsageError
from habitue.settings import Settings

if TYPE_CHECKING:
    from habitue.engine import Engine

#: What a backup holds of the workspace besides the graph; caches and locks are made again.
_KEPT = ("runs", "vectors", "audiences", "backtests", "quarantine", "current", "erasures.json")


@dataclass(frozen=True)
class Moved:
    """A graph that now is somewhere else, too.

    Attributes:
        target: Address or directory.
        rows: Numbers of rows by table, equal at both ends.
        fingerprint: Of the content, equal at both ends.
        seconds: How long it took.
    """

    target: str
    rows: Mapping[str, int]
    fingerprint: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def copy_graph(engine: Engine, target: str, progress: Progress) -> Moved:
    """Copy the graph, with its loads and what was written back, into an empty store; compare what both hold.

    Args:
        engine: Whose store is copied.
        target: Address of the other store, such as `neo4j://host:7687`; credentials come from the environment.
        progress: Called with what is being done.

    Raises:
        UsageError: If both are one store.
        StoreError: If the target holds something, or something else than the source afterwards.
    """
    started = time.monotonic()
    store = open_store(Settings(**{**engine.settings.model_dump(), "store": target}))
    try:
        if store.health().url == engine.store.health().url:
            raise UsageError("The graph cannot be copied onto itself.", hint="Name another store with --to.")
        staging = engine.workspace.path / "staging"
        staging.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="copy-", dir=staging) as folder:
            archive = write_archive(engine.store, Path(folder), progress)
            restore_archive(archive, store, progress)
    finally:
        store.close()
    return _moved(target, archive, started)


def backup(engine: Engine, directory: Path, progress: Progress) -> Moved:
    """Write the graph, runs, audiences, backtests and quarantine into a new directory.

    Raises:
        UsageError: If the directory is there already.
    """
    started = time.monotonic()
    if directory.exists():
        raise UsageError(f"{directory} is there already.", hint="Name a directory that is not: it is made whole.")
    making = directory.with_name(f".making-{directory.name}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        (making / "graph").mkdir()
        archive = write_archive(engine.store, making / "graph", progress)
        for name in _KEPT:
            _copy(engine.workspace.path / name, making / "workspace" / name)
        _flush_all(making)
        making.rename(directory)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return _moved(str(directory), archive, started)


def restore(engine: Engine, directory: Path, progress: Progress) -> Moved:
    """Bring a backup into an empty workspace and an empty store, and compare the content with what was backed up.

    Raises:
        UsageError: If the workspace has runs already.
        StoreError: If there is no backup in the directory, or the store holds something.
    """
    started = time.monotonic()
    archive = open_archive(directory / "graph")
    if engine.workspace.current_run() is not None or any(engine.workspace.runs.glob("2*")):
        raise UsageError("This workspace has runs already.", hint="Restore into a new one: `--workspace DIRECTORY`.")
    restore_archive(archive, engine.store, progress)
    for name in _KEPT:  # `current` after the runs that it may name
        _copy(directory / "workspace" / name, engine.workspace.path / name)
    return _moved(str(engine.workspace.path), archive, started)


def _moved(target: str, archive: Archive, started: float) -> Moved:
    return Moved(target, archive.fingerprint.rows, archive.fingerprint.digest, round(time.monotonic() - started, 2))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".making-*"), dirs_exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _flush_all(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
