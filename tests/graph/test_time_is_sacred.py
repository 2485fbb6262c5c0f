"""Nothing that happens, or becomes known, at or after T changes any array of the snapshot as of T."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.changes import merge
from graph.difference import difference
from graph.history import History, StoreTables
from graph.model import INTERACTIONS
from graph.snapshot import Events, Snapshot
from graph.store import DatasetFacts
from graph.tables import GraphTables
from habitue.errors import CutoffError
from tests.support import history_of, interactions_table

START = datetime(2024, 1, 1)
T = START + timedelta(days=10)
END = START + timedelta(days=40)


def assert_same(one: Snapshot, other: Snapshot) -> None:
    for field in fields(Snapshot):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "events":
            for name in INTERACTIONS:
                for column in fields(Events):
                    x, y = getattr(a[name], column.name), getattr(b[name], column.name)
                    if isinstance(x, np.ndarray):
                        np.testing.assert_array_equal(x, y, err_msg=f"{name}.{column.name}")
                    else:
                        assert x == y, f"{name}.{column.name}"
        elif field.name == "properties":
            assert [(p.name, p.dated, p.values, p.codes.tolist()) for p in a] == [
                (p.name, p.dated, p.values, p.codes.tolist()) for p in b
            ]
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        elif isinstance(a, pa.Array):
            assert a.to_pylist() == b.to_pylist(), field.name
        else:
            assert a == b, field.name
    assert one.fingerprint == other.fingerprint


def day(number: float) -> datetime:
    return START + timedelta(days=number)


EVENT = st.fixed_dictionaries({
    "type": st.sampled_from(["PURCHASED", "VIEWED", "RETURNED"]),
    "customer": st.sampled_from("abcd"),
    "target": st.sampled_from("pqrs"),
    "at": st.integers(0, 19).map(day),
    "delay": st.sampled_from([None, 0, 1, 12]),
    "amount": st.integers(0, 3).map(float),
    "order_id": st.sampled_from([None, "o1", "o2", "o3"]),
    "channel": st.sampled_from([None, "shop", "web"]),
})  # fmt: skip
PROPERTY = st.tuples(
    st.sampled_from("abcd"), st.sampled_from(["tier", "town"]), st.sampled_from("xyz"), st.integers(0, 19)
)


def tables_of(events: list[dict[str, object]], properties: list[tuple[str, str, str, int]]) -> GraphTables:
    frame = pd.DataFrame([{**each, "id": f"{number:03d}"} for number, each in enumerate(events)])
    interactions = dict(GraphTables.empty().interactions)
    if len(frame):
        frame["known_at"] = [
            None if delay is None or np.isnan(delay) else at + timedelta(days=delay)
            for at, delay in zip(frame["at"], frame["delay"].astype(float), strict=True)
        ]
        frame["known_at"] = frame["known_at"].astype("datetime64[ms]")
        for name, part in frame.groupby("type"):
            interactions[str(name)] = interactions_table(part.drop(columns=["type", "delay"]))
    products = sorted({str(each["target"]) for each in events})
    owners = dict(GraphTables.empty().properties)
    if properties:
        owners["Customer"] = pa.table({
            "owner": [each[0] for each in properties], "name": [each[1] for each in properties],
            "value": [each[2] for each in properties],
            "valid_from": pa.array([day(each[3]) for each in properties], pa.timestamp("ms")),
        })  # fmt: skip
    empty = GraphTables.empty()
    product_table = pa.table(
        {
            f.name: pa.array(products, pa.string()) if f.name == "id" else pa.nulls(len(products), f.type)
            for f in empty.products.schema
        }
    ).set_column(5, "stub", pa.array([True] * len(products)))
    customers = pa.table({"id": pa.array(sorted({str(each["customer"]) for each in events}), pa.string())})
    return replace(empty, customers=customers, products=product_table, properties=owners, interactions=interactions)


def snapshot(tables: GraphTables) -> Snapshot | None:
    if not any(len(table) for table in tables.interactions.values()):
        return None
    facts = DatasetFacts(name="hand-made", complete_until=END)
    return History.of(StoreTables.of(tables, facts)).at(T)


def is_past(event: dict[str, object]) -> bool:
    at, delay = event["at"], event["delay"]
    known = at if delay is None else at + timedelta(days=delay)  # type: ignore[operator]
    return at < T and known < T  # type: ignore[operator]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(EVENT, min_size=1, max_size=12), st.lists(EVENT, max_size=8), st.data(),
    st.lists(PROPERTY, max_size=5), st.lists(PROPERTY, max_size=5),
)  # fmt: skip
def test_adding_correcting_and_deleting_later_things_changes_no_array(
    events, later, data, properties, later_properties
):
    past = [each for each in events if is_past(each)]
    if not past:
        return
    # A list of past events keeps its ids; what follows it is in the future of T.
    known_properties = list({(o, n, d): (o, n, v, d) for o, n, v, d in properties if day(d) < T}.values())
    only_past = snapshot(tables_of(past, known_properties))
    future = [each for each in events + later if not is_past(each)]
    kept = [each for each in future if data.draw(st.booleans(), label="kept")]
    changed = [{**each, "amount": 99.0, "target": "q"} for each in kept]
    more = [each for each in later_properties if day(each[3]) >= T]
    assert only_past is not None
    for variant in (past + future, past + kept, past + changed):
        other = snapshot(tables_of(variant, known_properties + more))
        assert other is not None
        assert_same(only_past, other)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=10), st.data())
def test_a_correction_known_only_later_leaves_what_was_known_before(events, data):
    past = [{**each, "delay": 0} for each in events if each["at"] < T]
    if not past:
        return
    held = tables_of(past, [])
    before = snapshot(held)
    corrected = dict(held.interactions)
    known = pa.scalar(T + timedelta(days=data.draw(st.integers(0, 3))), pa.timestamp("ms"))
    for name, table in corrected.items():
        rows = [row for row in range(len(table)) if data.draw(st.booleans())]
        part = table.take(pa.array(rows, pa.int64()))
        part = part.set_column(
            part.column_names.index("known_at"), "known_at", pa.array([known.as_py()] * len(part), pa.timestamp("ms"))
        )
        corrected[name] = part.set_column(
            part.column_names.index("amount"), "amount", pa.array([77.0] * len(part), pa.float64())
        )
    staged = replace(held, interactions=corrected)
    after = merge(held, difference(held, staged))
    assert before is not None
    result = snapshot(after)
    assert result is not None
    assert_same(before, result)
    # and once known, the correction is what later dates see
    history = History.of(StoreTables.of(after, DatasetFacts(name="hand-made", complete_until=END)))
    seen = sum(int((events.amount == 77.0).sum()) for events in history.at(END).events.values())
    assert seen == sum(len(table) for table in corrected.values())


def test_an_event_counts_from_when_it_was_known():
    frame = pd.DataFrame({
        "customer": ["a", "b"], "target": ["p", "p"], "at": [day(1), day(2)], "amount": [1.0, 2.0],
        "known_at": pd.to_datetime([day(1), day(12)]),
    })  # fmt: skip
    history = history_of({"PURCHASED": frame}, complete_until=END)
    assert history.at(T).customers.to_pylist() == ["a"]
    assert history.at(day(12)).customers.to_pylist() == ["a"]
    assert history.at(day(12) + timedelta(milliseconds=1)).customers.to_pylist() == ["a", "b"]


def test_the_latest_dated_property_before_the_cutoff_stands_and_an_undated_one_is_marked():
    frame = pd.DataFrame({"customer": ["a", "b"], "target": ["p", "p"], "at": [day(1), day(2)]})
    properties = pd.DataFrame({
        "owner": ["a", "a", "a", "b"], "name": ["tier", "tier", "tier", "town"],
        "value": ["basic", "plus", "gold", "Nice"],
        "valid_from": [day(0), day(5), day(10), None],
    })  # fmt: skip
    snapshot = history_of({"PURCHASED": frame}, properties=properties, complete_until=END).at(T)
    tier, town = snapshot.properties
    assert (tier.name, tier.dated, [tier.values[c] if c >= 0 else None for c in tier.codes]) == (
        "tier",
        True,
        ["plus", None],
    )
    assert (town.name, town.dated, town.values) == ("town", False, ("Nice",))


def test_a_cutoff_beyond_complete_data_is_refused_with_the_reason():
    frame = pd.DataFrame({"customer": ["a"], "target": ["p"], "at": [day(1)]})
    with pytest.raises(CutoffError, match="later than the data are complete"):
        history_of({"PURCHASED": frame}, complete_until=day(30)).at(day(31))
    without = history_of({"PURCHASED": frame})
    assert without.complete_until == day(2)  # the midnight after the last event
    with pytest.raises(CutoffError):
        without.at(day(3))


def test_views_that_outlast_the_purchases_do_not_make_the_data_complete():
    purchases = pd.DataFrame({"customer": ["a"], "target": ["p"], "at": [day(1)]})
    views = pd.DataFrame({"customer": ["a"], "target": ["p"], "at": [day(20)]})
    history = history_of({"PURCHASED": purchases, "VIEWED": views})
    assert history.complete_until == day(2)  # the midnight after the last purchase
    assert history_of({"VIEWED": views}).complete_until == day(21)  # no purchase: the last event


def test_a_bounded_history_refuses_to_look_ahead():
    frame = pd.DataFrame({"customer": ["a"], "target": ["p"], "at": [day(1)]})
    source = history_of({"PURCHASED": frame}, complete_until=END).until(T)
    assert source.at(T).as_of == T
    with pytest.raises(CutoffError, match="only the past"):
        source.at(T + timedelta(days=1))


def test_arrays_of_a_small_snapshot_by_hand():
    purchases = pd.DataFrame({
        "customer": ["b", "a", "b", "c"], "target": ["q", "p", "p", "z"],
        "at": [day(2), day(1), day(3), day(11)], "amount": [2.0, 1.0, 3.0, 9.0], "order_id": ["o2", "o1", "o2", "o9"],
    })  # fmt: skip
    products = pd.DataFrame({
        "id": ["p", "q", "z", "unsold"], "category": ["food/bread", "food", "toys", "garden"],
        "brand": ["B1", None, "B2", "B3"],
    })  # fmt: skip
    categories = pd.DataFrame({
        "id": ["food", "food/bread", "toys", "garden"], "parent": [None, "food", None, None],
    })  # fmt: skip
    found = history_of({"PURCHASED": purchases}, products=products, categories=categories, complete_until=END).at(T)
    assert found.customers.to_pylist() == ["a", "b"]
    assert found.products.to_pylist() == ["p", "q"]
    assert found.categories.to_pylist() == ["food", "food/bread"]
    assert found.brands.to_pylist() == ["B1"]
    assert found.product_category.tolist() == [1, 0]
    assert found.category_parent.tolist() == [-1, 0]
    assert found.product_brand.tolist() == [0, -1]
    events = found.purchases
    assert events.customer.tolist() == [0, 1, 1]
    assert events.target.tolist() == [0, 1, 0]
    assert events.amount.tolist() == [1.0, 2.0, 3.0]
    assert events.order.tolist() == [0, 1, 1]
    assert np.isnan(events.quantity).all()
