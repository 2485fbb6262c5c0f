"""Snapshot export: the stream of interactions and the history made of it, beside the engine's own Arrow tables."""

from __future__ import annotations

import shutil
from typing import Any

from bench.graph_place import Place, beside
from bench.measure import BenchmarkError, busy, run_module


def measure_export(place: Place) -> dict[str, Any]:
    """Everything out of the store: by the engine alone, through the store, and as a history with its snapshot."""
    load_at_start = busy()
    streams, histories, reference = [], [], []
    complaint = ""
    for number in range(place.size.repeats):
        place.say(f"Arrow export by the engine, {number + 1} of {place.size.repeats}")
        try:
            reference.append(run_module("bench.raw_ladybug", "export", place.database()))
        except BenchmarkError as error:  # all at once takes more memory than some machines have
            complaint = str(error)
        place.say("the store's stream")
        streams.append(run_module("bench.graph_child", "stream", "--workspace", place.workspace))
        place.say("the history")
        shutil.rmtree(place.workspace / "snapshots", ignore_errors=True)
        histories.append(run_module("bench.graph_child", "history", "--workspace", place.workspace))
    place.say("the history from its cache")
    cached = run_module("bench.graph_child", "history", "--workspace", place.workspace)
    return {
        "busy_at_start": load_at_start,
        "stream": beside(streams, reference, "export_seconds", "export_seconds", complaint),
        "history": beside(histories, reference, "export_seconds", "export_seconds", complaint),
        "cached": cached.to_json(),
    }


def measure_second_snapshot(place: Place) -> dict[str, Any]:
    """The history once more, after something was loaded."""
    place.say("the history after an increment")
    return run_module("bench.graph_child", "history", "--workspace", place.workspace).to_json()
