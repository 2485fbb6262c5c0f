"""The forecaster's speed: its convolution beside torch_geometric's, and every step on three sizes of a retailer.

    python -m bench.bench_forecaster [--size smoke|full] [--data FOLDER] [--only convolution|scale|learning]

`full` takes Complete Journey's graph (0.87 M edges), and 0.1, 0.4 and 1.5 M customers with 20 interactions each; these
are generated into FOLDER/<customers> where they are missing. Prints a table and writes bench/results/forecaster.json
(not for `smoke`); with `--only`, that part alone is measured anew.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.direct_history import history_beside
from bench.forecaster_convolution import write_graph, write_invented_graph
from bench.graph_data import Size, prepared
from bench.measure import busy, machine, ratio, run_module
from bench.synthetic.settings import Settings

RESULTS = Path(__file__).parent / "results" / "forecaster.json"
#: At least so many times faster than torch_geometric, with at most such a share of its memory.
SPEED_BAR, MEMORY_BAR = 12, 0.2
#: For the largest size: seconds and megabytes.
STEP_BARS = {"features": (240, 8_000), "training": (1_800, 12_000), "scoring": (180, 12_000)}
CUSTOMERS = {"smoke": (1_000, 2_000), "full": (100_000, 400_000, 1_500_000)}
#: Customers of a cutoff to learn from, for the learning curve, and the size it is drawn on.
LEARNING = {"smoke": (200, 400), "full": (12_500, 25_000, 50_000, 100_000, 200_000)}
LEARNING_CUSTOMERS = {"smoke": 2_000, "full": 400_000}
PARTS = ("convolution", "scale", "learning")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=tuple(CUSTOMERS), default="smoke")
    parser.add_argument("--data", type=Path, help="where the retailers are or will be; by default they are not kept")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts = (options.only,) if options.only else PARTS
        keep = _nothing if options.size == "smoke" else _keep
        found = measure(options.size, options.data or Path(folder), parts, options.threads, keep)
    print("\n".join(table(found)))


def _nothing(found: dict[str, Any]) -> None:
    """Invented figures are not kept."""


def _keep(found: dict[str, Any]) -> None:
    """What has been measured so far, beside what was before: the largest size takes long."""
    former = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps(former | found, indent=2) + "\n", encoding="utf-8")


def measure(
    size: str,
    folder: Path,
    parts: tuple[str, ...] = PARTS,
    threads: int = 1,
    keep: Callable[[dict[str, Any]], None] = _nothing,
) -> dict[str, Any]:
    """The figures of some parts, kept after each step."""
    found: dict[str, Any] = {"machine": machine()}
    if "convolution" in parts:
        found["convolution"] = _convolution(size, folder)
        keep(found)
    if "scale" in parts:
        found["scale"] = []
        for customers in CUSTOMERS[size]:
            found["scale"].append(run(_retailer(folder, customers), threads=threads, most=100_000))
            keep(found)
    if "learning" in parts:
        data = _retailer(folder, LEARNING_CUSTOMERS[size])
        found["learning"] = []
        for most in LEARNING[size]:
            found["learning"].append(run(data, threads=threads, most=most))
            keep(found)
    return found


def run(data: Path, *, threads: int, most: int) -> dict[str, Any]:
    """All steps on a retailer, in a process of its own."""
    child = run_module("bench.forecaster_child", "scale", "--data", data, "--threads", threads, "--most", most)
    return child.answer | {"busy": busy()}


def _retailer(folder: Path, customers: int) -> Path:
    """A retailer's folder, with its history indexed: neither is part of what is measured."""
    data = prepared(folder / str(customers), Size(Settings(customers, 20 * customers), repeats=1, reads=1))
    history_beside(data)
    return data


def _convolution(size: str, folder: Path) -> dict[str, Any]:
    """Both sides at one thread and at two, and how far their answers lie apart."""
    folder.mkdir(parents=True, exist_ok=True)
    graph, answer = folder / "graph.npz", folder / "answer.npy"
    if size == "smoke":
        write_invented_graph(graph, customers=300, products=2_000, purchases=20_000)
    else:
        from bench.real_history import loaded

        history = loaded("complete-journey", folder / "workspace")
        write_graph(graph, history.at(history.complete_until))
    found: dict[str, Any] = {"graph": "invented" if size == "smoke" else "Complete Journey, every product", "sides": []}
    answers = []
    for threads in (1, 2):
        for side in ("ours", "torch_geometric"):
            arguments = ("--graph", graph, "--answer", answer, "--epochs", 3 if size == "smoke" else 4)
            child = run_module("bench.forecaster_child", "convolution", side, *arguments, "--threads", threads)
            found["sides"].append(child.answer | {"busy": busy()})
            answers.append(np.load(answer))
    largest = float(np.abs(answers[1]).max())
    found["largest_difference"] = max(float(np.abs(each - answers[1]).max()) / largest for each in answers)
    ours, theirs = found["sides"][:2]
    found["faster"] = ratio(theirs["epoch_cpu_seconds"], ours["epoch_cpu_seconds"])
    found["memory_share"] = ratio(ours["beyond_imports_mb"], theirs["beyond_imports_mb"])
    return found


def table(found: dict[str, Any]) -> list[str]:
    """The figures as Markdown tables."""
    lines: list[str] = []
    if "convolution" in found:
        lines += _convolution_table(found["convolution"])
    if "scale" in found:
        lines += _scale_table(found["scale"])
    if "learning" in found:
        lines += ["", "| learnt from, of a cutoff | risk, rank | value, rank | log loss above the truth |",
                  "|---:|---:|---:|---:|"]  # fmt: skip
        for each in found["learning"]:
            good = each["quality"]
            cells = (f"{max(each['learnt_from']):,}", good["risk_rank"], good["value_rank"])
            lines.append(f"| {cells[0]} | {cells[1]} | {cells[2]} | {good['log_loss_above_truth']} |")
    return lines


def _convolution_table(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['graph']}: {found['sides'][0]['edges']:,} edges", "",
             "| side | threads | CPU s an epoch | s an epoch | MB |", "|---|---:|---:|---:|---:|"]  # fmt: skip
    for side in found["sides"]:
        cost = f"{side['epoch_cpu_seconds']} | {side['epoch_seconds']} | {side['beyond_imports_mb']:,}"
        lines.append(f"| {side['side']} | {side['threads']} | {cost} |")
    verdict = f"{found['faster']} times faster (bar {SPEED_BAR}), {found['memory_share']} of its memory"
    return [
        *lines,
        "",
        f"{verdict} (bar {MEMORY_BAR}); answers differ by {found['largest_difference']:.1e} of the largest",
    ]


def _scale_table(sizes: list[dict[str, Any]]) -> list[str]:
    lines = ["", "| customers | interactions | step | CPU s | s | peak MB | CPU s / M interactions | bar |",
             "|---:|---:|---|---:|---:|---:|---:|---|"]  # fmt: skip
    for each in sizes:
        for name, step in each["steps"].items():
            bar = STEP_BARS.get(name)
            shown = f"{bar[0]} s, {bar[1]:,} MB" if bar and each is sizes[-1] else ""
            rate = step["cpu_seconds"] / each["interactions"] * 1e6
            cost = f"{step['cpu_seconds']:.1f} | {step['seconds']:.1f} | {step['peak_mb']:,} | {rate:.2f}"
            lines.append(f"| {each['customers']:,} | {each['interactions']:,} | {name} | {cost} | {shown} |")
    return lines


if __name__ == "__main__":
    main()
