"""A history on disk comes back equal, array for array."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graph.history import History
from graph.history_files import FileShelf, read_history, write_history
from graph.history_staging import STAGED
from tests.graph.history_source import assert_equal_graphs
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


def stored(directory: Path, history: History) -> History:
    """The history, written and read back."""
    shelf = FileShelf(directory)
    for name, events in history.events.items():
        for column in STAGED:
            shelf.keep(name, column, getattr(events, column))
        shelf.keep(name, "row", np.arange(len(events), dtype=np.int32))
        shelf.keep(name, "orders", np.arange(events.order.max(initial=-1) + 1, dtype=np.uint64))
    write_history(directory, history, {"loads": 3})
    cached = read_history(directory)
    assert cached.state == {"loads": 3}
    return cached.history


@pytest.mark.parametrize("make", [some_history, barely_any_history])
def test_a_history_comes_back_equal(tmp_path: Path, make: Callable[[], History]) -> None:
    history = make()
    assert_equal_graphs(stored(tmp_path, history), history)


def test_its_snapshots_are_the_same_ones(tmp_path: Path) -> None:
    history = some_history()
    again = stored(tmp_path, history)
    for day in (datetime(2024, 1, 2), datetime(2024, 1, 4), datetime(2024, 1, 31)):
        assert again.at(day).fingerprint == history.at(day).fingerprint


def test_what_was_read_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        stored(tmp_path, some_history()).events["PURCHASED"].amount[0] = 7.0


def test_a_file_of_another_length_is_no_part_of_it(tmp_path: Path) -> None:
    stored(tmp_path, some_history())
    np.save(tmp_path / "PURCHASED" / "amount.npy", np.zeros(3))
    with pytest.raises(ValueError, match="holds 3 values where 4 were written"):
        read_history(tmp_path)


def test_the_comparison_can_fail() -> None:
    with pytest.raises(AssertionError):
        assert_equal_graphs(some_history(), barely_any_history())


def test_a_column_of_one_value_takes_no_room_in_a_snapshot_either() -> None:
    purchases = some_history().at(datetime(2024, 1, 4)).purchases  # without ann's first, which was not known yet
    assert len(purchases) == 3
    assert purchases.discount.strides == purchases.rating.strides == (0,)
    assert np.isnan(purchases.discount).all()
    np.testing.assert_array_equal(purchases.amount, [np.nan, -2.0, 0.0])
