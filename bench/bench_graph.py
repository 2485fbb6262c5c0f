"""The graph at scale, each figure beside its reference in the same run.

    python -m bench.bench_graph [--size smoke|200k|2m|30m] [--data DIR] [--work DIR] [--sections load,export,…]

Generates the data where they are missing, prints a table, and writes bench/results/graph-SIZE.json; sections that are
not asked for keep their figures there. Without `--work` everything is made in a temporary directory and removed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.graph_data import SIZES, prepared
from bench.graph_export import measure_export
from bench.graph_increments import measure_increments
from bench.graph_load import measure_load
from bench.graph_place import Place
from bench.graph_reads import measure_reads
from bench.graph_report import print_report
from bench.measure import machine

RESULTS = Path(__file__).parent / "results"
#: In the order in which they must be measured: increments change what the others read.
SECTIONS: Mapping[str, Callable[[Place], dict[str, Any]]] = {
    "load": measure_load,
    "export": measure_export,
    "reads": measure_reads,
    "increments": measure_increments,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="smoke")
    parser.add_argument("--data", type=Path, default=None, help="generated where it holds none")
    parser.add_argument("--work", type=Path, default=None, help="kept, so that sections can be measured one by one")
    parser.add_argument("--sections", default=",".join(SECTIONS))
    parser.add_argument("--repeats", type=int, default=None, help="of load and export; by default by size")
    parser.add_argument("--increments", type=int, default=None, help="at most so many; by default all that there are")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    wanted = options.sections.split(",")
    if unknown := [name for name in wanted if name not in SECTIONS]:
        parser.error(f"There is no section {unknown[0]!r}; there are: {', '.join(SECTIONS)}.")
    with tempfile.TemporaryDirectory(prefix="bench-graph-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        size = SIZES[options.size]
        size = replace(size, repeats=options.repeats or size.repeats, increments=options.increments)
        _say("data")
        data = prepared((options.data or work / "data").resolve(), size)
        place = Place(size, data, work, _say)
        path = options.results / f"graph-{options.size}.json"
        result = json.loads(path.read_text()) if path.is_file() else {}
        result |= {"size": options.size, "machine": machine(), "data": _described(data)}
        result = measure(place, wanted, path, result)
    print_report(result)


def measure(place: Place, wanted: Sequence[str], path: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Measure sections, and write after each what there is so far.

    Args:
        place: Data and a directory to work in.
        wanted: Of `SECTIONS`.
        path: The file.
        result: What stands there already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in SECTIONS:
        if name in wanted:
            result = {**result, name: SECTIONS[name](place)}
            path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def _described(data: Path) -> dict[str, Any]:
    process = json.loads((data / "truth" / "process.json").read_text(encoding="utf-8"))
    return {"settings": process["settings"], "rows": process["rows"]}


def _say(task: str) -> None:
    print(f"… {task}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
