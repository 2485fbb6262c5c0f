"""What of a whole snapshot the features depend on, whoever is asked for: found once for all blocks of customers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.snapshot import CustomerProperty, FloatArray, Int32Array, Int64Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

#: Cells of the table of who bought what kind of product that are held at a time.
_CELLS: Final = 1 << 26


@dataclass(frozen=True, eq=False)
class MainCategories:
    """Those at the main level in which anything was bought.

    Attributes:
        rows: Their rows in `Snapshot.categories`, ascending; length k.
        buyers: Number of customers who bought in each.
        of_product: Position in `rows` of each product's main category; -1 for none.
    """

    rows: Int64Array
    buyers: Int64Array
    of_product: Int32Array

    def largest(self, count: int) -> Int64Array:
        """Positions of the ones with the most buyers, the most first."""
        return np.lexsort((self.rows, -self.buyers))[:count]


@dataclass(frozen=True, eq=False)
class SnapshotFacts:
    """Facts of a snapshot, each found when it is first asked for."""

    snapshot: Snapshot

    @cached_property
    def observed_days(self) -> float:
        """Days from the data set's first purchase (by anybody) to the cutoff; at least 1."""
        at = self.snapshot.purchases.at
        return max((self.snapshot.as_of_ms - int(at[0])) / MILLISECONDS_PER_DAY, 1.0) if len(at) else 1.0

    @cached_property
    def has_amounts(self) -> bool:
        """Whether the source gives amounts at all."""
        return _any_known(self.snapshot.purchases.amount)

    @cached_property
    def has_discounts(self) -> bool:
        """Whether the source gives discounts at all."""
        return _any_known(self.snapshot.purchases.discount)

    @cached_property
    def has_hours(self) -> bool:
        """Whether purchases have a time of day."""
        return bool((self.snapshot.purchases.at % MILLISECONDS_PER_DAY).any())

    @cached_property
    def main_categories(self) -> MainCategories:
        """Main categories and their buyers."""
        main = main_categories(self.snapshot)
        of_product = lookup(main, self.snapshot.product_category)
        buyers = self._buyers(of_product, len(main))
        rows = np.flatnonzero(buyers)
        place = np.full(len(main) + 1, -1, np.int32)
        place[rows] = np.arange(len(rows))
        return MainCategories(rows, buyers[rows], place[of_product])

    def holders(self, of: CustomerProperty) -> Int64Array:
        """How many customers have each value of a property."""
        return np.bincount(of.codes[of.codes >= 0], minlength=len(of.values))

    def _buyers(self, of_product: Int32Array, width: int) -> Int64Array:
        """Number of customers who bought a product of each group."""
        events, customers = self.snapshot.purchases, len(self.snapshot.customers)
        group = lookup(of_product, events.target)
        buyers = np.zeros(width, np.int64)
        at_once = max(_CELLS // max(width, 1), 1)
        for first in range(0, customers if width else 0, at_once):
            kept = (group >= 0) & (events.customer >= first) & (events.customer < first + at_once)
            bought = np.zeros((min(at_once, customers - first), width), bool)
            bought[events.customer[kept] - first, group[kept]] = True
            buyers += bought.sum(axis=0)
        return buyers


def main_categories(snapshot: Snapshot) -> Int32Array:
    """Each category's ancestor at the main level: the outermost, or the level below where there is but one root."""
    parent = snapshot.category_parent
    ancestor = np.arange(len(parent), dtype=np.int32)
    below = ancestor.copy()  # the ancestor one level below the root
    while len(parent) and (higher := parent[ancestor] >= 0).any():
        below = np.where(higher, ancestor, below)
        ancestor = np.where(higher, parent[ancestor], ancestor).astype(np.int32)
    return below if len(np.unique(ancestor)) == 1 else ancestor


def lookup(table: Int32Array, rows: npt.NDArray[np.integer]) -> Int32Array:
    """`table[rows]`, and -1 where the row is -1."""
    found: Int32Array = np.append(table, np.int32(-1))[rows]
    return found


def _any_known(values: FloatArray) -> bool:
    return bool(np.isfinite(values).any())
