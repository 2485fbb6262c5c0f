from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graph.ladybug_store import LadybugStore
from graph.store import no_progress
from habitue.errors import NothingLoadedError
from tests.graph.shop import content
from tests.graph.staged import FACTS, Loader, line

GONE = "customer-7f3a9c51e8b24d06a1f0"
LINE = "line-9d2e4b7a6c8140f3b5d1"
SECRET = "maiden-name-5c0d3e9f1b7a48e2"
AFTER = FACTS.model_copy(update={"salt": "s", "erased": frozenset({"stone"})})


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    """A customer with one of everything, beside two others."""
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    loader.load(
        [(GONE, "name", SECRET), (GONE, "tier", "gold"), ("ann", "tier", "gold")],
        PURCHASED=[line(LINE, GONE, "p1", 1.0), line("2", "ann", "p1", 2.0), line("3", GONE, "p3", 2.0)],
        VIEWED=[line("v", GONE, "p1", 0.0)],
    )
    loader.load(PURCHASED=[line(LINE, GONE, "p1", 1.5, known_at=datetime(2024, 2, 1))])
    pairs = [(GONE, "ann", 0.5), ("ann", GONE, 0.4)]
    loader.store.write_similar(
        pa.Table.from_pylist([dict(zip(("source", "target", "score"), each, strict=True)) for each in pairs]),
        "m", no_progress,
    )  # fmt: skip
    members = [{"id": each, "score": 0.5, "rank": rank, "run": "r"} for rank, each in enumerate((GONE, "ann"))]
    loader.store.write_audience({"id": "a", "name": "A", "created_at": datetime(2024, 1, 1)}, members)
    return loader


def test_erasing_removes_what_hangs_on_a_customer_and_nothing_else(loader: Loader) -> None:
    removed = loader.store.erase([GONE, "nobody", GONE], AFTER, no_progress)

    assert removed == {"Customer": 1, "PURCHASED": 2, "VIEWED": 1, "SUPERSEDED": 1, "HAS_PROPERTY": 2,
                       "PropertyValue": 1, "SIMILAR_TO": 2, "IN_AUDIENCE": 1}  # fmt: skip
    left = content(loader.store.tables())
    assert left["customers"] == [("ann",)]
    assert [row[0] for row in left["products"]] == ["p1", "p3"]
    assert left["properties of Customer"] == [("ann", "tier", "gold", None)]
    assert [row[2] for row in left["PURCHASED"]] == ["2"]
    assert not left["VIEWED"]
    assert not left["superseded"]
    counts = loader.store.health().counts
    assert (counts["PropertyValue"], counts["SIMILAR_TO"], counts["IN_AUDIENCE"]) == (1, 0, 1)
    assert loader.store.facts() == AFTER
    assert len(loader.store.loads()) == 2


def test_an_erased_line_is_not_held_any_more(loader: Loader) -> None:
    loader.store.erase([GONE], AFTER, no_progress)
    loader.sequence += 1
    changes = loader.changes(PURCHASED=[line("3", GONE, "p3", 2.0)])
    assert changes.added == {"PURCHASED": 1}
    assert changes.unchanged == {}


def test_erasing_nobody_still_writes_the_facts(loader: Loader) -> None:
    before = content(loader.store.tables())
    assert loader.store.erase([], AFTER, no_progress) == {}
    assert content(loader.store.tables()) == before
    assert loader.store.facts() == AFTER


def test_a_purged_store_holds_no_byte_of_the_erased(loader: Loader) -> None:
    directory = loader.store.directory
    loader.store.merge(no_progress)
    loader.store.erase([GONE], AFTER, no_progress)
    left, waiting = content(loader.store.tables()), loader.store.unmerged()
    assert waiting > 0
    assert files_with(directory, GONE)  # in what the erased customer's pages were: or this test would prove nothing

    assert loader.store.purge(no_progress)

    for secret in (GONE, LINE, SECRET):
        assert not files_with(directory, secret)
    assert content(loader.store.tables()) == left
    assert (loader.store.unmerged(), loader.store.facts()) == (0, AFTER)
    assert [path.name for path in directory.glob("v*")] == [loader.store.version()]
    (member,) = loader.store.read("read/export_members").dicts()
    assert (member["source"], member["target"], member["run"]) == ("ann", "a", "r")


def files_with(directory: Path, text: str) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_an_empty_store_has_nobody_to_erase(tmp_path: Path) -> None:
    store = LadybugStore(tmp_path / "graph")
    with pytest.raises(NothingLoadedError):
        store.erase(["ann"], FACTS, no_progress)
    assert store.purge(no_progress)
    assert store.version() == ""
