"""Whether this machine can build an embedded store of so many interactions: what it takes, and what there is."""

from __future__ import annotations

import shutil
from pathlib import Path

from habitue.errors import StoreError

# Bytes per interaction, measured at 30 million of them with ids of 11 letters: of one COPY into empty tables, and of
# merging what waits into a file. On disk stand the store, its former version, and the files on their way into it.
_MEMORY_TO_BUILD, _DISK_TO_BUILD = 420, 330
_MEMORY_TO_MERGE, _DISK_TO_MERGE = 230, 350
_FIXED_BYTES = 600 << 20

_CONTROL_GROUP = Path("/sys/fs/cgroup")
_MEMORY_INFO = Path("/proc/meminfo")


def check_capacity(directory: Path, held: int, added: int, *, anew: bool) -> None:
    """Refuse a load that this machine cannot hold.

    Args:
        directory: Where the store is, or will be.
        held: Interactions that it holds.
        added: Interactions that come.
        anew: Whether the store is built anew, rather than changed.

    Raises:
        StoreError: With what is needed, what there is, and the way on.
    """
    rows = held + added
    place = next((each for each in (directory, *directory.parents) if each.is_dir()), Path("/"))
    memory = rows * (_MEMORY_TO_BUILD if anew else _MEMORY_TO_MERGE)
    disk = rows * (_DISK_TO_BUILD if anew else _DISK_TO_MERGE)
    for what, needed, available in (
        ("memory", _FIXED_BYTES + memory, available_memory()),
        ("disk space", disk, shutil.disk_usage(place).free),
    ):
        if available is not None and needed > available:
            raise StoreError(
                f"{rows:,} interactions in the embedded graph take about {_gigabytes(needed)} of {what} while they "
                f"are loaded; there are {_gigabytes(available)}.",
                hint="Nothing was written. Use a larger machine, or Neo4j: HABITUE_STORE=neo4j://host:7687.",
            )


def available_memory() -> int | None:
    """Bytes that a process may still take, by the system and by its control group; None where neither says."""
    limits = []
    for line in _lines(_MEMORY_INFO):
        if line.startswith("MemAvailable:"):
            limits.append(int(line.split()[1]) * 1024)
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        highest, now = _lines(_CONTROL_GROUP / most), _lines(_CONTROL_GROUP / used)
        if highest and now and highest[0].isdigit():
            limits.append(max(0, int(highest[0]) - int(now[0])))
    return min(limits, default=None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
