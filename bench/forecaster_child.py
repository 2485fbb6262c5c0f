"""The measured side of the forecaster's benchmark, each figure in a process of its own.

    python -m bench.forecaster_child convolution SIDE --graph FILE --width W --epochs E --threads T
    python -m bench.forecaster_child scale --data FOLDER --most N --threads T

SIDE is `ours` or `torch_geometric`; prints one line of JSON. Seconds of the processor are those of all threads.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embeddings.threads import let_idle_threads_sleep

_STATUS = Path("/proc/self/status")
_RESET_PEAK = Path("/proc/self/clear_refs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("convolution", "scale"))
    parser.add_argument("side", nargs="?", choices=("ours", "torch_geometric"), default="ours")
    parser.add_argument("--graph", type=Path)
    parser.add_argument("--answer", type=Path, help="where to write what the trained layers say of each customer")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--most", type=int, default=100_000, help="customers of a cutoff to learn from; 0: none")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    let_idle_threads_sleep()
    if options.what == "convolution":
        from bench.forecaster_convolution import measure
    else:
        from bench.forecaster_scale import measure
    print(json.dumps(measure(options)))


class Clock:
    """Seconds, seconds of the processor, and the most memory, of named parts of the work."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, float]] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        _RESET_PEAK.write_text("5")  # the high-water mark begins anew
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.parts[name] = {
            "seconds": round(time.perf_counter() - wall, 3),
            "cpu_seconds": round(time.process_time() - cpu, 3),
            "peak_mb": resident_mb("VmHWM"),
            "after_mb": resident_mb("VmRSS"),
            "after_anonymous_mb": resident_mb("RssAnon"),
        }
        print(name, self.parts[name], file=sys.stderr, flush=True)


def resident_mb(which: str = "VmRSS") -> int:
    """Memory of this process: resident now (`VmRSS`), at most (`VmHWM`), or without mapped files (`RssAnon`)."""
    found = re.search(rf"{which}:\s+(\d+) kB", _STATUS.read_text())
    return 0 if found is None else int(found[1]) * 1024 // 1_000_000


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds and seconds of the processor that a piece of work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
