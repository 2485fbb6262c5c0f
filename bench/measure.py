"""What a command costs: seconds, and the memory of it with all its children, read from /proc (Linux)."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SAMPLE_SECONDS = 0.02
_PROCESSES = Path("/proc")


@dataclass
class Memory:
    """Peaks over the life of a process tree, in bytes.

    Attributes:
        tree: The most that all of its processes had resident at one moment.
        anonymous: The same without pages of mapped files, which the system takes back when it needs them.
        largest: The most that one of them ever had resident, by the system's own high-water mark.
    """

    tree: int = 0
    anonymous: int = 0
    largest: int = 0


@dataclass(frozen=True)
class Run:
    """A command that was run to its end.

    Attributes:
        seconds: From its start to its end, that of the interpreter included.
        cpu_seconds: Work of all its processes on all cores; it does not depend on what else the machine does.
        memory: Its peaks.
        answer: What it printed last, as JSON; empty where that is none.
    """

    seconds: float
    cpu_seconds: float
    memory: Memory
    answer: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain values, memory in megabytes."""
        seconds = {"seconds": round(self.seconds, 3), "cpu_seconds": round(self.cpu_seconds, 3)}
        return {**seconds, **megabytes(self.memory), **self.answer}


class BenchmarkError(RuntimeError):
    """A measured command failed."""


def run_module(module: str, *arguments: object) -> Run:
    """Run a module in a process of its own, with this interpreter, and watch it.

    Raises:
        BenchmarkError: If it fails; with the end of what it complained of.
    """
    return run_command([sys.executable, "-m", module, *map(str, arguments)])


def run_command(command: Sequence[str]) -> Run:
    """The same for any command."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        begin, worked = time.perf_counter(), _children_seconds()
        child = subprocess.Popen(command, stdout=out, stderr=complaints)
        memory = Memory()
        watch = threading.Thread(target=_watch, args=(child, memory), daemon=True)
        watch.start()
        status = child.wait()
        seconds, worked = time.perf_counter() - begin, _children_seconds() - worked
        watch.join()
        out.seek(0)
        complaints.seek(0)
        if status:
            end = complaints.read().decode(errors="replace").strip()[-600:]
            raise BenchmarkError(f"{' '.join(command[1:5])} … ended with status {status}: {end}")
        return Run(seconds, worked, memory, _last_json(out.read()))


def _children_seconds() -> float:
    """Work of all children that have ended, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _last_json(output: bytes) -> dict[str, Any]:
    lines = output.decode().strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {}
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def _watch(child: subprocess.Popen[bytes], memory: Memory) -> None:
    while child.poll() is None:
        resident = anonymous = 0
        for process in process_tree(child.pid):
            found = _status(process)
            resident += found.get("VmRSS", 0)
            anonymous += found.get("RssAnon", 0) + found.get("RssShmem", 0)
            memory.largest = max(memory.largest, found.get("VmHWM", 0))
        memory.tree, memory.anonymous = max(memory.tree, resident), max(memory.anonymous, anonymous)
        time.sleep(_SAMPLE_SECONDS)
    memory.tree = max(memory.tree, memory.largest)


def process_tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    found, pending = [], [root]
    while pending:
        process = pending.pop()
        found.append(process)
        for path in (_PROCESSES / str(process) / "task").glob("*/children"):
            try:
                pending += [int(each) for each in path.read_text().split()]
            except OSError:
                continue  # it has ended
    return found


def _status(process: int) -> dict[str, int]:
    """Sizes of a process in bytes; empty when it has ended."""
    try:
        lines = (_PROCESSES / str(process) / "status").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines if line.endswith(" kB"))
    return {name: int(value.split()[0]) << 10 for name, _, value in pairs}


def megabytes(memory: Memory) -> dict[str, int]:
    """Peaks as they stand in the results."""
    return {
        "peak_mb": memory.tree // 1_000_000,
        "peak_anonymous_mb": memory.anonymous // 1_000_000,
        "largest_process_mb": memory.largest // 1_000_000,
    }


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile in milliseconds."""
    if len(seconds) < 2:
        return {"p50": round(seconds[0] * 1000, 3), "p99": round(seconds[0] * 1000, 3)}
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(cuts[49] * 1000, 3), "p99": round(cuts[98] * 1000, 3)}


def ratio(ours: float, reference: float) -> float | None:
    """Ours over the reference; None where there is nothing to compare with."""
    return round(ours / reference, 3) if reference else None


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was (processes waiting, mean of one minute)."""
    import ladybug
    import pyarrow as pa

    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(pages * size / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "ladybug": ladybug.Database.get_version(),
        "pyarrow": pa.__version__,
    }


def busy() -> float:
    """How many processes want a core, mean of the last minute: above the number of cores, figures are too high."""
    return round(os.getloadavg()[0], 2)
