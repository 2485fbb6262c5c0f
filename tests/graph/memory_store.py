"""A graph store that holds its tables in memory: enough of one to test loading without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graph.change_files import LoadChanges
from graph.changes import merge
from graph.model import INTERACTIONS
from graph.store import DatasetFacts, LoadRecord, Progress, Rows
from graph.tables import GraphTables
from habitue.errors import StoreError


class MemoryStore:
    """What `graph.loading.load` asks of a store, and how often it asked."""

    def __init__(self) -> None:
        self._tables = GraphTables.empty()
        self._facts: DatasetFacts | None = None
        self._loads: list[LoadRecord] = []
        self.asked: Counter[str] = Counter()
        self.waiting = 0
        self.refuses = False

    def facts(self) -> DatasetFacts | None:
        return self._facts

    def loads(self) -> list[LoadRecord]:
        return self._loads

    def nodes(self, of: GraphTables | None = None) -> GraphTables:
        """No more than what may be asked about: what is compared with it must not need the rest."""
        self.asked["nodes"] += 1
        empty = GraphTables.empty()
        if of is None:
            return replace(self._tables, interactions=empty.interactions, superseded=empty.superseded)
        names = ("customers", "products", "categories", "brands", "campaigns")
        found = {name: getattr(self._tables, name) for name in names if len(getattr(of, name))}
        if "customers" in found:
            mine = pc.is_in(found["customers"]["id"], value_set=of.customers["id"].combine_chunks())
            found["customers"] = found["customers"].filter(mine)
        properties = {
            label: table if len(of.properties[label]) else table.slice(0, 0)
            for label, table in self._tables.properties.items()
        }
        return replace(empty, **found, properties=properties)

    def tables(self) -> GraphTables:
        return self._tables

    def held(self, staged: GraphTables) -> GraphTables:
        self.asked["held"] += 1
        chunks = [chunk for name in INTERACTIONS for chunk in staged.interactions[name]["id"].chunks]
        ids = pa.chunked_array([*chunks, *staged.superseded["id"].chunks], pa.string()).combine_chunks()

        def met(table: pa.Table) -> pa.Table:
            return table.filter(pc.is_in(table["id"], value_set=ids))

        return replace(
            GraphTables.empty(),
            interactions={name: met(table) for name, table in self._tables.interactions.items()},
            superseded=met(self._tables.superseded),
        )

    def read(self, name: str, **parameters: Any) -> Rows:
        """The statements that ask for nodes by id, and for all campaigns."""
        self.asked[name] += 1
        found = {"read/customer": "customers", "read/product": "products", "read/export_campaigns": "campaigns"}
        ids = getattr(self._tables, found[name])["id"].to_pylist()
        return Rows(("id",), [(each,) for each in ids if parameters.get("id", each) == each])

    def check_capacity(self, rows: int) -> None:
        self.asked["check_capacity"] += 1
        if self.refuses:
            raise StoreError(f"{rows} rows are too many.")

    def unmerged(self) -> int:
        return self.waiting

    def merge(self, _progress: Progress) -> None:
        self.asked["merge"] += 1
        self.waiting = 0

    def version(self) -> str:
        return str(len(self._loads))

    def close(self) -> None:
        """Nothing to let go of."""

    def expecting(self, _rows: int) -> AbstractContextManager[None]:
        return nullcontext()

    def apply(self, changes: LoadChanges, book: Sequence[LoadRecord], facts: DatasetFacts, _progress: Progress) -> None:
        self._tables = merge(self._tables, changes.nodes)
        for part in changes.events():
            self._tables = merge(self._tables, part)
        self._facts = facts
        self._loads = [*self._loads, *book]
