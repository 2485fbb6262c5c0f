from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.novelty import WEIGHTS, combine, discovery, eccentricity, neighbour_signals, novelty, recent_surprisal
from embeddings.ranks import midrank
from embeddings.similarity import centred, nearest_all
from tests.embeddings.toy import AS_OF, two_groups
from tests.support import history_of

T = datetime(2024, 6, 1)


def test_midrank_by_hand() -> None:
    # 1 < 3 = 3 < 7, one unknown: (0 + .5)/4, (1 + 1)/4 twice, (3 + .5)/4.
    assert midrank([3, 1, np.nan, 7, 3]).tolist() == pytest.approx([0.5, 0.125, np.nan, 0.875, 0.5], nan_ok=True)


def test_surprisal_by_hand() -> None:
    def days(*numbers: int) -> list[datetime]:
        return [T - timedelta(days=number) for number in numbers]

    lines = pd.DataFrame(
        {
            "customer": ["anna"] * 4 + ["bert"] * 3,
            "target": ["milk", "milk", "milk", "pen", "pen", "pen", "milk"],
            "at": days(100, 90, 5, 4, 100, 3, 2),
        }
    )
    # Earlier: anna milk twice, bert pen once. With one added to each, p(milk) = 3/5 and p(pen) = 2/5. With μ = 2:
    # anna: milk (2 + 1.2)/4 = .8, pen (0 + .8)/4 = .2; bert: pen (1 + .8)/3 = .6, milk (0 + 1.2)/3 = .4.
    found = recent_surprisal(history_of({"PURCHASED": lines}, complete_until=T).at(T), recent_days=30, prior_weight=2)
    assert found.tolist() == pytest.approx([-np.log2(0.8 * 0.2) / 2, -np.log2(0.6 * 0.4) / 2])


def test_surprisal_counts_categories_where_there_are_any() -> None:
    def days(*numbers: int) -> list[datetime]:
        return [T - timedelta(days=number) for number in numbers]

    lines = pd.DataFrame({"customer": ["anna"] * 3, "target": ["milk", "milk", "pen"], "at": days(100, 90, 5)})
    products = pd.DataFrame({"id": ["milk", "pen"], "category": ["FOOD", "FOOD"], "brand": None})
    more = pd.DataFrame({"customer": ["bert"] * 2, "target": ["ink", "milk"], "at": days(80, 70)})
    products.loc[2] = ["ink", "OFFICE", None]
    snapshot = history_of({"PURCHASED": pd.concat([lines, more])}, products=products, complete_until=T).at(T)
    assert len(snapshot.products) > len(snapshot.categories)
    # Earlier: food thrice (anna twice), office once; with one added to each of two categories, p(food) = 4/6. With
    # μ = 2 anna's recent line of food has (2 + 4/3) / 4 = 5/6.
    found = recent_surprisal(snapshot, recent_days=30, prior_weight=2)
    assert found.tolist() == pytest.approx([-np.log2(5 / 6), np.nan], nan_ok=True)


def test_surprisal_needs_recent_and_earlier_purchases() -> None:
    lines = pd.DataFrame(
        {"customer": ["a", "a", "b"], "target": ["p", "p", "p"], "at": [T - timedelta(days=d) for d in (90, 5, 90)]}
    )
    found = recent_surprisal(history_of({"PURCHASED": lines}, complete_until=T).at(T))
    assert not np.isnan(found[0])
    assert np.isnan(found[1])
    only_recent = recent_surprisal(history_of({"PURCHASED": lines.iloc[1:2]}, complete_until=T).at(T))
    assert np.isnan(only_recent).all()


def test_discovery_by_hand() -> None:
    rows = [("anna", "milk"), ("anna", "milk"), ("anna", "pen"), ("anna", "ink"), ("bert", "ink"), ("none", None)]
    lines = pd.DataFrame(rows, columns=["customer", "target"]).assign(at=T - timedelta(days=3))
    lines["target"] = lines["target"].fillna("__no_product__")
    products = pd.DataFrame({"id": ["milk", "pen", "ink"], "category": ["FOOD", "OFFICE", "OFFICE"], "brand": None})
    # By product anna bought pen and ink once each, of four lines; by category nothing but bert's ink.
    plain = discovery(history_of({"PURCHASED": lines}, complete_until=T).at(T))
    assert plain.tolist() == pytest.approx([0.5, 1.0, np.nan], nan_ok=True)
    by_category = discovery(history_of({"PURCHASED": lines}, products=products, complete_until=T).at(T))
    assert by_category.tolist() == pytest.approx([0.0, 1.0, np.nan], nan_ok=True)


def test_who_buys_more_is_nearer_the_centre() -> None:
    rows = [("big", "p"), ("big", "q"), ("big", "r"), ("none", "__no_product__"), ("other", "p"), ("other", "q"),
            ("small", "p")]  # fmt: skip
    lines = pd.DataFrame(rows, columns=["customer", "target"]).assign(at=T - timedelta(days=1))
    found = eccentricity(history_of({"PURCHASED": lines}, complete_until=T).at(T))
    big, none, other, small = found["peripherality"]
    assert big < other < small
    assert np.isnan(none)
    # big, other, p and q are the 2-core; small hangs on p by one edge.
    assert found["shallowness"].tolist() == pytest.approx([0, np.nan, 0, 1], nan_ok=True)


def test_neighbour_signals_by_hand() -> None:
    unit = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    found = neighbour_signals(unit, neighbours=2)
    # Row 0: closest is row 1 (cosine .6); the centre of rows 1 and 2 points along (.6, 1.8): cosine .6/√3.6.
    assert found["independence"].tolist() == pytest.approx([0.4, 0.2, 0.2], abs=1e-6)
    assert found["neighbour_distance"][0] == pytest.approx(1 - 0.6 / 3.6**0.5, abs=1e-6)
    given = neighbour_signals(unit, found=nearest_all(unit, 2))
    assert given["neighbour_distance"].tolist() == found["neighbour_distance"].tolist()
    alone = neighbour_signals(unit[:1])
    assert np.isnan(alone["independence"]).all()


def test_combine_leaves_out_what_is_not_known() -> None:
    nan = np.nan
    found = combine({"x": np.array([1.0, 2.0, nan, nan]), "y": np.array([5.0, 3.0, 9.0, nan])})
    # x: ¼, ¾. y: ½, 1/6, 5/6. Means: .375, .4583, .8333; who has nothing is neutral.
    assert found.value.tolist() == pytest.approx([1 / 6, 1 / 2, 5 / 6, 0.5])


def test_combine_weighs_the_parts_that_are_known() -> None:
    parts = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([3.0, 2.0, np.nan])}
    # Percentiles: x 1/6, 1/2, 5/6; y 3/4, 1/4. With weights 3 and 1 the means are 5/16, 7/16, 5/6; equal ones give
    # 11/24, 3/8, 5/6, and the first two change places.
    assert combine(parts, {"x": 3.0}).value.tolist() == pytest.approx([1 / 6, 1 / 2, 5 / 6])
    assert combine(parts).value.tolist() == pytest.approx([1 / 2, 1 / 6, 5 / 6])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_novelty_is_equivariant_under_permutation(seed: int) -> None:
    generator = np.random.default_rng(seed)
    snapshot = two_groups().at(AS_OF)
    size = len(snapshot.customers)
    vectors = generator.normal(size=(size, 5))
    rows = np.arange(size, dtype=np.int32)
    order = generator.permutation(size).astype(np.int32)
    straight = novelty(snapshot, rows, centred(vectors), neighbours=4)
    permuted = novelty(snapshot, order, centred(vectors[order]), neighbours=4)
    assert ((straight.value >= 0) & (straight.value <= 1)).all()
    assert permuted.value.tolist() == pytest.approx(straight.value[order].tolist(), abs=2 / size)
    assert set(straight.parts) == set(WEIGHTS)
    for name, values in straight.parts.items():
        assert permuted.parts[name].tolist() == pytest.approx(values[order].tolist(), abs=1e-5, nan_ok=True)


def test_without_products_two_parts_remain() -> None:
    lines = pd.DataFrame({"customer": list("abc"), "at": [T - timedelta(days=1)] * 3})
    snapshot = history_of({"PURCHASED": lines}, complete_until=T).at(T)
    features = np.array([[0.0, 1.0], [0.1, 1.0], [5.0, -3.0]])
    found = novelty(snapshot, np.arange(3, dtype=np.int32), centred(features))
    assert np.isnan(found.parts["surprisal"]).all()
    assert np.isnan(found.parts["discovery"]).all()
    assert np.isnan(found.parts["peripherality"]).all()
    assert np.isnan(found.parts["shallowness"]).all()
    assert found.value[2] == max(found.value)
