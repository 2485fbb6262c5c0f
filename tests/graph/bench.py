"""A description, tables and a store in one folder: what the tests of loading work with."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.dataset import read_dataset
from graph.loading import LoadReport, load
from graph.store import Progress, no_progress
from habitue.errors import DatasetError
from tests.graph.memory_store import MemoryStore

TOP = 'name = "shop"\n'
ORDERS = """
[[interactions]]
type = "PURCHASED"
path = "orders.csv"
customer = "who"
product = "what"
at = "when"
quantity = "units"
amount = "total"
"""
NUMBERED = ORDERS + 'id = "line"\n'
PRODUCTS = '[products]\npath = "products.csv"\nid = "sku"\n'
KNOWN = NUMBERED + 'known_at = "known"\n'


class Bench:
    """A folder with a description and tables, and a store to load them into: in memory unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.store: Any = MemoryStore()

    def write(self, description: str, tables: Mapping[str, str | bytes | pa.Table]) -> Bench:
        (self.folder / "dataset.toml").write_text(description, encoding="utf-8")
        for name, table in tables.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(table, pa.Table):
                pq.write_table(table, path)
            else:
                path.write_bytes(table.encode() if isinstance(table, str) else table)
        return self

    def load(self, progress: Progress = no_progress, **options: Any) -> LoadReport:
        return load(self.store, read_dataset(self.folder), "shop", self.workspace, progress, **options)

    def refused(self) -> DatasetError:
        with pytest.raises(DatasetError) as caught:
            self.load()
        return caught.value

    def purchases(self, *columns: str) -> list[Any]:
        table = self.store.tables().interactions["PURCHASED"]
        rows = sorted(table.to_pylist(), key=lambda row: (row["at"], row["id"]))
        return [row[columns[0]] if len(columns) == 1 else tuple(row[name] for name in columns) for row in rows]

    def quarantine(self, report: LoadReport) -> list[dict[str, str]]:
        assert report.quarantine_file is not None
        with Path(report.quarantine_file).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


def orders(*rows: str, header: str = "who,what,when,units,total") -> str:
    return "\n".join([header, *rows]) + "\n"


def numbered(*rows: str) -> str:
    return orders(*rows, header="line,who,what,when,units,total")


def known(*rows: str) -> str:
    return orders(*rows, header="line,who,what,when,units,total,known")


def accounted(report: LoadReport) -> int:
    """Rows of interactions by what became of them; corrections that older exports repeat count as unchanged."""
    kinds = (report.loaded, report.unchanged, report.corrected, report.quarantined)
    return sum(sum(each.values()) for each in kinds) + report.repeated + report.guests + report.erased
