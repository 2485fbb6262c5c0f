"""Data of the benchmarks: four sizes of the synthetic retailer, made where they are missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.synthetic.generate import generate
from bench.synthetic.settings import Settings
from graph.store import Progress, no_progress


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        settings: Of the data.
        repeats: How often what leaves the store as it is gets measured.
        reads: Statements of each kind.
        increments: Of those that there are, at most so many; all when None.
    """

    settings: Settings
    repeats: int
    reads: int
    increments: int | None = None


SIZES = {
    "smoke": Size(Settings(1_000, 20_000, increments=3, increment_rows=1_000), repeats=1, reads=20),
    "200k": Size(Settings(10_000, 200_000, increments=50, increment_rows=10_000), repeats=1, reads=200),
    "2m": Size(Settings(100_000, 2_000_000, increments=10, increment_rows=100_000), repeats=3, reads=1_000),
    "30m": Size(Settings(1_500_000, 30_000_000, increments=50, increment_rows=100_000), repeats=1, reads=1_000),
}


def prepared(folder: Path, size: Size, progress: Progress = no_progress) -> Path:
    """The folder with the data in it, generated unless they are there."""
    if not (folder / "dataset.toml").is_file():  # written last
        generate(folder, size.settings, progress)
    return folder


def increments(folder: Path) -> list[Path]:
    """Descriptions of the days that follow on the history, oldest first."""
    return sorted(folder.glob("increments/day-*/dataset.toml"))
