"""Habitué: a self-hosted, graph-native customer knowledge graph engine.

`Engine` is the front door in Python; it is imported on first use, so that `import habitue` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from habitue.engine import Engine

__all__ = ["Engine", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from habitue.engine import Engine

        return Engine
    raise AttributeError(f"module 'habitue' has no attribute {name!r}")
