"""Loads that end half-way: the former state stands, and the next run completes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

from graph.dataset import read_dataset
from graph.loading import load
from graph.staging_directory import pending_loads
from graph.store import no_progress
from habitue.errors import StoreError
from tests.graph.bench import ORDERS, TOP, Bench, orders
from tests.graph.shop import SMALL, content, order


def test_a_file_that_breaks_off_leaves_the_former_state(bench: Bench) -> None:
    description = TOP + ORDERS.replace("orders.csv", "orders.csv.gz")
    bench.write(description, {"orders.csv.gz": gzip.compress(orders("ann,p1,2024-01-01,1,1").encode())}).load()
    before = content(bench.store.tables())
    longer = orders(*(f"ann,p{number},2024-01-01,1,1" for number in range(20_000))).encode()
    error = bench.write(description, {"orders.csv.gz": gzip.compress(longer)[:-40]}).refused()
    assert "orders.csv.gz cannot be read" in error.message
    assert content(bench.store.tables()) == before
    assert pending_loads(bench.workspace, bench.store.loads()) == []


def test_a_full_disk_while_staging_leaves_the_former_state_and_no_open_files(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1")}).load()
    version = bench.store.version()
    opened: list[Any] = []

    class FullDisk:
        """The file of a partition, on a disk without room."""

        def __init__(self, stream: Any, *_: Any, **__: Any) -> None:
            self.stream, self.is_open = stream, True
            opened.append(self)

        def write_table(self, *_: Any) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            self.is_open = False

    monkeypatch.setattr(pa.ipc, "new_stream", FullDisk)
    bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1", "bob,p2,2024-01-02,1,1")})
    with pytest.raises(OSError, match="No space left"):
        bench.load()
    assert [(writer.is_open, writer.stream.closed) for writer in opened] == [(False, True)]
    assert list((bench.workspace / "staging").iterdir()) == []
    assert bench.store.version() == version
    monkeypatch.undo()
    assert bench.load().loaded == {"PURCHASED": 1}


def test_a_store_that_refuses_leaves_the_former_state_and_what_was_read(
    embedded: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1")}).load()
    before = content(embedded.store.tables())
    embedded.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1", "bob,p2,2024-01-02,1,1")})

    def refuse(task: str, _fraction: float) -> None:
        if task == "changing the graph":
            raise StoreError("The disk is full.")

    with pytest.raises(StoreError, match="full"):
        embedded.load(refuse)
    assert content(embedded.store.tables()) == before
    assert embedded.store.health().problems == ()
    (pending,) = pending_loads(embedded.workspace, embedded.store.loads())
    assert pending["kept"] == "all files read, 1 of 1 parts compared"
    report = embedded.load()
    assert (report.loaded, report.resumed) == ({"PURCHASED": 1}, True)
    assert pending_loads(embedded.workspace, embedded.store.loads()) == []


@pytest.mark.parametrize(
    ("earlier", "fatal_task", "stage_name"),
    [
        (False, "reading orders.csv", "reading"),
        (False, "building the graph", "writing to the graph"),
        (True, "comparing", "comparing with the graph"),
        (True, "changing the graph", "writing to the graph"),
    ],
)
def test_a_killed_load_leaves_the_former_state_and_a_second_run_completes(
    embedded: Bench, earlier: bool, fatal_task: str, stage_name: str
) -> None:
    if earlier:
        SMALL.load(embedded.store, embedded.workspace)
    before, version = content(embedded.store.tables()), embedded.store.version()
    more = [*SMALL.orders, order("5", "cleo", "p2", "2024-02-09T10:00:00", 30.25)]
    grown = type(SMALL)(more, SMALL.customers, SMALL.products, SMALL.campaigns, SMALL.contacts)
    description = grown.write(embedded.workspace / "shop")
    url = f"ladybug://{embedded.workspace / 'graph'}"
    command = [
        sys.executable,
        "-m",
        "tests.graph.killed_load",
        url,
        str(description),
        str(embedded.workspace),
        fatal_task,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == -9, done.stderr
    assert (content(embedded.store.tables()), embedded.store.version()) == (before, version)
    (pending,) = pending_loads(embedded.workspace, embedded.store.loads())
    assert (pending["source"], pending["stage"]) == ("shop", stage_name)
    report = load(embedded.store, read_dataset(description), "shop", embedded.workspace, no_progress)
    assert report.loaded["PURCHASED"] == (1 if earlier else 4)
    assert report.resumed == (stage_name != "reading")
    assert "cleo" in embedded.store.tables().customers["id"].to_pylist()
    assert pending_loads(embedded.workspace, embedded.store.loads()) == []
    assert embedded.store.health().problems == ()


def test_what_a_finished_load_left_behind_is_no_interruption(bench: Bench) -> None:
    bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1")}).load()
    left = bench.workspace / "staging" / "load-0123456789abcdef"
    left.mkdir(parents=True)
    note = {"source": "shop", "started_at": "?", "sequence": "1", "stage": "writing to the graph"}
    (left / "load.json").write_text(json.dumps(note))
    assert pending_loads(bench.workspace, bench.store.loads()) == []
    bench.load()
    assert not left.exists()


def test_progress_goes_from_the_first_byte_to_the_last(bench: Bench) -> None:
    seen: list[tuple[str, float]] = []
    bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1")})
    bench.load(lambda task, fraction: seen.append((task, fraction)))
    assert all(0 <= fraction <= 1 for _, fraction in seen)
    assert [task for task, _ in seen][:2] == ["reading orders.csv", "comparing with the graph"]
