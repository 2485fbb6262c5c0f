"""What the feature groups read: a snapshot's purchases restricted to the counted customers, summed to orders and days.

Everything here is as of the snapshot's cutoff T; ages are in days before T, and hence above zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gnn.distinct import starts_of
from gnn.snapshot_facts import SnapshotFacts
from graph.snapshot import Events, FloatArray, Int32Array, Int64Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY


@dataclass(frozen=True, eq=False)
class Column:
    """One feature of n customers.

    Attributes:
        name: Identifier, the same at every cutoff of a data set.
        label: What it means to a reader, with its unit.
        values: Length n, float64; NaN where it is undefined for a customer.
    """

    name: str
    label: str
    values: FloatArray


@dataclass(frozen=True, eq=False)
class CustomerEvents:
    """Events of one type of the counted customers, oldest first; arrays of the length of these events.

    Attributes:
        count: Number n of counted customers.
        customer: Which of the counted customers, 0 … n-1.
        age: Days from the event to the cutoff.
        target: Row in `Snapshot.products` or `Snapshot.campaigns`; -1 for none.
        at: Epoch milliseconds.
        quantity, amount, discount, rating, order, channel: As in `graph.snapshot.Events`.
    """

    count: int
    customer: Int64Array
    age: FloatArray
    target: Int32Array
    at: Int64Array
    quantity: FloatArray
    amount: FloatArray
    discount: FloatArray
    rating: FloatArray
    order: Int32Array
    channel: Int32Array

    def __len__(self) -> int:
        return len(self.at)

    def per_customer(self, weights: FloatArray | None = None, where: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        """Number of events, or sum of their weights (NaN counts as zero), of each customer."""
        return sums(self.customer, self.count, weights, where)

    def since_last(self) -> FloatArray:
        """Days since each customer's latest event; NaN for those without one."""
        latest = np.full(self.count, np.nan)
        latest[self.customer] = self.age  # oldest first: the latest stands
        return latest


def sums(
    customer: Int64Array, count: int, weights: FloatArray | None = None, where: npt.NDArray[np.bool_] | None = None
) -> FloatArray:
    """Sum of weights (of ones by default; NaN counts as zero) by customer, where a condition holds."""
    if where is not None:
        customer = customer[where]
        weights = None if weights is None else weights[where]
    known = None if weights is None else np.where(np.isnan(weights), 0.0, weights)
    return np.bincount(customer, known, minlength=count).astype(np.float64, copy=False)


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Elementwise quotient; NaN where the denominator is not above zero."""
    result = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) > 0)
    return result


def restrict(
    events: Events, chosen: npt.NDArray[np.integer] | slice, place: Int64Array, count: int, as_of_ms: int
) -> CustomerEvents:
    """Some of the events, all of counted customers; `place` maps a snapshot's customer row to 0 … count-1."""
    at = events.at[chosen]
    return CustomerEvents(
        count=count,
        customer=place[events.customer[chosen]],
        age=(as_of_ms - at) / MILLISECONDS_PER_DAY,
        target=events.target[chosen],
        at=at,
        quantity=events.quantity[chosen],
        amount=events.amount[chosen],
        discount=events.discount[chosen],
        rating=events.rating[chosen],
        order=events.order[chosen],
        channel=events.channel[chosen],
    )


@dataclass(frozen=True, eq=False)
class Orders:
    """Purchase occasions, sorted by customer and then oldest first; arrays of the length of the occasions.

    Attributes:
        customer: Which of the counted customers.
        age: Days from the occasion's first line to the cutoff.
        amount: Sum over its lines.
        lines: Number of its lines.
        units: Sum of their quantities.
    """

    customer: Int64Array
    age: FloatArray
    amount: FloatArray
    lines: FloatArray
    units: FloatArray

    def __len__(self) -> int:
        return len(self.age)


@dataclass(frozen=True, eq=False)
class FeatureInput:
    """A snapshot seen from the counted customers.

    Attributes:
        facts: The snapshot, and what of it the features depend on whoever is counted.
        rows: Rows of the counted customers in `snapshot.customers`, length n.
        chosen: Positions of their events in `snapshot.events`, by type, where these are known already.
    """

    facts: SnapshotFacts
    rows: Int32Array
    chosen: Mapping[str, npt.NDArray[np.integer]] = field(default_factory=dict)

    @staticmethod
    def of(snapshot: Snapshot, rows: Int32Array) -> FeatureInput:
        """The counted customers all at once."""
        return FeatureInput(SnapshotFacts(snapshot), rows)

    @staticmethod
    def blocks(snapshot: Snapshot, rows: Int32Array, size: int) -> Iterator[FeatureInput]:
        """The counted customers in order, at most `size` of them at a time: memory is bounded by the largest block.

        Events are divided once, keeping their order: by a radix sort of 16-bit block numbers as far as these reach.
        """
        facts, many = SnapshotFacts(snapshot), -(-len(rows) // size)
        if many <= 1:
            yield FeatureInput(facts, rows)
            return
        number = np.full(len(snapshot.customers), many, np.uint16 if many < 1 << 16 else np.int64)
        number[rows] = np.arange(len(rows)) // size
        divided, ends = {}, {}
        for name, events in snapshot.events.items():
            block = number[events.customer]
            divided[name] = np.argsort(block, kind="stable").astype(np.int32, copy=False)
            ends[name] = np.concatenate([[0], np.cumsum(np.bincount(block, minlength=many + 1))])
        for each in range(many):
            chosen = {name: order[ends[name][each] : ends[name][each + 1]] for name, order in divided.items()}
            yield FeatureInput(facts, rows[each * size : (each + 1) * size], chosen)

    @property
    def snapshot(self) -> Snapshot:
        """The graph as of the cutoff."""
        return self.facts.snapshot

    @property
    def count(self) -> int:
        """Number n of counted customers."""
        return len(self.rows)

    @cached_property
    def _place(self) -> Int64Array:
        place = np.full(len(self.snapshot.customers), -1, np.int64)
        place[self.rows] = np.arange(self.count)
        return place

    def events(self, name: str) -> CustomerEvents:
        """The counted customers' events of one type."""
        events = self.snapshot.events[name]
        chosen: npt.NDArray[np.integer] | slice
        if name in self.chosen:
            chosen = self.chosen[name]
        else:
            counted = self._place[events.customer] >= 0
            chosen = slice(None) if bool(counted.all()) else np.flatnonzero(counted)
        return restrict(events, chosen, self._place, self.count, self.snapshot.as_of_ms)

    @cached_property
    def purchases(self) -> CustomerEvents:
        """Their purchase lines."""
        return self.events("PURCHASED")

    @cached_property
    def orders(self) -> Orders:
        """Purchase occasions: orders, or distinct days where the source has no orders."""
        lines = self.purchases
        days = lines.at // MILLISECONDS_PER_DAY
        first_day = int(days.min()) if len(days) else 0
        orders_known = int(lines.order.max(initial=-1)) + 1
        occasion = np.where(lines.order >= 0, lines.order, orders_known + days - first_day)
        width = int(occasion.max(initial=0)) + 1
        key = lines.customer * width + occasion
        by_key = np.argsort(key)
        starts = starts_of(key[by_key])
        inverse = np.empty(len(key), np.int64)
        inverse[by_key] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(key)))
        first = np.minimum.reduceat(by_key, starts) if len(starts) else starts
        # Lines are oldest first. Of orders at the same instant the one whose line stands first comes first, whatever
        # the numbers of the orders: these follow the way a source was loaded.
        by_time = np.argsort(lines.customer[first] * len(key) + first)
        return Orders(
            customer=lines.customer[first][by_time],
            age=lines.age[first][by_time],
            amount=sums(inverse, len(first), lines.amount)[by_time],
            lines=sums(inverse, len(first))[by_time],
            units=sums(inverse, len(first), lines.quantity)[by_time],
        )

    @cached_property
    def purchase_days(self) -> tuple[Int64Array, FloatArray]:
        """Distinct days with a purchase, by customer and then oldest first: customer, and whole days from that day."""
        day = self.purchases.at // MILLISECONDS_PER_DAY
        today = self.snapshot.as_of_ms // MILLISECONDS_PER_DAY
        newest_first = today - day
        width = int(newest_first.max(initial=0)) + 1
        oldest_first = width - 1 - newest_first
        pairs = np.sort(self.purchases.customer * width + oldest_first)
        pairs = pairs[starts_of(pairs)]
        return pairs // width, (width - 1 - pairs % width).astype(np.float64)
