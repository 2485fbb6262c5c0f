"""Features of when and how much customers buy: recency, frequency, monetary value, gaps, trend, time of week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gnn.feature_input import Column, FeatureInput, ratio, sums
from graph.snapshot import FloatArray, Int64Array
from graph.time import MILLISECONDS_PER_DAY

#: Lengths in days of the windows before the cutoff over which orders, spend and lines are summed.
WINDOWS: Final = (7, 14, 30, 60, 90, 180)
#: Half-lives in days of the decayed order counts.
HALF_LIVES: Final = (14, 45, 120)
#: A rate is not taken over less than this many days: one order yesterday is not 365 a year.
SHORTEST_RATE_DAYS: Final = 14.0


def recency_frequency(given: FeatureInput) -> Iterator[Column]:
    """Recency, frequency, tenure and their rates."""
    orders, count = given.orders, given.count
    total = sums(orders.customer, count)
    day_customer, _ = given.purchase_days
    days = sums(day_customer, count)
    first, last = np.full(count, np.nan), given.purchases.since_last()
    first[orders.customer[::-1]] = orders.age[::-1]
    yield Column("recency_days", "Days since the last purchase", last)
    yield Column("tenure_days", "Days since the first order", first)
    yield Column("tenure_share", "First order's age as a share of the observed time", first / given.facts.observed_days)
    yield Column("recency_share", "Last purchase's age as a share of the first order's", ratio(last, first))
    yield Column("orders", "Orders in all", total)
    yield Column("purchase_days", "Distinct days with a purchase", days)
    rate_days = np.maximum(first, SHORTEST_RATE_DAYS)
    yield Column("orders_per_30_days", "Orders per 30 days since the first one", ratio(30 * total, rate_days))
    yield Column("orders_per_30_observed_days", "Orders per 30 days observed", 30 * total / given.facts.observed_days)
    for window in WINDOWS:
        yield Column(
            f"orders_{window}_days",
            f"Orders in the last {window} days",
            sums(orders.customer, count, None, orders.age <= window),
        )
    for half_life in HALF_LIVES:
        yield Column(
            f"orders_decayed_{half_life}_days",
            f"Orders, each halved in weight every {half_life} days",
            sums(orders.customer, count, 0.5 ** (orders.age / half_life)),
        )


def monetary(given: FeatureInput) -> Iterator[Column]:
    """Spend and basket size, in all and lately; spend only where the source has amounts."""
    orders, count = given.orders, given.count
    total = sums(orders.customer, count)
    lines, units = sums(orders.customer, count, orders.lines), sums(orders.customer, count, orders.units)
    first = np.full(count, np.nan)
    first[orders.customer[::-1]] = orders.age[::-1]
    rate_days = np.maximum(first, SHORTEST_RATE_DAYS)
    yield Column("lines_per_order", "Lines per order", ratio(lines, total))
    yield Column("units_per_order", "Units per order", ratio(units, total))
    last_lines = np.full(count, np.nan)
    last_lines[orders.customer] = orders.lines
    yield Column("last_order_lines", "Lines of the last order", last_lines)
    for window in WINDOWS:
        label = f"Lines bought in the last {window} days"
        yield Column(f"lines_{window}_days", label, sums(orders.customer, count, orders.lines, orders.age <= window))
    if not given.facts.has_amounts:
        return
    spend = sums(orders.customer, count, orders.amount)
    mean = ratio(spend, total)
    squared = ratio(sums(orders.customer, count, (orders.amount - mean[orders.customer]) ** 2), total)
    last, largest = np.full(count, np.nan), np.full(count, -np.inf)
    last[orders.customer] = orders.amount
    np.maximum.at(largest, orders.customer, orders.amount)
    yield Column("spend", "Spend in all (currency)", spend)
    yield Column("spend_per_order", "Spend per order (currency)", mean)
    yield Column("spend_variation", "Coefficient of variation of the order amount", ratio(np.sqrt(squared), mean))
    yield Column("largest_order", "Largest order (currency)", np.where(np.isfinite(largest), largest, np.nan))
    yield Column("last_order_spend", "Last order (currency)", last)
    yield Column(
        "spend_per_30_days", "Spend per 30 days since the first order (currency)", ratio(30 * spend, rate_days)
    )
    yield Column(
        "spend_per_30_observed_days", "Spend per 30 days observed (currency)", 30 * spend / given.facts.observed_days
    )
    for window in WINDOWS:
        label = f"Spend in the last {window} days (currency)"
        yield Column(f"spend_{window}_days", label, sums(orders.customer, count, orders.amount, orders.age <= window))
    for half_life in HALF_LIVES:
        yield Column(
            f"spend_decayed_{half_life}_days",
            f"Spend, each order halved in weight every {half_life} days (currency)",
            sums(orders.customer, count, orders.amount * 0.5 ** (orders.age / half_life)),
        )


def gaps(given: FeatureInput) -> Iterator[Column]:
    """Days between successive purchase days, and the running gap against them.

    The running gap is the time since the last purchase day; its quantile is the share of the customer's own past gaps
    that were not longer, (k + 1/2) / (m + 1) for k of m gaps, so that few gaps pull it to the middle.
    """
    count = given.count
    customer, age = given.purchase_days
    inside = customer[1:] == customer[:-1]
    who, gap = customer[1:][inside], (age[:-1] - age[1:])[inside]
    many = sums(who, count)
    mean = ratio(sums(who, count, gap), many)
    variance = ratio(sums(who, count, (gap - mean[who]) ** 2), many)
    last_gap = np.full(count, np.nan)
    last_gap[who] = gap
    running = np.full(count, np.nan)
    running[customer] = age
    deviation = np.sqrt(variance)
    median, ninth, longest = _quantiles(who, gap, many, (0.5, 0.9, 1.0))
    shorter = sums(who, count, None, gap <= running[who])
    yield Column("gap_mean_days", "Mean days between purchase days", mean)
    yield Column("gap_deviation_days", "Standard deviation of the days between purchase days", deviation)
    yield Column("gap_variation", "Coefficient of variation of the gaps", ratio(deviation, mean))
    yield Column("gap_median_days", "Median days between purchase days", median)
    yield Column("gap_90_percent_days", "90 % quantile of the days between purchase days", ninth)
    yield Column("gap_longest_days", "Longest gap between purchase days (days)", longest)
    yield Column("gap_last_days", "Days between the last two purchase days", last_gap)
    yield Column("gap_running_ratio", "Days since the last purchase over the mean gap", ratio(running, mean))
    yield Column("gap_running_to_median", "Days since the last purchase over the median gap", ratio(running, median))
    yield Column("gap_running_to_longest", "Days since the last purchase over the longest gap", ratio(running, longest))
    yield Column(
        "gap_running_quantile", "Share of own gaps not longer than the running one", (shorter + 0.5) / (many + 1)
    )


def trend(given: FeatureInput) -> Iterator[Column]:
    """The recent pace against the earlier one, as logarithms of smoothed ratios (0: no change)."""
    orders, count = given.orders, given.count
    tenure = np.full(count, np.nan)
    tenure[orders.customer[::-1]] = orders.age[::-1]
    for window in (30, 60, 90):
        recent = orders.age <= window
        earlier = ~recent & (orders.age <= 2 * window)
        pair = [sums(orders.customer, count, None, part) for part in (recent, earlier)]
        label = f"Log ratio of orders, last {window} days to the {window} before"
        yield Column(f"orders_trend_{window}_days", label, np.log((pair[0] + 0.5) / (pair[1] + 0.5)))
    recent_rate = sums(orders.customer, count, None, orders.age <= 60) / np.clip(tenure, SHORTEST_RATE_DAYS, 60)
    whole_rate = sums(orders.customer, count) / np.maximum(tenure, SHORTEST_RATE_DAYS)
    yield Column(
        "orders_pace", "Pace of orders in the last 60 days over the pace of all time", ratio(recent_rate, whole_rate)
    )
    if given.facts.has_amounts:
        recent_spend = sums(orders.customer, count, orders.amount, orders.age <= 60)
        earlier_spend = sums(orders.customer, count, orders.amount, (orders.age > 60) & (orders.age <= 120))
        mean = ratio(sums(orders.customer, count, orders.amount), sums(orders.customer, count))
        smoothing = np.maximum(mean, 0.01)  # the customer's own scale; a cent guards against free orders
        change = np.log((np.maximum(recent_spend, 0) + smoothing) / (np.maximum(earlier_spend, 0) + smoothing))
        yield Column("spend_trend_60_days", "Log ratio of spend, last 60 days to the 60 before", change)
    active = np.zeros(count)
    for period in range(6):
        inside = (orders.age > 30 * period) & (orders.age <= 30 * (period + 1))
        active += sums(orders.customer, count, None, inside) > 0
    yield Column("active_months", "Of the last six 30-day periods, those with an order", active)


def time_of_week(given: FeatureInput) -> Iterator[Column]:
    """When in the week and day the orders fall; hours only where the source has them."""
    orders, count = given.orders, given.count
    total = sums(orders.customer, count)
    at = given.snapshot.as_of_ms - np.round(orders.age * MILLISECONDS_PER_DAY)
    weekday = (at // MILLISECONDS_PER_DAY + 3) % 7  # the epoch was a Thursday; Monday is 0
    weekend = ratio(sums(orders.customer, count, None, weekday >= 5), total)
    yield Column("weekend_share", "Share of orders on Saturday or Sunday", weekend)
    share = np.stack([ratio(sums(orders.customer, count, None, weekday == day), total) for day in range(7)])
    yield Column("weekday_top_share", "Share of orders on the most usual weekday", share.max(axis=0))
    if not given.facts.has_hours:
        return
    angle = 2 * np.pi * (at % MILLISECONDS_PER_DAY) / MILLISECONDS_PER_DAY
    for name, wave, label in (
        ("hour_cosine", np.cos, "cosine: night 1, noon -1"),
        ("hour_sine", np.sin, "sine: morning 1, evening -1"),
    ):
        yield Column(
            name, f"Mean hour of orders on the clock ({label})", ratio(sums(orders.customer, count, wave(angle)), total)
        )


def _quantiles(who: Int64Array, gap: FloatArray, many: FloatArray, levels: Sequence[float]) -> list[FloatArray]:
    """Quantiles of each customer's gaps (whole days) by linear interpolation between order statistics.

    NaN for customers without gaps.
    """
    width = int(gap.max(initial=0)) + 1
    ordered = (np.sort(who * width + gap.astype(np.int64)) % width).astype(np.float64)
    some = many > 0
    start = (np.cumsum(many) - many)[some].astype(np.int64)
    found = []
    for level in levels:
        position = level * (many[some] - 1)  # among the customer's own, so that it is exact whoever stands before
        low, high = np.floor(position).astype(np.int64), np.ceil(position).astype(np.int64)
        part = position - low
        result = np.full(len(many), np.nan)
        result[some] = ordered[start + low] * (1 - part) + ordered[start + high] * part
        found.append(result)
    return found
