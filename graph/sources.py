"""The tables that a description names: found, with all of their columns, before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graph.dataset import Dataset, InteractionsSource, Source
from graph.reading import TableFile, estimated_rows, open_files


@dataclass(frozen=True)
class OpenDataset:
    """A description whose files and columns are all there."""

    dataset: Dataset
    customers: tuple[TableFile, ...]
    products: tuple[TableFile, ...]
    campaigns: tuple[TableFile, ...]
    interactions: tuple[tuple[InteractionsSource, tuple[TableFile, ...]], ...]

    @property
    def files(self) -> list[TableFile]:
        """All files, in reading order."""
        return [*self.customers, *self.products, *self.campaigns, *(f for _, files in self.interactions for f in files)]

    def estimated_interactions(self) -> int:
        """About how many rows of interactions there are."""
        return sum(estimated_rows(file) for _, files in self.interactions for file in files)


def open_dataset(dataset: Dataset) -> OpenDataset:
    """Find all files and columns of a description.

    Raises:
        DatasetError: At the first one missing, naming the nearest there is.
    """

    def files(source: Source | None, part: str) -> tuple[TableFile, ...]:
        return tuple(open_files(source, dataset.folder, part)) if source else ()

    return OpenDataset(
        dataset,
        files(dataset.customers, "[customers]"),
        files(dataset.products, "[products]"),
        files(dataset.campaigns, "[campaigns]"),
        tuple((each, files(each, f"[[interactions]] {each.type}")) for each in dataset.interactions),
    )


def ignored_columns(opened: OpenDataset) -> dict[str, list[str]]:
    """Columns that no part of the description names, by file."""
    named: dict[Path, set[str]] = {}
    for file in opened.files:
        named.setdefault(file.path, set()).update(file.source.mapped().values())
    ignored = {}
    for file in opened.files:
        if rest := [name for name in file.columns if name not in named[file.path]]:
            ignored[file.name] = rest
    return ignored


def identities(dataset: Dataset) -> dict[str, str]:
    """By source, what makes up its interactions' ids: a change of it would load everything twice."""
    found: dict[str, str] = {}
    for each in dataset.interactions:
        fields = sorted(f"{field}={column}" for field, column in each.mapped().items() if field != "known_at")
        reading = [dataset.timezone, each.at_format or "ISO 8601", f"decimal {each.decimal}"]
        how = f"id {each.id_prefix}".strip() if each.id else ", ".join([*fields, *reading])
        name = f"{each.type} {each.path}"
        found[name] = f"{found[name]}; {how}" if name in found else how
    return found
