"""The measured side of the graph's benchmarks, each in a process of its own: what Habitué does.

    python -m bench.graph_child load SOURCE --workspace DIR [--keep DIR]
    python -m bench.graph_child stream|history --workspace DIR

prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

_STARTED = time.perf_counter()


def load(options: argparse.Namespace) -> dict[str, Any]:
    """What `habitue load` does, with a watch on the store."""
    from bench.timed_store import TimedStore
    from habitue.engine import Engine

    with Engine.open(options.workspace) as engine:
        watched = TimedStore(engine.store, options.keep)
        engine.__dict__["store"] = watched  # in the place of the cached one
        begin = time.perf_counter()
        report = engine.load(str(options.source))
        seconds = time.perf_counter() - begin
        by_method = {name: round(watched.seconds[name], 3) for name in ("nodes", "held", "apply", "merge")}
        acknowledged = seconds - watched.keeping - watched.seconds["merge"]
        return {
            "changed": report.changed,
            "rows_read": sum(report.rows_read.values()),
            "loaded": sum(report.loaded.values()),
            "corrected": sum(report.corrected.values()),
            "unchanged": sum(report.unchanged.values()),
            "quarantined": sum(report.quarantined.values()),
            "start_seconds": round(begin - _STARTED, 3),
            "load_seconds": round(seconds - watched.keeping, 3),
            "staging_seconds": round(acknowledged - watched.seconds["apply"] - watched.seconds["held"], 3),
            "held_seconds": by_method["held"],
            "apply_seconds": by_method["apply"],
            "merge_seconds": by_method["merge"],
            "keeping_seconds": round(watched.keeping, 3),
            "unmerged": engine.store.unmerged(),
        }


def merge(options: argparse.Namespace) -> dict[str, Any]:
    """What `habitue merge` does."""
    from habitue.engine import Engine

    with Engine.open(options.workspace) as engine:
        begin = time.perf_counter()
        rows = engine.merge()
        return {"rows": rows, "merge_seconds": round(time.perf_counter() - begin, 3)}


def stream(options: argparse.Namespace) -> dict[str, Any]:
    """All interactions through the store, table after table, kept by nobody."""
    from graph.model import INTERACTIONS
    from habitue.engine import Engine

    with Engine.open(options.workspace, read_only=True) as engine:
        store = engine.store
        opening = time.perf_counter()
        store.facts()  # opens it
        begin = time.perf_counter()
        rows = sum(len(table) for name in INTERACTIONS for table in store.interactions(name))
        return {
            "rows": rows,
            "open_seconds": round(begin - opening, 3),
            "export_seconds": round(time.perf_counter() - begin, 3),
        }


def history(options: argparse.Namespace) -> dict[str, Any]:
    """The history, from the cache or the store, and the snapshot as of its end."""
    from graph.store import no_progress
    from habitue.engine import Engine
    from habitue.histories import current_history

    with Engine.open(options.workspace) as engine, engine.workspace.writing("benchmark"):
        counting = _CountingStore(engine.store)
        opening = time.perf_counter()
        counting.facts()  # opens it, and replays what waits to be merged
        begin = time.perf_counter()
        found = current_history(counting, engine.workspace, no_progress)
        exported = time.perf_counter()
        snapshot = found.at(found.complete_until)
        return {
            "rows": sum(len(events.at) for events in snapshot.events.values()),
            "rows_read": counting.rows,
            "open_seconds": round(begin - opening, 3),
            "export_seconds": round(exported - begin, 3),
            "cut_seconds": round(time.perf_counter() - exported, 3),
        }


class _CountingStore:
    """Hands everything on to a store and counts the interactions that it gives."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def interactions(self, name: str, *, after: int = 0) -> Any:
        for table in self._store.interactions(name, after=after):
            self.rows += len(table)
            yield table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=["load", "merge", "stream", "history"])
    parser.add_argument("source", nargs="?")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--keep", type=Path, default=None)
    options = parser.parse_args()
    work = {"load": load, "merge": merge, "stream": stream, "history": history}[options.work]
    print(json.dumps(work(options)))


if __name__ == "__main__":
    main()
