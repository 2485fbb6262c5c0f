"""What the graph contributed to a customer's churn score, found by leaving it out.

A group of products (a category) is taken out of the graph: their purchase lines stay in every table, but
connect nobody any more. Everybody is foretold anew, and the difference is what the group carried: through the products
themselves, and through the other customers who bought them. Differences of groups do not add up: what one says, another
may say too. The graph as a whole is not left out: without a single edge everybody is unlike all that was learnt from,
and the score moves for that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import scipy.sparse as sparse

from gnn.forecast import Examples
from gnn.rewiring import without_products
from graph.snapshot import FloatArray, Int64Array, Snapshot

#: Groups left out one by one: those with the most purchase lines.
GROUPS: Final = 8
#: Depth of the categories in their tree, 1 for the outermost, that groups are made of, where there are any so deep.
_DEPTH: Final = 2
#: Leaving out costs a whole forecast each time: of larger populations nobody is told what the graph contributed.
MOST_CUSTOMERS: Final = 200_000
_EXAMPLES_NAMED: Final = 3
#: Whose fellow buyers are counted together.
_CUSTOMERS_AT_ONCE: Final = 128


@dataclass(frozen=True, eq=False)
class GraphGroup:
    """A group of products and what leaving it out changed.

    Attributes:
        name: Of the category.
        products: Which products belong to it.
        contribution: The churn score with it less that without it, in log-odds, for each of n customers.
    """

    name: str
    products: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    contribution: FloatArray


def left_out(
    score: Callable[[Examples], FloatArray], examples: Examples, before: FloatArray, *, groups: int = GROUPS
) -> list[GraphGroup]:
    """What the largest groups of the graph carried; empty where there are no products or no categories.

    Args:
        score: The churn score, in log-odds, of a model that sees the graph.
        examples: The n customers.
        before: Their score as it is.
        groups: At most so many groups.
    """
    found = []
    for name, products in largest_groups(examples.snapshot, groups):
        without = replace(examples, snapshot=without_products(examples.snapshot, products))
        found.append(GraphGroup(name, products, before - score(without)))
    return found


def largest_groups(snapshot: Snapshot, count: int) -> list[tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]]:
    """The categories of the second level (the first, where products lie there) with the most purchase lines."""
    if not len(snapshot.categories) or not len(snapshot.products):
        return []
    group = _group_of_products(snapshot)
    target = snapshot.purchases.target
    lines = np.bincount(group[target[target >= 0]] + 1, minlength=len(snapshot.categories) + 1)[1:]
    names = snapshot.categories.to_pylist()
    largest = [each for each in np.argsort(-lines, kind="stable")[:count].tolist() if lines[each]]
    return [(names[each], group == each) for each in largest]


def evidence(snapshot: Snapshot, group: GraphGroup, customers: Int64Array) -> list[dict[str, Any]]:
    """For each of the customers (rows of the snapshot), what of the group is theirs.

    Returns:
        `category`, `lines` (their purchase lines of it), `products` (the ids of those they bought most often, newest
        first among equals) and `others` (how many other customers bought any of these products).
    """
    purchases = snapshot.purchases
    inside = np.flatnonzero((purchases.target >= 0) & np.append(group.products, False)[purchases.target])
    order = inside[np.argsort(purchases.customer[inside], kind="stable")]
    starts = np.searchsorted(purchases.customer[order], customers, side="left")
    ends = np.searchsorted(purchases.customer[order], customers, side="right")
    buyers = _buyers(purchases.target[inside], purchases.customer[inside], len(snapshot.products))
    named, found = [], []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        mine, times, newest = _most_bought(purchases.target[order[start:end]])
        named.append(mine[np.lexsort((-newest, -times))][:_EXAMPLES_NAMED])
    columns = np.concatenate(named) if named else np.zeros(0, np.int64)
    chosen = sparse.csr_array(
        (np.ones(len(columns), np.float32), columns, np.cumsum([0, *map(len, named)])),
        shape=(len(named), len(snapshot.products)),
    )
    # In blocks: everybody's fellow buyers at once would be as many as pairs of customers.
    blocks = [chosen[first : first + _CUSTOMERS_AT_ONCE] for first in range(0, len(named), _CUSTOMERS_AT_ONCE)]
    others = np.concatenate([np.diff((block @ buyers).indptr) for block in blocks] or [np.zeros(0, np.int64)])
    for products, start, end, many in zip(named, starts.tolist(), ends.tolist(), others.tolist(), strict=True):
        found.append(
            {
                "category": group.name,
                "lines": end - start,
                "products": [snapshot.products[int(each)].as_py() for each in products],
                "others": max(0, many - 1),
            }
        )
    return found


def _buyers(target: np.ndarray[Any, Any], customer: np.ndarray[Any, Any], products: int) -> sparse.csr_array:
    """Who bought each product: p×c, ones."""
    count = int(customer.max(initial=-1)) + 1
    found = sparse.csr_array((np.ones(len(target), np.float32), (target, customer)), shape=(products, max(count, 1)))
    found.data[:] = 1.0
    return found


def _most_bought(targets: np.ndarray[Any, Any]) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Distinct products of lines in the order of time, how often each occurs, and where it does last."""
    distinct, place, times = np.unique(targets, return_inverse=True, return_counts=True)
    newest = np.zeros(len(distinct), np.int64)
    newest[place] = np.arange(len(targets))
    return distinct.astype(np.int64), times.astype(np.int64), newest


def _group_of_products(snapshot: Snapshot) -> Int64Array:
    """Each product's category at the depth of groups (or its own, where that is nearer the root); -1 for none."""
    parent = snapshot.category_parent.astype(np.int64)
    path = [np.arange(len(parent))]
    while (path[-1] >= 0).any() and len(path) <= len(parent):
        path.append(np.where(path[-1] >= 0, np.append(parent, -1)[path[-1]], -1))
    ancestors = np.stack(path)  # the category itself, its parent, …
    depth = (ancestors >= 0).sum(axis=0)
    group = ancestors[np.maximum(depth - _DEPTH, 0), np.arange(len(parent))]
    return np.append(group, -1)[snapshot.product_category]
