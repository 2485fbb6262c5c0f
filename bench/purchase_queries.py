"""Which later purchases are to be ranked: queries and candidates as of a date, and the filtered rank of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from graph.history import History
from graph.snapshot import FloatArray, Int64Array, Snapshot

Float32Array = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

#: Scores of all candidates for some customers (rows of the snapshot): [q] to [q, candidates]; higher is likelier.
Scorer: TypeAlias = Callable[[Int64Array], npt.NDArray[np.floating]]

_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Queries:
    """Customers and the candidates they bought in a window; n pairs, sorted by customer and product.

    Attributes:
        snapshot: Everything before the window: what may be learnt from.
        candidates: Rows of the snapshot's products with enough distinct buyers before, [m], sorted.
        customer: Row in the snapshot's customers, [n].
        candidate: Position in `candidates`, [n].
        known: Whether the customer had bought the product before, [n].
    """

    snapshot: Snapshot
    candidates: Int64Array
    customer: Int64Array
    candidate: Int64Array
    known: BoolArray

    def __len__(self) -> int:
        return len(self.customer)

    def of_customers(self, customers: Int64Array) -> Queries:
        """Those of some customers (rows of the snapshot) alone."""
        keep = np.isin(self.customer, customers)
        return replace(self, customer=self.customer[keep], candidate=self.candidate[keep], known=self.known[keep])


def queries_of(history: History, as_of: datetime, *, days: int, buyers: int) -> Queries:
    """The pairs of a customer and a product that were bought in the days from a date on.

    Args:
        history: Complete until the end of the window.
        as_of: T, the first moment of the window.
        days: Its length.
        buyers: Distinct customers that must have bought a product before T for it to be a candidate.
    """
    before, after = history.at(as_of), history.at(as_of + timedelta(days=days))
    width = len(before.products)
    pairs = bought_pairs(before, before.purchases.customer, before.purchases.target)
    candidates = np.flatnonzero(np.bincount(pairs % width, minlength=width) >= buyers)
    later = after.purchases.at >= before.as_of_ms
    customer = _rows(after.customers, before.customers)[after.purchases.customer[later]]
    target = after.purchases.target[later]
    product = np.where(target >= 0, _rows(after.products, before.products)[target], -1)
    place = np.full(width + 1, -1, np.int64)
    place[candidates] = np.arange(len(candidates))
    asked = (customer >= 0) & (place[product] >= 0)
    bought = np.unique(customer[asked] * width + product[asked])
    return Queries(before, candidates, bought // width, place[bought % width], np.isin(bought, pairs))


def bought_pairs(snapshot: Snapshot, customer: npt.NDArray[np.integer], target: npt.NDArray[np.integer]) -> Int64Array:
    """Distinct pairs as customer · number of products + product, sorted; lines without a product give none."""
    keep = target >= 0
    return np.unique(customer[keep].astype(np.int64) * len(snapshot.products) + target[keep])


def filtered_ranks(scorer: Scorer, queries: Queries, *, new_only: bool) -> FloatArray:
    """Realistic rank of each query among the candidates, the customer's other later purchases left out.

    The rank is 1 + the number of candidates that score higher + half of those that score the same.

    Args:
        scorer: Gives the scores.
        queries: n pairs.
        new_only: Rank only pairs new to the customer, and leave out the candidates that the customer had bought.

    Returns:
        float64 [n] in the order of the queries; NaN for pairs that are not ranked.
    """
    ranks = np.full(len(queries), np.nan)
    place = np.full(len(queries.snapshot.products) + 1, -1, np.int64)
    place[queries.candidates] = np.arange(len(queries.candidates))
    purchases = queries.snapshot.purchases
    order = np.argsort(purchases.customer, kind="stable")
    starts = np.searchsorted(purchases.customer[order], np.arange(len(queries.snapshot.customers) + 1))
    asked = np.unique(queries.customer)
    bounds = np.searchsorted(queries.customer, np.append(asked, asked[-1:] + 1))
    for first in range(0, len(asked), _BLOCK):
        block = asked[first : first + _BLOCK]
        for number, scores in enumerate(scorer(block)):
            rows = np.arange(bounds[first + number], bounds[first + number + 1])
            left = np.ones(len(scores), bool)
            left[queries.candidate[rows]] = False
            if new_only:
                had = place[purchases.target[order[starts[block[number]] : starts[block[number] + 1]]]]
                left[had[had >= 0]] = False
                rows = rows[~queries.known[rows]]
            others = np.sort(scores[left])
            own = scores[queries.candidate[rows]]
            below, upto = np.searchsorted(others, own, "left"), np.searchsorted(others, own, "right")
            ranks[rows] = 1 + (len(others) - upto) + (upto - below) / 2
    return ranks


def _rows(of: object, among: object) -> Int64Array:
    """For each id its row among others, −1 where it is not there."""
    found = pc.fill_null(pc.index_in(of, among), -1)
    rows: Int64Array = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return rows
