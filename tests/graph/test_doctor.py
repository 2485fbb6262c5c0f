"""The doctor: a whole graph keeps every promise, and each broken one is found and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graph.doctor import Finding, examine
from graph.model import STORED_INTERACTION_SCHEMA
from graph.store import GraphStore, StoreHealth, no_progress
from graph.tables import GraphTables
from tests.graph.memory_store import MemoryStore
from tests.graph.shop import SMALL

NOW = datetime(2024, 6, 1)


class Patient(MemoryStore):
    """A store in memory whose tables can be spoilt."""

    def spoil(self, change: Callable[[GraphTables], GraphTables]) -> None:
        self._tables = change(self._tables)

    def interactions(self, name: str, *, after: int = 0) -> Iterator[pa.Table]:
        yield self._tables.interactions[name]

    def health(self) -> StoreHealth:
        return StoreHealth("memory", "1")


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    store = Patient()
    SMALL.load(store, tmp_path)  # type: ignore[arg-type]
    return store


def broken(store: object) -> list[Finding]:
    return [each for each in examine(store, NOW, no_progress) if not each.holds]  # type: ignore[arg-type]


def with_purchase(tables: GraphTables, **values: object) -> GraphTables:
    """One more purchase line, like the first but for the values given."""
    first = {**tables.interactions["PURCHASED"].slice(0, 1).to_pylist()[0], "id": "another", **values}
    row = pa.Table.from_pylist([first], schema=STORED_INTERACTION_SCHEMA)
    whole = pa.concat_tables([tables.interactions["PURCHASED"], row])
    return replace(tables, interactions={**tables.interactions, "PURCHASED": whole})


def test_a_loaded_graph_keeps_every_promise(store: GraphStore, tmp_path: Path) -> None:
    SMALL.load(store, tmp_path)
    findings = examine(store, NOW, no_progress)
    assert len(findings) >= 8
    assert [each.check for each in findings if not each.holds] == []


def test_an_empty_graph_has_nothing_to_check(store: GraphStore) -> None:
    assert examine(store, NOW, no_progress) == []


@pytest.mark.parametrize(
    ("values", "check"),
    [
        ({"id": "1"}, "no two interactions of a type have one id"),
        ({"customer": "nobody"}, "no interaction dangles"),
        ({"target": "nothing"}, "no interaction dangles"),
        ({"at": datetime(2024, 6, 1, 0, 0, 0, 1000)}, "no event lies in the future"),
        ({"load": 2}, "every interaction belongs to a complete load"),
    ],
)
def test_a_broken_promise_about_an_interaction_is_found(
    patient: Patient, values: dict[str, object], check: str
) -> None:
    assert broken(patient) == []
    patient.spoil(lambda tables: with_purchase(tables, **values))
    (finding,) = broken(patient)
    assert (finding.check, finding.violations, finding.detail) == (check, 1, "PURCHASED: 1")
    assert finding.remedy


def test_an_event_now_is_not_in_the_future(patient: Patient) -> None:
    patient.spoil(lambda tables: with_purchase(tables, at=NOW))
    assert broken(patient) == []


def test_nodes_twice_references_to_nowhere_and_empty_categories_are_found(patient: Patient) -> None:
    def spoilt(tables: GraphTables) -> GraphTables:
        return replace(
            tables,
            customers=pa.concat_tables([tables.customers, tables.customers.slice(0, 1)]),
            brands=tables.brands.slice(0, 0),
            categories=pa.concat_tables(
                [tables.categories, pa.table({"id": ["ATTIC"], "name": ["ATTIC"], "parent": pa.nulls(1, pa.string())})]
            ),
        )

    patient.spoil(spoilt)
    assert {each.check: (each.violations, each.detail) for each in broken(patient)} == {
        "no two nodes of a label have one id": (1, "Customer: 1"),
        "what nodes refer to is there": (1, "a product's brand: 1"),
        "every category has a product or a category below it": (1, "1 are empty"),
    }
