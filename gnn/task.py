"""What is to be foretold: the population at a cutoff, and its outcome within the horizon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.snapshot import FloatArray, Int32Array, Int64Array, Snapshot
from graph.time import to_epoch_ms
from habitue.errors import UsageError

_LONGEST_DAYS = 36_500


@dataclass(frozen=True)
class Task:
    """Churn and value within a horizon.

    Attributes:
        horizon_days: H. The outcome window is `[T, T + H)`.
        active_window_days: Who is counted: customers with a purchase in `[T - window, T)`; None counts everybody with
            a purchase before T. Churn figures depend on it strongly: state it beside every figure.
        properties: Undated or sensitive customer properties that are features all the same, by name. An undated one
            may have been collected from customers who stayed: figures that use it are not to be trusted as they are.
    """

    horizon_days: int = 60
    active_window_days: int | None = 180
    properties: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.horizon_days <= _LONGEST_DAYS:
            raise UsageError(
                f"The horizon is {self.horizon_days} days.", hint=f"It must be 1 to {_LONGEST_DAYS:,} days."
            )
        if self.active_window_days is not None and not 1 <= self.active_window_days <= _LONGEST_DAYS:
            raise UsageError(
                f"The active window is {self.active_window_days} days.",
                hint=f"It must be 1 to {_LONGEST_DAYS:,} days, or `all`.",
            )

    @property
    def horizon(self) -> timedelta:
        """H as a time span."""
        return timedelta(days=self.horizon_days)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came to pass in the outcome window; arrays of length n, one row per customer of the population.

    Attributes:
        churned: No purchase in `[T, T + H)`.
        value: Amount purchased in it, in the data set's currency; 0 for those who bought nothing.
        purchases: Number of purchase occasions (orders, or distinct days where the source has no orders) in it.
    """

    churned: npt.NDArray[np.bool_]
    value: FloatArray
    purchases: Int64Array


def last_purchase_ms(snapshot: Snapshot) -> Int64Array:
    """Each customer's latest purchase in epoch milliseconds; the smallest integer for those without one."""
    latest = np.full(len(snapshot.customers), np.iinfo(np.int64).min)
    np.maximum.at(latest, snapshot.purchases.customer, snapshot.purchases.at)
    return latest


def population(snapshot: Snapshot, task: Task) -> Int32Array:
    """Rows in `snapshot.customers` of those the task counts, ascending."""
    latest = last_purchase_ms(snapshot)
    earliest = (
        np.iinfo(np.int64).min + 1
        if task.active_window_days is None
        else to_epoch_ms(snapshot.as_of - timedelta(days=task.active_window_days))
    )
    return np.flatnonzero(latest >= earliest).astype(np.int32)


def outcome(before: Snapshot, rows: Int32Array, after: Snapshot) -> Outcome:
    """What the customers at `rows` of `before` did between `before.as_of` and `after.as_of`.

    Args:
        before: The snapshot as of T.
        rows: Rows in `before.customers`.
        after: The snapshot as of T + H.
    """
    start = to_epoch_ms(before.as_of)
    events = after.purchases
    first = int(np.searchsorted(events.at, start, side="left"))
    row_after = _rows_in(before, rows, after)
    place = np.full(len(after.customers) + 1, -1, np.int64)
    place[row_after] = np.arange(len(rows))
    place[-1] = -1
    who = place[events.customer[first:]]
    counted = who >= 0
    who, amount = who[counted], np.nan_to_num(events.amount[first:][counted])
    bought = np.bincount(who, minlength=len(rows))
    order, at = events.order[first:][counted], events.at[first:][counted]
    occasion = np.where(order >= 0, order, -1 - at // 86_400_000)
    distinct = np.unique(np.stack([who, occasion]), axis=1)[0] if len(who) else who
    return Outcome(
        churned=bought == 0,
        value=np.bincount(who, weights=amount, minlength=len(rows)).astype(np.float64),  # integers for an empty window
        purchases=np.bincount(distinct, minlength=len(rows)),
    )


def cutoffs_before(latest: datetime, earliest: datetime, count: int, step_days: int) -> list[datetime]:
    """Up to `count` cutoffs, `step_days` apart, the last at `latest`, none before `earliest`; oldest first."""
    found: list[datetime] = []
    cutoff = latest
    while len(found) < count and cutoff >= earliest:
        found.append(cutoff)
        cutoff -= timedelta(days=step_days)
    return found[::-1]


def _rows_in(before: Snapshot, rows: Int32Array, after: Snapshot) -> Int64Array:
    found = pc.index_in(before.customers.take(pa.array(rows)), value_set=after.customers)
    result: Int64Array = pc.fill_null(found, len(after.customers)).to_numpy(zero_copy_only=False).astype(np.int64)
    return result
