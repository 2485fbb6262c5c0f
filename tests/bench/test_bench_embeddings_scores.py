"""The parts of the benchmarks of similarity and novelty that figures rest on, by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from bench.novelty_signals import later_share_new, simple_signals
from bench.rank_correlation import Dated, correlations, weighted_correlation
from bench.similarity_later import preparations
from tests.support import history_of

T = datetime(2024, 6, 1)


def test_share_of_later_purchases_in_new_categories_by_hand() -> None:
    rows = [("ann", "milk", -9), ("ann", "pen", 3), ("ann", "milk", 4), ("bob", "pen", -8), ("cat", "pen", -7),
            ("bob", "ink", 5), ("ann", "ink", 70)]  # fmt: skip
    lines = pd.DataFrame(
        [(who, what, T + timedelta(days=days)) for who, what, days in rows], columns=["customer", "target", "at"]
    )
    products = pd.DataFrame({"id": ["milk", "pen", "ink"], "category": ["FOOD", "OFFICE", "OFFICE"], "brand": None})
    history = history_of({"PURCHASED": lines}, products=products, complete_until=T + timedelta(days=80))
    # ann: pen is new and milk is not; bob's ink is of a category he knows; cat bought nothing after.
    found = later_share_new(history, history.at(T), days=60, level=0)
    assert found.tolist() == pytest.approx([0.5, 0.0, np.nan], nan_ok=True)
    simple = simple_signals(history.at(T))
    assert simple["fewer categories"].tolist() == [-1, -1, -1]
    assert simple["inactivity"].tolist() == [9, 8, 7]


def test_the_correlation_of_the_whole_sample_is_spearmans() -> None:
    generator = np.random.default_rng(0)
    outcome = generator.integers(0, 5, 80).astype(float)
    signal = outcome + generator.normal(size=80)
    dated = Dated(np.array([f"c{n:02d}" for n in range(80)]), outcome, np.arange(80) % 2, {"x": signal, "y": -signal})
    found = correlations([dated], ["y"], resamples=200)
    expected = spearmanr(signal, outcome).statistic
    assert found["x"]["overall"]["mean"] == pytest.approx(expected, abs=1e-4)
    assert found["x"]["overall"]["low"] < expected < found["x"]["overall"]["high"]
    assert found["x"]["overall"]["minus y"]["mean"] == pytest.approx(2 * expected, abs=2e-4)
    within = np.mean([spearmanr(signal[part::2], outcome[part::2]).statistic for part in (0, 1)])
    assert found["x"]["within"]["mean"] == pytest.approx(within, abs=1e-4)


def test_a_weight_of_two_is_a_customer_twice() -> None:
    x, y = np.array([1.0, 2.0, 4.0]), np.array([2.0, 1.0, 5.0])
    twice = np.corrcoef([1, 1, 2, 4], [2, 2, 1, 5])[0, 1]
    assert weighted_correlation(x, y, np.array([[2.0, 1.0, 1.0]])) == pytest.approx([twice])
    assert weighted_correlation(x, np.ones(3), np.ones((1, 3))) == pytest.approx([0.0])


def test_whitened_vectors_vary_equally_in_every_direction_before_they_are_scaled() -> None:
    vectors = np.random.default_rng(1).normal(size=(4000, 3)) * [5.0, 1.0, 0.2]
    made = preparations(vectors.astype(np.float32))
    assert np.cov(made["whitened"].T) == pytest.approx(np.eye(3) / 3, abs=0.03)
    assert np.cov(made["centred"].T)[0, 0] > 0.8
