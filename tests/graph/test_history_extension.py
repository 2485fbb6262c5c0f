"""A history that is extended by later loads is equal, array for array, to one that is read anew."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import history_staging
from graph.history import History
from graph.history_build import build
from graph.history_extension import extend
from graph.history_files import FileShelf, link_texts, read_history, write_history
from graph.history_staging import Column, MemoryShelf
from graph.model import INTERACTIONS, NO_PRODUCT
from tests.graph.history_source import START, TableStore, assert_equal_graphs

TIMES = st.integers(0, 5).map(lambda day: START + timedelta(days=day))
EVENT = st.fixed_dictionaries({
    "id": st.sampled_from([f"{number:02d}" for number in range(12)]),
    "type": st.sampled_from(["PURCHASED", "RETURNED", "VIEWED", "CONTACTED"]),
    "customer": st.sampled_from(["ann", "bob", "cyd", "Évora", "zoe"]),
    "target": st.sampled_from(["p", "q", "r", "s", NO_PRODUCT]),
    "at": TIMES,
    "known_at": st.none() | st.integers(0, 9).map(lambda day: START + timedelta(days=day)),
    "amount": st.sampled_from([None, 0.0, 1.0, 2.0]),
    "order_id": st.sampled_from([None, "o1", "o2", "o3", "o4"]),
    "channel": st.sampled_from([None, "shop", "web", "app"]),
})  # fmt: skip


def kind(event: dict[str, Any]) -> str:
    return "line" if event["type"] in ("PURCHASED", "RETURNED") else str(event["type"])


LOAD = st.lists(EVENT, max_size=8, unique_by=lambda event: (kind(event), event["id"]))


@settings(max_examples=25, deadline=None)
@given(st.lists(LOAD, min_size=2, max_size=6), st.data())
def test_extended_by_any_loads_it_equals_one_read_anew(loads, data):
    store = TableStore(rows_at_once=data.draw(st.integers(1, 5)))
    store.load(loads[0])
    graph, keys = build(store, MemoryShelf())
    held = 1
    for number, load in enumerate(loads[1:], start=2):
        store.load(load)
        if number < len(loads) and data.draw(st.booleans()):
            continue  # this load is read together with the next
        extended = extend(graph, keys, store, held, MemoryShelf())
        assert extended is not None
        graph, keys = extended
        held = number
        anew, new_keys = build(store, MemoryShelf())
        assert_equal_graphs(graph, anew)
        for name in INTERACTIONS:
            texts = [each.ids.take(pa.array(each.row)).to_pylist() for each in (keys[name], new_keys[name])]
            assert texts[0] == texts[1]
            np.testing.assert_array_equal(keys[name].orders, new_keys[name].orders)


@settings(max_examples=8, deadline=None)
@given(st.lists(LOAD, min_size=2, max_size=4))
def test_through_files_too(loads):
    store = TableStore()
    with tempfile.TemporaryDirectory() as folder:
        former = None
        for number, load in enumerate(loads, start=1):
            store.load([*load, purchase("always", number)])
            directory = Path(folder) / str(number)
            directory.mkdir()
            if former is None:
                graph, _ = build(store, FileShelf(directory))
            else:
                for name in INTERACTIONS:
                    link_texts(former, directory, name)
                cached = read_history(former)
                extended = extend(cached.history, cached.keys, store, number - 1, FileShelf(directory))
                assert extended is not None
                graph, _ = extended
            write_history(directory, History.over(graph, "hand-made", None, frozenset()), {})
            former = directory
            anew = History.over(build(store, MemoryShelf())[0], "hand-made", None, frozenset())
            assert_equal_graphs(read_history(directory).history, anew)


def purchase(line: str, day: int, **more: Any) -> dict[str, Any]:
    at = START + timedelta(days=day)
    return {"id": line, "type": "PURCHASED", "customer": "ann", "target": "p", "at": at, "amount": 1.0, **more}


def test_a_purchase_that_became_a_return_by_hand():
    store = TableStore()
    store.load([purchase("1", 1), purchase("2", 2)])
    graph, keys = build(store, MemoryShelf())
    store.load([purchase("1", 1, type="RETURNED"), purchase("0", 2, customer="abe", order_id="o")])
    extended = extend(graph, keys, store, 1, MemoryShelf())
    assert extended is not None
    graph, _ = extended
    assert graph.customers.to_pylist() == ["abe", "ann"]
    assert graph.events["PURCHASED"].customer.tolist() == [0, 1]
    assert graph.events["PURCHASED"].order.tolist() == [0, -1]
    assert graph.events["RETURNED"].customer.tolist() == [1]
    assert store.read[-6:] == [(name, 1) for name in INTERACTIONS]


def test_the_same_id_of_another_line_is_another_event():
    """Ids are unique within a type only: the return of another product does not undo the purchase."""
    store = TableStore()
    store.load([purchase("1", 1)])
    graph, keys = build(store, MemoryShelf())
    store.load([purchase("1", 1, type="RETURNED", target="q")])
    extended = extend(graph, keys, store, 1, MemoryShelf())
    assert extended is not None
    assert [len(extended[0].events[name]) for name in ("PURCHASED", "RETURNED")] == [1, 1]


def test_it_is_read_anew_when_most_of_what_is_kept_is_gone():
    store = TableStore(rows_at_once=1000)
    store.load([purchase(f"{number:04d}", number % 7) for number in range(1500)])
    graph, keys = build(store, MemoryShelf())
    corrections = []
    for number in range(2, 6):
        store.load([purchase(f"{line:04d}", line % 7, amount=float(number)) for line in range(1500)])
        extended = extend(graph, keys, store, number - 1, MemoryShelf())
        corrections.append(extended is not None)
        if extended is None:
            break
        graph, keys = extended
    assert corrections[-1] is False


def test_a_former_customer_that_is_gone_needs_a_new_reading():
    store = TableStore()
    store.load([purchase("1", 1)])
    graph, keys = build(store, MemoryShelf())
    other = TableStore()
    other.load([purchase("1", 1, customer="bob")])
    assert extend(graph, keys, other, 0, MemoryShelf()) is None


@pytest.mark.parametrize("rows_at_once", [1, 2, 7, 1000])
def test_the_size_of_the_pieces_changes_nothing(rows_at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    events = [
        purchase(f"{number * 7919 % 50:02d}", number % 4, customer="abc"[number % 3], order_id=f"o{number % 9}",
                 channel=["web", None, "app"][number % 3])
        for number in range(50)
    ]  # fmt: skip
    whole = TableStore(rows_at_once=1000)
    whole.load(events)
    monkeypatch.setattr(history_staging, "_ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr(history_staging, "_BYTES_IN_MEMORY", 16)  # everything goes through files
    pieces = TableStore(rows_at_once)
    pieces.load(events[::-1])
    assert_equal_graphs(build(pieces, FileShelf(tmp_path))[0], build(whole, MemoryShelf())[0])


def test_events_are_in_the_order_of_time_customer_target_and_id():
    rng = np.random.default_rng(3)
    events = [
        purchase(f"{line:03d}", int(rng.integers(3)), customer="xyz"[rng.integers(3)], target="pqr"[rng.integers(3)],
                 amount=float(line))
        for line in rng.permutation(200)
    ]  # fmt: skip
    store = TableStore(rows_at_once=13)
    store.load(events)
    ordered = sorted(events, key=lambda e: (e["at"], e["customer"], e["target"], e["id"]))
    assert build(store, MemoryShelf())[0].events["PURCHASED"].amount.tolist() == [e["amount"] for e in ordered]


def test_a_column_gives_back_what_it_was_given():
    column = Column(np.float64, None)
    column.append(np.array([np.nan, np.nan]))
    assert column.read().strides == (0,)
    column.append(np.array([1.0]))
    column.append(np.array([]))
    np.testing.assert_array_equal(column.read(), [np.nan, np.nan, 1.0])
    assert len(Column(np.int32, None).read()) == 0
