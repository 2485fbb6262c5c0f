"""How those stand who share a customer's shops and products: whether they still come, and whether they grow fewer.

Each figure goes from customers to the nodes they share (a shop or channel, a product, a category) and back, without the
customer's own part. A shop that closes or loses its regulars shows there before it shows in a customer's own gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import sparse

from gnn.distinct import distinct
from gnn.feature_input import Column
from graph.snapshot import FloatArray, Int32Array, Int64Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

#: Age at which a visit weighs half, in days.
_HALF_LIFE_DAYS: Final = 60.0
#: Momentum: visitors of the last month against the two before it.
_RECENT_DAYS: Final = 30
_EARLIER_DAYS: Final = 90
#: Neighbours count for so many more of average state, visitors for so many more in either period.
_PRIOR_NEIGHBOURS: Final = 3.0
_PRIOR_VISITORS: Final = 2.0
#: Nobody belongs more than this to a product or category, in recent purchase days.
_MOST_OF_A_NODE: Final = 2.0
#: Products and categories whose buyers tell something of each other: so many at least, and this share at most.
_FEWEST_BUYERS: Final = 5
_LARGEST_SHARE: Final = 0.3
#: Customers silent for longer than this say nothing of the present.
_ACTIVE_DAYS: Final = 180.0
#: Features of the customers that are averaged over their neighbours.
SIGNALS: Final = (
    "recency_days",
    "gap_running_quantile",
    "gap_running_ratio",
    "orders_trend_60_days",
    "orders_30_days",
    "orders_pace",
    "spend_trend_60_days",
)
_BUYERS_SIGNALS: Final = SIGNALS[:4]


@dataclass(frozen=True, eq=False)
class Visits:
    """Distinct days on which customers met nodes: three arrays of one length, and the sizes of both sides."""

    customer: Int64Array
    node: Int64Array
    age: FloatArray
    customers: int
    nodes: int

    @staticmethod
    def of(snapshot: Snapshot, node: Int32Array) -> Visits:
        """From the node of each purchase line (-1 for none)."""
        events, known = snapshot.purchases, node >= 0
        age = (snapshot.as_of_ms - 1 - events.at[known]) // MILLISECONDS_PER_DAY
        width, span = int(node.max(initial=0)) + 1, int(age.max(initial=0)) + 1
        keys = distinct((events.customer[known].astype(np.int64) * width + node[known]) * span + age)
        pair = keys // span
        return Visits(pair // width, pair % width, (keys % span).astype(np.float64), len(snapshot.customers), width)

    def matrix(self, weight: FloatArray) -> Any:
        """Sums of weights by customer and node (sparse CSR)."""
        shape = (self.customers, self.nodes)
        return sparse.coo_array((weight, (self.customer, self.node)), shape=shape).tocsr()


def shops(snapshot: Snapshot, signals: Mapping[str, FloatArray], rows: Int32Array) -> Iterator[Column]:
    """State and momentum of the customers' shops or channels; nothing where the source has not at least two.

    Args:
        snapshot: The graph as of the cutoff.
        signals: Some of `SIGNALS` of every customer of the snapshot, NaN where unknown.
        rows: Who is counted.
    """
    events = snapshot.purchases
    if len(events.channels) < 2:
        return
    visits = Visits.of(snapshot, events.channel)
    usual = visits.matrix(np.exp2(-visits.age / _HALF_LIFE_DAYS))
    active = signals["recency_days"] <= _ACTIVE_DAYS
    for name, signal in signals.items():
        scaled = np.sign(signal) * np.log1p(np.abs(signal))
        label = f"Mean of log(1 + {name}) over the other customers of the usual shops"
        yield Column(f"shop_{name}", label, others_mean(usual, np.where(active, scaled, np.nan))[rows])
    momentum, crowd = _momentum(visits, usual)
    label = "Log ratio of others' visits to the usual shops, last 30 days to the 60 before"
    yield Column("shop_momentum", label, momentum[rows])
    yield Column("shop_crowd", "Log of (1 + others' visits to the usual shops in the last 30 days)", crowd[rows])
    moved = _total_variation(visits.matrix((visits.age <= _RECENT_DAYS).astype(np.float64)), usual)
    yield Column("shop_change", "How far the last 30 days' shops are from the usual ones (0 to 1)", moved[rows])


def product_visits(snapshot: Snapshot) -> dict[str, Visits]:
    """On which days customers bought of which products, and of which innermost categories, where there are any."""
    target = snapshot.purchases.target
    nodes = _nodes(snapshot).items()
    return {name: Visits.of(snapshot, np.append(node, np.int32(-1))[target]) for name, node in nodes}


def buyers(bought: Mapping[str, Visits], signals: Mapping[str, FloatArray], rows: Int32Array) -> Iterator[Column]:
    """State of the other buyers of the customers' products and categories (`product_visits`); nothing without any.

    A product that nearly everybody buys says nothing of a customer, one with few buyers little of their state.
    """
    for name, visits in bought.items():
        usual = visits.matrix(np.exp2(-visits.age / _HALF_LIFE_DAYS))
        usual.data = np.minimum(usual.data, _MOST_OF_A_NODE)
        of_node = np.bincount(usual.indices, minlength=visits.nodes)
        told = (of_node >= _FEWEST_BUYERS) & (of_node <= _LARGEST_SHARE * visits.customers)
        usual.data *= told[usual.indices]
        usual.eliminate_zeros()
        active = signals["recency_days"] <= _ACTIVE_DAYS
        for signal in _BUYERS_SIGNALS:
            if signal in signals:
                scaled = np.sign(signals[signal]) * np.log1p(np.abs(signals[signal]))
                label = f"Mean of log(1 + {signal}) over the other buyers of the bought {name} nodes"
                yield Column(f"{name}_{signal}", label, others_mean(usual, np.where(active, scaled, np.nan))[rows])


def _nodes(snapshot: Snapshot) -> dict[str, Int32Array]:
    """Each product's node, by kind of node: itself, and its innermost category where there are categories."""
    if not len(snapshot.products):
        return {}
    nodes = {"product": np.arange(len(snapshot.products), dtype=np.int32)}
    return nodes | ({"category": snapshot.product_category} if len(snapshot.categories) else {})


def product_momentum(bought: Mapping[str, Visits], rows: Int32Array) -> Iterator[Column]:
    """Whether a customer's products and categories (`product_visits`) win or lose buyers, and how popular they are."""
    for name, visits in bought.items():
        usual = visits.matrix(np.exp2(-visits.age / _HALF_LIFE_DAYS))
        usual.data = np.minimum(usual.data, _MOST_OF_A_NODE)
        recent, whole = (_buyers(visits, days) for days in (_RECENT_DAYS, _EARLIER_DAYS))
        # A third of the days sees rather less than half of the buyers.
        change = np.log((recent + 1.0) / (0.45 * whole + 1.0))
        total = usual.sum(axis=1)
        for kind, values, label in (
            ("momentum", change, "Mean log ratio of buyers, last 30 days to 90 days"),
            ("popularity", np.log1p(whole), "Mean log(1 + buyers in 90 days)"),
        ):
            mean = np.divide(usual @ values, total, out=np.full(len(total), np.nan), where=total > 0)
            yield Column(f"{name}_{kind}", f"{label} of the bought {name} nodes", mean[rows])


def others_mean(usual: Any, signal: FloatArray) -> FloatArray:
    """Each customer's mean of its nodes' means of a signal over the other customers; NaN for those without nodes.

    Args:
        usual: How much customers belong to nodes (sparse CSR c×p).
        signal: Of the customers, NaN where unknown (c).
    """
    known = np.isfinite(signal)
    if not known.any():
        return np.full(len(signal), np.nan)
    value = np.where(known, signal, 0.0)
    average = value.sum() / known.sum()
    who = np.repeat(np.arange(usual.shape[0]), np.diff(usual.indptr))
    own = usual.data * known[who]
    weight = (usual.T @ known.astype(np.float64))[usual.indices] - own
    total = (usual.T @ value)[usual.indices] - own * value[who]
    means = (total + _PRIOR_NEIGHBOURS * average) / (np.maximum(weight, 0.0) + _PRIOR_NEIGHBOURS)
    return _mean_of_nodes(usual, means)


def _momentum(visits: Visits, usual: Any) -> tuple[FloatArray, FloatArray]:
    """Log ratio of the others' visits, and their number, averaged over each customer's nodes."""
    who = np.repeat(np.arange(usual.shape[0]), np.diff(usual.indptr))
    others = []
    for inside in (visits.age <= _RECENT_DAYS, (visits.age > _RECENT_DAYS) & (visits.age <= _EARLIER_DAYS)):
        weight = inside.astype(np.float64)
        own = visits.matrix(weight)  # the same pairs in the same order as `usual`
        others.append(np.bincount(visits.node, weight, minlength=visits.nodes)[usual.indices] - own.data)
    months = (_EARLIER_DAYS - _RECENT_DAYS) / _RECENT_DAYS
    change = np.log((others[0] + _PRIOR_VISITORS) / (others[1] / months + _PRIOR_VISITORS))
    return _mean_of_nodes(usual, change, who), np.log1p(_mean_of_nodes(usual, others[0], who))


def _mean_of_nodes(usual: Any, values: FloatArray, who: Int64Array | None = None) -> FloatArray:
    """Weighted mean over each customer's nodes of values that stand beside the matrix's entries."""
    who = np.repeat(np.arange(usual.shape[0]), np.diff(usual.indptr)) if who is None else who
    total = np.bincount(who, usual.data, minlength=usual.shape[0])
    summed = np.bincount(who, usual.data * values, minlength=usual.shape[0])
    result: FloatArray = np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)
    return result


def _total_variation(recent: Any, usual: Any) -> FloatArray:
    """Half the sum of absolute differences of two shares by customer; NaN without anything recent."""
    sizes = [np.asarray(each.sum(axis=1)).ravel() for each in (recent, usual)]
    shares = [
        sparse.diags_array(1.0 / np.maximum(size, 1e-12)) @ each
        for size, each in zip(sizes, (recent, usual), strict=True)
    ]
    difference = 0.5 * np.asarray(abs(shares[0] - shares[1]).sum(axis=1)).ravel()
    return np.where(sizes[0] > 0, difference, np.nan)


def _buyers(visits: Visits, days: int) -> FloatArray:
    """Distinct customers of each node within the last days."""
    inside = visits.age < days
    pairs = distinct(visits.customer[inside] * visits.nodes + visits.node[inside])
    return np.bincount(pairs % visits.nodes, minlength=visits.nodes).astype(np.float64)
