"""TransE's training engine beside PyKEEN's loops: the same triples, dimension 64, seconds of the processor.

    python -m bench.bench_embeddings [--smoke] [--repeats 3]

PyKEEN's default loop is timed on a share of the triples: its cost is per batch, so that its speed is that of all.
Prints a table and writes bench/results/embeddings.json (not with --smoke, which runs on a few invented triples).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import machine, ratio, run_module

RESULTS = Path(__file__).parent / "results" / "embeddings.json"
#: At least so many times PyKEEN's loops; at most so much slower with more entities; memory over what must be held.
DEFAULT_BAR, LARGE_BAR, FLAT_BAR, MEMORY_BAR = 60, 1.4, 0.75, 2
SIZES = (80_000, 1_600_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a few seconds, to see that it works")
    parser.add_argument("--repeats", type=int, default=1, help="measure each figure so often, and take the middle one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), smoke=options.smoke, repeats=options.repeats)
    print("\n".join(table(result)))
    if not options.smoke:
        RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(folder: Path, *, smoke: bool = False, repeats: int = 1) -> dict[str, Any]:
    """All figures; those of each side are of the run in the middle by speed, beside the speeds of all its runs."""
    run = partial(middle_run, repeats=repeats)
    count = 3_000 if smoke else 876_268
    sizes = (500, 2_000) if smoke else SIZES
    real = folder / "real.npz"
    if smoke:
        write_invented(real, 500, count)
    else:
        write_complete_journey(real, folder / "workspace")
    found: dict[str, Any] = {
        "machine": machine(),
        "data": "invented" if smoke else "Complete Journey before 2017-11-02",
    }
    found["ours"] = run("ours", real, epochs=1 if smoke else 4)
    found["ours, 2 threads"] = run("ours", real, epochs=1 if smoke else 4, threads=2)
    found["pykeen-256"] = run("pykeen-256", real, share=1.0 if smoke else 0.1)
    found["pykeen-16k"] = run("pykeen-16k", real, epochs=1 if smoke else 4)
    found["entities"] = {}
    for size, share in zip(sizes, (1.0, 1.0) if smoke else (0.02, 0.002), strict=True):
        path = folder / f"{size}.npz"
        write_invented(path, size, count)
        found["entities"][str(size)] = {
            "ours": run("ours", path, epochs=1 if smoke else 2),
            "pykeen-256": run("pykeen-256", path, share=share),
        }
    speed = "triples_per_cpu_second"
    small, large = found["entities"].values()
    found["ratios"] = {
        "over_pykeen_default": ratio(found["ours"][speed], found["pykeen-256"][speed]),
        "over_pykeen_16k": ratio(found["ours"][speed], found["pykeen-16k"][speed]),
        "speed_at_most_entities": ratio(large["ours"][speed], small["ours"][speed]),
        "pykeen_speed_at_most_entities": ratio(large["pykeen-256"][speed], small["pykeen-256"][speed]),
        "memory_over_needed": ratio(large["ours"]["beyond_imports_mb"], large["ours"]["parameters_and_optimiser_mb"]),
    }
    return found


def middle_run(side: str, path: Path, *, repeats: int, **options: Any) -> dict[str, Any]:
    """One of several runs: the one in the middle by speed."""
    speed = "triples_per_cpu_second"
    found = sorted((run_once(side, path, **options) for _ in range(repeats)), key=lambda each: float(each[speed]))
    return {**found[len(found) // 2], "all_" + speed: [each[speed] for each in found]}


def run_once(side: str, path: Path, *, share: float = 1.0, epochs: int = 1, threads: int = 1) -> dict[str, Any]:
    """One figure, in a process of its own."""
    arguments = ("--triples", path, "--share", share, "--epochs", epochs, "--threads", threads)
    return run_module("bench.embeddings_child", side, *arguments).answer


def write_complete_journey(path: Path, workspace: Path) -> None:
    """The triples of the purchases, campaigns, categories and brands before 2 November 2017."""
    from datetime import datetime

    from bench.real_history import loaded
    from embeddings.triples import triples_of

    found = triples_of(loaded("complete-journey", workspace).at(datetime(2017, 11, 2)))
    np.savez(path, triples=found.triples, entities=len(found.vocabulary), relations=len(found.relations))


def write_invented(path: Path, entities: int, count: int) -> None:
    """Purchases of a quarter of the entities by the others, some products far more often; a tenth by a second way."""
    generator = np.random.default_rng(entities)
    customers = entities * 3 // 4
    head = generator.integers(customers, size=count)
    relation = (generator.random(count) < 0.1).astype(np.int64)
    tail = customers + (generator.random(count) ** 3 * (entities - customers)).astype(np.int64)
    np.savez(path, triples=np.column_stack([head, relation, tail]), entities=entities, relations=2)


def table(found: dict[str, Any]) -> list[str]:
    """The figures as the lines of a Markdown table."""
    speed, ratios = "triples_per_cpu_second", found["ratios"]
    lines = [f"Data: {found['data']}", "", "| what | ours | PyKEEN | ratio | bar |", "|---|---:|---:|---:|---:|"]

    def line(what: str, ours: Any, theirs: Any, share: float | None, bar: str) -> None:
        lines.append(f"| {what} | {ours:,} | {theirs if theirs == '' else format(theirs, ',')} | {share} | {bar} |")

    ours = found["ours"][speed]
    line(
        "triples/CPU s, default loop",
        ours,
        found["pykeen-256"][speed],
        ratios["over_pykeen_default"],
        f"≥ {DEFAULT_BAR}",
    )
    line("triples/CPU s, batch 16 k", ours, found["pykeen-16k"][speed], ratios["over_pykeen_16k"], f"≥ {LARGE_BAR}")
    line("triples/CPU s, 2 threads", found["ours, 2 threads"][speed], "", None, "")
    for size, each in found["entities"].items():
        line(f"triples/CPU s at {int(size):,} entities", each["ours"][speed], each["pykeen-256"][speed], None, "")
    line(
        "speed, most entities over fewest",
        ratios["speed_at_most_entities"],
        ratios["pykeen_speed_at_most_entities"],
        None,
        f"≥ {FLAT_BAR}",
    )
    large = list(found["entities"].values())[-1]["ours"]
    line("memory beyond imports, MB", large["beyond_imports_mb"], "", ratios["memory_over_needed"], f"≤ {MEMORY_BAR}")
    return lines


if __name__ == "__main__":
    main()
