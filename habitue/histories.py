"""The history of the graph as it now is: from the cache in the workspace, or exported from the store."""

from __future__ import annotations

import shutil
from pathlib import Path

from graph.history import History, StoreTables
from graph.history_files import read_history, write_history
from graph.model import SCHEMA_VERSION
from graph.store import GraphStore, Progress
from habitue.errors import NothingLoadedError
from habitue.workspace import Workspace

_CACHE_VERSION = 2


def current_history(store: GraphStore, workspace: Workspace, progress: Progress) -> History:
    """The whole history, whichever the store.

    Raises:
        NothingLoadedError: If the graph is empty.
    """
    facts = store.facts()
    if facts is None:
        raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
    kept = workspace.snapshots / f"{facts.fingerprint}-schema{SCHEMA_VERSION}-{_CACHE_VERSION}"
    if (kept / "history.json").is_file():
        progress("reading the cached history", 0.0)
        try:
            return read_history(kept)
        except (OSError, ValueError, KeyError, TypeError):  # damaged: it is only a cache
            shutil.rmtree(kept, ignore_errors=True)
    progress("exporting the graph", 0.0)
    history = History.of(StoreTables.of(store.tables(), facts))
    progress("exporting the graph", 0.9)
    _keep(history, workspace.snapshots, kept)
    return history


def _keep(history: History, parent: Path, target: Path) -> None:
    """Cache it; caches of former states go."""
    parent.mkdir(parents=True, exist_ok=True)
    for former in parent.iterdir():
        shutil.rmtree(former, ignore_errors=True)
    making = parent / f".making-{target.name}"
    making.mkdir()
    write_history(making, history)
    making.rename(target)
