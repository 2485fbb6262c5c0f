"""A graph store that holds its tables in memory: enough of one to test loading without a database."""

from __future__ import annotations

from graph.changes import GraphChanges, merge
from graph.store import DatasetFacts, LoadRecord, Progress
from graph.tables import GraphTables


class MemoryStore:
    """What `graph.loading.load` asks of a store."""

    def __init__(self) -> None:
        self._tables = GraphTables.empty()
        self._facts: DatasetFacts | None = None
        self._loads: list[LoadRecord] = []

    def facts(self) -> DatasetFacts | None:
        return self._facts

    def loads(self) -> list[LoadRecord]:
        return self._loads

    def tables(self) -> GraphTables:
        return self._tables

    def version(self) -> str:
        return str(len(self._loads))

    def close(self) -> None:
        """Nothing to let go of."""

    def apply(self, changes: GraphChanges, record: LoadRecord, facts: DatasetFacts, _progress: Progress) -> None:
        self._tables, self._facts = merge(self._tables, changes), facts
        self._loads = [*self._loads, record]
