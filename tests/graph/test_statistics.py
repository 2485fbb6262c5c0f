"""Figures of a graph, against pandas over the same rows, in each kind of store."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.catalogue import resolve_source
from graph.loading import load
from graph.model import NO_PRODUCT
from graph.statistics import Distribution, read_statistics, sparkline
from graph.store import GraphStore, no_progress
from tests.graph.shop import SMALL


def described(counts: pd.Series[int], without: int) -> Distribution:
    """The figures as pandas gives them."""
    quantile = counts.quantile
    return Distribution(
        nodes=len(counts), without=without, minimum=int(counts.min()), lower_quartile=quantile(0.25),
        median=counts.median(), upper_quartile=quantile(0.75), p90=quantile(0.9), p99=quantile(0.99),
        maximum=int(counts.max()), mean=counts.mean(),
    )  # fmt: skip


def close(found: Distribution | None, expected: Distribution) -> None:
    assert found is not None
    assert found.model_dump() == pytest.approx(expected.model_dump(), abs=1e-9)


def test_statistics_equal_pandas(store: GraphStore, tmp_path: Path) -> None:
    load(store, resolve_source("tiny", lambda: tmp_path / "tiny"), "tiny", tmp_path / "workspace", no_progress)
    found, tables = read_statistics(store), store.tables()
    events = pa.concat_tables(tables.interactions.values()).to_pandas()
    bought = tables.interactions["PURCHASED"].to_pandas()
    per_customer = bought.groupby("customer").size()
    close(found.purchases_per_customer, described(per_customer, len(tables.customers) - len(per_customer)))
    real = bought[bought["target"] != NO_PRODUCT]
    per_product = real.groupby("target")["customer"].nunique()
    products = [each for each in tables.products["id"].to_pylist() if each != NO_PRODUCT]
    close(found.customers_per_product, described(per_product, len(products) - len(per_product)))
    assert (found.first_at, found.last_at) == (events["at"].min(), events["at"].max())

    def weekly(times: pd.Series[pd.Timestamp]) -> dict[datetime, int]:
        monday = times.dt.normalize() - pd.to_timedelta(times.dt.day_of_week, unit="D")
        return {start.to_pydatetime(): int(count) for start, count in monday.value_counts().items()}

    assert {each.start: each.interactions for each in found.weeks if each.interactions} == weekly(events["at"])
    first = events.groupby("customer")["at"].min()
    assert {each.start: each.new_customers for each in found.weeks if each.new_customers} == weekly(first)
    gaps = {(later.start - week.start).days for week, later in zip(found.weeks, found.weeks[1:], strict=False)}
    assert gaps == {7}


def test_a_small_shop_by_hand(store: GraphStore, tmp_path: Path) -> None:
    SMALL.load(store, tmp_path)
    found = read_statistics(store)
    # ann has two lines, bob one and a return; p1 has both customers, p2 ann alone
    assert found.purchases_per_customer is not None
    assert found.purchases_per_customer.maximum == 2
    assert found.purchases_per_customer.mean == 1.5
    assert found.customers_per_product is not None
    assert (found.customers_per_product.minimum, found.customers_per_product.maximum) == (1, 2)
    # Monday 29 January: lines 1 and 2; 5 February: 3 and 4; the contact is on 1 March, in the week of 26 February
    assert [(each.start, each.new_customers, each.interactions) for each in found.weeks] == [
        (datetime(2024, 1, 29), 1, 2), (datetime(2024, 2, 5), 1, 2), (datetime(2024, 2, 12), 0, 0),
        (datetime(2024, 2, 19), 0, 0), (datetime(2024, 2, 26), 0, 1),
    ]  # fmt: skip


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(0, 5))
def test_a_distribution_from_a_histogram_is_that_of_the_numbers(numbers: list[int], without: int) -> None:
    found = Distribution.of(Counter(numbers).items(), len(numbers) + without)
    close(found, described(pd.Series(numbers), without))


def test_no_numbers_have_no_distribution() -> None:
    assert Distribution.of([], 3) is None
    assert Distribution.of([(0, 7)], 7) is None


@pytest.mark.parametrize(
    ("numbers", "line"),
    [([], ""), ([0, 0], "  "), ([1, 4, 8], "▁▄█"), ([0, 1, 1000], " ▁█"), ([8] * 100, "█" * 60)],
)
def test_sparklines(numbers: list[int], line: str) -> None:
    assert sparkline(numbers) == line


@given(st.lists(st.integers(0, 10**6), max_size=300), st.integers(1, 80))
def test_sparklines_fit(numbers: list[int], width: int) -> None:
    line = sparkline(numbers, width)
    assert len(line) == min(width, len(numbers))
    assert ("█" in line) == (np.sum(numbers) > 0)
