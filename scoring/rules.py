"""Consistency rules: what a customer's facts must satisfy to be trusted, each a small declaration over the snapshot.

A rule looks at facts (events, or orders), says whose each is, and whether it holds. Rules state what real exports get
wrong: lines without a quantity, orders that two customers share, returns of what was never bought.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.snapshot import Events, Int32Array, Int64Array, Snapshot

BoolArray = npt.NDArray[np.bool_]

#: How many times dearer or cheaper than its product's median unit price a line may be.
PRICE_FACTOR: Final = 10.0

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Facts:
    """What a rule looked at: for each fact, whose it is and whether the rule holds.

    Attributes:
        customer: Row in `Snapshot.customers`, int32 [facts].
        holds: bool [facts].
    """

    customer: Int32Array
    holds: BoolArray


@dataclass(frozen=True)
class Rule:
    """A declared consistency rule.

    Attributes:
        name: Short name, as in a score's evidence.
        description: What must hold, in one sentence.
        check: The rule's facts in a snapshot, and whether it holds for each.
    """

    name: str
    description: str
    check: Callable[[Snapshot], Facts]


def _amount_not_negative(snapshot: Snapshot) -> Facts:
    purchases = snapshot.purchases
    told = ~np.isnan(purchases.amount)
    return Facts(purchases.customer[told], purchases.amount[told] >= 0)


def _quantity_positive(snapshot: Snapshot) -> Facts:
    purchases = snapshot.purchases
    told = ~np.isnan(purchases.quantity)
    return Facts(purchases.customer[told], purchases.quantity[told] > 0)


def _discount_not_negative(snapshot: Snapshot) -> Facts:
    purchases = snapshot.purchases
    told = ~np.isnan(purchases.discount)
    # That it is not above the price is the same as an amount that is not negative: a rule of its own.
    return Facts(purchases.customer[told], purchases.discount[told] >= 0)


def _unit_price_plausible(snapshot: Snapshot) -> Facts:
    purchases = snapshot.purchases
    priced = (purchases.target >= 0) & (purchases.quantity > 0) & (purchases.amount > 0)
    customer, product = purchases.customer[priced], purchases.target[priced]
    if not len(product):
        return Facts(customer, np.zeros(0, bool))
    log_price = np.log(purchases.amount[priced] / purchases.quantity[priced])
    order = np.lexsort((log_price, product))
    first = np.searchsorted(product[order], np.arange(len(snapshot.products)))
    count = np.bincount(product, minlength=len(snapshot.products))
    # The lower median: an actual price of the product.
    median = log_price[order][np.minimum(first + np.maximum(count - 1, 0) // 2, len(order) - 1)]
    return Facts(customer, np.abs(log_price - median[product]) <= np.log(PRICE_FACTOR))


def _product_described(snapshot: Snapshot) -> Facts:
    purchases = snapshot.purchases
    if not len(snapshot.categories):
        return Facts(purchases.customer[:0], np.zeros(0, bool))
    named = purchases.target >= 0
    return Facts(purchases.customer[named], snapshot.product_category[purchases.target[named]] >= 0)


def _order_is_one(snapshot: Snapshot) -> Facts:
    purchases = snapshot.purchases
    rows = np.flatnonzero(purchases.order >= 0)
    order = purchases.order[rows]
    count = int(order.max()) + 1 if len(order) else 0
    first = np.zeros(count, np.int64)
    first[order[::-1]] = rows[::-1]  # the last written stands: the first line of each order
    lead = first[order]
    odd = np.zeros(len(rows), bool)
    for column in (purchases.customer, purchases.at, purchases.channel):
        odd |= column[rows] != column[lead]
    holds = np.ones(count, bool)
    holds[order[odd]] = False
    # An order that two customers share is a fact of both.
    customers = max(1, len(snapshot.customers))
    pairs = np.unique(order.astype(np.int64) * customers + purchases.customer[rows])
    return Facts((pairs % customers).astype(np.int32), holds[pairs // customers])


def _return_follows_purchase(snapshot: Snapshot) -> Facts:
    return _follows(snapshot.events["RETURNED"], snapshot.purchases, len(snapshot.products))


def _redemption_follows_contact(snapshot: Snapshot) -> Facts:
    if not len(snapshot.events["CONTACTED"]):
        return Facts(snapshot.purchases.customer[:0], np.zeros(0, bool))
    return _follows(snapshot.events["REDEEMED"], snapshot.events["CONTACTED"], len(snapshot.campaigns))


def _follows(events: Events, causes: Events, targets: int) -> Facts:
    """Whether each event has a cause of the same customer and target, no later than itself."""
    if not len(events):
        return Facts(events.customer, np.zeros(0, bool))
    named = events.target >= 0
    pair = _pair(events, targets)[named]
    causes_named = causes.target >= 0
    # Events come oldest first: the first occurrence of a pair is its earliest.
    cause_pairs, first = np.unique(_pair(causes, targets)[causes_named], return_index=True)
    earliest = causes.at[causes_named][first]
    place = np.searchsorted(cause_pairs, pair)
    found = np.zeros(len(pair), bool)
    inside = place < len(cause_pairs)
    found[inside] = (cause_pairs[place[inside]] == pair[inside]) & (earliest[place[inside]] <= events.at[named][inside])
    return Facts(events.customer[named], found)


def _pair(events: Events, targets: int) -> Int64Array:
    return events.customer.astype(np.int64) * max(1, targets) + events.target


#: All rules, in the order of a score's evidence.
RULES: Final = (
    Rule("amount_not_negative", "A purchase line's amount is not negative.", _amount_not_negative),
    Rule("quantity_positive", "A purchase line has a positive quantity.", _quantity_positive),
    Rule("discount_not_negative", "A purchase line's discount is not negative.", _discount_not_negative),
    Rule(
        "unit_price_plausible",
        f"A unit price lies within a factor of {PRICE_FACTOR:g} of its product's median.",
        _unit_price_plausible,
    ),
    Rule("product_described", "A purchased product stands in the products table, with a category.", _product_described),
    Rule("order_is_one", "An order has one customer, one time and one channel.", _order_is_one),
    Rule("return_follows_purchase", "A return has an earlier purchase of the same product.", _return_follows_purchase),
    Rule(
        "redemption_follows_contact",
        "A redemption has an earlier contact by the same campaign.",
        _redemption_follows_contact,
    ),
)
