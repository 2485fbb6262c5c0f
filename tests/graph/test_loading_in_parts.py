"""Loading in partitions: the same graph whatever their number and however often it is interrupted; what it asks for."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph import reading
from graph.catalogue import resolve_source
from graph.dataset import read_dataset
from graph.erasure import ErasedCustomers, tombstone
from graph.loading import FEWEST_WAITING, LoadReport, load, merge_above
from graph.partitions import divide, partitions_for
from graph.settling import CHECKED_SCHEMA
from graph.staging_directory import pending_loads
from graph.store import no_progress
from habitue.errors import StoreError
from tests.graph.bench import KNOWN, NUMBERED, ORDERS, TOP, Bench, accounted, known, numbered, orders
from tests.graph.memory_store import MemoryStore
from tests.graph.shop import content

#: Lines with few ids and customers, so that they repeat, clash and turn into returns.
LINES = st.lists(
    st.tuples(
        st.sampled_from([*"123456"]),
        st.sampled_from(["ann", "bob", "cleo", "dan", ""]),
        st.sampled_from(["p1", "p2"]),
        st.sampled_from(["2024-01-01", "2024-01-02", "soon"]),
        st.sampled_from(["1", "-1"]),
        st.sampled_from(["10", "12"]),
        st.sampled_from(["2024-01-05", "2024-02-05", ""]),
    ).map(",".join),
    max_size=25,
)
TWO_SOURCES = KNOWN + KNOWN.replace("orders.csv", "web.csv")
DESCRIPTIONS = st.sampled_from([ORDERS, NUMBERED, KNOWN, TWO_SOURCES])
QUICK = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def many_lines(count: int) -> str:
    """A file of many different lines with ids."""
    return numbered(*(f"{n},c{n % 50},p{n % 7},2024-01-{1 + n % 28:02d},1,{n}" for n in range(count)))


def counts(report: LoadReport) -> dict[str, Any]:
    """A report without what differs from run to run."""
    plain = report.to_json()
    return {name: plain[name] for name in plain if name not in ("seconds", "quarantine_file", "resumed")}


def refused(bench: Bench, report: LoadReport) -> list[tuple[str, ...]]:
    """Quarantined rows in a fixed order: parts are in no order."""
    return sorted(tuple(row.values()) for row in bench.quarantine(report)) if report.quarantine_file else []


# -- any number of partitions -----------------------------------------------------------------------------------------


@QUICK
@given(first=LINES, then=LINES, description=DESCRIPTIONS, rows=st.integers(1, 8), batch=st.integers(1, 9))
def test_any_number_of_partitions_and_any_batches_give_the_same_graph(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], then: list[str], description: str, rows: int, batch: int
) -> None:
    whole, divided = (Bench(tmp_path_factory.mktemp("bench")) for _ in range(2))
    for lines in (first, then):
        tables = {"orders.csv": known(*lines), "web.csv": known(*lines[::-2])}
        one = whole.write(TOP + description, tables).load()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "_BLOCK_BYTES", 40 * batch)
            many = divided.write(TOP + description, tables).load(rows_in_partition=rows)
        assert content(divided.store.tables()) == content(whole.store.tables())
        assert counts(many) == counts(one)
        assert accounted(many) == sum(many.rows_read.values())
        assert refused(divided, many) == refused(whole, one)


@pytest.mark.parametrize("rows_in_partition", [1_000_000, 900])
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("tiny", {"PURCHASED": "e06d43f26d9b8092", "VIEWED": "229031a4415e885f", "RETURNED": "c53ff1f36c872cf5",
                  "CONTACTED": "a24f6201d907894f"}),
        ("cdnow", {"PURCHASED": "d098d9dabdf00c6e"}),
    ],
)  # fmt: skip
def test_ids_are_what_they_always_were(
    tmp_path: Path, source: str, expected: dict[str, str], rows_in_partition: int
) -> None:
    # Written down from the first release: other ids would load every shop's rows a second time.
    if source == "cdnow":
        pytest.importorskip("lifetimes")
    store: Any = MemoryStore()
    dataset = resolve_source(source, lambda: tmp_path / "source")
    load(store, dataset, source, tmp_path, no_progress, rows_in_partition=rows_in_partition)
    found = {
        name: hashlib.sha256("\n".join(sorted(table["id"].to_pylist())).encode()).hexdigest()[:16]
        for name, table in store.tables().interactions.items()
        if len(table)
    }
    assert found == expected


@given(st.lists(st.tuples(st.sampled_from(["ann", "bob", "cleo"]), st.sampled_from([None, "1", "2", "3"]))),
       st.integers(1, 5))  # fmt: skip
def test_what_must_meet_is_in_one_partition_in_its_order(rows: list[tuple[str, str | None]], partitions: int) -> None:
    def table(kind: int) -> pa.Table:
        mine = [{"customer": row[0], "id": row[1], "row": n} for n, row in enumerate(rows) if n % 2 == kind]
        return pa.Table.from_pylist([{**dict.fromkeys(CHECKED_SCHEMA.names), **row} for row in mine], CHECKED_SCHEMA)

    divided = divide({"PURCHASED": table(0), "RETURNED": table(1)}, partitions)
    assert sum(map(len, divided.values())) == len(rows)
    where: dict[str, set[int]] = {}
    for number, each in divided.items():
        assert number < partitions
        for row in each.to_pylist():
            key = f"id {row['id']}" if row["id"] else row["customer"]
            where.setdefault(key, set()).add(number)
        for kind in (0, 2):
            places = [row["row"] for row in each.to_pylist() if row["type"] == kind]
            assert places == sorted(places)
    assert all(len(numbers) == 1 for numbers in where.values())


def test_the_number_of_partitions_follows_the_rows() -> None:
    assert [partitions_for(rows, 1000) for rows in (0, 1, 1000, 1001, 10_000)] == [1, 1, 1, 2, 10]
    assert partitions_for(10**12, 1000) == 400


# -- interruptions ----------------------------------------------------------------------------------------------------


class Interrupted(BaseException):
    """Ends a load as Ctrl-C does: nothing below catches it."""


def interrupt(bench: Bench, task: str, *, after: int = 0, **options: Any) -> None:
    """Run a load that ends at a progress of a task, after some of them."""
    left = [after]

    def progress(found: str, _fraction: float) -> None:
        if task in found:
            if not left[0]:
                raise Interrupted
            left[0] -= 1

    with pytest.raises(Interrupted):
        bench.load(progress, **options)


@pytest.mark.parametrize(("task", "after", "kept"), [
    ("reading", 0, ""),
    ("comparing with", 0, "all files read, 0 of 5 parts compared"),
    ("comparing with", 3, "all files read, 3 of 5 parts compared"),
    ("comparing nodes", 0, "all files read, 5 of 5 parts compared"),
])  # fmt: skip
def test_an_interrupted_load_goes_on_where_it_was(bench: Bench, task: str, after: int, kept: str) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(100) + "1,ann,p1,soon,1,1\n"})
    interrupt(bench, task, after=after, rows_in_partition=25)
    (pending,) = pending_loads(bench.workspace, bench.store.loads())
    assert pending["source"] == "shop"
    # A part that was on its way may have come to its end.
    assert pending["kept"] in [kept, kept.replace("3 of", "4 of"), kept.replace("0 of", "1 of")]

    tasks: Counter[str] = Counter()
    report = bench.load(lambda found, _fraction: tasks.update([found]), rows_in_partition=25)

    assert report.resumed == (task != "reading")
    assert tasks["reading orders.csv"] == (0 if report.resumed else 1)
    assert (report.loaded, report.rows_read) == ({"PURCHASED": 100}, {"orders.csv": 101})
    assert report.quarantined == {"when: not a time": 1}
    assert len(bench.quarantine(report)) == 1
    assert not list((bench.workspace / "staging").iterdir())
    assert pending_loads(bench.workspace, bench.store.loads()) == []


@QUICK
@given(lines=LINES, stops=st.lists(st.integers(0, 14), max_size=3))
def test_interruptions_change_nothing_of_the_outcome(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], stops: list[int]
) -> None:
    whole, stopped = (Bench(tmp_path_factory.mktemp("bench")) for _ in range(2))
    for bench in (whole, stopped):
        bench.write(TOP + KNOWN, {"orders.csv": known(*lines)})
    expected = whole.load(rows_in_partition=5)
    for stop in stops:
        seen = 0

        def progress(_task: str, _fraction: float, stop: int = stop) -> None:
            nonlocal seen
            seen += 1
            if seen > stop:
                raise Interrupted

        try:
            stopped.load(progress, rows_in_partition=5)
        except Interrupted:
            continue
        break
    report = stopped.load(rows_in_partition=5)
    assert content(stopped.store.tables()) == content(whole.store.tables())
    if report.sequence == 1:  # else one of the interrupted ones had come to its end
        assert counts(report) == counts(expected)


def damage(path: Path) -> None:
    """Turn one bit in the middle of a file."""
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)


@pytest.mark.parametrize("how", ["a bit", "half a file", "a missing file", "the seal"])
def test_a_damaged_reading_is_made_anew(bench: Bench, how: str) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(100)})
    interrupt(bench, "comparing", rows_in_partition=25)
    (directory,) = (bench.workspace / "staging").glob("load-*/reading-*")
    victim = directory / ("seal.json" if how == "the seal" else "rows-0001.arrow")
    if how == "a bit":
        damage(victim)
    elif how == "a missing file":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    report = bench.load(rows_in_partition=25)
    assert (report.resumed, report.loaded) == (False, {"PURCHASED": 100})


def test_a_damaged_part_is_made_anew(bench: Bench) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(100)})
    interrupt(bench, "comparing nodes", rows_in_partition=25)
    damage(next((bench.workspace / "staging").glob("load-*/parts-*/part-0002/changes/PURCHASED.parquet")))
    report = bench.load(rows_in_partition=25)
    assert (report.resumed, report.loaded) == (True, {"PURCHASED": 100})
    assert sorted(bench.purchases("amount")) == list(range(100))


@pytest.mark.parametrize("what", ["a file", "the description", "who is erased", "partitions"])
def test_other_inputs_start_over(bench: Bench, what: str) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(10)}).load()
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(100)})
    interrupt(bench, "comparing nodes", rows_in_partition=25)
    if what == "a file":
        bench.write(TOP + NUMBERED, {"orders.csv": many_lines(101)})
    elif what == "the description":
        bench.write("complete_until = 2024-03-01\n" + TOP + NUMBERED, {})
    elif what == "who is erased":
        forget(bench, "c7")
    report = bench.load(rows_in_partition=20 if what == "partitions" else 25)
    assert not report.resumed
    assert report.loaded == {"PURCHASED": {"a file": 91, "who is erased": 89}.get(what, 90)}


def test_parts_that_were_compared_with_another_state_of_the_store_are_not_used(bench: Bench) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(10)}).load()
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(20)})
    interrupt(bench, "comparing nodes")
    other = Bench(bench.folder / "other")
    other.store, other.workspace = bench.store, bench.workspace
    (bench.folder / "other").mkdir()
    other.write(TOP + NUMBERED, {"orders.csv": numbered("15,c15,p1,2024-01-16,1,15")})
    load_as(other, "another")
    report = bench.load()
    assert report.resumed
    assert (report.sequence, report.loaded, report.unchanged) == (3, {"PURCHASED": 9}, {"PURCHASED": 11})


def load_as(bench: Bench, source: str) -> LoadReport:
    return load(bench.store, read_dataset(bench.folder), source, bench.workspace, no_progress)


# -- what is asked of the store ---------------------------------------------------------------------------------------


def test_an_empty_store_is_asked_for_nothing_and_a_filled_one_only_for_what_was_read(bench: Bench) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": many_lines(100)}).load(rows_in_partition=50)
    assert (bench.store.asked["held"], bench.store.asked["nodes"]) == (0, 0)
    bench.store.tables = None  # not even once
    bench.load(rows_in_partition=25)
    assert (bench.store.asked["held"], bench.store.asked["nodes"]) == (5, 1)


def test_the_capacity_is_checked_before_anything_is_read(bench: Bench) -> None:
    lines = orders(*(f"ann,p{n},2024-01-01,1,1" for n in range(50)))
    table = pa.table({name: ["2024-01-01"] * 30 for name in ("who", "what", "when", "units", "total")})
    description = TOP + ORDERS + ORDERS.replace("orders.csv", "more.parquet")
    bench.write(description, {"orders.csv": lines, "more.parquet": table})
    bench.store.refuses = True
    with pytest.raises(StoreError, match="81 rows are too many"):  # the header counts: about so many
        bench.load()
    assert not (bench.workspace / "staging").exists()


def test_of_a_filled_store_only_what_is_new_counts(bench: Bench) -> None:
    lines = [f"ann,p{n},2024-01-01,1,1" for n in range(50)]
    bench.write(TOP + ORDERS, {"orders.csv": orders(*lines)}).load()
    before = content(bench.store.tables())
    bench.store.refuses = True
    assert not bench.load().changed
    bench.write(TOP + ORDERS, {"orders.csv": orders(*lines, "bob,p1,2024-01-02,1,1", "bob,p2,2024-01-02,1,1")})
    with pytest.raises(StoreError, match=r"^2 rows are too many"):
        bench.load()
    assert content(bench.store.tables()) == before
    assert not list((bench.workspace / "staging").glob("*"))


@pytest.mark.parametrize(
    ("held", "rows", "waiting"),
    [(0, 1, 20_000), (200_000, 10_000, 20_000), (10_000_000, 2_000, 63_245), (2_000_000, 100_000, 200_000),
     (30_000_000, 100_000, 200_000)],
)  # fmt: skip
def test_the_larger_the_store_and_the_loads_the_more_may_wait(held: int, rows: int, waiting: int) -> None:
    assert merge_above(held, rows) == waiting


def test_what_has_been_put_off_is_merged_when_it_is_much(bench: Bench) -> None:
    lines = orders("ann,p1,2024-01-01,1,1")
    bench.store.waiting = FEWEST_WAITING
    bench.write(TOP + ORDERS, {"orders.csv": lines}).load()
    assert bench.store.asked["merge"] == 0
    bench.store.waiting = FEWEST_WAITING + 1
    assert bench.load().merge_seconds == 0.0  # nothing changed: somebody else's time to merge
    bench.write(TOP + ORDERS, {"orders.csv": lines + "bob,p1,2024-01-01,1,1\n"}).load(merge=False)
    assert (bench.store.asked["merge"], bench.store.waiting) == (0, FEWEST_WAITING + 1)
    bench.write(TOP + ORDERS, {"orders.csv": lines + "cleo,p1,2024-01-01,1,1\n"}).load()
    assert (bench.store.asked["merge"], bench.store.waiting) == (1, 0)


# -- tombstones -------------------------------------------------------------------------------------------------------


def forget(bench: Bench, *customers: str) -> None:
    """Put tombstones on the store's facts."""
    facts = bench.store.facts()
    stones = frozenset(tombstone("grain", each) for each in customers)
    bench.store._facts = facts.model_copy(update={"salt": "grain", "erased": stones})


def test_rows_of_the_erased_are_left_out_counted_and_named_nowhere(bench: Bench) -> None:
    customers = '[customers]\npath = "customers.csv"\nid = "id"\nproperties = ["town"]\n'
    description = TOP + customers + NUMBERED
    bench.write(description, {"customers.csv": "id,town\n", "orders.csv": numbered()}).load()
    forget(bench, "bob")
    lines = numbered("1,ann,p1,2024-01-01,1,10", "2,bob,p2,2024-01-01,1,10", "3,bob,p1,soon,1,10", "4,cleo,p1,soon,1,1")
    report = bench.write(description, {"customers.csv": "id,town\nann,Rome\nbob,Oslo\n", "orders.csv": lines}).load()
    assert (report.erased, report.loaded, report.quarantined) == (3, {"PURCHASED": 1}, {"when: not a time": 1})
    assert accounted(report) == sum(report.rows_read.values()) - 1  # a row of the customers table is no interaction
    held = bench.store.tables()
    assert held.customers["id"].to_pylist() == ["ann"]
    assert held.products["id"].to_pylist() == ["p1"]
    assert held.properties["Customer"]["owner"].to_pylist() == ["ann"]
    assert [row["row"] for row in bench.quarantine(report)] == ["4"]
    for path in bench.workspace.rglob("*"):
        assert not path.is_file() or b"bob" not in path.read_bytes()


def test_a_tombstone_is_a_salted_hash() -> None:
    assert tombstone("grain", "bob") == hashlib.sha256(b"grainbob").hexdigest()
    assert tombstone("sand", "bob") != tombstone("grain", "bob")


@given(st.lists(st.lists(st.one_of(st.none(), st.sampled_from(["ann", "bob", "cleo", "dan", ""])))))
def test_the_erased_are_found_in_every_batch(batches: list[list[str | None]]) -> None:
    erased = ErasedCustomers("grain", {tombstone("grain", each) for each in ("bob", "dan", "")})
    for batch in batches:
        found = erased.find(pa.chunked_array([pa.array(batch, pa.string())]))
        assert found.tolist() == [each in ("bob", "dan", "") for each in batch]
