"""The first step of a load: everything is read and checked once, and laid down in partitions of bounded size.

What a reading leaves in its directory is enough to go on from there in another process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from graph.dataset import InteractionsSource
from graph.erasure import ErasedCustomers
from graph.masterdata import MasterData, read_masterdata
from graph.parallel import in_order
from graph.partitions import PartitionWriter, divide
from graph.quarantine import Quarantine
from graph.reading import ReadBatch, TableFile, read_batches
from graph.sealing import sealed, unsealed
from graph.settling import CHECKED_SCHEMA
from graph.sources import OpenDataset
from graph.store import Progress
from graph.time import latest_ms
from graph.validation import CheckedInteractions, check_interactions

_QUARANTINE = "quarantine.csv"


@dataclass(frozen=True)
class Reading:
    """What was read, as it lies in a directory.

    Attributes:
        directory: With the partitions (see `graph.partitions`) and the master tables.
        partitions: How many there are.
        files: Names of the interactions' files, by the number that rows carry.
        lists_products: Whether there is a products table, so that a product missing from it is worth telling.
        rows_read: By file.
        guests, erased: Rows left out: without a customer, and of erased ones.
        quarantined: Refused rows by reason; they are in `quarantine`.
        notes: What is worth telling.
    """

    directory: Path
    partitions: int
    files: tuple[str, ...]
    lists_products: bool
    rows_read: Counter[str]
    guests: int
    erased: int
    quarantined: Counter[str]
    notes: Counter[str]

    @property
    def quarantine(self) -> Path:
        """The file of refused rows; it exists only when there are any."""
        return self.directory / _QUARANTINE

    def master(self) -> MasterData:
        """The master tables."""
        return MasterData.read(self.directory)


def read_all(
    opened: OpenDataset, directory: Path, partitions: int, erased: ErasedCustomers, progress: Progress
) -> Reading:
    """Read and check everything.

    Args:
        opened: The tables.
        directory: Where to put the reading; what is there is replaced once everything is read.
        partitions: Into how many to divide the interactions.
        erased: Whose rows are left out.
        progress: Called with how far reading is.
    """
    with sealed(directory) as (draft, content):
        reading = replace(_read(opened, draft, partitions, erased, progress), directory=directory)
        content.update((name, value) for name, value in vars(reading).items() if name != "directory")
    return reading


def _read(opened: OpenDataset, draft: Path, partitions: int, erased: ErasedCustomers, progress: Progress) -> Reading:
    dataset = opened.dataset
    quarantine = Quarantine(draft / _QUARANTINE)
    master = read_masterdata(opened.customers, opened.products, opened.campaigns, dataset.timezone, erased, progress)
    master.write(draft)
    quarantine.add(master.refusals)
    starts = {} if dataset.campaigns is None else master.campaign_starts()
    work = _Work(opened, partitions, starts, erased)
    rows_read, notes = Counter(master.rows_read), Counter(master.notes)
    guests, forgotten = 0, master.erased
    with PartitionWriter(draft) as writer:
        for batch, checked, rows in in_order(work.check, work.batches(), ahead=3):
            rows_read[batch.file.name] += len(batch.content.table) + len(batch.content.malformed)
            notes.update(checked.notes)
            guests += checked.guests
            forgotten += checked.erased
            quarantine.add(checked.refusals)
            writer.write(rows)
            progress(f"reading {batch.file.name}", batch.done)
    return Reading(
        directory=draft,
        partitions=partitions,
        files=work.names,
        lists_products=dataset.products is not None,
        rows_read=rows_read,
        guests=guests,
        erased=forgotten,
        quarantined=quarantine.counts,
        notes=notes,
    )


@dataclass(frozen=True)
class _Batch:
    """Rows as read, and where: numbers of the source and the file, and how much of all files lies behind them."""

    content: ReadBatch
    source: InteractionsSource
    source_number: int
    file: TableFile
    file_number: int
    done: float


class _Work:
    """The interactions of a description, batch after batch."""

    def __init__(self, opened: OpenDataset, partitions: int, starts: dict[str, int], erased: ErasedCustomers) -> None:
        self._opened = opened
        self._partitions = partitions
        self._starts = starts
        self._erased = erased
        self._latest_ms = latest_ms()
        self.names = tuple(file.name for _, files in opened.interactions for file in files)

    def batches(self) -> Iterator[_Batch]:
        """All rows, in the order of the description and of the files."""
        total = sum(file.path.stat().st_size for _, files in self._opened.interactions for file in files) or 1
        done = number = 0
        for source_number, (source, files) in enumerate(self._opened.interactions):
            wanted = list(dict.fromkeys(source.mapped().values()))
            for file in files:
                for content in read_batches(file, wanted):
                    so_far = min(1.0, (done + content.bytes_read) / total)
                    yield _Batch(content, source, source_number, file, number, so_far)
                done += file.path.stat().st_size
                number += 1

    def check(self, batch: _Batch) -> tuple[_Batch, CheckedInteractions, dict[int, pa.Table]]:
        """Check a batch and divide what is good."""
        timezone = self._opened.dataset.timezone
        checked = check_interactions(
            batch.content, batch.source, batch.file.name, timezone, self._starts, self._erased, self._latest_ms
        )
        rows = {
            name: with_origin(table, batch.source_number, batch.file_number) for name, table in checked.by_type.items()
        }
        return batch, checked, divide(rows, self._partitions)


def with_origin(table: pa.Table, source: int, file: int) -> pa.Table:
    """Checked rows with the numbers of their source and file: `CHECKED_SCHEMA`."""
    table = table.append_column("source", pa.array(np.full(len(table), source), pa.int32()))
    return table.append_column("file", pa.array(np.full(len(table), file), pa.int32())).select(CHECKED_SCHEMA.names)


def kept_reading(directory: Path) -> Reading | None:
    """The reading that lies in a directory; None where there is none, or it is damaged."""
    counts = unsealed(directory)
    if counts is None:
        return None
    counters = {name: Counter(counts[name]) for name in ("rows_read", "quarantined", "notes")}
    return Reading(**{**counts, **counters, "directory": directory, "files": tuple(counts["files"])})
