"""What novelty means: measured before a date, against the share of later purchases that are of categories new to them.

    python -m bench.bench_novelty [--smoke] [--source complete-journey] [--workspace DIR]

Spearman's rank correlation over customers with a purchase in the 60 days after T, with 95 % intervals; overall, and
within tenths of customers of like activity (their number of purchases before T), because whoever has bought little has
little behind them that is not new. Beside novelty stand its parts, simple numbers, and surprisal under TransE. Weights
of the parts were chosen on the two earlier dates; the figures are of the three later ones. Prints a table and writes
bench/results/novelty.json; `--smoke` runs on invented customers in seconds and writes nothing of worth.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import machine
from bench.novelty_signals import later_share_new, simple_signals, transe_surprisal
from bench.rank_correlation import Dated, correlations
from bench.real_history import loaded
from embeddings.novelty import WEIGHTS, combine, novelty
from embeddings.similarity import centred
from embeddings.transe import TransESettings, train
from gnn.task import Task, population
from graph.history import History
from graph.snapshot import FloatArray

RESULTS = Path(__file__).parent / "results" / "novelty.json"
RECENT_DAYS, LATER_DAYS, STRATA = 60, 60, 10
LEVELS = {"product type": 0, "product category": 1}
DATES = {"chosen on": ("2017-07-05", "2017-08-04"), "measured on": ("2017-09-03", "2017-10-03", "2017-11-02")}
VERSUS = ["fewer categories", "lower entropy", "inactivity", "fewer purchases"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--source", default="complete-journey")
    parser.add_argument("--workspace", type=Path, help="kept, so that the data set is loaded once")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    begin = time.process_time()
    with tempfile.TemporaryDirectory(prefix="bench-novelty-") as temporary:
        history = loaded(
            "tiny" if options.smoke else options.source, options.workspace or Path(temporary) / "workspace"
        )
        found = measure(history, _smoke_dates(history) if options.smoke else DATES, 50 if options.smoke else 1000)
    result = {"dataset": history.dataset, **found, "cpu_seconds": round(time.process_time() - begin, 1),
              "machine": machine()}  # fmt: skip
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    _print(result)


def _smoke_dates(history: History) -> dict[str, tuple[str, ...]]:
    last = history.complete_until - timedelta(days=LATER_DAYS)
    return {"measured on": tuple(f"{last - timedelta(days=days):%Y-%m-%d}" for days in (30, 0))}


def measure(history: History, dates: dict[str, tuple[str, ...]], resamples: int) -> dict[str, Any]:
    """Correlations by group of dates, level of the categories and signal."""
    result: dict[str, Any] = {"weights": dict(WEIGHTS), "dates": {}, "correlation": {}}
    for group, days in dates.items():
        measured = [_at(history, datetime.fromisoformat(day)) for day in days]
        result["dates"][group] = {
            day: {"customers": len(each[0].customer), "share_new": {
                level: round(float(dated.outcome.mean()), 4) for level, dated in zip(LEVELS, each, strict=True)
            }}
            for day, each in zip(days, measured, strict=True)
        }  # fmt: skip
        result["correlation"][group] = {
            level: correlations([each[number] for each in measured], VERSUS, resamples=resamples)
            for number, level in enumerate(LEVELS)
        }
    return result


def _at(history: History, as_of: datetime) -> list[Dated]:
    """Signals as of a date with what came afterwards, once for each level of categories."""
    snapshot = history.at(as_of)
    rows = population(snapshot, Task(LATER_DAYS, None))
    settings = TransESettings()
    embedding = train(snapshot, settings)
    found = novelty(snapshot, rows, centred(embedding.customers()[1][rows]), recent_days=RECENT_DAYS)
    earlier = history.at(as_of - timedelta(days=RECENT_DAYS))
    others = {**simple_signals(snapshot), **transe_surprisal(train(earlier, settings), snapshot)}
    signals: dict[str, FloatArray] = {
        "novelty": found.value,
        "novelty, equal weights": combine(found.parts, dict.fromkeys(found.parts, 1.0)).value,
        "novelty without discovery": combine({k: v for k, v in found.parts.items() if k != "discovery"}).value,
        **found.parts,
        **{name: values[rows] for name, values in others.items()},
    }
    activity = -signals["fewer purchases"]
    stratum = np.searchsorted(np.quantile(activity, np.arange(1, STRATA) / STRATA), activity, side="right")
    ids = snapshot.customers.to_numpy(zero_copy_only=False).astype(np.str_)[rows]
    result = []
    for level in LEVELS.values():
        outcome = later_share_new(history, snapshot, days=LATER_DAYS, level=level)[rows]
        there = np.isfinite(outcome)
        # What is not known of a customer is as good as the median of those of whom it is.
        filled = {name: np.where(np.isnan(each), np.nanmedian(each), each)[there] for name, each in signals.items()}
        result.append(Dated(ids[there], outcome[there], stratum[there], filled))
    return result


def _print(result: dict[str, Any]) -> None:
    for group, levels in result["correlation"].items():
        days = [f"{day} ({facts['customers']:,} customers)" for day, facts in result["dates"][group].items()]
        columns = [(level, kind) for level in levels for kind in ("overall", "within")]
        print(f"\n{group} {', '.join(days)}")
        print(f"{'':<28}" + "".join(f"{f'{level}, {kind}':>30}" for level, kind in columns))
        for name in next(iter(levels.values())):
            _print_row(name, [levels[level][name][kind] for level, kind in columns])
        for other in VERSUS:
            row = [levels[level]["novelty"][kind][f"minus {other}"] for level, kind in columns]
            _print_row(f"novelty minus {other}", row)


def _print_row(name: str, cells: list[dict[str, float]]) -> None:
    shown = [f"{each['mean']:.3f} [{each['low']:.3f}, {each['high']:.3f}]" for each in cells]
    print(f"{name:<28}" + "".join(f"{each:>30}" for each in shown))


if __name__ == "__main__":
    main()
