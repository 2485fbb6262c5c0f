"""The history of the graph as it now is: from the cache in the workspace, extended or made anew from the store."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graph.history import History
from graph.history_build import build
from graph.history_extension import extend
from graph.history_files import CachedHistory, FileShelf, link_texts, read_history, write_history
from graph.migrations import check_schema
from graph.model import INTERACTIONS, SCHEMA_VERSION
from graph.store import DatasetFacts, GraphStore, Progress
from habitue.errors import NothingLoadedError
from habitue.workspace import Workspace

_CACHE_VERSION = 3
_LAYOUT = f"schema{SCHEMA_VERSION}-{_CACHE_VERSION}"


def current_history(store: GraphStore, workspace: Workspace, progress: Progress) -> History:
    """The whole history, whichever the store; of one that was extended by loads, only these are read.

    Its arrays are mapped from the cache's files. The caller holds the workspace's write lock.

    Raises:
        NothingLoadedError: If the graph is empty.
    """
    facts = store.facts()
    if facts is None:
        raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
    check_schema(facts)
    parent = workspace.snapshots
    kept = parent / f"{facts.fingerprint}-{_LAYOUT}"
    progress("reading the cached history", 0.0)
    if (cached := _read(kept)) is not None:
        return cached.history
    parent.mkdir(parents=True, exist_ok=True)
    for left_behind in parent.glob(".making-*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    making = parent / f".making-{secrets.token_hex(4)}"
    state = _state(store, facts)
    history = _extended(store, facts, state, parent, making, progress)
    if history is None:
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        graph, _ = build(store, FileShelf(making), progress)
        history = History.over(graph, facts.name, facts.complete_until, facts.sensitive)
    progress("keeping the history", 0.9)
    write_history(making, history, state)
    shutil.rmtree(kept, ignore_errors=True)
    making.rename(kept)
    for former in parent.iterdir():
        if former != kept:
            shutil.rmtree(former, ignore_errors=True)
    return history


def _extended(
    store: GraphStore, facts: DatasetFacts, state: Mapping[str, Any], parent: Path, making: Path, progress: Progress
) -> History | None:
    """Made in `making` from what is cached of a former state; None where there is none that this one follows on."""
    for former in sorted(parent.glob(f"*-{_LAYOUT}")):
        cached = _read(former)
        if cached is None or not _follows(state, cached.state):
            continue
        making.mkdir()
        for name in INTERACTIONS:
            link_texts(former, making, name)
        after = max((int(load["sequence"]) for load in cached.state["loads"]), default=0)
        extended = extend(cached.history, cached.keys, store, after, FileShelf(making), progress)
        return extended and History.over(extended[0], facts.name, facts.complete_until, facts.sensitive)
    return None


def _state(store: GraphStore, facts: DatasetFacts) -> dict[str, Any]:
    """What tells whether a state follows on another: which loads made it and what was erased."""
    erased = hashlib.sha256("\n".join([facts.salt, *sorted(facts.erased)]).encode()).hexdigest()
    loads = [
        {
            "sequence": load.sequence,
            "source": load.source,
            "started": str(load.started_at),
            "ended": str(load.finished_at),
        }
        for load in store.loads()
        if load.complete
    ]
    return {"dataset": facts.name, "erased": erased, "loads": sorted(loads, key=lambda load: load["sequence"])}


def _follows(state: Mapping[str, Any], former: Mapping[str, Any]) -> bool:
    """Whether a state is a former one and further loads; a load that was resumed later has a number among them."""
    count = len(former["loads"])
    same = all(state[name] == former[name] for name in ("dataset", "erased"))
    return same and 0 < count < len(state["loads"]) and state["loads"][:count] == former["loads"]


def _read(directory: Path) -> CachedHistory | None:
    """What is cached; None where there is nothing, or it is damaged: it is only a cache."""
    if not (directory / "history.json").is_file():
        return None
    try:
        return read_history(directory)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        shutil.rmtree(directory, ignore_errors=True)
        return None
