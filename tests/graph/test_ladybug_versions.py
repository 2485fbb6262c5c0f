from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graph import ladybug_write, ladybug_writer
from graph.ladybug_query import Reader
from graph.ladybug_store import LadybugStore
from graph.store import Progress, no_progress
from graph.versions import link_or_copy
from habitue.errors import StoreError
from tests.graph.shop import content
from tests.graph.staged import FACTS, Loader, amounts, line


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    loader.load(PURCHASED=[line("1", "ann", "p1", 1.0), line("2", "bob", "p2", 2.0)])
    return loader


def file_of(store: LadybugStore) -> Path:
    path = store.published_file()
    assert path is not None
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_small_loads_share_the_file_of_the_version_before_and_leave_it_as_it_is(loader: Loader) -> None:
    base = file_of(loader.store)
    before = digest(base)

    loader.load(PURCHASED=[line("3", "ann", "p2", 3.0)])
    assert file_of(loader.store) != base
    assert file_of(loader.store).stat().st_ino == base.stat().st_ino
    loader.load(PURCHASED=[line("4", "cleo", "p1", 4.0)])

    shared = file_of(loader.store)
    assert digest(shared) == before
    assert amounts(loader.store) == {"1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0}
    assert loader.store.unmerged() > 0


def test_a_reader_of_the_former_version_keeps_its_state(loader: Loader) -> None:
    import ladybug

    former = ladybug.Database(str(file_of(loader.store)), read_only=True)
    connection = ladybug.Connection(former)

    loader.load(PURCHASED=[line("1", "ann", "p1", 9.0), line("3", "ann", "p2", 3.0)])
    loader.store.merge(no_progress)

    found = connection.execute("MATCH ()-[r:PURCHASED]->() RETURN r.id, r.amount ORDER BY r.id")
    assert found.get_all() == [["1", 1.0], ["2", 2.0]]  # type: ignore[union-attr]
    assert amounts(loader.store) == {"1": 9.0, "2": 2.0, "3": 3.0}


def test_a_process_holds_many_open_stores(loader: Loader, tmp_path: Path) -> None:
    stores = [LadybugStore(tmp_path / "graph") for _ in range(20)]
    try:
        assert [content(store.tables()) for store in stores] == [content(loader.store.tables())] * 20
    finally:
        for store in stores:
            store.close()


def test_a_store_opened_anew_replays_what_waits(loader: Loader, tmp_path: Path) -> None:
    loader.load([("ann", "tier", "gold")], PURCHASED=[line("1", "ann", "p1", 9.0), line("3", "bob", "p3", 3.0)])
    here = content(loader.store.tables())

    code = (
        "import sys; from pathlib import Path; from graph.ladybug_store import LadybugStore; "
        "from tests.graph.shop import content; "
        "print(content(LadybugStore(Path(sys.argv[1]), read_only=True).tables()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "graph")], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == str(here)
    assert loader.store.read("read/customer_properties", id="ann").rows == [("tier", "gold", None)]


def test_merging_changes_no_content_and_makes_a_file_of_its_own(loader: Loader) -> None:
    loader.load(PURCHASED=[line("1", "ann", "p1", 9.0), line("3", "bob", "p3", 3.0)])
    before, shared = content(loader.store.tables()), file_of(loader.store)
    base = digest(shared)

    loader.store.merge(no_progress)

    merged = file_of(loader.store)
    assert loader.store.unmerged() == 0
    assert not list(merged.parent.glob("*.wal"))
    assert merged.stat().st_ino != shared.stat().st_ino
    assert digest(shared) == base
    assert content(loader.store.tables()) == before
    version = loader.store.version()
    loader.store.merge(no_progress)  # nothing waits
    assert loader.store.version() == version


def test_a_merge_without_room_in_its_buffer_pool_begins_again_with_more(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader.load(PURCHASED=[line(f"n{number}", f"c{number}", "p1", 1.0) for number in range(2_000)])
    before = content(loader.store.tables())
    tasks: list[str] = []
    monkeypatch.setattr(ladybug_writer, "_MERGE_BYTES", 1 << 20)

    loader.store.merge(lambda task, _: tasks.append(task))

    assert tasks.count("copying the graph") == 2
    assert loader.store.unmerged() == 0
    assert content(loader.store.tables()) == before
    assert loader.store.health().problems == ()


@pytest.mark.parametrize("fatal_task", ["copying the graph", "merging"])
def test_a_merge_that_is_killed_loses_nothing_and_starts_again(loader: Loader, fatal_task: str) -> None:
    loader.load(PURCHASED=[line("3", "bob", "p3", 3.0)])
    before, version, waiting = content(loader.store.tables()), loader.store.version(), loader.store.unmerged()
    code = (
        "import os, signal, sys; from pathlib import Path; from graph.ladybug_store import LadybugStore\n"
        "def die(task, _):\n"
        "    if task == sys.argv[2]: os.kill(os.getpid(), signal.SIGKILL)\n"
        "LadybugStore(Path(sys.argv[1])).merge(die)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(loader.store.directory), fatal_task],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (loader.store.version(), loader.store.unmerged()) == (version, waiting)
    assert content(loader.store.tables()) == before
    assert len(loader.store.health().problems) == 1
    loader.store.merge(no_progress)
    assert content(loader.store.tables()) == before
    assert loader.store.health().problems == ()
    assert loader.store.unmerged() == 0


def test_a_crash_of_the_engine_is_an_error_and_changes_nothing(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    before, version = amounts(loader.store), loader.store.version()
    crash = "import ctypes; ctypes.string_at(0)"
    monkeypatch.setattr("graph.ladybug_child.command", lambda *_, **__: [sys.executable, "-c", crash])

    with pytest.raises(StoreError, match=f"ended with status {-signal.SIGSEGV}"):
        loader.load(PURCHASED=[line("3", "bob", "p3", 3.0)])

    assert (amounts(loader.store), loader.store.version()) == (before, version)
    assert loader.store.health().problems == ()
    monkeypatch.undo()
    loader.load(PURCHASED=[line("3", "bob", "p3", 3.0)])
    assert amounts(loader.store) == {**before, "3": 3.0}


def test_a_load_that_is_brought_in_again_changes_nothing(loader: Loader) -> None:
    changes = loader.load(PURCHASED=[line("3", "bob", "p3", 3.0)])
    before, version = content(loader.store.tables()), loader.store.version()

    loader.store.apply(changes, [loader.record()], FACTS, no_progress)

    assert (content(loader.store.tables()), loader.store.version()) == (before, version)


def test_too_much_to_wait_is_merged_at_once(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.ladybug_writer._WAITING_ROWS", loader.store.unmerged() + 8)
    loader.load(PURCHASED=[line("3", "bob", "p1", 3.0)])
    assert loader.store.unmerged() > 0
    for number in range(4, 9):
        loader.load(PURCHASED=[line(str(number), "bob", "p1", 1.0)])
    assert loader.store.unmerged() <= 8
    assert len(amounts(loader.store)) == 8


def test_many_rows_are_merged_on_the_way(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.ladybug_writer._DEFERRED_ROWS", 0)
    shared = file_of(loader.store)
    loader.load(PURCHASED=[line("3", "bob", "p1", 3.0)])
    assert file_of(loader.store).stat().st_ino != shared.stat().st_ino
    assert loader.store.unmerged() == 0
    assert amounts(loader.store) == {"1": 1.0, "2": 2.0, "3": 3.0}


def test_a_serving_store_reads_on_while_a_large_version_is_opened(
    loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = LadybugStore(tmp_path / "graph", read_only=True)
    assert amounts(serving) == {"1": 1.0, "2": 2.0}
    monkeypatch.setattr("graph.ladybug_store._SOON", 0)
    loader.load(PURCHASED=[line("3", "bob", "p1", 3.0)])

    amounts(serving)  # starts to open it
    opening = serving._opening
    assert opening is not None
    opening.join()

    assert amounts(serving) == {"1": 1.0, "2": 2.0, "3": 3.0}
    serving.close()


def test_where_links_cannot_be_made_files_are_copied(
    loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "one").write_text("content")
    link_or_copy(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "content"
    assert (tmp_path / "two").stat().st_ino != (tmp_path / "one").stat().st_ino


def test_progress_of_a_change_goes_from_nothing_to_everything(loader: Loader) -> None:
    seen: list[tuple[str, float]] = []
    watch: Progress = lambda task, fraction: seen.append((task, fraction))  # noqa: E731
    loader.sequence += 1
    loader.store.apply(loader.changes(PURCHASED=[line("3", "bob", "p1", 3.0)]), [loader.record()], FACTS, watch)
    assert {task for task, _ in seen} == {"changing the graph"}
    assert all(0 <= fraction <= 1 for _, fraction in seen)
    assert ladybug_write.LOG_NAME in {path.name for path in file_of(loader.store).parent.iterdir()}


def test_one_answer_is_of_one_version_however_many_reads_it_takes(loader: Loader) -> None:
    reader = LadybugStore(loader.store.directory, read_only=True)
    with reader.one_version():
        assert len(reader.neighbours("PURCHASED", "out", ["ann"], 5)) == 1
        loader.load(PURCHASED=[line("3", "ann", "p2", 3.0)])
        assert len(reader.neighbours("PURCHASED", "out", ["ann"], 6)) == 1
    assert len(reader.neighbours("PURCHASED", "out", ["ann"], 5)) == 2
    reader.close()


def test_a_plan_that_is_kept_reads_its_parameters_anew(loader: Loader) -> None:
    reader = Reader(loader.store.connection())
    for value in (5, 500, -70_000, 2**40, "5", "five", None, 1.5):
        assert list(reader.run("RETURN $value AS value", {"value": value})) == [[value]]
    text = "MATCH (c:Customer {id: $id}) RETURN c.id"
    assert [list(reader.run(text, {"id": each})) for each in ("ann", "bob", "nobody")] == [[["ann"]], [["bob"]], []]
