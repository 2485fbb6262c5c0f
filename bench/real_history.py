"""The history of a data set by name, loaded into a workspace that is only used for this."""

from __future__ import annotations

from pathlib import Path

from graph.history import History
from graph.store import no_progress
from habitue.engine import Engine
from habitue.histories import current_history


def loaded(source: str, workspace: Path) -> History:
    """All events of a data set.

    Args:
        source: A name of `habitue datasets` or the path of a `dataset.toml`.
        workspace: Made where it is missing; what it holds already is used again.
    """
    with Engine.open(workspace) as engine:
        if engine.store.facts() is None:
            engine.load(source)
        return current_history(engine.store, engine.workspace, no_progress)
