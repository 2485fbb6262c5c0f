from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import HeteroData
from torch_geometric.nn import GCNConv

from gnn.adjacency import BipartiteAdjacency, normalised
from gnn.gcn import (
    FirstHop,
    ForecastNetwork,
    GraphConvolution,
    MemberLinear,
    NetworkShape,
    SharedDropout,
    SparseProduct,
)

CUSTOMERS, PRODUCTS, FEATURES, SIGNALS, WIDTH = 6, 9, 4, 3, 5


def random_graph(seed: int = 0) -> HeteroData:
    generator = np.random.default_rng(seed)
    pairs = np.argwhere(generator.random((CUSTOMERS, PRODUCTS)) < 0.4)
    data = HeteroData()
    data["customer"].num_nodes, data["product"].num_nodes = CUSTOMERS, PRODUCTS
    data["product"].x = torch.from_numpy(generator.normal(size=(PRODUCTS, SIGNALS)).astype(np.float32))
    data["customer", "purchased", "product"].edge_index = torch.from_numpy(pairs.T.copy())
    data["customer", "purchased", "product"].edge_weight = torch.from_numpy(
        generator.gamma(1.0, 1.0, len(pairs)).astype(np.float32)
    )
    return data


def inputs(data: HeteroData) -> tuple[BipartiteAdjacency, torch.Tensor, torch.Tensor]:
    """The adjacency, the customers' features and the whole H⁽⁰⁾ (customers first)."""
    features = torch.randn(CUSTOMERS, FEATURES, generator=torch.Generator().manual_seed(1))
    whole = torch.zeros(CUSTOMERS + PRODUCTS, FEATURES + SIGNALS)
    whole[:CUSTOMERS, :FEATURES] = features
    whole[CUSTOMERS:, FEATURES:] = data["product"].x
    return normalised(data), features, whole


def dense_adjacency(data: HeteroData) -> torch.Tensor:
    """D^-1/2 (A + I) D^-1/2 by the book, in double precision."""
    edges = data["customer", "purchased", "product"]
    A = torch.eye(CUSTOMERS + PRODUCTS, dtype=torch.float64)
    for left, right, weight in zip(*edges.edge_index.tolist(), edges.edge_weight.tolist(), strict=True):
        A[left, CUSTOMERS + right] = A[CUSTOMERS + right, left] = weight
    scale = torch.diag(A.sum(dim=1) ** -0.5)
    return scale @ A @ scale


def test_two_layers_equal_the_dense_rule() -> None:
    data = random_graph()
    adjacency, features, whole = inputs(data)
    convolution = GraphConvolution(2, FEATURES + SIGNALS, WIDTH, dropout=0.0)
    A = dense_adjacency(data)
    result = convolution(FirstHop.of(adjacency, features, data["product"].x))
    for member in range(2):
        first = torch.relu(A @ whole.double() @ convolution.first[member].double())
        second = torch.relu(A @ first @ convolution.second[member].double())
        torch.testing.assert_close(result[member].double(), second[:CUSTOMERS], rtol=1e-4, atol=1e-6)


def test_forward_and_gradients_equal_torch_geometric() -> None:
    data = random_graph(seed=3)
    adjacency, features, whole = inputs(data)
    convolution = GraphConvolution(1, FEATURES + SIGNALS, WIDTH, dropout=0.0)
    layers = [GCNConv(FEATURES + SIGNALS, WIDTH, bias=False), GCNConv(WIDTH, WIDTH, bias=False)]
    for layer, weight in zip(layers, (convolution.first, convolution.second), strict=True):
        layer.lin.weight.data = weight.detach()[0].T.clone()
    edges = data["customer", "purchased", "product"]
    left, right = edges.edge_index[0], edges.edge_index[1] + CUSTOMERS
    edge_index = torch.stack([torch.cat([left, right]), torch.cat([right, left])])
    edge_weight = edges.edge_weight.repeat(2)
    hidden = torch.relu(layers[0](whole, edge_index, edge_weight))
    expected = torch.relu(layers[1](hidden, edge_index, edge_weight))[:CUSTOMERS]
    result = convolution(FirstHop.of(adjacency, features, data["product"].x))[0]
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-6)
    weights = torch.linspace(-1.0, 2.0, expected.numel()).view_as(expected)
    (result * weights).sum().backward()
    (expected * weights).sum().backward()
    for layer, mine in zip(layers, (convolution.first, convolution.second), strict=True):
        assert mine.grad is not None
        assert mine.grad.abs().sum() > 0
        torch.testing.assert_close(mine.grad[0], layer.lin.weight.grad.T, rtol=1e-4, atol=1e-6)


def test_the_sparse_product_has_the_right_gradient() -> None:
    dense = torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]], dtype=torch.float64)
    matrix, transpose = dense.to_sparse_csr(), dense.T.contiguous().to_sparse_csr()
    factor = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: SparseProduct.apply(matrix, transpose, x), (factor,))


def test_a_member_sees_its_own_weights_only() -> None:
    layer = MemberLinear(3, 4, 2)
    shared = torch.randn(5, 4)
    own = shared.expand(3, 5, 4)
    torch.testing.assert_close(layer(shared), layer(own))
    for member in range(3):
        torch.testing.assert_close(layer(shared)[member], shared @ layer.weight[member] + layer.bias[member])


def test_dropout_drops_the_same_for_all_members_and_nothing_when_not_training() -> None:
    dropout, ones = SharedDropout(0.25), torch.ones(3, 50, 40)
    dropped = dropout(ones)
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(dropped[0], dropped[2])
    assert torch.equal(dropout.eval()(ones), ones)


def network(graph: int) -> ForecastNetwork:
    shape = NetworkShape(members=2, tabular=FEATURES, graph=graph, width=WIDTH, hidden=8, dropout=0.0)
    return ForecastNetwork(shape).eval()


def test_the_untrained_network_foretells_the_same_for_everybody() -> None:
    data = random_graph()
    adjacency, features, _ = inputs(data)
    hop = FirstHop.of(adjacency, features, data["product"].x)
    outputs = network(FEATURES + SIGNALS)(features, hop, torch.arange(CUSTOMERS))
    assert torch.equal(outputs, torch.zeros(2, CUSTOMERS, 3))


def test_a_customer_is_moved_by_what_customers_with_common_products_did() -> None:
    data = random_graph()
    adjacency, features, _ = inputs(data)
    model = network(FEATURES + SIGNALS)
    torch.nn.init.normal_(model.output.weight, generator=torch.Generator().manual_seed(0))
    shared_products = (adjacency.to_customers.to_dense() > 0).float()
    common = shared_products @ shared_products.T
    neighbour = int(common[0, 1:].argmax()) + 1
    assert common[0, neighbour] > 0

    def first_customer(of_neighbour: float) -> torch.Tensor:
        changed = features.clone()
        changed[neighbour] += of_neighbour
        hop = FirstHop.of(adjacency, changed, data["product"].x)
        result: torch.Tensor = model(features[:1], hop, torch.tensor([0]))
        return result

    assert not torch.equal(first_customer(0.0), first_customer(3.0))


def test_without_graph_there_is_no_graph_parameter() -> None:
    names = [name for name, _ in network(0).named_parameters()]
    assert not [name for name in names if name.startswith(("convolution", "graph"))]


def test_some_customers_alone_are_convolved_as_among_all() -> None:
    data = random_graph(seed=5)
    adjacency, features, _ = inputs(data)
    hop = FirstHop.of(adjacency, features, data["product"].x)
    rows = torch.tensor([CUSTOMERS - 1, 0, 3])
    convolution = GraphConvolution(2, FEATURES + SIGNALS, WIDTH, dropout=0.0)
    gradients = []
    for result in (convolution(hop)[:, rows], convolution(hop.only(rows))):
        convolution.zero_grad()
        (result**2).sum().backward()
        gradients.append((result.detach(), convolution.first.grad.clone(), convolution.second.grad.clone()))
    for whole, part in zip(*gradients, strict=True):
        assert whole.abs().sum() > 0
        torch.testing.assert_close(part, whole, rtol=1e-5, atol=1e-7)
