"""The cached history: read once, extended by later loads, made anew whenever anything else happened."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.history_build import build
from graph.history_staging import MemoryShelf
from graph.model import INTERACTIONS
from habitue.errors import NothingLoadedError
from habitue.histories import current_history
from habitue.workspace import Workspace
from tests.graph.history_source import START, TableStore, assert_equal_graphs


def purchase(line: str, day: int, **more: Any) -> dict[str, Any]:
    at = START + timedelta(days=day)
    return {"id": line, "type": "PURCHASED", "customer": "ann", "target": "p", "at": at, "amount": 1.0, **more}


class Reader:
    """Reads a store's history and says from which load on it was read; None: not at all."""

    def __init__(self, store: TableStore, folder: Path) -> None:
        self.store = store
        self.workspace = Workspace(folder)
        self.tasks: list[str] = []

    def after(self) -> int | None:
        self.store.read.clear()
        history = current_history(self.store, self.workspace, lambda task, _: self.tasks.append(task))  # type: ignore[arg-type]
        read = {after for _, after in self.store.read}
        anew, _ = build(self.store, MemoryShelf())
        for name in INTERACTIONS:
            np.testing.assert_array_equal(history.events[name].at, anew.events[name].at)
            np.testing.assert_array_equal(history.events[name].amount, anew.events[name].amount)
        assert [path.name for path in self.workspace.snapshots.glob(".making-*")] == []
        assert len(list(self.workspace.snapshots.iterdir())) == 1
        return min(read) if read else None


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    store = TableStore()
    store.load([purchase("1", 1), purchase("2", 2)])
    return Reader(store, tmp_path)


def test_it_is_read_once_and_then_only_what_is_new(reader: Reader) -> None:
    assert reader.after() == 0
    assert reader.after() is None
    reader.store.load([purchase("3", 0, customer="abe")])
    reader.store.load([purchase("2", 2, amount=5.0)])
    assert reader.after() == 1
    assert "reading only what is new, 2 interactions" in reader.tasks
    assert reader.after() is None
    reader.store.load([purchase("4", 4)])
    assert reader.after() == 3


def test_an_erasure_means_reading_all_anew(reader: Reader) -> None:
    reader.after()
    reader.store.erased = frozenset({"tombstone"})
    assert reader.after() == 0
    reader.store.load([purchase("3", 3)])
    assert reader.after() == 1


def test_a_load_that_is_completed_after_a_later_one_means_reading_all_anew(reader: Reader) -> None:
    reader.store.load([], complete=False)
    reader.store.load([purchase("3", 3)])
    assert reader.after() == 0
    interrupted = reader.store.book[1]
    reader.store.book[1] = type(interrupted)(2, interrupted.source, interrupted.started_at, START, complete=True)
    reader.store.load([purchase("4", 4)])
    assert reader.after() == 0


def test_another_graph_of_the_same_name_is_not_taken_for_a_later_state(reader: Reader) -> None:
    reader.after()
    other = TableStore()
    other.load([purchase("7", 3)])
    other.load([purchase("8", 4)])
    other.book[0] = type(other.book[0])(1, "source 1", START + timedelta(days=1), START + timedelta(days=1), True)
    reader.store = other
    assert reader.after() == 0


@pytest.mark.parametrize("name", ["history.json", "PURCHASED/at.npy", "customers.parquet"])
def test_a_damaged_cache_is_made_anew(reader: Reader, name: str) -> None:
    reader.after()
    (kept,) = reader.workspace.snapshots.iterdir()
    (kept / name).write_bytes(b"")
    assert reader.after() == 0
    (kept,) = reader.workspace.snapshots.iterdir()
    (kept / name).write_bytes(b"")
    reader.store.load([purchase("3", 3)])
    assert reader.after() == 0  # nothing to go on from


def test_what_an_interruption_left_behind_is_removed(reader: Reader) -> None:
    (reader.workspace.snapshots / ".making-1234" / "PURCHASED").mkdir(parents=True)
    assert reader.after() == 0


def test_the_extended_cache_equals_the_one_made_anew(reader: Reader, tmp_path: Path) -> None:
    reader.after()
    reader.store.load([purchase("0", 2, order_id="o", channel="web"), purchase("1", 1, type="RETURNED")])
    assert reader.after() == 1
    workspaces = (reader.workspace, Workspace(tmp_path / "other"))
    histories = [current_history(reader.store, each, lambda *_: None) for each in workspaces]  # type: ignore[arg-type]
    assert_equal_graphs(*histories)


def test_an_empty_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingLoadedError):
        current_history(TableStore(), Workspace(tmp_path), lambda *_: None)  # type: ignore[arg-type]
