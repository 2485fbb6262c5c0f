"""Graphs in memory as a source of histories, with a book of loads: what `habitue.histories` asks of a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graph.changes import merge
from graph.difference import difference
from graph.history import History
from graph.history_build import IndexedGraph
from graph.indexing import HistoryEvents
from graph.model import INTERACTIONS, SCHEMA_VERSION, interaction_target
from graph.store import DatasetFacts, LoadRecord
from graph.tables import GraphTables
from tests.support import interactions_table

START = datetime(2024, 1, 1)


class TableStore:
    """Takes loads, and hands them out in tables of few rows; keeps a list of what was read."""

    def __init__(self, rows_at_once: int = 3) -> None:
        self.graph = GraphTables.empty()
        self.rows_at_once = rows_at_once
        self.read: list[tuple[str, int]] = []
        self.book: list[LoadRecord] = []
        self.erased: frozenset[str] = frozenset()

    def load(self, events: Sequence[dict[str, Any]], *, number: int | None = None, complete: bool = True) -> None:
        """Take events: `type`, `id`, `customer`, `target`, `at` and whatever else an interaction has."""
        number = number or len(self.book) + 1
        changes = difference(self.graph, staged(events, number))
        self.graph = merge(self.graph, changes)
        when = START + timedelta(minutes=len(self.book))
        self.book.append(LoadRecord(number, f"source {number}", when, when, complete))

    def facts(self) -> DatasetFacts | None:
        fingerprint = f"{len(self.book)}-{len(self.erased)}"
        if not self.book:
            return None
        return DatasetFacts(
            name="hand-made", fingerprint=fingerprint, erased=self.erased, schema_version=SCHEMA_VERSION
        )

    def loads(self) -> list[LoadRecord]:
        return self.book

    def nodes(self) -> GraphTables:
        empty = GraphTables.empty()
        return replace(self.graph, interactions=empty.interactions, superseded=empty.superseded)

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        self.read.append((name, after))
        table = self.graph.interactions[name]
        table = table.filter(pc.greater(table["load"], after))
        for first in range(0, len(table), self.rows_at_once):
            yield table.slice(first, self.rows_at_once)

    def superseded(self, *, after: int = 0) -> pa.Table:
        return self.graph.superseded.filter(pc.greater(self.graph.superseded["load"], after))

    def held(self, staged: GraphTables) -> GraphTables:
        ids = pa.concat_arrays([chunk for t in staged.interactions.values() for chunk in t["id"].chunks])
        found = {
            name: table.filter(pc.is_in(table["id"], value_set=ids)) for name, table in self.graph.interactions.items()
        }
        return replace(GraphTables.empty(), interactions=found)


def staged(events: Sequence[dict[str, Any]], number: int) -> GraphTables:
    """Events as a load stages them, with the nodes that they name; products have categories and brands."""
    empty = GraphTables.empty()
    if not events:
        return empty
    frame = pd.DataFrame(events)
    for time in ("at", "known_at"):
        if time in frame:
            frame[time] = frame[time].astype("datetime64[ms]")
    interactions = dict(empty.interactions)
    for name, part in frame.groupby("type"):
        table = interactions_table(part.drop(columns="type"))
        place = table.column_names.index("load")
        interactions[str(name)] = table.set_column(place, "load", pa.array([number] * len(table), pa.int64()))
    targets: dict[str, set[str]] = {"Product": set(), "Campaign": set()}
    for each in events:
        targets[interaction_target(each["type"])].add(each["target"])
    products = sorted(targets["Product"])
    customers = sorted(set(frame["customer"]))
    categories = sorted({category_of(product) for product in products})
    tier = [{"owner": each, "name": "tier", "value": f"tier {number % 3}", "valid_from": START + timedelta(days=number)}
            for each in customers]  # fmt: skip
    return replace(
        empty,
        customers=rows(empty.customers, [{"id": each} for each in customers]),
        products=rows(empty.products, [
            {"id": each, "category": category_of(each), "brand": None if each > "q" else each, "stub": False}
            for each in products
        ]),
        categories=rows(empty.categories, [{"id": each} for each in categories]),
        campaigns=rows(empty.campaigns, [{"id": each} for each in sorted(targets["Campaign"])]),
        properties={**empty.properties, "Customer": rows(empty.properties["Customer"], tier)},
        interactions=interactions,
    )  # fmt: skip


def category_of(product: str) -> str:
    """Every product has one."""
    return f"of {product[0]}"


def rows(like: pa.Table, values: list[dict[str, Any]]) -> pa.Table:
    """Rows with a table's columns; null where a value is missing."""
    return pa.Table.from_pylist(values, schema=like.schema)


def assert_equal_graphs(one: IndexedGraph, other: IndexedGraph) -> None:
    """Equal array for array, dtypes included."""
    for each in fields(History if isinstance(one, History) else IndexedGraph):
        mine, theirs = getattr(one, each.name), getattr(other, each.name)
        if each.name == "events":
            assert list(mine) == list(theirs) == list(INTERACTIONS)
            for name in mine:
                for field in fields(HistoryEvents):
                    left, right = getattr(mine[name], field.name), getattr(theirs[name], field.name)
                    if field.name == "channels":
                        assert left == right
                    else:
                        np.testing.assert_array_equal(left, right, err_msg=f"{name} {field.name}")
                        assert left.dtype == right.dtype, f"{name} {field.name}"
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        elif isinstance(mine, pa.Table):
            assert mine.to_pylist() == theirs.to_pylist(), each.name
            assert mine.schema.equals(theirs.schema), each.name
        elif isinstance(mine, pa.Array):
            assert mine.equals(theirs), each.name
        else:
            assert mine == theirs, each.name
