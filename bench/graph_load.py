"""Bulk load: the whole of `habitue load` beside one COPY of the same rows, already checked and in place."""

from __future__ import annotations

import shutil
from typing import Any

from bench.graph_place import Place, beside
from bench.measure import BenchmarkError, busy, ratio, run_module


def measure_load(place: Place) -> dict[str, Any]:
    """Load into a new workspace, copy the same rows, in turn; then load the same data again."""
    source = place.data / "dataset.toml"
    load_at_start = busy()
    ours, reference, failed = [], [], ""
    for number in range(place.size.repeats):
        shutil.rmtree(place.workspace, ignore_errors=True)
        place.say(f"bulk load, {number + 1} of {place.size.repeats}")
        keep = ["--keep", place.fresh("rows")] if number == 0 else []
        ours.append(run_module("bench.graph_child", "load", source, "--workspace", place.workspace, *keep))
        place.say("COPY of the same rows")
        database = place.fresh("raw") / "graph.lbug"
        try:
            reference.append(run_module("bench.raw_ladybug", "copy", place.rows, database))
        except BenchmarkError as error:  # at 30 million rows it takes more memory than small machines have
            failed = str(error)
    shutil.rmtree(place.work / "raw")
    place.say("the same load again")
    again = run_module("bench.graph_child", "load", source, "--workspace", place.workspace)
    found = beside(ours, reference, "seconds", "seconds", failed)
    if reference:
        found["apply_ratio"] = ratio(found["ours"]["apply_seconds"], found["reference"]["copy_seconds"])
    return {
        "busy_at_start": load_at_start,
        **found,
        "file_mb": place.database().stat().st_size // 1_000_000,
        "again": again.to_json(),
    }
