"""Where a run of the graph's benchmarks keeps its things, and how ours is set beside a reference."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.graph_data import Size
from bench.measure import Run, ratio
from graph.ladybug_store import LadybugStore


@dataclass(frozen=True)
class Place:
    """Data to load, and a directory to work in.

    Attributes:
        size: How much is measured.
        data: From `graph_data.prepared`.
        work: Holds the workspace and what the references make.
        say: Told what is being done.
    """

    size: Size
    data: Path
    work: Path
    say: Callable[[str], None]

    @property
    def workspace(self) -> Path:
        """The workspace that is loaded once, and then read and added to."""
        return self.work / "workspace"

    @property
    def rows(self) -> Path:
        """The bulk load's rows for the reference."""
        return self.work / "rows"

    def database(self) -> Path:
        """The published version's file."""
        store = LadybugStore(self.workspace / "graph", read_only=True)
        found = store.published_file()
        if found is None:
            raise SystemExit(f"Nothing is loaded in {self.workspace}: run the section `load` first.")
        return found

    def fresh(self, name: str) -> Path:
        """An empty directory."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path


def beside(
    ours: Sequence[Run], reference: Sequence[Run], ours_key: str, reference_key: str, failed: str = ""
) -> dict[str, Any]:
    """The quickest run of each, all seconds, and the ratios of time and memory.

    Args:
        ours: Runs of Habitué.
        reference: Runs of the reference, in turn with ours.
        ours_key: Which of the seconds of a run are compared; `seconds` are those of the whole process.
        reference_key: The same of the reference.
        failed: Why there is no run of the reference, where there is none: at 30 million rows it may take more memory
            than there is.
    """
    if not reference:
        return {"ours": min((run.to_json() for run in ours), key=lambda run: float(run[ours_key])),
                "reference": None, "reference_failed": failed}  # fmt: skip
    best, other = (
        min((run.to_json() for run in runs), key=lambda run: float(run[key]))
        for runs, key in ((ours, ours_key), (reference, reference_key))
    )
    return {
        "ours": best,
        "reference": other,
        "all_seconds": {
            "ours": [run.to_json()[ours_key] for run in ours],
            "reference": [run.to_json()[reference_key] for run in reference],
        },
        "time_ratio": ratio(best[ours_key], other[reference_key]),
        "cpu_ratio": ratio(best["cpu_seconds"], other["cpu_seconds"]),
        "memory_ratio": ratio(best["peak_mb"], other["peak_mb"]),
    }
