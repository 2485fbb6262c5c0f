"""What the feature groups read: a snapshot's purchases restricted to the counted customers, summed to orders and days.

Everything here is as of the snapshot's cutoff T; ages are in days before T, and hence above zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

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
    counted = np.bincount(customer, None if weights is None else np.nan_to_num(weights), minlength=count)
    return counted.astype(np.float64, copy=False)


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Elementwise quotient; NaN where the denominator is not above zero."""
    result = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) > 0)
    return result


def restrict(events: Events, place: Int64Array, count: int, as_of_ms: int) -> CustomerEvents:
    """The events of counted customers; `place` maps a snapshot's customer row to 0 … count-1, or -1."""
    customer = place[events.customer]
    keep = slice(None) if bool((customer >= 0).all()) else customer >= 0
    return CustomerEvents(
        count=count,
        customer=customer[keep],
        age=(as_of_ms - events.at[keep]) / MILLISECONDS_PER_DAY,
        target=events.target[keep],
        at=events.at[keep],
        quantity=events.quantity[keep],
        amount=events.amount[keep],
        discount=events.discount[keep],
        rating=events.rating[keep],
        order=events.order[keep],
        channel=events.channel[keep],
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
        snapshot: The graph as of the cutoff.
        rows: Rows of the counted customers in `snapshot.customers`, length n.
    """

    snapshot: Snapshot
    rows: Int32Array

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
        return restrict(self.snapshot.events[name], self._place, self.count, self.snapshot.as_of_ms)

    @cached_property
    def purchases(self) -> CustomerEvents:
        """Their purchase lines."""
        return self.events("PURCHASED")

    @cached_property
    def observed_days(self) -> float:
        """Days from the data set's first purchase (by anybody) to the cutoff; at least 1."""
        at = self.snapshot.purchases.at
        return max((self.snapshot.as_of_ms - int(at[0])) / MILLISECONDS_PER_DAY, 1.0) if len(at) else 1.0

    @cached_property
    def orders(self) -> Orders:
        """Purchase occasions: orders, or distinct days where the source has no orders."""
        lines = self.purchases
        days = lines.at // MILLISECONDS_PER_DAY
        first_day = int(days.min()) if len(days) else 0
        orders_known = int(lines.order.max(initial=-1)) + 1
        occasion = np.where(lines.order >= 0, lines.order, orders_known + days - first_day)
        width = int(occasion.max(initial=0)) + 1
        _, first, inverse = np.unique(lines.customer * width + occasion, return_index=True, return_inverse=True)
        # Lines are oldest first. Of orders at the same instant the one whose line stands first comes first, whatever
        # the numbers of the orders: these follow the way a source was loaded.
        by_time = np.lexsort((first, lines.customer[first]))
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
        pairs = np.unique(self.purchases.customer * width + oldest_first)
        return pairs // width, (width - 1 - pairs % width).astype(np.float64)

    @cached_property
    def has_amounts(self) -> bool:
        """Whether the source gives amounts at all."""
        return bool(np.isfinite(self.snapshot.purchases.amount).any())
