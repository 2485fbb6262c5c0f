"""The customer–product graph as of a date: torch_geometric's structure at the seam, normalised sparse rows inside.

`purchase_graph` is what users of torch_geometric take over; `normalised` turns it into the D^-1/2 (A + I) D^-1/2 of
Kipf and Welling (2017) as two compressed sparse blocks, one of them the transpose kept for the backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from scipy import sparse

from embeddings.csr import csr_tensor
from graph.snapshot import Snapshot

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class GraphSettings:
    """How purchases become edges.

    Attributes:
        half_life_days: A purchase of this age weighs half as much as one just before the cutoff.
        minimum_buyers: Products bought by fewer customers than this before the cutoff are left out: a product with a
            single buyer connects nobody, one with a few hardly anybody, and such products are the larger part of a
            retailer's assortment (two thirds of Complete Journey's, with a tenth of the edges).
    """

    half_life_days: float = 60.0
    minimum_buyers: int = 5


@dataclass(frozen=True, eq=False)
class BipartiteAdjacency:
    """D^-1/2 (A + I) D^-1/2 of a graph of c customers and p products, by blocks.

    Attributes:
        to_customers: The block c×p (sparse CSR, float32): what products send to customers.
        to_products: Its transpose p×c, stored as CSR as well so that neither direction pays for transposing.
        customer_loop: The diagonal of the customers' block (c), the self-loops.
        product_loop: The diagonal of the products' block (p).
        product_signals: What a product is described by before any customer's features reach it (p×3):
            logarithms of its decayed purchase count, of its number of buyers, and of its mean line amount.
    """

    to_customers: torch.Tensor
    to_products: torch.Tensor
    customer_loop: torch.Tensor
    product_loop: torch.Tensor
    product_signals: torch.Tensor

    @property
    def customers(self) -> int:
        """Number of customers c."""
        return len(self.customer_loop)

    @property
    def products(self) -> int:
        """Number of products p."""
        return len(self.product_loop)

    def only(self, rows: torch.Tensor) -> BipartiteAdjacency:
        """What some of the customers receive, as before: entries are those of the whole graph, for its degrees.

        Products then receive from these customers alone, so that the result serves the customers' last hop only.

        Args:
            rows: Customers' rows (int64), without repeats.
        """
        whole = self.to_customers
        starts, columns, values = whole.crow_indices().numpy(), whole.col_indices().numpy(), whole.values().numpy()
        block = sparse.csr_array((values, columns, starts), shape=(self.customers, self.products))[rows.numpy()]
        return BipartiteAdjacency(
            to_customers=_torch_csr(block),
            to_products=_torch_csr(block.T.tocsr()),
            customer_loop=self.customer_loop[rows],
            product_loop=self.product_loop,
            product_signals=self.product_signals,
        )


def purchase_graph(snapshot: Snapshot, settings: GraphSettings) -> HeteroData:
    """The graph of who bought what, for torch_geometric.

    Args:
        snapshot: The graph as of T.
        settings: Decay of the edge weights, and which products are kept.

    Returns:
        Node types `customer` (rows as in the snapshot) and `product` (`row` holds their rows in the snapshot, `x` the
        signals of `BipartiteAdjacency.product_signals`); edge types `(customer, purchased, product)` and its reverse
        `(product, purchased_by, customer)`, one edge per pair, sorted by customer and product, with
        `edge_weight` = sum over the pair's purchases of 2^(-age in days / half-life).
    """
    from torch_geometric.data import HeteroData

    events = snapshot.purchases
    known = events.target >= 0
    customer, product, at = events.customer[known], events.target[known], events.at[known]
    amount = np.nan_to_num(events.amount[known])
    weight = np.exp2((at - snapshot.as_of_ms) / (_DAY_MS * settings.half_life_days))
    shape = (len(snapshot.customers), len(snapshot.products))
    by_product = sparse.coo_array((weight, (customer, product)), shape=shape).tocsc()
    by_product.sum_duplicates()
    buyers = np.diff(by_product.indptr)
    kept = np.flatnonzero(buyers >= max(1, settings.minimum_buyers))
    pairs = by_product[:, kept].tocsr()
    pairs.sort_indices()
    lines = np.maximum(np.bincount(product, minlength=shape[1]), 1)
    mean_amount = np.bincount(product, weights=amount, minlength=shape[1]) / lines
    decayed = np.bincount(product, weights=weight, minlength=shape[1])
    signals = np.stack([np.log1p(decayed), np.log1p(buyers), np.log1p(np.maximum(mean_amount, 0.0))], axis=1)[kept]
    left = np.repeat(np.arange(shape[0]), np.diff(pairs.indptr))
    edges = torch.from_numpy(np.stack([left, pairs.indices]).astype(np.int64))
    edge_weight = torch.from_numpy(pairs.data.astype(np.float32))
    data = HeteroData()
    data["customer"].num_nodes = shape[0]
    data["product"].num_nodes = len(kept)
    data["product"].row = torch.from_numpy(kept.astype(np.int64))
    data["product"].x = torch.from_numpy(signals.astype(np.float32))
    data["customer", "purchased", "product"].edge_index = edges
    data["customer", "purchased", "product"].edge_weight = edge_weight
    data["product", "purchased_by", "customer"].edge_index = edges.flip(0)
    data["product", "purchased_by", "customer"].edge_weight = edge_weight
    return data


def normalised(data: HeteroData) -> BipartiteAdjacency:
    """D^-1/2 (A + I) D^-1/2 of a purchase graph, D being the weighted degrees with the self-loops.

    Equal to `torch_geometric.nn.GCNConv`'s normalisation of the same graph made homogeneous (tested).
    """
    edges = data["customer", "purchased", "product"].edge_index.numpy()
    weight = data["customer", "purchased", "product"].edge_weight.numpy().astype(np.float64)
    shape = (int(data["customer"].num_nodes), int(data["product"].num_nodes))
    customer_degree = 1.0 + np.bincount(edges[0], weights=weight, minlength=shape[0])
    product_degree = 1.0 + np.bincount(edges[1], weights=weight, minlength=shape[1])
    scaled = weight / np.sqrt(customer_degree[edges[0]] * product_degree[edges[1]])
    block = sparse.coo_array((scaled.astype(np.float32), (edges[0], edges[1])), shape=shape).tocsr()
    return BipartiteAdjacency(
        to_customers=_torch_csr(block),
        to_products=_torch_csr(block.T.tocsr()),
        customer_loop=torch.from_numpy((1.0 / customer_degree).astype(np.float32)),
        product_loop=torch.from_numpy((1.0 / product_degree).astype(np.float32)),
        product_signals=data["product"].x,
    )


@dataclass
class AdjacencyCache:
    """Adjacencies of the snapshots at hand, each built once and dropped with its snapshot.

    A backtest meets the same snapshots in several folds: share one cache among the forecasters of a backtest.
    """

    _held: WeakKeyDictionary[Snapshot, dict[GraphSettings, BipartiteAdjacency]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    def __len__(self) -> int:
        return len(self._held)

    def of(self, snapshot: Snapshot, settings: GraphSettings) -> BipartiteAdjacency:
        """The normalised adjacency of a snapshot's purchase graph."""
        by_settings = self._held.setdefault(snapshot, {})
        if settings not in by_settings:
            by_settings[settings] = normalised(purchase_graph(snapshot, settings))
        return by_settings[settings]


def _torch_csr(matrix: Any) -> torch.Tensor:
    matrix.sort_indices()
    return csr_tensor(
        torch.from_numpy(matrix.indptr.astype(np.int32)),
        torch.from_numpy(matrix.indices.astype(np.int32)),
        torch.from_numpy(matrix.data.astype(np.float32)),
        matrix.shape,
    )
