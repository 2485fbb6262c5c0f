"""Each customer's last weeks as a series, for the sequence models."""

from __future__ import annotations

import numpy as np

from graph.snapshot import FloatArray, Int32Array, Snapshot

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
#: Series per week: purchase occasions, spend, lines.
SERIES = 3


def weekly_activity(snapshot: Snapshot, rows: Int32Array, weeks: int) -> FloatArray:
    """Occasions, spend and lines of the last weeks before the cutoff, the latest week first.

    Args:
        snapshot: The graph as of T.
        rows: Rows in `snapshot.customers`, length n.
        weeks: Number w of weeks of seven days, counted back from T.

    Returns:
        n×w×3: log(1 + x) of the number of orders (of lines' distinct days where the source has no orders), of the
        amount in the data set's currency (not below zero) and of the number of lines.
    """
    events = snapshot.purchases
    place = np.full(len(snapshot.customers), -1, np.int64)
    place[rows] = np.arange(len(rows))
    first = int(np.searchsorted(events.at, snapshot.as_of_ms - weeks * _WEEK_MS))  # events are oldest first
    kept = first + np.flatnonzero(place[events.customer[first:]] >= 0)
    week = (snapshot.as_of_ms - 1 - events.at[kept]) // _WEEK_MS
    cell = place[events.customer[kept]] * weeks + week
    cells = len(rows) * weeks
    order = events.order[kept].astype(np.int64)
    age_days = (snapshot.as_of_ms - 1) // _DAY_MS - events.at[kept] // _DAY_MS
    occasion = np.where(order >= 0, order, order.max(initial=0) + 1 + age_days)
    width = int(occasion.max(initial=0)) + 1
    orders = np.bincount(np.unique(cell * width + occasion) // width, minlength=cells)
    spend = np.bincount(cell, weights=np.nan_to_num(events.amount[kept]), minlength=cells)
    lines = np.bincount(cell, minlength=cells)
    stacked = np.stack([orders, np.maximum(spend, 0.0), lines], axis=-1)
    result: FloatArray = np.log1p(stacked).reshape(len(rows), weeks, SERIES)
    return result
