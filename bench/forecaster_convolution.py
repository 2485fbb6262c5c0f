"""Two layers of Kipf and Welling's rule, trained on a fixed task: ours, or torch_geometric's `GCNConv`.

Both see the same graph, features, first weights, loss and optimiser, and must say the same of every customer after
the same number of epochs. An epoch is a step over the whole graph: forward, loss, backward, update.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.forecaster_child import resident_mb, timed
from gnn.adjacency import GraphSettings, normalised, purchase_graph
from graph.snapshot import Snapshot

if TYPE_CHECKING:
    import torch

FEATURES = 24


def write_graph(path: Path, snapshot: Snapshot) -> None:
    """Who bought what before the snapshot's date, every product included, as pairs with decayed weights."""
    data = purchase_graph(snapshot, GraphSettings(minimum_buyers=1))
    edges = data["customer", "purchased", "product"]
    np.savez(
        path,
        edges=edges.edge_index.numpy(),
        weight=edges.edge_weight.numpy(),
        signals=data["product"].x.numpy(),
        customers=len(snapshot.customers),
    )


def write_invented_graph(path: Path, customers: int, products: int, purchases: int) -> None:
    """Purchases of products some of which are bought far more often than others."""
    generator = np.random.default_rng(customers)
    customer = generator.integers(customers, size=purchases)
    product = (generator.random(purchases) ** 2.5 * products).astype(np.int64)
    edges = np.unique(np.stack([customer, product]), axis=1)
    np.savez(
        path,
        edges=edges,
        weight=generator.random(edges.shape[1], dtype=np.float32),
        signals=generator.random((products, 3), dtype=np.float32),
        customers=customers,
    )


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Train one side; the median epoch's cost and the most memory beyond what was imported."""
    import torch
    from torch.nn import functional
    from torch_geometric.data import HeteroData

    from gnn.gcn import FirstHop, GraphConvolution

    torch.set_num_threads(options.threads)
    _first_use(torch)
    imported = resident_mb()
    with np.load(options.graph) as file:
        edges, weight, signals = (torch.from_numpy(file[name]) for name in ("edges", "weight", "signals"))
        customers = int(file["customers"])
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(customers, FEATURES, generator=generator)
    wanted = (torch.rand(customers, 1, generator=generator) < 0.3).float()
    inputs, width = FEATURES + signals.shape[1], options.width
    first, second, last = (
        torch.randn(*shape, generator=generator) / shape[0] ** 0.5
        for shape in ((inputs, width), (width, width), (width, 1))
    )
    if options.side == "ours":
        data = HeteroData()
        data["customer"].num_nodes, data["product"].num_nodes = customers, len(signals)
        data["product"].x = signals
        data["customer", "purchased", "product"].edge_index = edges
        data["customer", "purchased", "product"].edge_weight = weight
        convolution = GraphConvolution(1, inputs, width, dropout=0.0)
        convolution.first.data, convolution.second.data = first[None], second[None]
        kept: list[FirstHop] = []
        prepared = timed(lambda: kept.append(FirstHop.of(normalised(data), features, signals)))
        parameters = list(convolution.parameters())

        def hidden() -> torch.Tensor:
            result: torch.Tensor = convolution(kept[0])[0]
            return result
    else:
        from torch_geometric.nn import GCNConv

        layers = [GCNConv(inputs, width, bias=False, cached=True), GCNConv(width, width, bias=False, cached=True)]
        for layer, values in zip(layers, (first, second), strict=True):
            layer.lin.weight.data = values.T.contiguous()
        products = len(signals)
        whole = torch.zeros(customers + products, inputs)
        whole[:customers, :FEATURES], whole[customers:, FEATURES:] = features, signals
        left, right = edges[0], edges[1] + customers
        both = torch.stack([torch.cat([left, right]), torch.cat([right, left])])
        both_weights = weight.repeat(2)
        prepared = (0.0, 0.0)  # its first epoch normalises, and is left out of the median
        parameters = [parameter for layer in layers for parameter in layer.parameters()]

        def hidden() -> torch.Tensor:
            above = whole
            for layer in layers:
                above = torch.relu(layer(above, both, both_weights))
            return above[:customers]

    head = torch.nn.Parameter(last)
    optimiser = torch.optim.Adam([*parameters, head], lr=0.01)

    def epoch() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss = functional.binary_cross_entropy_with_logits(hidden() @ head, wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    costs = [timed(epoch) for _ in range(options.epochs + 1)]
    if options.answer:
        with torch.no_grad():
            np.save(options.answer, (hidden() @ head).numpy())
    return {
        "side": options.side,
        "edges": edges.shape[1],
        "nodes": customers + len(signals),
        "width": width,
        "threads": options.threads,
        "prepare_cpu_seconds": round(prepared[1], 3),
        "first_epoch_cpu_seconds": round(costs[0][1], 4),
        "epoch_seconds": round(statistics.median(seconds for seconds, _ in costs[1:]), 4),
        "epoch_cpu_seconds": round(statistics.median(cpu for _, cpu in costs[1:]), 4),
        "beyond_imports_mb": resident_mb("VmHWM") - imported,
    }


def _first_use(torch: Any) -> None:
    """What both sides import or reserve on first use, so that it is no part of either's memory."""
    from torch_geometric.nn import GCNConv

    layer = GCNConv(2, 2)
    edges = torch.tensor([[0, 1], [1, 0]])
    optimiser = torch.optim.Adam(layer.parameters())
    layer(torch.ones(2, 2), edges).sum().backward()
    optimiser.step()
    matrix = torch.eye(2).to_sparse_csr()
    (matrix @ torch.ones(2, 2)).sum()
