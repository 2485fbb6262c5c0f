"""The history of a description's tables without a graph store between: read, checked and indexed as the product does.

A load of 30 M interactions into a store takes a quarter of an hour; the history that comes of it is the same, array
for array (tested). For tables whose interactions have ids of their own, each once, such as `bench.synthetic` writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from graph.comparison import nodes_of
from graph.dataset import read_dataset
from graph.erasure import ErasedCustomers
from graph.history import History
from graph.history_build import build
from graph.history_files import FileShelf, read_history, write_history
from graph.masterdata import read_masterdata
from graph.model import STORED_INTERACTION_SCHEMA, SUPERSEDED_SCHEMA
from graph.reading import read_batches
from graph.sources import OpenDataset, open_dataset
from graph.store import Progress, no_progress
from graph.tables import GraphTables
from graph.validation import check_interactions


def history_beside(folder: Path, progress: Progress = no_progress) -> History:
    """The history of a folder's `dataset.toml`, kept in the folder `history` beside it and mapped from there."""
    kept = folder / "history"
    if not (kept / "history.json").is_file():  # written last
        write_direct_history(folder, kept, progress)
    return read_history(kept).history


def write_direct_history(folder: Path, kept: Path, progress: Progress = no_progress) -> None:
    """Index the tables of `folder / "dataset.toml"` into the files of a history, as a workspace caches one."""
    dataset = read_dataset(folder / "dataset.toml")
    kept.mkdir(parents=True, exist_ok=True)
    graph, _ = build(_Tables(open_dataset(dataset)), FileShelf(kept), progress)
    sensitive = frozenset(dataset.customers.sensitive if dataset.customers else ())
    write_history(kept, History.over(graph, dataset.name, dataset.complete_until, sensitive), {})


class _Tables:
    """A description's tables as the source of a history; all of its rows are of load 1."""

    def __init__(self, opened: OpenDataset) -> None:
        self._opened = opened
        self._erased = ErasedCustomers("", ())
        self._master = read_masterdata(
            opened.customers, opened.products, opened.campaigns, opened.dataset.timezone, self._erased
        )

    def nodes(self) -> GraphTables:
        """Those of the master tables, which name everything that the interactions do."""
        met = {label: pa.table({"id": pa.array([], pa.string())}) for label in ("Customer", "Product", "Campaign")}
        return nodes_of(self._master, met)

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        """Interactions of one type."""
        starts = self._master.campaign_starts()
        for source, files in self._opened.interactions:
            if source.type != name or after:
                continue
            for file in files:
                for batch in read_batches(file, list(dict.fromkeys(source.mapped().values()))):
                    checked = check_interactions(
                        batch, source, file.name, self._opened.dataset.timezone, starts, self._erased
                    )
                    table = checked.by_type[name]
                    yield table.append_column("load", pa.repeat(1, len(table))).select(STORED_INTERACTION_SCHEMA.names)

    def superseded(self, *, after: int = 0) -> pa.Table:  # noqa: ARG002 (the protocol's)
        """None: every interaction stands once."""
        return SUPERSEDED_SCHEMA.empty_table()

    def held(self, staged: GraphTables) -> GraphTables:
        """None: nothing is compared."""
        return replace(staged, interactions={})
