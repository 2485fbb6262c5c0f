"""The offline importer's files: what a load through the server would leave, no more and no less."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from graph.dataset import read_dataset
from graph.history import History, StoreTables
from graph.loading import load
from graph.neo4j_offline import OfflineStore
from graph.neo4j_store import Neo4jStore
from graph.store import GraphStore, no_progress
from habitue.errors import StoreError, UsageError
from tests.conftest import NEO4J_FOLDER
from tests.graph.shop import SMALL, Shop, content, order

TWO_VERSIONS = Shop(
    customers=SMALL.customers,
    products=[*SMALL.products, {"id": "p3", "name": 'Pan, "big"', "department": "KITCHEN"}],
    campaigns=SMALL.campaigns,
    contacts=SMALL.contacts,
    orders=[
        *SMALL.orders,
        order("9", "cleo", "p3", "2024-02-09T10:00:00", 1.5, known_at="2024-02-10T00:00:00", channel=""),
        order("9", "cleo", "p3", "2024-02-09T10:00:00", 2.5, known_at="2024-02-11T00:00:00"),
    ],
)


def write(shop: Shop, folder: Path, **options: Any) -> Path:
    """Load a shop into files; where they are."""
    store = cast(GraphStore, OfflineStore(folder / "files", **options))
    load(store, read_dataset(shop.write(folder / "shop")), "shop", folder / "workspace", no_progress)
    return folder / "files"


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_the_files_hold_types_ids_and_the_numbers_of_loads(tmp_path: Path) -> None:
    files = write(SMALL, tmp_path)

    assert (files / "Customer-header.csv").read_text() == "id:ID(Customer),load:long,last_load:long\n"
    assert rows(files / "Customer.csv") == [["ann", "1", "1"], ["bob", "1", "1"]]
    assert (files / "PURCHASED-header.csv").read_text() == (
        ":START_ID(Customer),:END_ID(Product),id,at:localdatetime,known_at:localdatetime,quantity:double,amount:double,"
        "order_id,channel,load:long\n"
    )
    written = [row for path in sorted(files.glob("PURCHASED-0*.csv")) for row in rows(path)]
    assert sorted(written, key=lambda row: row[2]) == [
        ["ann", "p1", "1", "2024-02-01T10:00:00.123", "", "1", "12.5", "o1", "web", "1"],
        ["ann", "p2", "2", "2024-02-03T10:00:00.000", "", "1", "30.25", "", "", "1"],
        ["bob", "p1", "3", "2024-02-05T10:00:00.000", "2024-02-06T00:00:00.000", "1", "12.5", "", "", "1"],
    ]
    command = (files / "import.sh").read_text()
    assert "neo4j-admin database import full neo4j" in command
    assert "--relationships=PURCHASED=" in command
    assert "VIEWED" not in command
    assert "multiline" not in command
    assert "CREATE CONSTRAINT purchased_id" in (files / "after.cypher").read_text()


def test_a_text_of_two_lines_is_told_to_the_importer(tmp_path: Path) -> None:
    files = write(Shop(products=[{"id": "p1", "name": "Big\nknife"}], orders=SMALL.orders), tmp_path)
    assert "--multiline-fields=true" in (files / "import.sh").read_text()


def test_the_command_runs_the_importer_with_more_threads_than_a_small_machine_has_cores(tmp_path: Path) -> None:
    files = write(SMALL, tmp_path)
    importer = tmp_path / "bin" / "neo4j-admin"
    importer.parent.mkdir()
    importer.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    importer.chmod(0o755)
    path = f"{importer.parent}:{os.environ['PATH']}"

    ran = subprocess.run(
        [files / "import.sh", "--verbose"], env={"PATH": path}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()

    assert ran[:4] == ["database", "import", "full", "neo4j"]
    assert ran[-2:] == [f"--threads={max(8, os.cpu_count() or 1)}", "--verbose"]


def test_a_directory_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        OfflineStore(tmp_path)


def test_an_importer_that_is_not_there_or_fails_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not start") as caught:
        write(SMALL, tmp_path / "one", importer=("/nowhere/neo4j-admin",))
    assert "HABITUE_NEO4J_ADMIN" in caught.value.hint
    with pytest.raises(StoreError, match="The importer failed: it is running") as caught:
        write(SMALL, tmp_path / "two", importer=("sh", "-c", "echo it is running; exit 1"))
    assert "Stop the server" in caught.value.hint


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[Neo4jStore]:
    """A server over a database that the importer has made."""
    if not (NEO4J_FOLDER / "admin").is_file():
        pytest.skip("no Neo4j")
    home = tmp_path / "home"
    home.mkdir()
    write(TWO_VERSIONS, tmp_path, importer=(str(NEO4J_FOLDER / "admin"), str(home)))
    command = [str(NEO4J_FOLDER / "start"), "--home", str(home), "--heap", "512m", "--pagecache", "128m"]
    started = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    store = Neo4jStore(started.stdout.strip(), user="", password="", database="neo4j")
    yield store
    store.close()
    subprocess.run([str(NEO4J_FOLDER / "stop"), str(home), "--kill"], check=False)


@pytest.mark.neo4j
def test_an_import_is_what_a_load_through_the_server_is(
    imported: Neo4jStore, empty_neo4j_url: str, tmp_path: Path
) -> None:
    online = Neo4jStore(empty_neo4j_url, user="", password="", database="neo4j")
    TWO_VERSIONS.load(online, tmp_path / "online")

    assert content(imported.tables()) == content(online.tables())
    assert content(imported.tables())["superseded"]
    assert imported.health().counts == online.health().counts
    one, other = (store.facts() for store in (imported, online))
    assert one is not None
    assert other is not None
    assert one.model_copy(update={"fingerprint": ""}) == other.model_copy(update={"fingerprint": ""})
    fingerprints = []
    for store, facts in ((imported, one), (online, other)):
        snapshot = History.of(StoreTables.of(store.tables(), facts)).at(
            max(row[3] for row in content(store.tables())["PURCHASED"])
        )
        fingerprints.append(snapshot.fingerprint)
    assert fingerprints[0] == fingerprints[1]
    assert "is missing" in str(imported.health().problems)
    assert imported.repair(no_progress)
    assert imported.health().problems == ()
    assert not TWO_VERSIONS.load(imported, tmp_path / "again").changed
    later = Shop(orders=[order("10", "dora", "p1", "2024-02-12", 3.0)])
    assert later.load(imported, tmp_path / "later").loaded == {"PURCHASED": 1}
    assert [(each.sequence, each.complete) for each in imported.loads()] == [(1, True), (2, True)]
    online.close()
