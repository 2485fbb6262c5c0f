"""Loading again: what changes nothing, what is added, and what a correction leaves of the former version."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from graph.history import History, StoreTables
from tests.graph.bench import KNOWN, NUMBERED, ORDERS, TOP, Bench, accounted, known, numbered, orders
from tests.graph.shop import content


@pytest.mark.parametrize("description", [TOP + ORDERS, TOP + NUMBERED], ids=["implicit ids", "explicit ids"])
def test_loading_twice_changes_nothing(bench: Bench, description: str) -> None:
    lines = numbered(
        "1,ann,p1,2024-01-01,1,10", "2,ann,p1,2024-01-01,1,10", "3,bob,p2,2024-01-02,-1,-5", "4,,p1,2024-01-02,1,5"
    )
    first = bench.write(description, {"orders.csv": lines}).load()
    assert (first.loaded, first.guests) == ({"PURCHASED": 2, "RETURNED": 1}, 1)
    before, version, facts = content(bench.store.tables()), bench.store.version(), bench.store.facts()
    second = bench.load()
    assert not second.changed
    assert (second.loaded, second.unchanged, second.corrected, second.nodes) == (
        {},
        {"PURCHASED": 2, "RETURNED": 1},
        {},
        {},
    )
    assert accounted(second) == 4
    assert (content(bench.store.tables()), bench.store.version(), bench.store.facts()) == (before, version, facts)
    assert [each.sequence for each in bench.store.loads()] == [1]


def test_a_longer_export_adds_only_what_is_new(bench: Bench) -> None:
    lines = ["ann,p1,2024-01-01,1,10", "ann,p1,2024-01-01,1,10"]
    bench.write(TOP + ORDERS, {"orders.csv": orders(*lines)}).load()
    report = bench.write(TOP + ORDERS, {"orders.csv": orders(*lines, lines[0], "bob,p2,2024-01-02,1,5")}).load()
    assert (report.loaded, report.unchanged, report.sequence) == ({"PURCHASED": 2}, {"PURCHASED": 2}, 2)
    assert bench.purchases("load") == [1, 1, 2, 2]


def test_the_same_id_twice_loads_once_and_the_last_stands(bench: Bench) -> None:
    lines = numbered(
        "1,ann,p1,2024-01-01,1,10", "2,bob,p1,2024-01-02,1,5", "1,ann,p1,2024-01-01,1,12", "2,bob,p1,2024-01-02,1,5"
    )
    report = bench.write(TOP + NUMBERED, {"orders.csv": lines}).load()
    assert (report.loaded, report.repeated) == ({"PURCHASED": 2}, 2)
    assert bench.purchases("id", "amount") == [("1", 12.0), ("2", 5.0)]
    assert accounted(report) == 4


def test_an_explicit_id_with_other_values_is_a_correction(bench: Bench) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10", "2,bob,p1,2024-01-02,1,5")}).load()
    report = bench.write(
        TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,12", "2,bob,p1,2024-01-02,1,5")}
    ).load()
    assert (report.loaded, report.corrected, report.unchanged) == ({}, {"PURCHASED": 1}, {"PURCHASED": 1})
    assert bench.purchases("id", "amount", "load") == [("1", 12.0, 2), ("2", 5.0, 1)]
    assert accounted(report) == 2


V1, V2, V3 = (
    "1,ann,p1,2024-01-01,1,10,2024-01-01",
    "1,ann,p1,2024-01-01,1,12,2024-02-01",
    "1,ann,p1,2024-01-01,1,15,2024-03-01",
)


@pytest.mark.parametrize("at_once", [True, False], ids=["in one file", "load by load"])
def test_dated_corrections_keep_what_was_known_before(bench: Bench, at_once: bool) -> None:
    for lines in [(V1, V2, V3)] if at_once else [(V1,), (V2,), (V3,)]:
        bench.write(TOP + KNOWN, {"orders.csv": known(*lines)}).load()
    assert bench.purchases("amount", "known_at") == [(15.0, datetime(2024, 3, 1))]
    superseded = sorted(
        (row["known_at"], row["amount"], row["superseded_at"]) for row in bench.store.tables().superseded.to_pylist()
    )
    assert superseded == [
        (datetime(2024, 1, 1), 10.0, datetime(2024, 2, 1)),
        (datetime(2024, 2, 1), 12.0, datetime(2024, 3, 1)),
    ]
    assert not bench.load().changed


@pytest.mark.parametrize("loads", [[(V1,), (V3,), (V2,)], [(V2,), (V1, V3)], [(V3,), (V2,), (V1,)], [(V1, V3), (V2,)]])
def test_whatever_order_versions_come_in_each_date_sees_the_one_it_knew(
    bench: Bench, loads: list[tuple[str, ...]]
) -> None:
    for lines in loads:
        bench.write(TOP + KNOWN, {"orders.csv": known(*lines)}).load()
    assert amounts_seen(bench, "2024-01-15", "2024-02-15", "2024-03-15") == [[10.0], [12.0], [15.0]]


def test_a_correction_that_another_load_takes_back_is_seen_in_between(bench: Bench) -> None:
    back = "1,ann,p1,2024-01-01,1,10,2024-03-01"
    for lines in [(V1,), (V2, back), (V2, back)]:
        report = bench.write(TOP + KNOWN, {"orders.csv": known(*lines)}).load()
    assert not report.changed
    assert amounts_seen(bench, "2024-01-15", "2024-02-15", "2024-03-15") == [[10.0], [12.0], [10.0]]


def test_a_correction_without_a_date_replaces_only_the_latest_version(bench: Bench) -> None:
    undated = "1,ann,p1,2024-01-01,1,99,"
    for line in (V1, V2, undated, undated):
        report = bench.write(TOP + KNOWN, {"orders.csv": known(line)}).load()
    assert not report.changed
    assert amounts_seen(bench, "2024-01-15", "2024-02-15") == [[10.0], [99.0]]


def amounts_seen(bench: Bench, *dates: str) -> list[list[float]]:
    """Amounts of the purchases in the snapshot as of each date."""
    facts = bench.store.facts()
    assert facts is not None
    tables = replace(StoreTables.of(bench.store.tables(), facts), complete_until=datetime(2025, 1, 1))
    history = History.of(tables)
    return [history.at(datetime.fromisoformat(date)).purchases.amount.tolist() for date in dates]


def test_a_correction_that_is_taken_back_was_known_all_the_same(bench: Bench) -> None:
    back = "1,ann,p1,2024-01-01,1,10,2024-03-01"
    report = bench.write(TOP + KNOWN, {"orders.csv": known(back, V1, V2)}).load()
    assert (report.loaded, report.repeated) == ({"PURCHASED": 1}, 2)
    assert bench.purchases("amount", "known_at") == [(10.0, datetime(2024, 3, 1))]
    superseded = sorted((row["amount"], row["superseded_at"]) for row in bench.store.tables().superseded.to_pylist())
    assert superseded == [(10.0, datetime(2024, 2, 1)), (12.0, datetime(2024, 3, 1))]


@pytest.mark.parametrize("at_once", [True, False], ids=["in one file", "load by load"])
def test_the_same_said_again_later_was_known_from_the_first_time(bench: Bench, at_once: bool) -> None:
    again = "1,ann,p1,2024-01-01,1,10,2024-06-01"
    for lines in [(V1, again)] if at_once else [(V1,), (again,)]:
        report = bench.write(TOP + KNOWN, {"orders.csv": known(*lines)}).load()
        assert accounted(report) == len(lines)
    assert bench.purchases("known_at") == [datetime(2024, 1, 1)]
    assert len(bench.store.tables().superseded) == 0


def test_an_export_older_than_what_is_held_changes_nothing(bench: Bench) -> None:
    bench.write(TOP + KNOWN, {"orders.csv": known(V1, V2)}).load()
    report = bench.write(TOP + KNOWN, {"orders.csv": known(V1)}).load()
    assert not report.changed
    assert report.unchanged == {"PURCHASED": 1}
    assert bench.purchases("amount") == [12.0]


def test_an_older_version_that_arrives_late_takes_its_place_in_the_past(bench: Bench) -> None:
    bench.write(TOP + KNOWN, {"orders.csv": known(V2)}).load()
    bench.write(TOP + KNOWN, {"orders.csv": known(V1)}).load()
    assert bench.purchases("amount") == [12.0]
    (older,) = bench.store.tables().superseded.to_pylist()
    assert (older["amount"], older["superseded_at"]) == (10.0, datetime(2024, 2, 1))


def test_a_line_corrected_into_a_return_is_no_purchase_any_more(bench: Bench) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10")}).load()
    report = bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,-1,-10")}).load()
    assert (report.loaded, report.corrected) == ({}, {"RETURNED": 1})
    assert bench.purchases("id") == []
    assert bench.store.tables().interactions["RETURNED"]["id"].to_pylist() == ["1"]
    assert not bench.load().changed


TWO = TOP + NUMBERED + NUMBERED.replace("orders.csv", "web.csv")


def test_an_id_of_another_source_is_refused_however_often_it_comes(bench: Bench) -> None:
    tables = {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10"),
              "web.csv": numbered("1,ann,p1,2024-01-01,1,99", "1,ann,p1,2024-01-01,1,99")}  # fmt: skip
    report = bench.write(TWO, tables).load()
    assert report.quarantined == {"id: the id is used by another source (give `id_prefix`)": 2}
    assert bench.purchases("id", "amount") == [("1", 10.0)]


def test_two_sources_with_the_same_ids_are_told_to_prefix_them(bench: Bench) -> None:
    tables = {
        "orders.csv": numbered("1,ann,p1,2024-01-01,1,10"),
        "web.csv": numbered("1,bob,p2,2024-01-02,1,5", "2,bob,p2,2024-01-02,1,5"),
    }
    report = bench.write(TWO, tables).load()
    assert report.quarantined == {"id: the id is used by another source (give `id_prefix`)": 1}
    assert [(row["file"], row["row"]) for row in bench.quarantine(report)] == [("web.csv", "1")]
    assert bench.purchases("id", "customer") == [("1", "ann"), ("2", "bob")]
    assert accounted(report) == 3


def test_prefixes_tell_sources_apart(bench: Bench) -> None:
    tables = {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10"), "web.csv": numbered("1,bob,p2,2024-01-02,1,5")}
    bench.write(TWO + 'id_prefix = "web-"\n', tables).load()
    assert bench.purchases("id") == ["1", "web-1"]


def test_what_the_description_says_anew_is_taken_over_without_new_rows(bench: Bench) -> None:
    customers = '[customers]\npath = "customers.csv"\nid = "id"\nproperties = ["age"]\n'
    tables = {"customers.csv": "id,age\nann,40\n", "orders.csv": orders("ann,p1,2024-01-01,1,1")}
    bench.write(TOP + customers + ORDERS, tables).load()
    former = bench.store.facts()
    report = bench.write(
        "complete_until = 2024-02-01\n" + TOP + customers + 'sensitive = ["age"]\n' + ORDERS, tables
    ).load()
    facts = bench.store.facts()
    assert facts is not None
    assert former is not None
    assert (facts.sensitive, facts.complete_until) == (frozenset({"age"}), datetime(2024, 2, 1))
    assert report.changed
    assert facts.fingerprint != former.fingerprint
    assert not bench.load().changed


def test_an_earlier_export_loaded_again_does_not_turn_back_until_when_the_data_are_complete(bench: Bench) -> None:
    tables = {"orders.csv": orders("ann,p1,2024-01-01,1,1")}
    for date in ("2024-02-01", "2024-03-01"):
        bench.write(f"complete_until = {date}\n" + TOP + ORDERS, tables).load()
    assert not bench.write("complete_until = 2024-02-01\n" + TOP + ORDERS, tables).load().changed
    facts = bench.store.facts()
    assert facts is not None
    assert facts.complete_until == datetime(2024, 3, 1)


def test_an_undated_property_is_replaced_and_a_dated_one_stands_beside(bench: Bench) -> None:
    customers = '[customers]\npath = "customers.csv"\nid = "id"\nproperties = ["tier"]\n'

    def tiers() -> list[tuple[Any, ...]]:
        rows = bench.store.tables().properties["Customer"].to_pylist()
        return sorted((row["value"], row["valid_from"]) for row in rows)

    def load(description: str, *rows: str) -> None:
        bench.write(
            TOP + description + ORDERS, {"customers.csv": "\n".join(["id,tier,since", *rows]), "orders.csv": orders()}
        )
        bench.load()

    load(customers, "ann,basic,")
    load(customers, "ann,plus,")
    assert tiers() == [("plus", None)]
    dated = customers + 'valid_from = "since"\n'
    load(dated, "ann,gold,2024-01-01", "ann,silver,2024-06-01")
    assert sorted(value for value, since in tiers() if since) == ["gold", "silver"]


def test_a_line_that_turns_into_a_return_within_one_file_is_no_purchase_either(bench: Bench) -> None:
    lines = numbered("1,ann,p1,2024-01-01,1,10", "2,bob,p1,2024-01-01,-1,-5", "1,ann,p1,2024-01-01,-1,-10")
    report = bench.write(TOP + NUMBERED, {"orders.csv": lines}).load()
    assert (report.loaded, report.repeated) == ({"RETURNED": 2}, 1)
    assert bench.purchases("id") == []
    assert not bench.load().changed


@pytest.mark.parametrize("order", [[[1, 0]], [[0], [1]], [[1], [0]]], ids=["in one file", "in order", "late"])
def test_that_it_was_a_purchase_until_then_stays_known(bench: Bench, order: list[list[int]]) -> None:
    versions = (V1, "1,ann,p1,2024-01-01,-1,-10,2024-02-01")
    for load in order:
        report = bench.write(TOP + KNOWN, {"orders.csv": known(*(versions[number] for number in load))}).load()
        assert accounted(report) == len(load)
    (former,) = bench.store.tables().superseded.to_pylist()
    assert (former["type"], former["amount"], former["superseded_at"]) == ("PURCHASED", 10.0, datetime(2024, 2, 1))
    assert bench.store.tables().interactions["RETURNED"]["amount"].to_pylist() == [10.0]
    assert bench.purchases("id") == []
    assert not bench.load().changed


def test_purchases_and_returns_of_two_sources_may_share_a_number(bench: Bench) -> None:
    returns = NUMBERED.replace("PURCHASED", "RETURNED").replace("orders.csv", "returns.csv")
    line = numbered("1,ann,p1,2024-01-01,1,10")
    report = bench.write(TOP + NUMBERED + returns, {"orders.csv": line, "returns.csv": line}).load()
    assert report.loaded == {"PURCHASED": 1, "RETURNED": 1}
    assert not bench.load().changed


def test_ids_that_hash_alike_are_not_taken_for_repeated_ones(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.hashes.hash_rows", lambda table: np.zeros(len(table), np.uint64))
    lines = numbered("1,ann,p1,2024-01-01,1,10", "2,bob,p1,2024-01-02,1,5", "3,bob,p1,2024-01-02,1,5")
    report = bench.write(TOP + NUMBERED, {"orders.csv": lines}).load()
    assert (report.loaded, report.repeated) == ({"PURCHASED": 3}, 0)
