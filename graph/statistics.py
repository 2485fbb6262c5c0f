"""Figures of a graph: how many of what each customer and product has, and how it grew week by week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
from pydantic import BaseModel, ConfigDict

from graph.model import NO_PRODUCT
from graph.store import GraphStore, Progress, no_progress

WEEK = timedelta(days=7)


class Distribution(BaseModel):
    """Of the number of something that nodes have; quantiles interpolate linearly.

    Attributes:
        nodes: How many have at least one: the figures are theirs.
        without: How many have none.
    """

    model_config = ConfigDict(frozen=True)

    nodes: int
    without: int
    minimum: int
    lower_quartile: float
    median: float
    upper_quartile: float
    p90: float
    p99: float
    maximum: int
    mean: float

    @staticmethod
    def of(histogram: Iterable[tuple[int, int]], total: int) -> Distribution | None:
        """From (number, nodes that have it), and how many nodes there are; None where no node has any."""
        pairs = [pair for pair in histogram if pair[0] > 0]
        if not pairs:
            return None
        numbers = np.repeat([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        quantiles = [float(each) for each in np.quantile(numbers, [0.25, 0.5, 0.75, 0.9, 0.99])]
        return Distribution(
            nodes=len(numbers), without=max(0, total - len(numbers)), minimum=int(numbers.min()),
            lower_quartile=quantiles[0], median=quantiles[1], upper_quartile=quantiles[2], p90=quantiles[3],
            p99=quantiles[4], maximum=int(numbers.max()), mean=float(numbers.mean()),
        )  # fmt: skip


class Week(BaseModel):
    """What a week brought, from Monday `start` on (UTC): customers met for the first time, and interactions."""

    model_config = ConfigDict(frozen=True)

    start: datetime
    new_customers: int
    interactions: int


class GraphStatistics(BaseModel):
    """Figures of a graph.

    Attributes:
        first_at, last_at: Of all interactions; None without any.
        purchases_per_customer: Purchase lines of customers.
        customers_per_product: Distinct customers of products; the one that stands for none is left out.
        weeks: From the first to the last, without gaps.
    """

    model_config = ConfigDict(frozen=True)

    first_at: datetime | None
    last_at: datetime | None
    purchases_per_customer: Distribution | None
    customers_per_product: Distribution | None
    weeks: tuple[Week, ...]


def read_statistics(store: GraphStore, progress: Progress = no_progress) -> GraphStatistics:
    """Have the store count; what comes back is as small as the number of weeks and of different degrees."""
    progress("counting nodes", 0.0)
    total = {row["label"]: row["total"] for row in store.read("read/schema_nodes").dicts()}
    reserved = len(store.read("read/product", id=NO_PRODUCT).rows)
    progress("counting interactions by week", 0.1)
    by_week = store.read("read/statistics_weeks").dicts()
    progress("counting new customers", 0.4)
    fresh = store.read("read/statistics_new_customers").dicts()
    progress("counting purchases of customers", 0.6)
    purchases = store.read("read/statistics_purchases").rows
    progress("counting customers of products", 0.8)
    reach = store.read("read/statistics_reach", leave_out=NO_PRODUCT).rows
    return GraphStatistics(
        first_at=min((row["first_at"] for row in by_week), default=None),
        last_at=max((row["last_at"] for row in by_week), default=None),
        purchases_per_customer=Distribution.of(_pairs(purchases), total.get("Customer", 0)),
        customers_per_product=Distribution.of(_pairs(reach), total.get("Product", 0) - reserved),
        weeks=_weeks(
            [(row["week"], row["interactions"]) for row in by_week], [(row["week"], row["customers"]) for row in fresh]
        ),
    )


def _pairs(rows: Iterable[tuple[object, ...]]) -> Iterable[tuple[int, int]]:
    return ((int(str(row[0])), int(str(row[1]))) for row in rows)


def _weeks(interactions: list[tuple[datetime, int]], customers: list[tuple[datetime, int]]) -> tuple[Week, ...]:
    if not interactions:
        return ()
    number: dict[datetime, list[int]] = {}
    for place, rows in enumerate((customers, interactions)):
        for start, count in rows:
            number.setdefault(start, [0, 0])[place] += count
    first, last = min(number), max(number)
    starts = [first + week * WEEK for week in range((last - first) // WEEK + 1)]
    return tuple(
        Week(start=start, new_customers=number.get(start, [0, 0])[0], interactions=number.get(start, [0, 0])[1])
        for start in starts
    )


def sparkline(numbers: Sequence[int], width: int = 60) -> str:
    """Numbers as a line of small bars, at most `width` wide; where there are more, several share a bar (their mean)."""
    if not numbers:
        return ""
    parts = np.array_split(np.array(numbers, float), min(width, len(numbers)))
    heights = np.array([part.mean() for part in parts])
    highest = heights.max()
    steps = np.ceil(heights / highest * 8).astype(int) if highest > 0 else np.zeros(len(heights), int)
    return "".join(" ▁▂▃▄▅▆▇█"[step] for step in steps)
