"""Descriptions and statistics of the graph, kept in the workspace for as long as the graph stays the same.

They hold numbers, dates and the names of labels, types and properties: nothing of a single customer.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from graph.description import GraphDescription, describe_graph
from graph.statistics import GraphStatistics, read_statistics
from graph.store import GraphStore, Progress
from habitue.workspace import Workspace

Kept = TypeVar("Kept", bound=BaseModel)

_VERSION = 1  # of what is counted


def description(store: GraphStore, workspace: Workspace, progress: Progress) -> GraphDescription:
    """What the graph holds, counted once for each state of it, signals and audiences included."""
    derived = (store.read("read/models_on_graph").rows, store.read("read/export_audiences").rows)
    path = _path(store, workspace, "schema", repr(derived))
    return _known(path, GraphDescription) or _keep(path, lambda: describe_graph(store, progress))


def statistics(store: GraphStore, workspace: Workspace, progress: Progress) -> GraphStatistics:
    """The graph's figures, counted once for each state of it."""
    path = _path(store, workspace, "statistics")
    return _known(path, GraphStatistics) or _keep(path, lambda: read_statistics(store, progress))


def known_statistics(store: GraphStore, workspace: Workspace) -> GraphStatistics | None:
    """The figures of the graph as it is, if they were counted before."""
    return _known(_path(store, workspace, "statistics"), GraphStatistics)


def _path(store: GraphStore, workspace: Workspace, kind: str, more: str = "") -> Path:
    facts = store.facts()
    state = f"{facts.fingerprint if facts else ''}\n{_VERSION}\n{more}"
    return workspace.path / "figures" / f"{kind}-{hashlib.sha256(state.encode()).hexdigest()[:16]}.json"


def _known(path: Path, kind: type[Kept]) -> Kept | None:
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def _keep(path: Path, count: Callable[[], Kept]) -> Kept:
    """Count and keep it; those of former states go. A workspace that cannot be written to is no hindrance."""
    found = count()
    making = path.with_name(f".making-{secrets.token_hex(4)}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        making.write_text(found.model_dump_json(), encoding="utf-8")
        for former in path.parent.glob(f"{path.name.partition('-')[0]}-*.json"):
            former.unlink(missing_ok=True)
        making.replace(path)
    return found
