from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graph.ladybug_index import FOLDER
from graph.ladybug_store import LadybugStore
from graph.store import no_progress
from graph.tables import GraphTables
from tests.graph.shop import content
from tests.graph.staged import Loader, line, staged


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    loader.load(
        PURCHASED=[line("1", "ann", "p1", 1.0, order_id="o1"), line("2", "bob", "p2", 2.0)],
        VIEWED=[line("v1", "ann", "p2", 0.0)],
    )
    return loader


def held(loader: Loader, brought: GraphTables) -> dict[str, list[tuple[object, ...]]]:
    """What the store holds of it, as rows, checked against a look through everything it holds."""
    ids = {each for table in brought.interactions.values() for each in table["id"].to_pylist()}
    found, everything = content(loader.store.held(brought)), content(loader.store.tables())
    for name in (*brought.interactions, "superseded"):
        assert found[name] == [row for row in everything[name] if row[2] in ids], name
    return {name: rows for name, rows in found.items() if rows}


def test_what_is_held_as_it_is_comes_back_with_its_own_load(loader: Loader) -> None:
    brought = staged(7, PURCHASED=[line("1", "ann", "p1", 1.0, order_id="o1"), line("3", "bob", "p2", 2.0)])
    found = held(loader, brought)
    assert [row[2] for row in found["PURCHASED"]] == ["1"]
    assert found["PURCHASED"][0][-1] == 1
    assert list(found) == ["PURCHASED"]


@pytest.mark.parametrize("change", [{"amount": 9.0}, {"target": "p2"}, {"customer": "bob"}, {"customer": "nobody"},
                                    {"at": datetime(2024, 1, 2)}, {"known_at": datetime(2024, 1, 2)},
                                    {"order_id": "o2"}, {"order_id": None}, {"channel": "web"}])  # fmt: skip
def test_what_is_held_with_other_values_comes_back_as_it_is_held(loader: Loader, change: dict[str, object]) -> None:
    row = {**line("1", "ann", "p1", 1.0, order_id="o1"), **change}
    found = held(loader, staged(2, PURCHASED=[row]))
    assert [each[:3] for each in found["PURCHASED"]] == [("ann", "p1", "1")]


def test_an_id_is_found_whatever_its_type(loader: Loader) -> None:
    found = held(loader, staged(2, RETURNED=[line("1", "ann", "p1", -1.0)], PURCHASED=[line("v1", "ann", "p2", 1.0)]))
    assert {name: [row[2] for row in rows] for name, rows in found.items()} == {"PURCHASED": ["1"], "VIEWED": ["v1"]}


@pytest.mark.parametrize("lost_files", [["000000.npy"], ["000001.npy"], ["files.json"]])
def test_an_index_that_lost_a_file_is_made_anew(loader: Loader, lost_files: list[str]) -> None:
    loader.load(PURCHASED=[line("3", "ann", "p1", 3.0)])
    folder = loader.store.directory / loader.store.version() / FOLDER
    for lost in (lost_files, sorted(path.name for path in folder.iterdir())):
        for name in lost:
            (folder / name).unlink(missing_ok=True)
        assert any("index of interactions" in problem for problem in loader.store.health().problems)
        found = held(loader, staged(3, PURCHASED=[line("1", "ann", "p1", 1.0, order_id="o1")]))
        assert [row[2] for row in found["PURCHASED"]] == ["1"]
        assert sorted(path.name for path in folder.iterdir()) == ["000000.npy", "files.json"]
        assert not loader.store.health().problems


def test_superseded_versions_come_too(loader: Loader) -> None:
    loader.load(PURCHASED=[line("1", "ann", "p1", 5.0, order_id="o1", known_at=datetime(2024, 2, 1))])
    found = held(loader, staged(3, PURCHASED=[line("1", "ann", "p1", 5.0, known_at=datetime(2024, 2, 1))]))
    assert [row[6] for row in found["PURCHASED"]] == [5.0]
    assert [row[6] for row in found["superseded"]] == [1.0]


def test_back_and_forth_and_back_again(loader: Loader) -> None:
    for amount in (5.0, 1.0, 5.0, 1.0):
        loader.load(PURCHASED=[line("1", "ann", "p1", amount, order_id="o1")])
        for asked in (1.0, 5.0):
            (row,) = held(loader, staged(9, PURCHASED=[line("1", "ann", "p1", asked, order_id="o1")]))["PURCHASED"]
            assert row[6] == amount


@pytest.mark.parametrize("few", [0, 2000])
def test_a_store_asked_for_many_customers_is_scanned(loader: Loader, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr("graph.ladybug_held._FEW_CUSTOMERS", few)
    found = held(loader, staged(2, PURCHASED=[line("1", "bob", "p1", 1.5), line("2", "bob", "p2", 2.5)]))
    assert [row[:3] for row in found["PURCHASED"]] == [("ann", "p1", "1"), ("bob", "p2", "2")]


def test_the_index_grows_is_merged_and_is_made_anew_where_it_is_missing(loader: Loader) -> None:
    loader.load(PURCHASED=[line("3", "ann", "p1", 3.0)], REVIEWED=[line("r", "ann", "p1", 0.0, rating=4.0)])
    brought = staged(9, PURCHASED=[line("1", "ann", "p1", 1.0, order_id="o1"), line("3", "ann", "p1", 3.5)],
                     REVIEWED=[line("r", "ann", "p1", 0.0, rating=4.0)])  # fmt: skip
    before = held(loader, brought)
    assert len(list(loader.store.index().directory.glob("*.npy"))) == 2
    loader.store.merge(no_progress)
    assert held(loader, brought) == before
    assert len(list(loader.store.index().directory.glob("*.npy"))) == 1

    shutil.rmtree(loader.store.directory / loader.store.version() / FOLDER)
    assert loader.store.repair(no_progress) == ["made the index of interactions anew"]
    assert loader.store.repair(no_progress) == []
    assert held(loader, brought) == before
    shutil.rmtree(loader.store.directory / loader.store.version() / FOLDER)
    assert held(loader, brought) == before


def test_superseded_rows_that_are_staged_are_looked_up(loader: Loader) -> None:
    loader.load(PURCHASED=[line("1", "ann", "p1", 5.0, order_id="o1", known_at=datetime(2024, 2, 1))])
    past = loader.store.superseded()
    found = loader.store.held(replace(GraphTables.empty(), superseded=past))
    assert found.superseded.to_pylist() == past.to_pylist()
    assert found.interactions["PURCHASED"]["amount"].to_pylist() == [5.0]


def test_an_empty_store_holds_nothing_of_anything(tmp_path: Path) -> None:
    store = LadybugStore(tmp_path / "graph")
    found = store.held(staged(1, PURCHASED=[line("1", "ann", "p1", 1.0)]))
    assert not found.counts()
    assert isinstance(found.superseded, pa.Table)
    assert len(found.superseded) == 0
