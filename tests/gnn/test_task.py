from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.forecast import ExampleSource
from gnn.task import Task, cutoffs_before, last_purchase_ms, outcome, population
from habitue.errors import CutoffError, UsageError
from tests.support import history_of

CUTOFF = datetime(2024, 3, 1)


def frame_of(rows: list[tuple[str, str, float, str | None]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer", "at", "amount", "order_id"])
    return frame.assign(at=pd.to_datetime(frame["at"], format="ISO8601"))


ROWS = [
    ("anna", "2024-01-10", 5.0, "1"),
    ("ben", "2024-02-25", 5.0, "2"),
    ("ben", "2024-03-01 00:00", 10.0, "3"),  # the cutoff's own instant belongs to the outcome
    ("ben", "2024-03-01 00:00", 2.5, "3"),
    ("ben", "2024-03-30 23:59", 4.0, "4"),
    ("anna", "2024-03-31 00:00", 99.0, "5"),  # T + 30 days does not
    ("cleo", "2024-03-05", 7.0, "6"),  # new after the cutoff: nobody's outcome
]
HISTORY = history_of({"PURCHASED": frame_of(ROWS)})


def test_population_is_who_bought_within_the_active_window() -> None:
    snapshot = HISTORY.at(CUTOFF)
    assert snapshot.customers.to_pylist() == ["anna", "ben"]
    assert population(snapshot, Task(30, active_window_days=None)).tolist() == [0, 1]
    assert population(snapshot, Task(30, active_window_days=30)).tolist() == [1]
    # 2024-01-10 is 51 days before the cutoff, and the window includes its first instant.
    assert population(snapshot, Task(30, active_window_days=51)).tolist() == [0, 1]
    assert population(snapshot, Task(30, active_window_days=50)).tolist() == [1]


def test_somebody_without_a_purchase_is_not_counted() -> None:
    views = pd.DataFrame({"customer": ["dora"], "target": ["p"], "at": pd.to_datetime(["2024-02-01"])})
    snapshot = history_of({"PURCHASED": frame_of(ROWS), "VIEWED": views}).at(CUTOFF)
    assert snapshot.customers.to_pylist() == ["anna", "ben", "dora"]
    assert population(snapshot, Task(30, active_window_days=None)).tolist() == [0, 1]
    assert last_purchase_ms(snapshot)[2] == np.iinfo(np.int64).min


def test_outcome_by_hand() -> None:
    before, after = HISTORY.at(CUTOFF), HISTORY.at(CUTOFF + timedelta(days=30))
    found = outcome(before, np.array([0, 1], np.int32), after)
    assert found.churned.tolist() == [True, False]
    assert found.value.tolist() == [0.0, 16.5]
    assert found.purchases.tolist() == [0, 2]  # two lines of order 3 are one occasion
    only_ben = outcome(before, np.array([1], np.int32), after)
    assert (only_ben.churned.tolist(), only_ben.value.tolist()) == ([False], [16.5])


def test_without_orders_an_occasion_is_a_day() -> None:
    frame = frame_of(ROWS).drop(columns="order_id")
    history = history_of({"PURCHASED": frame})
    found = outcome(history.at(CUTOFF), np.array([0, 1], np.int32), history.at(CUTOFF + timedelta(days=30)))
    assert found.purchases.tolist() == [0, 2]


def test_an_outcome_window_without_purchases() -> None:
    history = history_of({"PURCHASED": frame_of(ROWS[:2])}, complete_until=datetime(2024, 6, 1))
    found = outcome(history.at(CUTOFF), np.array([0, 1], np.int32), history.at(CUTOFF + timedelta(days=30)))
    assert found.churned.all()
    assert found.value.tolist() == [0.0, 0.0]
    assert found.value.dtype == np.float64
    assert found.purchases.tolist() == [0, 0]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcde"), st.integers(-60, 59), st.integers(0, 9), st.sampled_from("xyz")),
        min_size=1,
        max_size=40,
    )
)
def test_outcome_equals_a_plain_pandas_computation(rows: list[tuple[str, int, int, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["customer", "day", "amount", "order_id"])
    frame["at"] = CUTOFF + pd.to_timedelta(frame["day"], unit="D")
    frame["amount"] = frame["amount"].astype(float)
    frame["order_id"] = frame["customer"] + frame["order_id"]
    history = history_of({"PURCHASED": frame}, complete_until=CUTOFF + timedelta(days=60))
    task = Task(30, active_window_days=40)
    source = ExampleSource(history, task)
    examples = source.labelled(CUTOFF)
    active = sorted(frame.loc[frame["day"].between(-40, -1), "customer"].unique())
    assert [examples.snapshot.customers[row].as_py() for row in examples.rows] == active
    window = frame[frame["day"].between(0, 29)]
    assert examples.outcome is not None
    for row, customer in enumerate(active):
        own = window[window["customer"] == customer]
        assert examples.outcome.churned[row] == own.empty
        assert examples.outcome.value[row] == own["amount"].sum()
        assert examples.outcome.purchases[row] == own["order_id"].nunique()


def test_labels_beyond_the_bound_are_refused() -> None:
    source = ExampleSource(HISTORY.until(CUTOFF), Task(30, None))
    assert source.at(CUTOFF).outcome is None
    with pytest.raises(CutoffError, match="may be used"):
        source.labelled(CUTOFF - timedelta(days=29))
    assert source.labelled(CUTOFF - timedelta(days=30)).outcome is not None


def test_cutoffs_before() -> None:
    latest = datetime(2024, 5, 1)
    assert cutoffs_before(latest, datetime(2024, 3, 2), 5, 30) == [
        datetime(2024, 3, 2),
        datetime(2024, 4, 1),
        datetime(2024, 5, 1),
    ]
    assert cutoffs_before(latest, datetime(2024, 1, 1), 2, 30) == [datetime(2024, 4, 1), latest]
    assert cutoffs_before(latest, datetime(2024, 5, 2), 2, 30) == []


@pytest.mark.parametrize("days", [0, -1, 10_000_000_000])
def test_horizons_and_windows_out_of_bounds_are_refused(days: int) -> None:
    with pytest.raises(UsageError, match="horizon"):
        Task(horizon_days=days)
    with pytest.raises(UsageError, match="active window"):
        Task(active_window_days=days)
