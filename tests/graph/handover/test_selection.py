"""What a selection holds, and what contradicts itself."""

from __future__ import annotations

from datetime import datetime

import pytest

from graph.handover.selection import Around, Selection
from habitue.errors import UsageError

ALL_BUT_DERIVED = ("PURCHASED", "VIEWED", "RETURNED", "REVIEWED", "CONTACTED", "REDEEMED", "IN_CATEGORY", "CHILD_OF",
                   "MADE_BY", "HAS_PROPERTY")  # fmt: skip


def test_everything_but_what_is_derived_by_default() -> None:
    assert Selection().relationships == ALL_BUT_DERIVED
    assert Selection().labels == ("Customer", "Product", "Category", "Brand", "Campaign", "PropertyValue")
    assert Selection(derived=True).relationships == (*ALL_BUT_DERIVED, "SIMILAR_TO", "IN_AUDIENCE")
    assert Selection(derived=True).labels[-1] == "Audience"


def test_relationship_types_bring_their_ends_and_labels_bring_what_joins_them() -> None:
    types = Selection.of(["PURCHASED", "IN_CATEGORY"])
    assert types.relationships == ("PURCHASED", "IN_CATEGORY")
    assert types.labels == ("Customer", "Product", "Category")
    labels = Selection.of(["Product", "Category"])
    assert labels.relationships == ("IN_CATEGORY", "CHILD_OF")
    assert labels.labels == ("Product", "Category")
    both = Selection.of(["PURCHASED", "Brand"])
    assert (both.relationships, both.labels) == (("PURCHASED",), ("Customer", "Product", "Brand"))
    of_products = Selection.of(["Product", "PropertyValue"])
    assert of_products.pairs("HAS_PROPERTY") == (("Product", "PropertyValue"),)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"types": frozenset({"BOUGHT"})}, "BOUGHT"),
        ({"types": frozenset({"SIMILAR_TO"})}, "derived"),
        ({"since": datetime(2024, 2, 1), "until": datetime(2024, 2, 1)}, "beginning"),
        ({"as_of": datetime(2024, 2, 1), "derived": True}, "look ahead"),
        ({"as_of": datetime(2024, 2, 1), "around": Around("ann")}, "look ahead"),
        ({"types": frozenset({"IN_CATEGORY"}), "since": datetime(2024, 2, 1)}, "no interactions"),
    ],
)
def test_contradictions_are_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Selection(**options)  # type: ignore[arg-type]
