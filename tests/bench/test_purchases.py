"""The parts of the purchase benchmarks that figures rest on, by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from bench.bench_purchases import interval
from bench.held_out import cut_to_last, without
from bench.purchase_queries import filtered_ranks, queries_of
from graph.history import History
from tests.support import history_of

T = datetime(2024, 3, 1)


@pytest.fixture
def history() -> History:
    """Before T ann bought p and q, bob p, q and r, cat r; after it ann buys q, r and s, and dan p."""
    before = [("ann", "p", 9), ("ann", "p", 8), ("ann", "q", 7), ("bob", "p", 6), ("bob", "q", 5), ("bob", "r", 4),
              ("cat", "r", 3), ("cat", "s", 2)]  # fmt: skip
    after = [("ann", "q", -1), ("ann", "r", -2), ("ann", "s", -3), ("dan", "p", -4)]
    rows = [(customer, product, T - timedelta(days=days)) for customer, product, days in before + after]
    lines = pd.DataFrame(rows, columns=["customer", "target", "at"]).assign(quantity=1.0, amount=1.0)
    return history_of({"PURCHASED": lines}, complete_until=T + timedelta(days=10))


def test_queries_are_later_pairs_of_known_customers_and_products_with_buyers(history: History) -> None:
    queries = queries_of(history, T, days=10, buyers=2)
    products = queries.snapshot.products.take(queries.candidates).to_pylist()
    assert products == ["p", "q", "r"]  # one customer alone had bought s
    assert [products[place] for place in queries.candidate] == ["q", "r"]  # dan is not known
    assert queries.known.tolist() == [True, False]
    assert len(queries.of_customers(np.array([1, 2]))) == 0
    assert len(queries.of_customers(np.array([0]))) == 2


def test_ranks_leave_the_other_answers_out_and_ties_count_half(history: History) -> None:
    queries = queries_of(history, T, days=10, buyers=2)

    def scores(*values: float) -> list[float]:
        scorer = lambda customers: np.tile(values, (len(customers), 1))  # noqa: E731
        every, new = (filtered_ranks(scorer, queries, new_only=only) for only in (False, True))
        assert np.isnan(new[0])  # q is not new to ann
        return [*every.tolist(), float(new[1])]

    # Beside q and r, each other's answers, there is p; where only new ones count, not even p.
    assert scores(3, 2, 1) == [2, 2, 1]
    assert scores(1, 2, 3) == [1, 1, 1]
    assert scores(2, 2, 1) == [1.5, 2, 1]


def test_a_snapshot_without_customers_and_with_their_last_lines_only(history: History) -> None:
    snapshot = history.at(T)
    alone = without(snapshot, np.array([0]))
    assert alone.customers.to_pylist() == ["bob", "cat"]
    assert alone.purchases.customer.tolist() == [0, 0, 0, 1, 1]
    assert alone.products.equals(snapshot.products)
    cut = cut_to_last(snapshot, np.array([0, 1]), 2)
    names = [
        (cut.customers[int(customer)].as_py(), cut.products[int(product)].as_py())
        for customer, product in zip(cut.purchases.customer, cut.purchases.target, strict=True)
    ]
    assert names == [("ann", "p"), ("ann", "q"), ("bob", "q"), ("bob", "r"), ("cat", "r"), ("cat", "s")]


def test_the_interval_is_over_customers_and_the_mean_over_pairs() -> None:
    values, customer = np.array([1.0, 0.0, 0.0, 0.5]), np.array([0, 1, 1, 1])
    found = interval(values, customer)
    assert found["mean"] == 0.375
    # Two customers: resamples hold both once, or one of them twice.
    assert (found["low"], found["high"]) == (round(0.5 / 3, 5), 1.0)
    assert interval(np.full(4, 0.25), customer) == {"mean": 0.25, "low": 0.25, "high": 0.25}
