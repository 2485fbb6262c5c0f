"""Incremental loads into the loaded store, one process each: until acknowledged and durable, and what merging adds."""

from __future__ import annotations

import shutil
from statistics import fmean
from typing import Any

from bench.graph_data import increments
from bench.graph_export import measure_second_snapshot
from bench.graph_place import Place
from bench.measure import busy, ratio, run_module


def measure_increments(place: Place) -> dict[str, Any]:
    """The first day beside plain CREATE of its rows and once more, a snapshot, then all other days, then a merge."""
    load_at_start = busy()
    days = increments(place.data)[: place.size.increments]
    target = place.fresh("raw") / "graph.lbug"
    shutil.copyfile(place.database(), target)
    loads = []
    again: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    second: dict[str, Any] = {}
    for number, source in enumerate(days):
        place.say(f"increment {number + 1} of {len(days)}")
        keep = ["--keep", place.fresh("increment")] if number == 0 else []
        run = run_module("bench.graph_child", "load", source, "--workspace", place.workspace, *keep).to_json()
        loads.append(run)
        if number == 0:
            place.say("plain CREATE of its rows")
            plain = run_module("bench.raw_ladybug", "append", target, place.work / "increment").to_json()
            place.say("the same increment again")
            again = run_module("bench.graph_child", "load", source, "--workspace", place.workspace).to_json()
            second = measure_second_snapshot(place)
    shutil.rmtree(place.work / "raw")
    shutil.rmtree(place.work / "increment")
    place.say("merge of what waits")
    merged = run_module("bench.graph_child", "merge", "--workspace", place.workspace).to_json()
    acknowledged = [_acknowledged(run) for run in loads]
    third = max(1, len(loads) // 3)
    # A merge's work is no part of the load's that it follows.
    unmerged = [run["cpu_seconds"] for run in loads if not run["merge_seconds"]]
    some = max(1, len(unmerged) // 3)
    return {
        "busy_at_start": load_at_start,
        "first": loads[0],
        "reference": plain,
        "again": again,
        "second_snapshot": second,
        "loads": len(loads),
        "acknowledged_seconds": acknowledged,
        "microseconds_per_row": [
            round(seconds / run["rows_read"] * 1e6, 1) for seconds, run in zip(acknowledged, loads, strict=True)
        ],
        "cpu_seconds": [run["cpu_seconds"] for run in loads],
        "cpu_growth": ratio(fmean(unmerged[-some:]), fmean(unmerged[:some])) if unmerged else None,
        "growth": ratio(fmean(acknowledged[-third:]), fmean(acknowledged[:third])),
        "merges": [
            {"after_load": number, "merge_seconds": run["merge_seconds"], "peak_mb": run["peak_mb"]}
            for number, run in enumerate(loads, 1)
            if run["merge_seconds"]
        ],
        "largest_peak_mb": max(run["peak_mb"] for run in loads),
        "last_merge": merged,
    }


def _acknowledged(run: dict[str, Any]) -> float:
    """Seconds of the whole command without merging, which comes when the load is durable."""
    return round(float(run["seconds"] - run["merge_seconds"] - run["keeping_seconds"]), 3)
