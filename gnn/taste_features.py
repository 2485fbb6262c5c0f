"""Features of what customers buy and how: products, brands, the category mix and its change, discounts, channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from gnn.feature_input import Column, FeatureInput, ratio, sums
from graph.snapshot import FloatArray, Int32Array, Int64Array, Snapshot

#: At most this many categories get a share of their own: the ones with the most buyers.
LARGEST_CATEGORIES: Final = 20
#: The recent part of the mix, in days before the cutoff.
RECENT_DAYS: Final = 60


def products(given: FeatureInput) -> Iterator[Column]:
    """Breadth of products, categories and brands; nothing for a shop without products."""
    lines, count, snapshot = given.purchases, given.count, given.snapshot
    if not len(snapshot.products):
        return
    bought = lines.target >= 0
    total = lines.per_customer(where=bought)
    distinct = _distinct(lines.customer, lines.target, count)
    yield Column("products", "Distinct products bought", distinct)
    yield Column(
        "product_repeats", "Share of lines that repeat a product bought before", ratio(total - distinct, total)
    )
    recent = lines.age <= RECENT_DAYS
    lately = _distinct(lines.customer[recent], lines.target[recent], count)
    new = distinct - _distinct(lines.customer[~recent], lines.target[~recent], count)
    label = f"Share of the last {RECENT_DAYS} days' products that are new to the customer"
    yield Column("product_novelty", label, ratio(new, lately))
    if len(snapshot.brands):
        brand = _lookup(snapshot.product_brand, lines.target)
        yield Column("brands", "Distinct brands bought", _distinct(lines.customer, brand, count))
        yield Column(
            "brand_top_share", "Share of lines of the favourite brand", _top_share(lines.customer, brand, count)
        )
    if len(snapshot.categories):
        category = _lookup(snapshot.product_category, lines.target)
        yield Column("categories", "Distinct innermost categories bought", _distinct(lines.customer, category, count))
        yield Column(
            "category_entropy",
            "Entropy of lines over innermost categories (nats)",
            _entropy(lines.customer, category, count),
        )


def category_mix(given: FeatureInput) -> Iterator[Column]:
    """Shares of lines by main category, and how far the recent mix has moved from the earlier one.

    The change is the total variation distance ½·Σ|p - q| between the shares of the last 60 days and those before.
    """
    lines, count, snapshot = given.purchases, given.count, given.snapshot
    main = main_categories(snapshot)
    if not len(main):
        return
    of_product = _lookup(main, snapshot.product_category)
    everybody = snapshot.purchases
    buyer = _pairs(everybody.customer, _lookup(of_product, everybody.target))[1]
    roots, buyers = np.unique(buyer, return_counts=True)
    if not len(roots):
        return
    place = np.full(len(main) + 1, -1, np.int32)
    place[roots] = np.arange(len(roots))
    code = _lookup(place, _lookup(of_product, lines.target))
    known = code >= 0
    customer, code, recent = lines.customer[known], code[known], lines.age[known] <= RECENT_DAYS
    width = len(roots)
    table = np.bincount(customer * width + code, minlength=count * width).reshape(count, width)
    late = np.bincount(customer[recent] * width + code[recent], minlength=count * width).reshape(count, width)
    shares, late_shares, early_shares = (
        ratio(part.astype(np.float64), part.sum(axis=1, keepdims=True).astype(np.float64))
        for part in (table, late, table - late)
    )
    yield Column("main_categories", "Distinct main categories bought", (table > 0).sum(axis=1).astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(shares > 0, shares * np.log(shares), 0.0).sum(axis=1)
    yield Column(
        "main_category_entropy",
        "Entropy of lines over main categories (nats)",
        np.where(table.any(axis=1), entropy, np.nan),
    )
    change = 0.5 * np.abs(late_shares - early_shares).sum(axis=1)
    yield Column(
        "category_change", f"Change of the category mix, last {RECENT_DAYS} days against before (0 to 1)", change
    )
    for column in np.lexsort((roots, -buyers))[:LARGEST_CATEGORIES]:
        name = snapshot.categories[int(roots[column])].as_py()
        yield Column(f"category_share:{name}", f"Share of lines in {name}", shares[:, column])


def discounts_and_channels(given: FeatureInput) -> Iterator[Column]:
    """Discounts where the source gives them, channels likewise."""
    lines, count = given.purchases, given.count
    if bool(np.isfinite(given.snapshot.purchases.discount).any()):
        taken = lines.per_customer(lines.discount)
        full = taken + lines.per_customer(lines.amount)
        recent = lines.age <= RECENT_DAYS
        taken_lately = lines.per_customer(lines.discount, recent)
        yield Column("discount_share", "Discount as a share of the undiscounted price", ratio(taken, full))
        yield Column(
            f"discount_share_{RECENT_DAYS}_days",
            f"The same in the last {RECENT_DAYS} days",
            ratio(taken_lately, taken_lately + lines.per_customer(lines.amount, recent)),
        )
        yield Column(
            "discounted_lines",
            "Share of lines with a discount",
            ratio(lines.per_customer(where=lines.discount > 0), lines.per_customer()),
        )
    if given.snapshot.purchases.channels:
        yield Column("channels", "Distinct channels or shops used", _distinct(lines.customer, lines.channel, count))
        yield Column(
            "channel_top_share",
            "Share of lines in the usual channel or shop",
            _top_share(lines.customer, lines.channel, count),
        )


def main_categories(snapshot: Snapshot) -> Int32Array:
    """Each category's ancestor at the main level: the outermost, or the level below where there is but one root."""
    parent = snapshot.category_parent
    ancestor = np.arange(len(parent), dtype=np.int32)
    below = ancestor.copy()  # the ancestor one level below the root
    while len(parent) and (higher := parent[ancestor] >= 0).any():
        below = np.where(higher, ancestor, below)
        ancestor = np.where(higher, parent[ancestor], ancestor).astype(np.int32)
    return below if len(np.unique(ancestor)) == 1 else ancestor


def _lookup(table: Int32Array, rows: npt.NDArray[np.integer]) -> Int32Array:
    """`table[rows]`, and -1 where the row is -1."""
    found: Int32Array = np.append(table, np.int32(-1))[rows]
    return found


def _pairs(
    customer: npt.NDArray[np.integer], code: npt.NDArray[np.integer]
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Distinct (customer, code) pairs that have a code: customers, codes, and how often each pair occurs."""
    known = code >= 0
    width = int(code.max(initial=0)) + 1
    pairs, times = np.unique(customer[known].astype(np.int64) * width + code[known], return_counts=True)
    return pairs // width, pairs % width, times


def _distinct(customer: Int64Array, code: Int32Array, count: int) -> FloatArray:
    return sums(_pairs(customer, code)[0], count)


def _top_share(customer: Int64Array, code: Int32Array, count: int) -> FloatArray:
    who, _, times = _pairs(customer, code)
    top = np.zeros(count)
    np.maximum.at(top, who, times.astype(np.float64))
    return ratio(top, sums(who, count, times.astype(np.float64)))


def _entropy(customer: Int64Array, code: Int32Array, count: int) -> FloatArray:
    who, _, times = _pairs(customer, code)
    number = times.astype(np.float64)
    total = sums(who, count, number)
    share = number / total[who]
    return np.where(total > 0, -sums(who, count, share * np.log(share)), np.nan)
