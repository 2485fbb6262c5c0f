"""A history on disk comes back equal, array for array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from graph.history import History, HistoryEvents
from graph.history_files import read_history, write_history
from tests.support import history_of


def some_history() -> History:
    purchases = pd.DataFrame({
        "customer": ["ann", "bob", "ann", "cyd"],
        "target": ["p1", "p2", "p2", "p1"],
        "at": pd.to_datetime(
            ["2024-01-01", "2024-01-02", "2024-01-03T10:00:00.123", "2024-01-03"], format="ISO8601"
        ),
        "known_at": pd.to_datetime(["2024-01-05", None, None, None]),
        "amount": [1.5, np.nan, 0.0, -2.0],
        "quantity": [1.0, 2.0, np.nan, 0.0],
        "channel": ["web", None, "shop", "web"],
        "order_id": ["o1", "o2", None, "o1"],
    })  # fmt: skip
    contacts = pd.DataFrame({"customer": ["ann"], "target": ["spring"], "at": pd.to_datetime(["2024-01-02"])})
    products = pd.DataFrame({"id": ["p1", "p2"], "category": ["FOOD/BREAD", None], "brand": ["Mill", None]})
    categories = pd.DataFrame({"id": ["FOOD", "FOOD/BREAD"], "parent": [None, "FOOD"]})
    properties = pd.DataFrame({
        "owner": ["ann", "bob"], "name": ["age", "town"], "value": ["40", "Évora"], "valid_from": ["2024-01-01", None],
    })  # fmt: skip
    return history_of(
        {"PURCHASED": purchases, "CONTACTED": contacts},
        products=products, categories=categories, properties=properties, sensitive=frozenset({"age", "town"}),
        complete_until=datetime(2024, 2, 1, 12), dataset="café",
    )  # fmt: skip


def barely_any_history() -> History:
    return history_of({"PURCHASED": pd.DataFrame({"customer": ["ann"], "at": pd.to_datetime(["2024-01-01"])})})


def assert_equal(one: History, other: History) -> None:
    for each in fields(History):
        mine, theirs = getattr(one, each.name), getattr(other, each.name)
        if each.name == "events":
            assert list(mine) == list(theirs)
            for name in mine:
                for field in fields(HistoryEvents):
                    left, right = getattr(mine[name], field.name), getattr(theirs[name], field.name)
                    if field.name == "channels":
                        assert left == right
                    else:
                        np.testing.assert_array_equal(left, right)
                        assert left.dtype == right.dtype
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        elif isinstance(mine, pa.Table | pa.Array | pa.ChunkedArray):
            assert mine.equals(theirs), each.name
        else:
            assert mine == theirs, each.name


@pytest.mark.parametrize("make", [some_history, barely_any_history])
def test_a_history_comes_back_equal(tmp_path: Path, make: Callable[[], History]) -> None:
    history = make()
    write_history(tmp_path, history)
    assert_equal(read_history(tmp_path), history)


def test_its_snapshots_are_the_same_ones(tmp_path: Path) -> None:
    history = some_history()
    write_history(tmp_path, history)
    again = read_history(tmp_path)
    for day in (datetime(2024, 1, 2), datetime(2024, 1, 4), datetime(2024, 1, 31)):
        assert again.at(day).fingerprint == history.at(day).fingerprint


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        assert_equal(some_history(), barely_any_history())
