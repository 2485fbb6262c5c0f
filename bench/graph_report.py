"""The results of the graph's benchmarks as one table: ours, the reference, the ratio, the bar.

    python -m bench.graph_report FILE

prints the table of a file of results as Markdown, for the documents that quote it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Line = tuple[str, str, str, str, str]

_COLUMNS = ("what", "ours", "reference", "ratio", "bar")

_TIME, _MEMORY, _EXPORT, _OVERHEAD = 1.25, 1.15, 1.3, 1.15  # bars on ratios
_INCREMENT_SECONDS, _INCREMENT_MB, _EXPORT_MB = 15, 5_000, 4_000


def print_report(result: dict[str, Any]) -> None:
    """Print what was measured."""
    title = f"The graph at scale ({result['size']}): {sum_of_rows(result):,} interactions"
    table = Table(title=title, title_justify="left")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "what" else "right")
    for line in lines(result):
        table.add_row(*line)
    Console(width=120).print(table)


def markdown(result: dict[str, Any]) -> list[str]:
    """The same as the lines of a document."""
    head = [f"| {' | '.join(_COLUMNS)} |", "|---|---:|---:|---:|---:|"]
    return head + [f"| {' | '.join(each.strip() for each in line)} |" for line in lines(result)]


def lines(result: dict[str, Any]) -> Iterator[Line]:
    """All lines of the sections that were measured."""
    for section, shown in (("load", _load), ("export", _export), ("reads", _reads), ("increments", _increments)):
        if section in result:
            yield from shown(result[section])


def sum_of_rows(result: dict[str, Any]) -> int:
    """Interactions of the bulk load."""
    rows = result["data"]["rows"]
    return sum(count for name, count in rows.items() if name not in ("customers", "products", "campaigns"))


def _load(found: dict[str, Any]) -> Iterator[Line]:
    ours, other = found["ours"], found["reference"] or {}

    def line(what: str, key: str, unit: str, ratio: str, bar: str = "", key_of_other: str = "") -> Line:
        return _line(what, ours[key], other.get(key_of_other or key), unit, found.get(ratio), bar)

    yield line("bulk load, whole", "seconds", "s", "time_ratio", f"≤ {_TIME}")
    yield line("  work of all processes", "cpu_seconds", "s", "cpu_ratio")
    yield _line("  staging", ours["staging_seconds"], None, "s")
    yield line("  applying", "apply_seconds", "s", "apply_ratio", key_of_other="copy_seconds")
    yield line("  peak memory", "peak_mb", "MB", "memory_ratio", f"≤ {_MEMORY}")
    yield _line("the same load again", found["again"]["seconds"], None, "s")


def _export(found: dict[str, Any]) -> Iterator[Line]:
    for name in ("stream", "history"):
        each = found[name]
        reference = each["reference"] or {}
        seconds, peak = reference.get("export_seconds"), reference.get("peak_mb")
        bar = f"≤ {_EXPORT}" if name == "stream" else ""
        yield _line(f"export, {name}", each["ours"]["export_seconds"], seconds, "s", each.get("time_ratio"), bar)
        yield _line("  peak memory", each["ours"]["peak_mb"], peak, "MB", None, f"≤ {_EXPORT_MB:,} MB")
    yield _line("history from its cache", found["cached"]["export_seconds"], None, "s")


def _reads(found: dict[str, Any]) -> Iterator[Line]:
    kinds = {name: each for name, each in found.items() if isinstance(each, dict) and "overhead" in each}
    kinds |= {f"query {name}": each for name, each in found["cookbook"].items() if "overhead" in each}
    for name, each in kinds.items():
        bar = "" if name.startswith("query") or "kept" in name else f"≤ {_OVERHEAD}"
        for quantile in ("p50", "p99"):
            label = f"{name}, {quantile}"
            yield _line(
                label, each["ours_ms"][quantile], each["raw_ms"][quantile], "ms", each["overhead"][quantile], bar
            )


def _increments(found: dict[str, Any]) -> Iterator[Line]:
    acknowledged = found["acknowledged_seconds"]
    first, reference = acknowledged[0], found["reference"].get("append_seconds")
    yield _line("first increment, durable", first, reference, "s", None, f"≤ {_INCREMENT_SECONDS} s")
    yield _line("  peak memory", found["first"]["peak_mb"], None, "MB", None, f"≤ {_INCREMENT_MB:,} MB")
    yield _line("the same increment again", found["again"]["seconds"], None, "s")
    yield _line("  rows changed by it", found["again"]["loaded"] + found["again"]["corrected"], None, "", None, "0")
    yield _line("second snapshot", found["second_snapshot"]["export_seconds"], None, "s")
    yield _line("  interactions read for it", found["second_snapshot"]["rows_read"], None, "")
    yield _line(
        f"slowest of {found['loads']} increments", max(acknowledged), None, "s", None, f"≤ {_INCREMENT_SECONDS} s"
    )
    yield _line("  last third beside first", None, None, "", found["growth"], "about 1")
    yield _line("  the same by work", None, None, "", found["cpu_growth"], "about 1")
    yield _line("  largest peak memory", found["largest_peak_mb"], None, "MB", None, f"≤ {_INCREMENT_MB:,} MB")
    merges = [each["merge_seconds"] for each in found["merges"]]
    yield _line(f"merges among them: {len(merges)}, longest", max(merges, default=None), None, "s")
    yield _line("merge at the end", found["last_merge"]["merge_seconds"], None, "s")


def _line(
    what: str, ours: float | None, reference: float | None, unit: str, ratio: float | None = None, bar: str = ""
) -> Line:
    return what, _figure(ours, unit), _figure(reference, unit), "" if ratio is None else f"{ratio:.2f}", bar


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
    return f"{text} {unit}".strip()


if __name__ == "__main__":
    print("\n".join(markdown(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
