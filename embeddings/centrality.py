"""How central the nodes of a graph are, from its sparse adjacency: PageRank and core number.

Both equal what networkx computes (`networkx.pagerank`, `networkx.core_number`), at the size of a shop.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from graph.snapshot import FloatArray, Int64Array


def bipartite(biadjacency: sparse.csr_array) -> sparse.csr_array:
    """The symmetric adjacency [n + m, n + m] of a bipartite graph: the n rows of [n, m] first, then its m columns."""
    adjacency: sparse.csr_array = sparse.block_array([[None, biadjacency], [biadjacency.T, None]], format="csr")
    return adjacency


def pagerank(adjacency: sparse.csr_array, *, damping: float = 0.85, tolerance: float = 1e-10) -> FloatArray:
    """PageRank of a weighted graph by power iteration; sums to 1.

    Page, Brin, Motwani & Winograd 1999, "The PageRank citation ranking: bringing order to the Web". The probability
    that a walker is at a node who follows an edge (in proportion to the weights) with the probability of the damping,
    and otherwise, or where no edge leads on, goes anywhere.

    Args:
        adjacency: [n, n], weight of the edge from row to column, not negative.
        damping: Probability of following an edge.
        tolerance: It stops when the sum of absolute changes is below.
    """
    size = adjacency.shape[0]
    strength = np.asarray(adjacency.sum(axis=1)).ravel()
    dangling = strength <= 0
    follow = sparse.csr_array(adjacency.T @ sparse.diags_array(1.0 / np.where(dangling, 1.0, strength)))
    rank = np.full(size, 1.0 / size)
    # The error shrinks by the damping each time: this many iterations reach the tolerance from any start.
    for _ in range(int(np.ceil(np.log(tolerance / 2) / np.log(damping))) + 1):
        renewed = damping * (follow @ rank + rank[dangling].sum() / size) + (1.0 - damping) / size
        change = np.abs(renewed - rank).sum()
        rank = renewed
        if change < tolerance:
            break
    return rank


def core_number(adjacency: sparse.csr_array) -> Int64Array:
    """Core number of each node, int64 [n]: the largest k such that it belongs to the k-core.

    The k-core is the largest part of the graph in which everybody has k neighbours within the part (Seidman 1983,
    "Network structure and minimum degree"). Nodes of the smallest degree are peeled off, whole shells at once (Batagelj
    & Zaveršnik 2003, "An O(m) algorithm for cores decomposition of networks", peels one at a time); each edge is looked
    at once from either end.

    Args:
        adjacency: [n, n], symmetric, its pattern without loops or repeated entries; weights do not matter.
    """
    starts, neighbours = adjacency.indptr, adjacency.indices
    degree = np.diff(starts).astype(np.int64)
    core = np.zeros(len(degree), np.int64)
    left = np.arange(len(degree))
    while len(left):
        k = int(degree[left].min())
        peeled = left[degree[left] == k]
        while len(peeled):
            core[peeled] = k
            degree[peeled] = -1  # it is nobody's neighbour any more
            touched, edges = np.unique(_rows(starts, neighbours, peeled), return_counts=True)
            there = degree[touched] > k
            touched, edges = touched[there], edges[there]
            degree[touched] = np.maximum(degree[touched] - edges, k)
            peeled = touched[degree[touched] == k]
        left = left[degree[left] >= 0]
    return core


def _rows(starts: np.ndarray, columns: np.ndarray, rows: Int64Array) -> np.ndarray:
    """All columns of some rows of a compressed sparse matrix, one after another."""
    length = (starts[rows + 1] - starts[rows]).astype(np.int64)
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    found: np.ndarray = columns[np.repeat(starts[rows].astype(np.int64), length) + within]
    return found
