"""A graph that moves: everything arrives, whatever the stores, and what does not is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graph.archive import Archive, open_archive, restore_archive, write_archive
from graph.fingerprint import content_fingerprint
from graph.history import History, StoreTables
from graph.opening import open_store
from graph.store import GraphStore, no_progress
from habitue.errors import NothingLoadedError, StoreError
from habitue.settings import Settings
from tests.graph.shop import SMALL, Shop, content, order

CORRECTED = Shop(
    orders=[order("2", "ann", "p2", "2024-02-03T10:00:00", 31.0, known_at="2024-02-20T00:00:00")],
    customers=SMALL.customers, products=SMALL.products, campaigns=SMALL.campaigns,
)  # fmt: skip


@pytest.fixture
def filled(store: GraphStore, tmp_path: Path) -> GraphStore:
    """A store with two loads, a superseded version, signals, similarities and an audience."""
    SMALL.load(store, tmp_path)
    CORRECTED.load(store, tmp_path)
    scores = {"id": ["ann"], "churn_risk": [0.25], "expected_value": [9.5], "novelty": [None], "hyperscore": [101.5],
              "hyperscore_percentile": [50.0], "scored_at": [datetime(2024, 3, 1)], "model": ["run-1"]}  # fmt: skip
    store.write_scores(pa.table(scores), no_progress)
    store.write_similar(pa.table({"source": ["ann"], "target": ["bob"], "score": [0.5]}), "run-1", no_progress)
    member = {"id": "bob", "score": 0.75, "rank": 1, "run": "run-1"}
    store.write_audience({"id": "a1", "name": "like ann", "created_at": datetime(2024, 3, 2)}, [member])
    return store


@pytest.fixture
def target(tmp_path: Path) -> Iterator[GraphStore]:
    """An empty embedded store elsewhere."""
    opened = open_store(Settings(store=f"ladybug://{tmp_path / 'elsewhere'}", workspace=tmp_path / "other"))
    yield opened
    opened.close()


def snapshot_fingerprint(store: GraphStore) -> str:
    facts = store.facts()
    assert facts is not None
    return History.of(StoreTables.of(store.tables(), facts)).at(datetime(2024, 2, 15)).fingerprint


def test_everything_arrives(filled: GraphStore, target: GraphStore, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    write_archive(filled, tmp_path / "archive", no_progress)
    restore_archive(open_archive(tmp_path / "archive"), target, no_progress)

    assert content(target.tables()) == content(filled.tables())
    assert len(target.tables().superseded) == 1
    assert target.facts() == filled.facts()
    assert [(each.sequence, each.source, each.complete) for each in target.loads()] == [
        (1, "shop", True), (2, "shop", True),
    ]  # fmt: skip
    assert snapshot_fingerprint(target) == snapshot_fingerprint(filled)
    for name in ("scores", "similar", "audiences", "members"):
        rows = filled.read(f"read/export_{name}").rows
        assert len(rows) == 1
        assert target.read(f"read/export_{name}").rows == rows


def test_the_graph_that_arrived_takes_the_next_load_like_the_one_it_came_from(
    filled: GraphStore, target: GraphStore, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    restore_archive(write_archive(filled, tmp_path / "archive", no_progress), target, no_progress)

    again = CORRECTED.load(target, tmp_path / "other")

    assert not again.changed
    assert again.unchanged == {"PURCHASED": 1}


def test_a_store_that_holds_something_is_not_filled(filled: GraphStore, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    archive = write_archive(filled, tmp_path / "archive", no_progress)
    with pytest.raises(StoreError, match="holds something already"):
        restore_archive(archive, filled, no_progress)


def falsified(directory: Path) -> Archive:
    """An archive whose manifest promises other content than there is."""
    manifest = directory / "manifest.json"
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**said, "fingerprint": "0" * 64}))
    return open_archive(directory)


@pytest.mark.parametrize("store_url", ["ladybug"], indirect=True)
def test_what_is_missing_from_an_archive_is_noticed_and_leaves_the_store_empty(
    filled: GraphStore, target: GraphStore, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    right = write_archive(filled, tmp_path / "archive", no_progress)
    with pytest.raises(StoreError, match="does not hold what the archive does"):
        restore_archive(falsified(tmp_path / "archive"), target, no_progress)
    assert target.facts() is None
    assert target.loads() == []
    restore_archive(right, target, no_progress)
    assert content_fingerprint(target) == right.fingerprint


def test_a_store_that_was_cleared_is_empty_and_can_be_filled(filled: GraphStore, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    archive = write_archive(filled, tmp_path / "archive", no_progress)
    before = filled.neighbours("PURCHASED", "out", ["ann"], 5)
    filled.clear()
    assert filled.facts() is None
    assert not any(filled.health().counts.values())
    SMALL.load(filled, tmp_path)
    assert len(filled.neighbours("PURCHASED", "out", ["ann"], 5)) == len(before)
    assert filled.superseded().num_rows == 0  # CORRECTED, which was cleared, had superseded one
    filled.clear()
    restore_archive(archive, filled, no_progress)
    assert content_fingerprint(filled) == archive.fingerprint


@pytest.mark.parametrize("store_url", ["ladybug"], indirect=True)
def test_what_somebody_else_loaded_during_a_restoration_is_not_removed(
    filled: GraphStore, target: GraphStore, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    write_archive(filled, tmp_path / "archive", no_progress)
    late = Shop(orders=[order("77", "ann", "p1", "2024-02-05T10:00:00", 1.0)], customers=SMALL.customers,
                products=SMALL.products, campaigns=SMALL.campaigns)  # fmt: skip
    waiting = [late]

    def interfere(task: str, _done: float) -> None:
        if waiting and task == "comparing content":
            waiting.pop().load(target, tmp_path)

    with pytest.raises(StoreError, match="does not hold what the archive does"):
        restore_archive(falsified(tmp_path / "archive"), target, interfere)
    assert target.facts() is not None


def test_nothing_is_no_archive(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(NothingLoadedError):
        write_archive(store, tmp_path, no_progress)
    with pytest.raises(StoreError, match="no archive"):
        open_archive(tmp_path)


def test_the_content_is_one_number_whatever_the_order_and_another_for_another_value(
    store: GraphStore, target: GraphStore, tmp_path: Path
) -> None:
    SMALL.load(store, tmp_path)
    Shop(
        orders=SMALL.orders[::-1], customers=SMALL.customers[::-1], products=SMALL.products[::-1],
        campaigns=SMALL.campaigns, contacts=SMALL.contacts,
    ).load(target, tmp_path / "other")  # fmt: skip
    assert content_fingerprint(store) == content_fingerprint(target)
    CORRECTED.load(target, tmp_path / "other")
    changed = content_fingerprint(target)
    assert changed.rows["PURCHASED"] == content_fingerprint(store).rows["PURCHASED"]
    assert changed.digest != content_fingerprint(store).digest
