"""The graph convolution of Kipf and Welling (2017) on sparse rows, and the forecasting network built on it.

The rule is H^(l+1) = σ(D^-1/2 (A + I) D^-1/2 H^(l) W^(l)), two layers of it, σ = ReLU. Several members of an ensemble
run through the same sparse products at once: they share the graph and differ in weights and dropout only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gnn.adjacency import BipartiteAdjacency


class SparseProduct(torch.autograd.Function):
    """`matrix @ dense` for a fixed sparse matrix whose transpose is at hand for the backward pass."""

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, transpose: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
        """The product r×k of a sparse r×s matrix and a dense s×k one."""
        ctx.transpose = transpose
        return matrix @ dense

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[None, None, torch.Tensor]:
        """The gradient of the dense factor: transpose @ gradient."""
        return None, None, ctx.transpose @ gradients[0].contiguous()


def _product(matrix: torch.Tensor, transpose: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = SparseProduct.apply(matrix, transpose, dense)  # type: ignore[no-untyped-call]
    return result


def to_customers(adjacency: BipartiteAdjacency, customers: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
    """The customers' rows of ÂH: their own part by the self-loop, and what their products send (c×k)."""
    received = _product(adjacency.to_customers, adjacency.to_products, products)
    return adjacency.customer_loop[:, None] * customers + received


def to_products(adjacency: BipartiteAdjacency, customers: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
    """The products' rows of ÂH: their own part by the self-loop, and what their customers send (p×k)."""
    received = _product(adjacency.to_products, adjacency.to_customers, customers)
    return adjacency.product_loop[:, None] * products + received


@dataclass(frozen=True, eq=False)
class FirstHop:
    """ÂH⁽⁰⁾, which training does not change and is therefore computed once.

    H⁽⁰⁾ is block-diagonal: customers carry their features and zeros, products zeros and their signals.

    Attributes:
        adjacency: Â.
        customers: Customers' rows of ÂH⁽⁰⁾ (c×k).
        products: Products' rows of ÂH⁽⁰⁾ (p×k).
    """

    adjacency: BipartiteAdjacency
    customers: torch.Tensor
    products: torch.Tensor

    @staticmethod
    def of(adjacency: BipartiteAdjacency, customer_features: torch.Tensor, product_signals: torch.Tensor) -> FirstHop:
        """Propagate the customers' features (c×f) and the products' signals (p×g) once; k = f + g."""
        features, signals = customer_features.shape[1], product_signals.shape[1]
        customers = torch.cat([customer_features, customer_features.new_zeros(adjacency.customers, signals)], dim=1)
        products = torch.cat([product_signals.new_zeros(adjacency.products, features), product_signals], dim=1)
        with torch.no_grad():
            return FirstHop(
                adjacency,
                to_customers(adjacency, customers, products),
                to_products(adjacency, customers, products),
            )

    def only(self, rows: torch.Tensor) -> FirstHop:
        """ÂH⁽⁰⁾ of some customers and of all products, from which these customers' H⁽²⁾ follow without a loss.

        Two hops from a customer lie other customers, but the first of them is computed already: so many or so few
        customers can be taken at a time, at the price of their own edges, and memory is theirs alone.

        Args:
            rows: Customers' rows (int64), without repeats.
        """
        return FirstHop(self.adjacency.only(rows), self.customers[rows], self.products)


class GraphConvolution(nn.Module):
    """Both layers of the rule for m members at once, from ÂH⁽⁰⁾ to the customers' H⁽²⁾.

    Args:
        members: Ensemble members m.
        inputs: Columns k of H⁽⁰⁾.
        width: Columns of H⁽¹⁾ and H⁽²⁾.
        dropout: Share of ÂH⁽¹⁾ left out in training.
    """

    def __init__(self, members: int, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.members, self.width = members, width
        self.first = nn.Parameter(_glorot(members, inputs, width))
        self.second = nn.Parameter(_glorot(members, width, width))
        self.dropout = SharedDropout(dropout)

    def forward(self, hop: FirstHop) -> torch.Tensor:
        """H⁽²⁾ of the customers (m×c×width)."""
        weight = self.first.permute(1, 0, 2).reshape(self.first.shape[1], self.members * self.width)
        customers = torch.relu(hop.customers @ weight)
        products = torch.relu(hop.products @ weight)
        # Dropout after the hop: the customers are few, and drawing numbers for every product would cost half the step.
        gathered = to_customers(hop.adjacency, customers, products)
        gathered = self.dropout(gathered.view(-1, self.members, self.width).transpose(0, 1))
        return torch.relu(gathered @ self.second)


class MemberLinear(nn.Module):
    """An affine map for each of m members: (n×inputs or m×n×inputs) to m×n×outputs."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(_glorot(members, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The outputs m×n×outputs."""
        if inputs.dim() > 2:
            return inputs @ self.weight + self.bias
        members, width, outputs = self.weight.shape
        together = inputs @ self.weight.permute(1, 0, 2).reshape(width, members * outputs)
        return together.view(-1, members, outputs).transpose(0, 1) + self.bias


class SharedDropout(nn.Module):
    """Dropout with one mask for all members: m×n×k inputs, an n×k mask.

    Drawing random numbers is the dearest part of a step on a CPU, and the members differ enough by their weights.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The inputs, a share of them zero and the rest scaled up, in training; else as they are."""
        if not self.training or self.share == 0.0:
            return inputs
        kept = torch.empty(inputs.shape[-2:]).bernoulli_(1.0 - self.share)
        return inputs * (kept / (1.0 - self.share))


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of the network.

    Attributes:
        members: Ensemble members m.
        tabular: Columns of the customers' features, given to the head.
        graph: Columns k of H⁽⁰⁾; 0 leaves the graph out.
        width: Columns of H⁽¹⁾ and H⁽²⁾.
        hidden: Units of the head's hidden layers.
        dropout: Share left out in training.
    """

    members: int
    tabular: int
    graph: int
    width: int
    hidden: int
    dropout: float


#: Outputs of the network, in the order of its last axis: values as logarithms, in units of the training mean.
CHURN_LOGIT, VALUE_LOG_MEDIAN, VALUE_LOG_MEAN = range(3)
#: Logarithms of value are kept within this: at most some 150 times the mean.
VALUE_LOG_RANGE = (-15.0, 5.0)


class ForecastNetwork(nn.Module):
    """Graph convolution beside a perceptron on the same features; one head for churn and value.

    The features enter twice, through the graph as H⁽⁰⁾ and directly into the head: what a customer did itself must not
    have to survive two averagings.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.convolution = (
            GraphConvolution(shape.members, shape.graph, shape.width, shape.dropout) if shape.graph else None
        )
        self.dropout = SharedDropout(shape.dropout)
        self.tabular = MemberLinear(shape.members, shape.tabular, shape.hidden)
        self.graph = MemberLinear(shape.members, shape.width, shape.hidden) if shape.graph else None
        self.hidden = MemberLinear(shape.members, shape.hidden, shape.hidden)
        self.output = MemberLinear(shape.members, shape.hidden, 3)
        self.shortcut = MemberLinear(shape.members, shape.tabular, 3)
        for layer in (self.output, self.shortcut):  # start from the average customer, not noise
            nn.init.zeros_(layer.weight)

    def forward(self, inputs: torch.Tensor, hop: FirstHop | None, rows: torch.Tensor) -> torch.Tensor:
        """Outputs m×n×3 for the n customers at `rows` of the graph.

        Args:
            inputs: The customers' transformed features n×f.
            hop: ÂH⁽⁰⁾ of the whole graph; None for a network without graph.
            rows: Rows of the n customers among the graph's customers.
        """
        hidden = self.tabular(inputs)
        if self.graph is not None and self.convolution is not None and hop is not None:
            hidden = hidden + self.graph(self.convolution(hop)[:, rows])
        hidden = self.dropout(torch.relu(hidden))
        hidden = self.dropout(torch.relu(self.hidden(hidden)))
        result: torch.Tensor = self.output(hidden) + self.shortcut(inputs)
        return result


def _glorot(members: int, inputs: int, outputs: int) -> torch.Tensor:
    limit = math.sqrt(6.0 / (inputs + outputs))
    return torch.empty(members, inputs, outputs).uniform_(-limit, limit)
