"""Snapshots with other wires: purchases rewired at random, or some products taken out of the graph."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from graph.history import History
from graph.snapshot import Int32Array, Snapshot
from graph.time import to_epoch_ms


def rewired(snapshot: Snapshot, *, seed: int) -> Snapshot:
    """The snapshot with the products of purchase lines exchanged at random within each calendar month (UTC).

    Every customer keeps its lines with their times and amounts, every product its number of lines in each month; who
    bought what is all that is lost. Lines without a product stay so.
    """
    purchases = snapshot.purchases
    known = np.flatnonzero(purchases.target >= 0)
    month = purchases.at[known].astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    # Two orders of the lines, both by month: by chance within it, and as they are.
    chance = np.lexsort((np.random.default_rng(seed).random(len(known)), month))
    target = purchases.target.copy()
    target[known[np.argsort(month, kind="stable")]] = purchases.target[known[chance]]
    return _with_targets(snapshot, target)


def without_products(snapshot: Snapshot, products: npt.NDArray[np.bool_]) -> Snapshot:
    """The snapshot in which lines of some products have no product: the graph does not see them, all else stays.

    Args:
        snapshot: The graph as of T.
        products: For each product, whether it is taken out.
    """
    target = snapshot.purchases.target
    gone = np.append(products, False)[target]  # -1, no product, is the last
    return _with_targets(snapshot, np.where(gone, -1, target).astype(np.int32))


def disturbed(history: History, moment: datetime, *, seed: int) -> History:
    """A history in which purchases at or after a moment, or learnt of since, are by others and seven times dearer.

    Args:
        history: The true one.
        moment: The cutoff; nothing that was known before it changes.
        seed: Of the exchange of customers.
    """
    limit = to_epoch_ms(moment)
    purchases = history.events["PURCHASED"]
    later = np.flatnonzero((purchases.at >= limit) | (purchases.known_at >= limit))
    customer, amount = purchases.customer.copy(), purchases.amount.copy()
    customer[later] = customer[np.random.default_rng(seed).permutation(later)]
    amount[later] *= 7.0
    return replace(
        history, events={**history.events, "PURCHASED": replace(purchases, customer=customer, amount=amount)}
    )


def _with_targets(snapshot: Snapshot, target: Int32Array) -> Snapshot:
    return replace(snapshot, events={**snapshot.events, "PURCHASED": replace(snapshot.purchases, target=target)})
