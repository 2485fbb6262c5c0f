from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graph import ladybug_capacity
from graph.ladybug_capacity import available_memory, check_capacity
from habitue.errors import StoreError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 4 GB with 1 TB of disk, in files of a folder."""
    (tmp_path / "meminfo").write_text("MemTotal:  8000000 kB\nMemAvailable:  4000000 kB\n")
    monkeypatch.setattr(ladybug_capacity, "_MEMORY_INFO", tmp_path / "meminfo")
    monkeypatch.setattr(ladybug_capacity, "_CONTROL_GROUP", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, 10**12))
    return tmp_path


def test_a_small_load_is_let_through_and_a_large_one_is_told_what_it_lacks(machine: Path) -> None:
    check_capacity(machine / "graph", held=0, added=1_000_000, anew=True)
    with pytest.raises(StoreError, match=r"31,000,000 interactions .* GB of memory .* there are 4\.1 GB") as refused:
        check_capacity(machine / "graph", held=1_000_000, added=30_000_000, anew=True)
    assert "Neo4j" in str(refused.value.hint)


def test_a_change_of_what_is_there_takes_less_than_building_anew(machine: Path) -> None:
    check_capacity(machine, held=10_000_000, added=100_000, anew=False)
    with pytest.raises(StoreError):
        check_capacity(machine, held=10_000_000, added=100_000, anew=True)


def test_the_control_group_counts_where_it_allows_less(machine: Path) -> None:
    assert available_memory() == 4_096_000_000
    (machine / "memory.max").write_text("max\n")
    (machine / "memory.current").write_text("500000000\n")
    assert available_memory() == 4_096_000_000
    (machine / "memory.max").write_text("2000000000\n")
    assert available_memory() == 1_500_000_000
    with pytest.raises(StoreError, match=r"there are 1\.5 GB"):
        check_capacity(machine, held=0, added=5_000_000, anew=True)


def test_the_disk_counts_too(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 9 * 10**8, 10**8))
    with pytest.raises(StoreError, match=r"disk space .* there are 0\.1 GB"):
        check_capacity(machine, held=0, added=1_000_000, anew=True)


def test_a_machine_that_does_not_say_is_not_refused(machine: Path) -> None:
    (machine / "meminfo").unlink()
    check_capacity(machine, held=0, added=1_000_000_000 // 1000, anew=True)
