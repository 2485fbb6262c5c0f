"""Tabular features of customers as of a cutoff, computed in columns; docs/features.md is their catalogue.

The names depend on the shape of the data set only (whether it has products, orders, discounts, campaigns …), so that
the features of different cutoffs line up; `align` brings the few that differ (a category first sold later) in order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from gnn import contact_features, rhythm_features, taste_features
from gnn.feature_input import FeatureInput
from graph.parallel import cores, in_order
from graph.snapshot import FloatArray, Int32Array, Snapshot

#: Customers whose features are computed at a time: their events then fit a processor's cache, more or less.
BLOCK_CUSTOMERS: Final = 32_768


@dataclass(frozen=True, eq=False)
class Features:
    """A table of numbers, one row per counted customer.

    Attributes:
        names: Column names, length f.
        values: n by f, float64; NaN where a feature is undefined for a customer (the gap between the purchases of
            somebody who bought once).
        labels: What each column means to a reader, with its unit, by name.
    """

    names: tuple[str, ...]
    values: FloatArray
    labels: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, chosen: slice | npt.NDArray[np.integer]) -> Features:
        """The same of some of the customers."""
        return Features(self.names, self.values[chosen], self.labels)

    def column(self, name: str) -> FloatArray:
        """The values of one column, length n.

        Raises:
            KeyError: If there is no such column.
        """
        try:
            return self.values[:, self.names.index(name)]
        except ValueError:
            raise KeyError(name) from None


def customer_features(
    snapshot: Snapshot,
    rows: Int32Array,
    *,
    undated_properties: Collection[str] = (),
    allowed_sensitive: Collection[str] = (),
) -> Features:
    """Features of the customers at `rows`, from what the snapshot holds and hence from before its cutoff only.

    Args:
        snapshot: The graph as of the cutoff.
        rows: Rows in `snapshot.customers`, length n, without repeats.
        undated_properties: Customer properties without a date that are to be features all the same.
        allowed_sensitive: Sensitive customer properties that are allowed as features.
    """
    blocks = feature_blocks(snapshot, rows, undated_properties=undated_properties, allowed_sensitive=allowed_sensitive)
    whole = first = next(blocks)
    if len(first) < len(rows):
        values = np.empty((len(rows), len(first.names)))
        values[: len(first)] = first.values
        done = len(first)
        for block in blocks:
            values[done : done + len(block)] = block.values
            done += len(block)
        whole = Features(first.names, values, first.labels)
    return whole


def feature_blocks(
    snapshot: Snapshot,
    rows: Int32Array,
    *,
    undated_properties: Collection[str] = (),
    allowed_sensitive: Collection[str] = (),
    size: int = BLOCK_CUSTOMERS,
) -> Iterator[Features]:
    """The same features, at most `size` customers at a time: for who need not hold all of them; at least one block."""

    def of(given: FeatureInput) -> Features:
        columns = list(
            chain(
                rhythm_features.recency_frequency(given),
                rhythm_features.monetary(given),
                rhythm_features.gaps(given),
                rhythm_features.trend(given),
                rhythm_features.time_of_week(given),
                taste_features.products(given),
                taste_features.category_mix(given),
                taste_features.discounts_and_channels(given),
                contact_features.campaigns(given),
                contact_features.other_interactions(given),
                contact_features.properties(given, undated_properties, allowed_sensitive),
            )
        )
        return Features(
            names=tuple(column.name for column in columns),
            values=np.stack([column.values for column in columns], axis=1),
            labels={column.name: column.label for column in columns},
        )

    return in_order(of, FeatureInput.blocks(snapshot, rows, size), threads=cores())


def align(features: Features, names: Sequence[str]) -> Features:
    """The same features in the order of `names`: columns not named are dropped, missing ones are NaN throughout."""
    if tuple(names) == features.names:
        return features
    place = {name: column for column, name in enumerate(features.names)}
    column = np.array([place.get(name, -1) for name in names], dtype=np.intp)
    values = np.take(features.values, np.maximum(column, 0), axis=1) if place else np.empty((len(features), len(names)))
    values[:, column < 0] = np.nan
    return Features(names=tuple(names), values=values, labels={name: features.labels.get(name, name) for name in names})
