from __future__ import annotations

from datetime import datetime
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.distinct import Pairs
from gnn.features import customer_features, feature_blocks
from gnn.snapshot_facts import SnapshotFacts
from graph.snapshot import Snapshot
from tests.gnn.plain_features import plain_features
from tests.support import history_of

CUTOFF = datetime(2024, 6, 1)
CATEGORIES = pd.DataFrame({"id": ["F", "F/a", "F/b", "H", "H/c"], "parent": [None, "F", "F", None, "H"]})
PRODUCTS = pd.DataFrame(
    {"id": list("pqrst"), "category": ["F/a", "F/b", "H/c", "H", None], "brand": ["x", "x", "y", None, "y"]}
)


def shop(random: Random, customers: int, lines: int) -> Snapshot:
    """Purchases and returns at any hour of five months; cents are exact, so that sums are whatever their order."""

    def events(count: int) -> pd.DataFrame:
        hours = [random.randrange(24 * 150) for _ in range(count)]
        return pd.DataFrame(
            {
                "customer": [f"c{random.randrange(customers):02d}" for _ in range(count)],
                "target": [random.choice("pqrst") for _ in range(count)],
                "at": pd.Timestamp(2024, 1, 1) + pd.to_timedelta(hours, unit="h"),
                "amount": [random.randrange(4, 400) / 4 for _ in range(count)],
                "discount": [random.choice([0.0, 0.0, 1.5]) for _ in range(count)],
                "quantity": [float(random.randrange(1, 5)) for _ in range(count)],
                "channel": [random.choice(["shop", "web"]) for _ in range(count)],
            }
        )

    bought = events(lines)
    bought["order_id"] = bought["customer"] + [str(random.randrange(6)) for _ in range(lines)]
    tables = {"PURCHASED": bought, "RETURNED": events(max(lines // 5, 1)).drop(columns=["discount", "channel"])}
    return history_of(tables, complete_until=CUTOFF, products=PRODUCTS, categories=CATEGORIES).at(CUTOFF)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 9), st.integers(1, 70))
def test_equal_to_a_plain_computation_one_customer_after_another(random: Random, customers: int, lines: int) -> None:
    snapshot = shop(random, customers, lines)
    everybody = np.arange(len(snapshot.customers), dtype=np.int32)
    features = customer_features(snapshot, everybody)
    for row in everybody.tolist():
        expected = plain_features(snapshot, row)
        found = {name: float(features.column(name)[row]) for name in expected}
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 7))
def test_blocks_are_the_whole_to_the_last_bit(random: Random, size: int) -> None:
    snapshot = shop(random, 12, 120)
    rows = np.array(sorted(random.sample(range(len(snapshot.customers)), k=len(snapshot.customers) - 1)), np.int32)
    whole = customer_features(snapshot, rows)
    blocks = list(feature_blocks(snapshot, rows, size=size))
    assert all(block.names == whole.names for block in blocks)
    assert [len(block) for block in blocks[:-1]] == [size] * (len(blocks) - 1)
    np.testing.assert_array_equal(np.concatenate([block.values for block in blocks]), whole.values)


def test_nobody_is_one_empty_block() -> None:
    blocks = list(feature_blocks(shop(Random(1), 3, 20), np.array([], np.int32), size=2))
    assert [len(block) for block in blocks] == [0]
    assert "orders" in blocks[0].names


def test_pairs_are_counted_and_those_without_a_code_left_out() -> None:
    pairs = Pairs.of(np.array([1, 0, 1, 1, 0]), np.array([3, 2, 3, 0, -1]))
    assert pairs.customer.tolist() == [0, 1, 1]
    assert pairs.code.tolist() == [2, 0, 3]
    assert pairs.times.tolist() == [1, 1, 2]


def test_buyers_of_a_main_category_are_the_same_however_few_are_counted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    snapshot = shop(Random(2), 9, 60)
    whole = SnapshotFacts(snapshot).main_categories
    monkeypatch.setattr("gnn.snapshot_facts._CELLS", 4)
    few = SnapshotFacts(snapshot).main_categories
    assert few.buyers.tolist() == whole.buyers.tolist()
    roots = {"F": set("pq"), "H": set("rs")}
    ids = snapshot.products.to_pylist()
    for row, buyers in zip(whole.rows, whole.buyers, strict=True):
        of = roots[snapshot.categories[int(row)].as_py()]
        events = snapshot.purchases
        assert buyers == len({int(c) for c, t in zip(events.customer, events.target, strict=True) if ids[t] in of})
