"""Loading end to end: what is loaded, what is refused into quarantine, and how all of it is counted."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.dataset import read_dataset
from graph.erasure import ErasedCustomers
from graph.ladybug_store import LadybugStore
from graph.model import NO_PRODUCT
from graph.partitions import read_partition
from graph.sources import ignored_columns, open_dataset
from graph.staging import read_all
from graph.store import no_progress
from tests.graph.bench import KNOWN, NUMBERED, ORDERS, TOP, Bench, accounted, known, numbered, orders
from tests.graph.shop import SMALL, content


def test_a_whole_shop(tmp_path: Path) -> None:
    store = LadybugStore(tmp_path / "graph")
    report = SMALL.load(store, tmp_path)
    assert report.rows_read == {
        "customers.csv": 2,
        "products.csv": 2,
        "campaigns.csv": 1,
        "orders.csv": 4,
        "contacts.csv": 1,
    }
    assert report.loaded == {"PURCHASED": 3, "RETURNED": 1, "CONTACTED": 1}
    assert report.nodes == {"Customer": 2, "Product": 2, "Category": 3, "Brand": 1, "Campaign": 1}
    assert (report.changed, report.sequence, report.quarantined, report.quarantine_file) == (True, 1, {}, None)
    assert report.notes == {"purchase lines with negative quantity, loaded as RETURNED": 1}
    tables = store.tables()
    (contact,) = tables.interactions["CONTACTED"].to_pylist()
    assert (contact["customer"], contact["target"], contact["at"]) == ("ann", "spring", datetime(2024, 3, 1))
    (returned,) = tables.interactions["RETURNED"].to_pylist()
    assert (returned["id"], returned["quantity"], returned["amount"], returned["load"]) == ("4", 1.0, 12.5, 1)
    assert sorted(tables.categories.to_pylist(), key=lambda row: row["id"]) == [
        {"id": "KITCHEN", "name": "KITCHEN", "parent": None},
        {"id": "KITCHEN/KNIVES", "name": "KNIVES", "parent": "KITCHEN"},
        {"id": "KITCHEN/POTS", "name": "POTS", "parent": "KITCHEN"},
    ]
    properties = {
        (row["owner"], row["name"], row["value"], row["valid_from"])
        for row in tables.properties["Customer"].to_pylist()
    }
    assert properties == {
        ("ann", "country", "FR", datetime(2024, 1, 1)), ("ann", "tier", "basic", datetime(2024, 1, 1)),
        ("bob", "country", "PT", None),
    }  # fmt: skip
    store.close()


def test_refused_rows_go_to_quarantine_and_the_rest_loads(bench: Bench) -> None:
    rows = ["ann,p1,2024-01-01,1,10", "ann,p1,soon,1,10", "ann,p1,2024-01-02,1,ten", "ann,p1,2024-01-03,1,inf",
            "bob,p2", ",p1,2024-01-04,1,10", "bob,p2,2024-01-05,1,10"]  # fmt: skip
    report = bench.write(TOP + ORDERS, {"orders.csv": orders(*rows)}).load()
    assert report.loaded == {"PURCHASED": 2}
    assert report.guests == 1
    assert report.quarantined == {
        "when: not a time": 1, "total: not a number": 1, "total: not finite": 1,
        "malformed line: 2 columns instead of 5": 1,
    }  # fmt: skip
    assert report.rows_read == {"orders.csv": 7}
    assert accounted(report) == 7
    found = [(row["file"], row["row"], row["column"], row["reason"], row["value"]) for row in bench.quarantine(report)]
    assert found == [
        ("orders.csv", "5", "", "malformed line: 2 columns instead of 5", ""),
        ("orders.csv", "2", "when", "not a time", "soon"),
        ("orders.csv", "3", "total", "not a number", "ten"),
        ("orders.csv", "4", "total", "not finite", "inf"),
    ]
    assert Path(report.quarantine_file or "") == bench.workspace / "quarantine" / "load-000001.csv"


def test_the_quarantine_of_an_earlier_attempt_does_not_stay(bench: Bench) -> None:
    bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10")}).load()
    bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10", "2,ann,p1,soon,1,10")})
    assert Path(bench.load().quarantine_file or "").is_file()
    report = bench.write(TOP + NUMBERED, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,10")}).load()
    assert report.quarantine_file is None
    assert list((bench.workspace / "quarantine").iterdir()) == []


def test_customers_without_interactions_and_tables_without_rows(bench: Bench) -> None:
    customers = '[customers]\npath = "customers.csv"\nid = "id"\nproperties = ["town"]\nopened = "since"\n'
    products = '[products]\npath = "products.csv"\nid = "id"\nprice = "price"\ncategory = ["aisle"]\n'
    campaigns = '[campaigns]\npath = "campaigns.csv"\nid = "id"\nstart = "start"\n'
    tables = {"customers.csv": "id,town,since\nann,Rome,2024-01-01\nbob,,\n", "products.csv": "id,price,aisle\n",
              "campaigns.csv": "id,start\n", "orders.csv": orders()}  # fmt: skip
    report = bench.write(TOP + customers + products + campaigns + ORDERS, tables).load()
    assert (report.nodes, report.loaded) == ({"Customer": 2}, {})
    again = bench.write(
        TOP + customers + products + campaigns + ORDERS, {**tables, "customers.csv": "id,town,since\n"}
    ).load()
    assert not again.changed
    assert sorted(bench.store.tables().customers["id"].to_pylist()) == ["ann", "bob"]


def test_master_rows_that_are_wrong(bench: Bench) -> None:
    products = '[products]\npath = "products.csv"\nid = "id"\nprice = "price"\n'
    table = f"id,price\np1,1\np2,dear\n,3\n{NO_PRODUCT},4\np1,5\n"
    report = bench.write(
        TOP + products + ORDERS, {"products.csv": table, "orders.csv": orders("a,p1,2024-01-01,1,1")}
    ).load()
    assert [(row["row"], row["reason"]) for row in bench.quarantine(report)] == [
        ("3", "the id is empty"), ("4", "the product id is reserved"), ("2", "not a number"),
    ]  # fmt: skip
    assert report.notes == {"product rows whose id came again (the last one stands)": 1}
    assert [(row["id"], row["price"]) for row in bench.store.tables().products.to_pylist()] == [("p1", 5.0)]


def test_products_that_their_table_lacks_become_stubs_and_later_do_not_overwrite(bench: Bench) -> None:
    products = '[products]\npath = "products.csv"\nid = "id"\nname = "name"\n'
    lines = orders("ann,p1,2024-01-01,1,1", "ann,p9,2024-01-01,1,1", "bob,p9,2024-01-02,1,1")
    report = bench.write(TOP + products + ORDERS, {"products.csv": "id,name\np1,Pot\n", "orders.csv": lines}).load()
    assert report.notes == {
        "products missing from the products table, made as stubs": 1,
        "lines that name such a product": 2,
    }

    def stored() -> list[tuple[Any, ...]]:
        return sorted((row["id"], row["name"], row["stub"]) for row in bench.store.tables().products.to_pylist())

    assert stored() == [("p1", "Pot", False), ("p9", None, True)]
    bench.write(TOP + products + ORDERS, {"products.csv": "id,name\np9,Pan\n", "orders.csv": lines}).load()
    assert stored() == [("p1", "Pot", False), ("p9", "Pan", False)]


def test_a_shop_without_products_has_the_reserved_one_and_no_stub(bench: Bench) -> None:
    description = TOP + ORDERS.replace('product = "what"\n', "")
    bench.write(description, {"orders.csv": orders("ann,,2024-01-01,1,1")}).load()
    (product,) = bench.store.tables().products.to_pylist()
    assert (product["id"], product["stub"]) == (NO_PRODUCT, False)
    assert bench.purchases("target") == [NO_PRODUCT]


AWKWARD = [
    "o'brien",
    'say "hé"',
    "a,b;c",
    "two\nlines",
    "back\\slash",
    "emoji 🛒",
    "100%",
    "$id",
    "{x: 1}",
    "ä/ö",
    "null",
    "17",
]


@pytest.mark.parametrize("bulk", [True, False], ids=["built", "increment"])
def test_awkward_ids_come_back_verbatim(embedded: Bench, bulk: bool) -> None:
    count = len(AWKWARD)
    table = pa.table({"who": AWKWARD, "what": AWKWARD[::-1], "when": ["2024-01-01"] * count, "units": [1] * count,
                      "total": [1.5] * count, "line": AWKWARD})  # fmt: skip
    customers = '[customers]\npath = "customers.parquet"\nid = "id"\nproperties = ["a=b"]\n'
    description = TOP + customers + NUMBERED.replace("orders.csv", "orders.parquet")
    people = pa.table({"id": AWKWARD, "a=b": AWKWARD})
    if not bulk:  # a first load of nothing, so that the second one changes rows of the graph that there is
        embedded.write(
            description, {"orders.parquet": table.slice(0, 0), "customers.parquet": people.slice(0, 0)}
        ).load()
    embedded.write(description, {"orders.parquet": table, "customers.parquet": people}).load()
    expected = sorted(zip(AWKWARD, AWKWARD, AWKWARD[::-1], strict=True))
    assert sorted(embedded.purchases("id", "customer", "target")) == expected
    owners = {
        (row["owner"], row["name"], row["value"]) for row in embedded.store.tables().properties["Customer"].to_pylist()
    }
    assert owners == {(each, "a=b", each) for each in AWKWARD}
    assert not embedded.load().changed


def test_property_values_that_read_alike_stay_apart(embedded: Bench) -> None:
    customers = '[customers]\npath = "customers.csv"\nid = "id"\nproperties = ["a", "a=b"]\n'
    tables = {"customers.csv": "id,a,a=b\nann,b=c,c\n", "orders.csv": orders()}
    embedded.write(TOP + customers + ORDERS, tables).load()
    rows = embedded.store.tables().properties["Customer"].to_pylist()
    assert {(row["name"], row["value"]) for row in rows} == {("a", "b=c"), ("a=b", "c")}


def test_ids_are_the_same_from_text_integers_and_floats(bench: Bench) -> None:
    rows: dict[str, Any] = {"what": ["p"] * 3, "when": ["2024-01-01"] * 3, "units": [1] * 3, "total": [1] * 3}
    for number, kind in enumerate((pa.string(), pa.int64(), pa.float64())):
        who = pa.array([17, 18, 19]).cast(kind)
        bench.write(
            TOP + ORDERS.replace("orders.csv", "orders-*.parquet"),
            {f"orders-{number}.parquet": pa.table({"who": who, **rows})},
        )
    assert bench.load().nodes["Customer"] == 3
    assert sorted(set(bench.purchases("customer"))) == ["17", "18", "19"]


def test_files_of_a_pattern_are_one_table(bench: Bench) -> None:
    description = TOP + ORDERS.replace("orders.csv", "orders-*.csv")
    line = "ann,p1,2024-01-01,1,10"
    report = bench.write(description, {"orders-1.csv": orders(line), "orders-2.csv": orders(line, "bad")}).load()
    assert report.rows_read == {"orders-1.csv": 1, "orders-2.csv": 2}
    assert report.loaded == {"PURCHASED": 2}  # equal lines stay two, also across files
    assert [(row["file"], row["row"]) for row in bench.quarantine(report)] == [("orders-2.csv", "2")]


def test_columns_that_nothing_names_are_reported(bench: Bench) -> None:
    views = ORDERS.replace("PURCHASED", "VIEWED").replace('amount = "total"\n', "").replace('quantity = "units"\n', "")
    table = orders("ann,p1,2024-01-01,1,10,x,y", header="who,what,when,units,total,note,staff")
    assert bench.write(TOP + ORDERS + views, {"orders.csv": table}).load().ignored_columns == {
        "orders.csv": ["note", "staff"]
    }


def test_times_are_stored_as_utc(bench: Bench) -> None:
    lines = orders("ann,p1,2024-07-01T12:00,1,1", "ann,p2,2024-07-01T12:00Z,1,1")
    bench.write('timezone = "Europe/Paris"\n' + TOP + ORDERS, {"orders.csv": lines}).load()
    assert bench.purchases("target", "at") == [("p1", datetime(2024, 7, 1, 10)), ("p2", datetime(2024, 7, 1, 12))]


# The books balance


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "4", ""]),
        st.sampled_from(["ann", "bob", ""]),
        st.sampled_from(["p1", "p2", "", NO_PRODUCT]),
        st.sampled_from(["2024-01-01", "2024-01-02", "soon"]),
        st.sampled_from(["1", "0", "-1"]),
        st.sampled_from(["10", "12", "x"]),
        st.sampled_from(["2024-01-05", "2024-02-05", ""]),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(exports=st.lists(ROWS, min_size=1, max_size=3), description=st.sampled_from([ORDERS, NUMBERED, KNOWN]))
def test_every_row_that_was_read_is_counted_exactly_once_and_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, exports: list[list[tuple[str, ...]]], description: str
) -> None:
    bench = Bench(tmp_path_factory.mktemp("books"))
    for rows in exports:
        bench.write(TOP + description, {"orders.csv": known(*(",".join(row) for row in rows))})
        report = bench.load()
        assert accounted(report) == len(rows) == sum(report.rows_read.values())
        held = content(bench.store.tables())
        again = bench.load()
        assert not again.changed
        assert content(bench.store.tables()) == held
        for name in ("PURCHASED", "RETURNED"):
            identifiers = bench.store.tables().interactions[name]["id"].to_pylist()
            assert len(set(identifiers)) == len(identifiers)


def test_staging_can_be_looked_at_without_a_store(bench: Bench, tmp_path: Path) -> None:
    lines = orders("ann,p1,2024-01-01,1,1", "bob,p1,2024-01-01,1,1", "ann,p1,2024-01-02,-1,-1")
    opened = open_dataset(read_dataset(bench.write(TOP + ORDERS, {"orders.csv": lines}).folder))
    assert ignored_columns(opened) == {}
    reading = read_all(opened, tmp_path / "staged", 1, ErasedCustomers("", ()), no_progress)
    rows = read_partition(reading.directory, 0)
    assert {name: table["customer"].to_pylist() for name, table in rows.items()} == {
        "PURCHASED": ["ann", "bob"], "RETURNED": ["ann"],
    }  # fmt: skip
    assert rows["RETURNED"]["row"].to_pylist() == [3]
    assert not reading.quarantine.exists()
    assert reading.rows_read == {"orders.csv": 3}


def test_a_report_is_plain_json(bench: Bench) -> None:
    report = bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,soon,1,1", "ann,p1,2024-01-01,1,1")}).load()
    assert json.loads(json.dumps(report.to_json()))["quarantined"] == {"when: not a time": 1}
    (record,) = bench.store.loads()
    assert json.loads(record.report)["loaded"] == {"PURCHASED": 1}
    assert pd.Timestamp(record.started_at) <= pd.Timestamp(record.finished_at or 0)
