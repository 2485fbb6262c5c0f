from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import torch

from gnn.adjacency import AdjacencyCache, GraphSettings, normalised, purchase_graph
from graph.snapshot import Snapshot
from tests.support import history_of

NOW = datetime(2024, 7, 1)
EVERY_PRODUCT = GraphSettings(half_life_days=10.0, minimum_buyers=1)


def shop(extra: list[tuple[str, str, float]] | None = None) -> Snapshot:
    """Customers a, b and products p, q, r; ages in days are 10, 20, 20, 30, 0 (the instant before the cutoff)."""
    lines = [("a", "p", 10.0), ("a", "p", 20.0), ("b", "p", 20.0), ("b", "q", 30.0), ("a", "r", 0.0), *(extra or [])]
    frame = pd.DataFrame(
        {
            "customer": [customer for customer, _, _ in lines],
            "target": [product for _, product, _ in lines],
            "at": [NOW - timedelta(days=age, milliseconds=age == 0) for _, _, age in lines],
            "amount": 1.0,
        }
    )
    return history_of({"PURCHASED": frame}, complete_until=NOW + timedelta(days=60)).at(NOW)


def test_edge_weights_halve_with_every_half_life_and_add_up() -> None:
    data = purchase_graph(shop(), EVERY_PRODUCT)
    edges = data["customer", "purchased", "product"]
    assert edges.edge_index.tolist() == [[0, 0, 1, 1], [0, 2, 0, 1]]
    np.testing.assert_allclose(edges.edge_weight, [0.5 + 0.25, 1.0, 0.25, 0.125], rtol=1e-6)


def test_the_reverse_edges_mirror_the_forward_ones() -> None:
    data = purchase_graph(shop(), EVERY_PRODUCT)
    forward, backward = data["customer", "purchased", "product"], data["product", "purchased_by", "customer"]
    assert torch.equal(forward.edge_index.flip(0), backward.edge_index)
    assert torch.equal(forward.edge_weight, backward.edge_weight)
    data.validate(raise_on_error=True)


def test_products_with_too_few_buyers_are_left_out_and_the_others_keep_their_rows() -> None:
    data = purchase_graph(shop(), GraphSettings(half_life_days=10.0, minimum_buyers=2))
    assert data["product"].row.tolist() == [0]
    assert data["customer", "purchased", "product"].edge_index.tolist() == [[0, 1], [0, 0]]


def test_a_purchase_without_a_product_is_no_edge() -> None:
    frame = pd.DataFrame({"customer": ["a", "b"], "at": [NOW - timedelta(days=1)] * 2})
    data = purchase_graph(history_of({"PURCHASED": frame}).at(NOW - timedelta(hours=12)), EVERY_PRODUCT)
    assert data["customer", "purchased", "product"].edge_index.shape == (2, 0)
    assert data["product"].num_nodes == 0


def test_product_signals_are_decayed_count_buyers_and_mean_amount() -> None:
    signals = purchase_graph(shop(), EVERY_PRODUCT)["product"].x
    np.testing.assert_allclose(signals[0], np.log1p([0.5 + 0.25 + 0.25, 2.0, 1.0]), rtol=1e-6)


def test_a_purchase_at_or_after_the_cutoff_changes_nothing() -> None:
    before, after = (normalised(purchase_graph(each, EVERY_PRODUCT)) for each in (shop(), shop([("b", "r", -1.0)])))
    assert torch.equal(before.to_customers.to_dense(), after.to_customers.to_dense())
    assert torch.equal(before.product_signals, after.product_signals)


def test_normalisation_is_that_of_the_dense_formula() -> None:
    adjacency = normalised(purchase_graph(shop(), EVERY_PRODUCT))
    A = np.zeros((5, 5))  # a, b, p, q, r
    for left, right, weight in ((0, 2, 0.75), (0, 4, 1.0), (1, 2, 0.25), (1, 3, 0.125)):
        A[left, right] = A[right, left] = weight
    A += np.eye(5)
    scale = np.diag(A.sum(axis=1) ** -0.5)
    expected = scale @ A @ scale
    np.testing.assert_allclose(adjacency.to_customers.to_dense(), expected[:2, 2:], rtol=1e-6)
    np.testing.assert_allclose(adjacency.to_products.to_dense(), expected[2:, :2], rtol=1e-6)
    np.testing.assert_allclose(adjacency.customer_loop, np.diag(expected)[:2], rtol=1e-6)
    np.testing.assert_allclose(adjacency.product_loop, np.diag(expected)[2:], rtol=1e-6)


def test_the_cache_builds_each_snapshot_once_and_lets_go_of_it() -> None:
    cache, snapshot = AdjacencyCache(), shop()
    first = cache.of(snapshot, EVERY_PRODUCT)
    assert cache.of(snapshot, EVERY_PRODUCT) is first
    assert cache.of(snapshot, GraphSettings(half_life_days=5.0, minimum_buyers=1)) is not first
    assert len(cache) == 1
    del snapshot
    assert len(cache) == 0


@pytest.mark.parametrize("half_life", [1.0, 60.0])
def test_older_purchases_weigh_less(half_life: float) -> None:
    data = purchase_graph(shop(), GraphSettings(half_life_days=half_life, minimum_buyers=1))
    weight = data["customer", "purchased", "product"].edge_weight
    assert weight[1] > weight[2] > weight[3]  # ages 0, 20, 30
