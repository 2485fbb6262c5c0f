"""What a load takes is made ready while its rows are read, and given up where it is not taken."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph import ladybug_held, ladybug_writer
from graph.ladybug_build import FILE_NAME
from graph.ladybug_store import LadybugStore
from graph.store import no_progress
from graph.versions import VersionedDirectory
from habitue.errors import StoreError
from tests.graph.shop import content
from tests.graph.staged import FACTS, Loader, amounts, line


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    loader.load(PURCHASED=[line("1", "ann", "p1", 1.0), line("2", "bob", "p2", 2.0)])
    return loader


def begun(store: LadybugStore) -> list[Path]:
    return sorted(store.directory.glob(".building-*"))


def children(store: LadybugStore) -> list[int]:
    """Processes that this one has started over a store's directory, and that have not ended."""
    found = [each for task in Path("/proc/self/task").glob("*/children") for each in task.read_text().split()]
    at = os.fsencode(store.directory) + b"/"
    return [int(each) for each in found if at in Path(f"/proc/{each}/cmdline").read_bytes()]  # of a zombie it is empty


def bring_in(loader: Loader, **lines: list[dict[str, object]]) -> None:
    """A load within the block in which it is expected."""
    with loader.store.expecting(1):
        loader.load(**lines)
        assert not begun(loader.store), "published when apply returns, and not when the block ends"


def test_the_first_load_is_expected_too(tmp_path: Path) -> None:
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    bring_in(loader, PURCHASED=[line("1", "ann", "p1", 1.0)])
    assert amounts(loader.store) == {"1": 1.0}
    assert not children(loader.store)


def test_an_expected_change_is_the_same_as_one_that_comes_unexpected(tmp_path: Path) -> None:
    stores = []
    for number, how in enumerate((bring_in, Loader.load)):
        loader = Loader(LadybugStore(tmp_path / f"{number}"), tmp_path / f"files-{number}")
        how(loader, PURCHASED=[line("1", "ann", "p1", 1.0), line("2", "bob", "p2", 2.0)])
        how(loader, PURCHASED=[line("1", "ann", "p1", 9.0), line("3", "cleo", "p2", 3.0)])  # a correction, a new one
        how(loader, RETURNED=[line("4", "ann", "p1", 9.0)])  # on what waits in the log
        stores.append(loader.store)

    here, there = stores
    assert amounts(here) == {"1": 9.0, "2": 2.0, "3": 3.0}
    assert content(here.tables()) == content(there.tables())
    assert here.unmerged() == there.unmerged() > 0
    assert (here.directory / here.version() / FILE_NAME).stat().st_nlink > 1, "the file is shared"
    here.merge(no_progress)
    assert content(here.tables()) == content(there.tables())


def test_what_is_expected_is_opened_at_once_and_given_up_when_nothing_comes(loader: Loader) -> None:
    loader.load(PURCHASED=[line("3", "ann", "p1", 3.0)])
    before, version = content(loader.store.tables()), loader.store.version()

    with loader.store.expecting(1):
        (building,) = begun(loader.store)
        assert {FILE_NAME, f"{FILE_NAME}.wal"} <= {path.name for path in building.iterdir()}
        assert len(children(loader.store)) == 1
        assert LadybugStore(loader.store.directory, read_only=True).health().problems == (), "going on, not interrupted"

    assert not begun(loader.store)
    assert not children(loader.store)
    assert (content(loader.store.tables()), loader.store.version()) == (before, version)
    assert loader.store.health().problems == ()


def test_a_failure_while_rows_are_read_gives_it_up_and_comes_through(loader: Loader) -> None:
    with pytest.raises(ZeroDivisionError), loader.store.expecting(1):
        raise ZeroDivisionError

    assert not begun(loader.store)
    assert not children(loader.store)
    bring_in(loader, PURCHASED=[line("3", "ann", "p1", 3.0)])
    assert amounts(loader.store) == {"1": 1.0, "2": 2.0, "3": 3.0}


def test_a_load_that_is_in_the_book_already_changes_nothing(loader: Loader) -> None:
    version = loader.store.version()
    with loader.store.expecting(1):
        changes = loader.changes(PURCHASED=[line("3", "ann", "p1", 3.0)])
        loader.store.apply(changes, [loader.record()], FACTS, no_progress)
    assert loader.store.version() == version
    assert not begun(loader.store)


def _build_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladybug_writer, "change_is_faster", lambda *_: False)


def _put_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladybug_writer, "_DEFERRED_ROWS", 0)


@pytest.mark.parametrize("otherwise", [_build_anew, _put_nothing_off])
def test_where_more_comes_than_was_expected_the_version_is_made_the_other_way(
    loader: Loader, monkeypatch: pytest.MonkeyPatch, otherwise: Callable[[pytest.MonkeyPatch], None]
) -> None:
    base = (loader.store.directory / loader.store.version() / FILE_NAME).read_bytes()
    former = loader.store.directory / loader.store.version() / FILE_NAME
    otherwise(monkeypatch)

    bring_in(loader, PURCHASED=[line("1", "ann", "p1", 9.0), line("3", "ann", "p1", 3.0)])

    assert amounts(loader.store) == {"1": 9.0, "2": 2.0, "3": 3.0}
    assert loader.store.unmerged() == 0
    assert former.read_bytes() == base, "the file of the version before is not written to"
    assert not children(loader.store)


def test_a_child_that_died_while_it_waited_is_an_error_and_changes_nothing(loader: Loader) -> None:
    before, version = content(loader.store.tables()), loader.store.version()

    with loader.store.expecting(1):
        (child,) = children(loader.store)
        os.kill(child, signal.SIGKILL)
        with pytest.raises(StoreError, match=f"ended with status {-signal.SIGKILL}"):
            loader.load(PURCHASED=[line("3", "bob", "p3", 3.0)])

    assert (content(loader.store.tables()), loader.store.version()) == (before, version)
    assert loader.store.health().problems == ()
    loader.sequence -= 1
    bring_in(loader, PURCHASED=[line("3", "bob", "p3", 3.0)])
    assert amounts(loader.store) == {"1": 1.0, "2": 2.0, "3": 3.0}


def test_former_versions_go_while_rows_are_read(loader: Loader) -> None:
    loader.load(PURCHASED=[line("3", "ann", "p1", 3.0)])
    loader.store.merge(no_progress)
    published = loader.store.version()
    assert {path.name for path in loader.store.directory.glob("v[0-9]*")} > {published}

    with loader.store.expecting(1):
        pass

    assert {path.name for path in loader.store.directory.glob("v[0-9]*")} == {published}
    assert amounts(loader.store) == {"1": 1.0, "2": 2.0, "3": 3.0}


def test_what_was_compared_is_not_read_again_to_be_removed(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    fetch = ladybug_held.fetch_held

    def counted(connection: Any, stream: Any, rows: Any) -> Any:
        asked.append(sorted(rows["id"].to_pylist()))
        return fetch(connection, stream, rows)

    monkeypatch.setattr(ladybug_held, "fetch_held", counted)
    loader.load(RETURNED=[line("1", "ann", "p1", 1.0)], PURCHASED=[line("2", "bob", "p2", 9.0)])  # a move, a correction
    assert asked == [["1", "2"]]
    assert amounts(loader.store) == {"2": 9.0}

    loader.sequence += 1
    changes = loader.changes(PURCHASED=[line("2", "bob", "p2", 5.0)])
    loader.store.merge(no_progress)  # another version: what was met in the former one does not count
    asked.clear()
    loader.store.apply(changes, [loader.record()], FACTS, no_progress)
    assert asked == [["2"]]
    assert amounts(loader.store) == {"2": 5.0}


def test_what_another_writer_publishes_just_before_is_not_lost(
    loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Loader(LadybugStore(loader.store.directory), tmp_path / "other", sequence=loader.sequence)
    begin = VersionedDirectory.next

    def after_the_other(versions: VersionedDirectory) -> Any:
        monkeypatch.setattr(VersionedDirectory, "next", begin)
        other.load(PURCHASED=[line("3", "ann", "p1", 3.0)])
        return begin(versions)

    monkeypatch.setattr(VersionedDirectory, "next", after_the_other)
    with loader.store.expecting(1):
        loader.sequence = other.sequence
        loader.load(PURCHASED=[line("4", "bob", "p2", 4.0)])

    assert amounts(loader.store) == {"1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0}
