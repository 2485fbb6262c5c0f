"""Which of a customer's usual categories are due: cycles of buying again, learnt from all customers' purchases.

A category's cycle is the mean gap between purchase days of it, over everybody; a customer's own cycle is drawn to it
where its own gaps are few. Somebody who still comes but lets the usual categories run out buys them elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gnn.distinct import distinct
from gnn.feature_input import Column, FeatureInput, ratio, sums
from graph.snapshot import FloatArray, Int32Array, Int64Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

#: A category is usual with so many purchase days of it.
USUAL_DAYS: Final = 3
#: How many gaps the category's cycle counts for beside the customer's own, and a month beside the category's.
_PRIOR_GAPS: Final = 2
_PRIOR_CATEGORY_GAPS: Final = 20
_MONTH_DAYS: Final = 30.0
#: Multiples of the cycle since the last purchase beyond which a category is due, and given up.
_DUE: Final = 1.5
_GIVEN_UP: Final = 3.0
_MOST: Final = 20.0


def replenishment(given: FeatureInput) -> Iterator[Column]:
    """Due and given-up categories at two levels; by product where there are no categories; nothing without products."""
    for level, node in _levels(given.snapshot):
        yield from _of_level(given, level, node)


def _levels(snapshot: Snapshot) -> list[tuple[str, Int32Array]]:
    """Names of levels, and each product's node there (-1 for none)."""
    category, parent = snapshot.product_category, snapshot.category_parent
    if not len(snapshot.products):
        return []
    if not len(snapshot.categories) or not (category >= 0).any():
        return [("product", np.arange(len(snapshot.products), dtype=np.int32))]
    above = np.where(parent >= 0, parent, np.arange(len(parent), dtype=np.int32)).astype(np.int32)
    upper = np.append(above, np.int32(-1))[category]
    return [("category", category), ("upper_category", upper)]


def _of_level(given: FeatureInput, level: str, node: Int32Array) -> Iterator[Column]:
    count, noun = given.count, level.replace("_", " ")
    nodes = int(node.max(initial=-1)) + 1
    cycle = _cycles(given.snapshot, node, nodes)
    who, what, times, first, last = _spells(
        given.purchases.customer, given.purchases.target, given.purchases.at, given.snapshot.as_of_ms, node
    )
    own = (first - last + _PRIOR_GAPS * cycle[what]) / (times - 1 + _PRIOR_GAPS)
    usual = times >= USUAL_DAYS
    weight = np.where(usual, np.sqrt(times), 0.0)
    total = sums(who, count, weight)
    waited = np.minimum(last / own, _MOST)
    latest = np.full(count, np.inf)
    np.minimum.at(latest, who, last)
    waited_before = np.minimum((last - latest[who]) / own, _MOST)  # as of the latest purchase, whenever that was

    def mean(values: FloatArray) -> FloatArray:
        return ratio(sums(who, count, weight * values), total)

    of = "usual products" if level == "product" else f"usual {noun} nodes"
    for name, label, values in (
        ("wait", "Mean log of (1 + cycles since the last purchase)", np.log1p(waited)),
        ("due", "Share that is due", (waited > _DUE).astype(np.float64)),
        ("given_up", "Share that is given up", (waited > _GIVEN_UP).astype(np.float64)),
        ("alive", "Mean of exp(-cycles since the last purchase)", np.exp(-waited)),
        ("dropped", "Share overdue by two cycles at the latest purchase", (waited_before > 2).astype(np.float64)),
        ("wait_before", "Mean log of (1 + cycles waited at the latest purchase)", np.log1p(waited_before)),
    ):
        yield Column(f"{level}_{name}", f"{label}, over the {of}", ratio(sums(who, count, weight * values), total))
    yield Column(f"{level}_usual", f"Number of {of}", sums(who, count, usual.astype(np.float64)))
    expected = usual * np.exp(-waited / 2) / own * _MONTH_DAYS
    yield Column(f"{level}_expected", f"Purchases expected in 30 days, over the {of}", sums(who, count, expected))


def _cycles(snapshot: Snapshot, node: Int32Array, nodes: int) -> FloatArray:
    """Mean days between purchase days of each node, over everybody, drawn to a month."""
    events = snapshot.purchases
    _, what, times, first, last = _spells(events.customer, events.target, events.at, snapshot.as_of_ms, node)
    days = np.bincount(what, first - last, minlength=nodes)
    gaps = np.bincount(what, times - 1, minlength=nodes)
    result: FloatArray = (days + _MONTH_DAYS * _PRIOR_CATEGORY_GAPS) / (gaps + _PRIOR_CATEGORY_GAPS)
    return np.maximum(result, 1.0)


def _spells(
    customer: Int64Array | Int32Array, target: Int32Array, at: Int64Array, as_of_ms: int, node: Int32Array
) -> tuple[Int64Array, Int64Array, FloatArray, FloatArray, FloatArray]:
    """By customer and node: both, the number of purchase days, and the ages in days of the first and the last one."""
    what = np.append(node, np.int32(-1))[target].astype(np.int64)
    known = what >= 0
    what, who = what[known], customer[known].astype(np.int64)
    age = (as_of_ms - 1 - at[known]) // MILLISECONDS_PER_DAY
    width, span = int(what.max(initial=0)) + 1, int(age.max(initial=0)) + 1
    keys = distinct((who * width + what) * span + age)
    pair, days = keys // span, (keys % span).astype(np.float64)
    start = np.flatnonzero(np.append(True, pair[1:] != pair[:-1])) if len(pair) else np.zeros(0, np.int64)
    times = np.diff(np.append(start, len(pair)))
    return pair[start] // width, pair[start] % width, times.astype(np.float64), days[start + times - 1], days[start]
