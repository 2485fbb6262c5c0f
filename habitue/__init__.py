"""Habitué: a self-hosted, graph-native customer knowledge graph engine.

`Engine` is the front door in Python; what is here is imported on first use, so that `import habitue` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graph.handover.hetero import load_hetero_data
    from graph.handover.selection import Around, Selection
    from habitue.engine import Engine

__all__ = ["Around", "Engine", "Selection", "__version__", "load_hetero_data"]
__version__ = "0.1.0"

_HOMES = {
    "Around": "graph.handover.selection",
    "Engine": "habitue.engine",
    "Selection": "graph.handover.selection",
    "load_hetero_data": "graph.handover.hetero",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'habitue' has no attribute {name!r}")
