"""What the embedded store is asked of some interactions: no more than what tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph import ladybug_held
from graph.ladybug_store import LadybugStore
from tests.graph.staged import Loader, amounts, line


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    loader.load(
        PURCHASED=[line("1", "ann", "p1", 1.0), line("2", "bob", "p2", 2.0)],
        RETURNED=[line("3", "ann", "p1", 3.0)],
    )
    return loader


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Types and customers that the store is asked for."""
    statements: list[tuple[str, str]] = []
    fetch = ladybug_held.fetch

    def noted(connection: Any, name: str, schema: Any, **parameters: Any) -> Any:
        statements.append((name, parameters["customer"]))
        return fetch(connection, name, schema, **parameters)

    monkeypatch.setattr(ladybug_held, "fetch", noted)
    return statements


def test_a_correction_asks_its_customer_for_its_own_type(loader: Loader, asked: list[tuple[str, str]]) -> None:
    loader.load(PURCHASED=[line("2", "bob", "p2", 9.0)], RETURNED=[line("3", "ann", "p1", 4.0)])
    assert sorted(asked) == [("held_purchased", "bob"), ("held_returned", "ann")]
    assert amounts(loader.store) == {"1": 1.0, "2": 9.0}
    assert [row["amount"] for each in loader.store.interactions("RETURNED") for row in each.to_pylist()] == [4.0]


def test_what_is_of_another_type_is_looked_for_there(loader: Loader, asked: list[tuple[str, str]]) -> None:
    loader.load(RETURNED=[line("1", "ann", "p1", 1.0)])
    assert sorted(set(asked)) == [("held_purchased", "ann"), ("held_returned", "ann")]
    assert amounts(loader.store) == {"2": 2.0}


def test_what_is_of_another_customer_takes_a_scan(loader: Loader, asked: list[tuple[str, str]]) -> None:
    loader.load(PURCHASED=[line("2", "ann", "p2", 5.0)])
    assert {customer for _, customer in asked} == {"ann"}
    assert amounts(loader.store) == {"1": 1.0, "2": 5.0}


@pytest.mark.parametrize("former", ["bob", "carl"])
@pytest.mark.parametrize("returned", [[], [line("5", "bob", "p2", 1.0)], [line("5", "bob", "p2", 7.0)]])
@pytest.mark.parametrize("corrected", ["ann", "bob"])
def test_a_purchase_and_a_return_of_one_id_are_two_lines(
    tmp_path: Path, former: str, returned: list[dict[str, object]], corrected: str
) -> None:
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    loader.load(PURCHASED=[line("5", former, "p1", 1.0)], RETURNED=[line("5", "bob", "p2", 1.0)])
    loader.load(PURCHASED=[line("5", corrected, "p1", 2.0)], RETURNED=returned)

    def held(name: str) -> list[tuple[object, ...]]:
        rows = [row for each in loader.store.interactions(name) for row in each.to_pylist()]
        return [(row["id"], row["customer"], row["target"], row["amount"]) for row in rows]

    assert held("PURCHASED") == [("5", corrected, "p1", 2.0)]
    assert held("RETURNED") == [("5", "bob", "p2", returned[0]["amount"] if returned else 1.0)]
