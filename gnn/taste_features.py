"""Features of what customers buy and how: products, brands, the category mix and its change, discounts, channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gnn.distinct import Pairs
from gnn.feature_input import Column, CustomerEvents, FeatureInput, ratio, sums
from gnn.snapshot_facts import lookup
from graph.snapshot import FloatArray

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
    distinct, lately, earlier = _products_by_period(lines)
    yield Column("products", "Distinct products bought", distinct)
    yield Column(
        "product_repeats", "Share of lines that repeat a product bought before", ratio(total - distinct, total)
    )
    label = f"Share of the last {RECENT_DAYS} days' products that are new to the customer"
    yield Column("product_novelty", label, ratio(distinct - earlier, lately))
    if len(snapshot.brands):
        brands = Pairs.of(lines.customer, lookup(snapshot.product_brand, lines.target))
        yield Column("brands", "Distinct brands bought", sums(brands.customer, count))
        yield Column("brand_top_share", "Share of lines of the favourite brand", _top_share(brands, count))
    if len(snapshot.categories):
        categories = Pairs.of(lines.customer, lookup(snapshot.product_category, lines.target))
        yield Column("categories", "Distinct innermost categories bought", sums(categories.customer, count))
        yield Column(
            "category_entropy", "Entropy of lines over innermost categories (nats)", _entropy(categories, count)
        )


def category_mix(given: FeatureInput) -> Iterator[Column]:
    """Shares of lines by main category, and how far the recent mix has moved from the earlier one.

    The change is the total variation distance ½·Σ|p - q| between the shares of the last 60 days and those before.
    """
    lines, count, main = given.purchases, given.count, given.facts.main_categories
    if not len(main.rows):
        return
    code, width = lookup(main.of_product, lines.target), len(main.rows)
    known = code >= 0
    customer, code, recent = lines.customer[known], code[known], lines.age[known] <= RECENT_DAYS
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
    for column in main.largest(LARGEST_CATEGORIES):
        name = given.snapshot.categories[int(main.rows[column])].as_py()
        yield Column(f"category_share:{name}", f"Share of lines in {name}", shares[:, column])


def discounts_and_channels(given: FeatureInput) -> Iterator[Column]:
    """Discounts where the source gives them, channels likewise."""
    lines, count = given.purchases, given.count
    if given.facts.has_discounts:
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
        channels = Pairs.of(lines.customer, lines.channel)
        yield Column("channels", "Distinct channels or shops used", sums(channels.customer, count))
        yield Column("channel_top_share", "Share of lines in the usual channel or shop", _top_share(channels, count))


def _products_by_period(lines: CustomerEvents) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct products of each customer: in all, of the last 60 days, and of the time before."""
    recent = lines.age <= RECENT_DAYS
    halves = Pairs.of(lines.customer, np.where(lines.target >= 0, 2 * lines.target.astype(np.int64) + recent, -1))
    product, is_recent = halves.code >> 1, (halves.code & 1).astype(bool)
    again = np.zeros(len(product), bool)
    again[1:] = (product[1:] == product[:-1]) & (halves.customer[1:] == halves.customer[:-1])
    lately, earlier = (sums(halves.customer, lines.count, None, part) for part in (is_recent, ~is_recent))
    return sums(halves.customer, lines.count, None, ~again), lately, earlier


def _top_share(pairs: Pairs, count: int) -> FloatArray:
    times, top = pairs.times.astype(np.float64), np.zeros(count)
    np.maximum.at(top, pairs.customer, times)
    return ratio(top, sums(pairs.customer, count, times))


def _entropy(pairs: Pairs, count: int) -> FloatArray:
    number = pairs.times.astype(np.float64)
    total = sums(pairs.customer, count, number)
    share = number / total[pairs.customer]
    return np.where(total > 0, -sums(pairs.customer, count, share * np.log(share)), np.nan)
