"""Tabular features of customers as of a cutoff, computed in columns; docs/features.md is their catalogue.

The names depend on the shape of the data set only (whether it has products, orders, discounts, campaigns …), so that
the features of different cutoffs line up; `align` brings the few that differ (a category first sold later) in order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from gnn import contact_features, rhythm_features, taste_features
from gnn.feature_input import FeatureInput
from graph.snapshot import FloatArray, Int32Array, Snapshot


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
    given = FeatureInput(snapshot, rows)
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


def align(features: Features, names: Sequence[str]) -> Features:
    """The same features in the order of `names`: columns not named are dropped, missing ones are NaN throughout."""
    place = {name: column for column, name in enumerate(features.names)}
    padded = np.concatenate([features.values, np.full((len(features), 1), np.nan)], axis=1)
    return Features(
        names=tuple(names),
        values=padded[:, [place.get(name, len(features.names)) for name in names]],
        labels={name: features.labels.get(name, name) for name in names},
    )
