"""The graph as of a date, as integer-indexed arrays: the only way that learning code sees the graph.

A snapshot as of T holds the customers, products and campaigns with an event before T that was known before T, those
events, and the taxonomy of those products; never scores, similarities or audiences. It is equal, array for array,
whichever store it came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.time import to_epoch_ms

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Events:
    """Interactions of one type, oldest first; ties ordered by customer, target and interaction id.

    All arrays have the length n of the events.

    Attributes:
        customer: Row in `Snapshot.customers`.
        target: Row in `Snapshot.products` (or `campaigns`, by type); -1 for the reserved "no product".
        at: When it happened, epoch milliseconds (UTC).
        quantity: Units; NaN where the source has none.
        amount: Money of the line, in the data set's currency; NaN where the source has none.
        discount: Money taken off the line; NaN where the source has none.
        rating: Rating as the source gives it; NaN where there is none.
        order: Code of the order the line belongs to, dense from 0 in order of first appearance; -1 for none.
        channel: Row in `channels`; -1 for none.
        channels: Channel names, sorted.
    """

    customer: Int32Array
    target: Int32Array
    at: Int64Array
    quantity: FloatArray
    amount: FloatArray
    discount: FloatArray
    rating: FloatArray
    order: Int32Array
    channel: Int32Array
    channels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, eq=False)
class CustomerProperty:
    """One property of the customers as of the snapshot's date.

    Attributes:
        name: As in the data set's description.
        dated: Whether the source dates it (`valid_from`). An undated property may have been collected after the
            cutoff from customers who stayed: it stays out of features unless asked for by name.
        sensitive: Never a feature or part of a score unless allowed by name.
        codes: Row in `values` for each customer; -1 where unknown.
        values: The distinct values, sorted.
    """

    name: str
    dated: bool
    sensitive: bool
    codes: Int32Array
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The graph as of a date.

    Attributes:
        dataset: Name of the data set.
        as_of: The cutoff T (naive UTC): everything here happened, and was known, strictly before it.
        customers, products, categories, brands, campaigns: Ids as Arrow string arrays, sorted.
        events: Interactions by type (`PURCHASED`, `VIEWED`, …); every type is present, possibly empty.
        product_category: Row in `categories` of each product's innermost category; -1 for none.
        category_parent: Row in `categories` of each category's parent; -1 for a root.
        product_brand: Row in `brands`; -1 for none.
        properties: Customer properties known before T.
    """

    dataset: str
    as_of: datetime
    customers: pa.StringArray
    products: pa.StringArray
    categories: pa.StringArray
    brands: pa.StringArray
    campaigns: pa.StringArray
    events: Mapping[str, Events]
    product_category: Int32Array
    category_parent: Int32Array
    product_brand: Int32Array
    properties: tuple[CustomerProperty, ...]

    @property
    def as_of_ms(self) -> int:
        """The cutoff in epoch milliseconds."""
        return to_epoch_ms(self.as_of)

    @property
    def purchases(self) -> Events:
        """The `PURCHASED` events."""
        return self.events["PURCHASED"]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything the snapshot holds: equal content, equal fingerprint, whatever the store."""
        digest = hashlib.sha256(f"{self.dataset}\n{self.as_of.isoformat()}\n".encode())
        for ids in (self.customers, self.products, self.categories, self.brands, self.campaigns):
            digest.update(f"{len(ids)}\n".encode())
            for chunk in np.array_split(ids.to_numpy(zero_copy_only=False), max(1, len(ids) // 100_000)):
                digest.update("\x00".join(chunk).encode())
        for name, events in sorted(self.events.items()):
            digest.update(f"{name}{len(events)}{events.channels}\n".encode())
            for array in (events.customer, events.target, events.at, events.quantity, events.amount, events.discount,
                          events.rating, events.order, events.channel):  # fmt: skip
                digest.update(np.ascontiguousarray(array).tobytes())
        for array in (self.product_category, self.category_parent, self.product_brand):
            digest.update(array.tobytes())
        for customer_property in self.properties:
            facts = (customer_property.name, customer_property.dated, customer_property.sensitive)
            digest.update(f"{facts}{customer_property.values}".encode())
            digest.update(customer_property.codes.tobytes())
        return digest.hexdigest()


class SnapshotSource(Protocol):
    """Where learning code gets its snapshots from; it may refuse dates (`CutoffError`)."""

    @property
    def complete_until(self) -> datetime:
        """The latest date for which the data can answer."""
        ...

    def at(self, as_of: datetime) -> Snapshot:
        """The snapshot as of a date."""
        ...
