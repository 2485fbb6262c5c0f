"""Features beyond purchases: campaigns, returns, views, reviews, and the customer's properties."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import numpy as np

from gnn.feature_input import Column, FeatureInput, ratio
from graph.snapshot import CustomerProperty

#: At most this many values of a property get an indicator of their own: the most frequent ones.
LARGEST_VALUES: Final = 20
_RECENT_DAYS: Final = 60


def campaigns(given: FeatureInput) -> Iterator[Column]:
    """Campaign contacts and redemptions; nothing for a data set without campaigns."""
    if not len(given.snapshot.campaigns):
        return
    contacts, redemptions = given.events("CONTACTED"), given.events("REDEEMED")
    for name, noun, events in (
        ("contacts", "Campaign contacts", contacts),
        ("redemptions", "Redemptions", redemptions),
    ):
        lately = events.per_customer(where=events.age <= _RECENT_DAYS)
        yield Column(name, noun, events.per_customer())
        yield Column(f"{name}_{_RECENT_DAYS}_days", f"{noun} in the last {_RECENT_DAYS} days", lately)
        yield Column(f"{name}_since_days", f"Days since the last {noun.lower().removesuffix('s')}", events.since_last())
    yield Column(
        "redemptions_per_contact",
        "Redemptions per campaign contact",
        ratio(redemptions.per_customer(), contacts.per_customer()),
    )


def other_interactions(given: FeatureInput) -> Iterator[Column]:
    """Returns, views and reviews, each only where the data set has any."""
    for kind, name, noun in (
        ("RETURNED", "returns", "Returns"),
        ("VIEWED", "views", "Views"),
        ("REVIEWED", "reviews", "Reviews"),
    ):
        if not len(given.snapshot.events[kind]):
            continue
        events = given.events(kind)
        yield Column(name, noun, events.per_customer())
        yield Column(
            f"{name}_{_RECENT_DAYS}_days",
            f"{noun} in the last {_RECENT_DAYS} days",
            events.per_customer(where=events.age <= _RECENT_DAYS),
        )
        yield Column(f"{name}_since_days", f"Days since the last {noun.lower().removesuffix('s')}", events.since_last())
        yield Column(
            f"{name}_per_line", f"{noun} per line bought", ratio(events.per_customer(), given.purchases.per_customer())
        )
        if kind == "RETURNED" and given.facts.has_amounts:
            back, spend = events.per_customer(events.amount), given.purchases.per_customer(given.purchases.amount)
            yield Column("returned_share", "Amount returned as a share of spend", ratio(back, spend))
        if kind == "REVIEWED":
            rated = np.isfinite(events.rating)
            label = "Mean rating given"
            yield Column(
                "rating_mean", label, ratio(events.per_customer(events.rating), events.per_customer(where=rated))
            )


def properties(given: FeatureInput, undated: Collection[str], allowed_sensitive: Collection[str]) -> Iterator[Column]:
    """Customer properties: numbers as they are, texts as an indicator for each of their frequent values.

    An undated property may have been collected after the cutoff from customers who stayed: only those named in
    `undated` take part. A sensitive one takes part only if named in `allowed_sensitive`, dated or not.
    """
    for each in given.snapshot.properties:
        if (each.dated or each.name in undated) and (not each.sensitive or each.name in allowed_sensitive):
            yield from _property_columns(each, given)


def _property_columns(given_property: CustomerProperty, given: FeatureInput) -> Iterator[Column]:
    codes = given_property.codes[given.rows]
    title = given_property.name.replace("_", " ").capitalize()
    numbers = _numbers(given_property.values)
    known = codes >= 0
    if numbers is not None:
        yield Column(
            f"property:{given_property.name}", title, np.where(known, np.append(numbers, np.nan)[codes], np.nan)
        )
        return
    # Of everybody, not only the counted: the columns must not depend on who is asked for.
    holders = given.facts.holders(given_property)
    for code in np.argsort(-holders, kind="stable")[:LARGEST_VALUES]:
        value = given_property.values[int(code)]
        indicator = np.where(known, (codes == code).astype(np.float64), np.nan)
        yield Column(f"property:{given_property.name}={value}", f"{title} is {value}", indicator)


def _numbers(values: tuple[str, ...]) -> np.ndarray | None:
    """The values as finite numbers, or None where one of them is not a number."""
    try:
        numbers = np.array([float(value) for value in values])
    except ValueError:
        return None
    return numbers if len(numbers) and bool(np.isfinite(numbers).all()) else None
