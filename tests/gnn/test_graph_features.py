from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gnn.feature_input import FeatureInput
from gnn.forecast import ExampleSource, examples_of
from gnn.graph_features import GraphFeatures
from gnn.neighbour_features import others_mean, product_momentum, product_visits, shops
from gnn.replenishment_features import replenishment
from gnn.shared_work import SharedWork
from gnn.task import Task
from gnn.taste_vectors import taste_basis
from graph.snapshot import FloatArray, Snapshot
from tests.support import history_of

NOW = datetime(2024, 7, 1)
TASK = Task(horizon_days=30, active_window_days=120)


def bought(lines: list[tuple[str, str, float]], channels: list[str] | None = None) -> Snapshot:
    """Lines of customer, product and age in days."""
    frame = pd.DataFrame(
        {
            "customer": [who for who, _, _ in lines],
            "target": [what for _, what, _ in lines],
            "at": pd.Series([NOW - timedelta(days=age) for _, _, age in lines]).astype("datetime64[ms]"),
            "amount": 1.0,
        }
    )
    if channels is not None:
        frame["channel"] = channels
    return history_of({"PURCHASED": frame}, complete_until=NOW).at(NOW)


def two_tastes(later: bool = False) -> Snapshot:
    """Sixty customers, half of them bakers and half gardeners; with `later`, the first baker takes to gardening."""
    generator = np.random.default_rng(0)
    lines = [
        (f"c{row:02d}", f"{'baking' if row < 30 else 'garden'}{product}", float(generator.integers(10, 90)))
        for row in range(60)
        for product in generator.choice(12, 8, replace=False)
    ]
    return bought(lines + [("c00", f"garden{product}", 1.0) for product in range(12) if later])


def column(columns: object, name: str) -> FloatArray:
    found = {each.name: each.values for each in columns}  # type: ignore[attr-defined]
    result: FloatArray = found[name]
    return result


def test_tastes_are_alike_within_a_group_and_apart_between_groups() -> None:
    snapshot = two_tastes()
    basis = taste_basis(snapshot, 2)
    assert basis is not None
    np.testing.assert_allclose(basis.directions.T @ basis.directions, np.eye(2), atol=1e-9)
    taste = basis(snapshot)[:, :2]
    taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    likeness = taste @ taste.T
    assert min(likeness[:30, :30].min(), likeness[30:, 30:].min()) > 0.9
    assert np.abs(likeness[:30, 30:]).max() < 0.3


def test_a_taste_depends_on_the_customers_own_purchases_alone_and_drifts_with_them() -> None:
    before, after = two_tastes(), two_tastes(later=True)
    basis = taste_basis(before, 2)
    assert basis is not None
    np.testing.assert_allclose(basis(after)[1:], basis(before)[1:], atol=1e-12)
    assert basis(after)[0, 2] > basis(before)[0, 2] + 0.1


def test_a_customer_of_unknown_products_has_no_taste_and_a_tiny_assortment_no_basis() -> None:
    basis = taste_basis(two_tastes(), 2)
    assert basis is not None
    np.testing.assert_array_equal(basis(bought([("x", "unheard of", 3.0)])), np.zeros((1, 3)))
    assert taste_basis(bought([("x", "p", 3.0)]), 2) is None


def test_the_mean_over_others_by_hand() -> None:
    usual = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    found = others_mean(usual, np.array([0.0, 3.0, 6.0, np.nan]))
    # Known signals average 3, which counts for three neighbours.
    shared = [(3 + 9) / 4, (0 + 9) / 4, (6 + 9) / 4, (3 + 9) / 4]  # node 0 for a, for b; node 1 for b, for c
    np.testing.assert_allclose(found[:3], [shared[0], (shared[1] + shared[2]) / 2, shared[3]])
    assert np.isnan(found[3])


def test_shops_by_hand() -> None:
    lines = [("a", "p", 5.0), ("b", "p", 5.0), ("b", "p", 50.0), ("c", "p", 40.0), ("c", "q", 41.0)]
    snapshot = bought(lines, ["north", "north", "north", "north", "south"])
    signals = {"recency_days": np.array([5.0, 5.0, 40.0])}
    rows = np.arange(3, dtype=np.int32)
    made = list(shops(snapshot, signals, rows))
    # Of the north's other visitors: for a, one visit of b lately, and one each of b and c in the two months before.
    np.testing.assert_allclose(column(made, "shop_momentum")[0], np.log((1 + 2) / (2 / 2 + 2)))
    np.testing.assert_allclose(column(made, "shop_crowd")[0], np.log1p(1.0))
    assert column(made, "shop_change")[0] == pytest.approx(0.0)
    assert np.isnan(column(made, "shop_change")[2])
    assert not list(shops(bought([("a", "p", 5.0)], ["only"]), signals, rows[:1]))


def test_cycles_by_hand() -> None:
    """Bread every ten days, waited for 25; soap but once."""
    snapshot = bought([("a", "bread", 25.0), ("a", "bread", 35.0), ("a", "bread", 45.0), ("a", "soap", 26.0)])
    made = list(replenishment(FeatureInput.of(snapshot, np.zeros(1, np.int32))))
    everybody = (20 + 30 * 20) / (2 + 20)
    own = (20 + 2 * everybody) / (2 + 2)
    waited = 24 / own  # whole days between: an event a moment before the cutoff is of age 0
    np.testing.assert_allclose(column(made, "product_usual"), [1.0])
    np.testing.assert_allclose(column(made, "product_wait"), [np.log1p(waited)])
    np.testing.assert_allclose(column(made, "product_due"), [float(waited > 1.5)])
    np.testing.assert_allclose(column(made, "product_expected"), [np.exp(-waited / 2) / own * 30])
    np.testing.assert_allclose(column(made, "product_wait_before"), [0.0])


def test_products_that_lose_their_buyers_show_in_the_momentum() -> None:
    lines = [(f"c{row:02d}", "falling", 80.0) for row in range(10)] + [
        (f"c{row:02d}", "rising", 5.0) for row in range(10, 20)
    ]
    made = list(product_momentum(product_visits(bought(lines)), np.arange(20, dtype=np.int32)))
    momentum = column(made, "product_momentum")
    np.testing.assert_allclose(momentum[:10], np.log(1 / (0.45 * 10 + 1)))
    np.testing.assert_allclose(momentum[10:], np.log(11 / (0.45 * 10 + 1)))


def test_examples_are_extended_without_a_change_to_what_they_had() -> None:
    snapshot = two_tastes()
    given = examples_of(snapshot, np.arange(5, dtype=np.int32))
    graph = GraphFeatures.of([given], directions=3)
    assert graph is not None
    extended = graph.extend(given, SharedWork())
    width = len(given.features.names)
    assert extended.features.names[:width] == given.features.names
    np.testing.assert_array_equal(extended.features.values[:, :width], given.features.values)
    assert len(set(extended.features.names)) == len(extended.features.names)
    assert set(extended.features.names) <= set(extended.features.labels)
    everybody = examples_of(snapshot, np.arange(60, dtype=np.int32))
    wide = graph.extend(everybody, SharedWork()).features.values[:5]
    np.testing.assert_allclose(wide, extended.features.values, rtol=1e-9, atol=1e-9)


def test_without_products_there_are_no_graph_features() -> None:
    lines = pd.DataFrame({"customer": ["a"], "at": [NOW - timedelta(days=3)], "amount": [1.0]})
    source = ExampleSource(history_of({"PURCHASED": lines}, complete_until=NOW), TASK)
    assert GraphFeatures.of([source.at(NOW)], 3) is None
