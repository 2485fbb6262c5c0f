from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.features import Features, align, customer_features
from gnn.snapshot_facts import main_categories
from gnn.task import Task, population
from graph.snapshot import Snapshot
from tests.support import history_of

CUTOFF = datetime(2024, 3, 31)
EVERYBODY = Task(horizon_days=30, active_window_days=None)


def features_of(snapshot: Snapshot, **options: object) -> Features:
    return customer_features(snapshot, population(snapshot, EVERYBODY), **options)  # type: ignore[arg-type]


def at_cutoff(tables: dict[str, pd.DataFrame], **options: object) -> Snapshot:
    return history_of(tables, complete_until=datetime(2025, 1, 1), **options).at(CUTOFF)


def of_customer(features: Features, row: int) -> dict[str, float]:
    return {name: float(features.column(name)[row]) for name in features.names}


def purchases(rows: list[tuple[str, str, str, float, str]], order: bool = True) -> pd.DataFrame:
    """(customer, product, date, amount, order) rows."""
    frame = pd.DataFrame(rows, columns=["customer", "target", "at", "amount", "order_id"])
    frame["at"] = pd.to_datetime(frame["at"])
    frame["quantity"] = 1.0
    return frame if order else frame.drop(columns="order_id")


# Anna: orders 90, 60, 30 and 10 days before the cutoff; Ben: once, 40 days before.
SHOP = purchases(
    [
        ("anna", "milk", "2024-01-01", 4.0, "a1"),
        ("anna", "bread", "2024-01-01", 6.0, "a1"),
        ("anna", "milk", "2024-01-31", 20.0, "a2"),
        ("ben", "milk", "2024-02-20", 7.0, "b1"),
        ("anna", "soap", "2024-03-01", 30.0, "a3"),
        ("anna", "milk", "2024-03-21", 40.0, "a4"),
    ]
)
PRODUCTS = pd.DataFrame(
    {
        "id": ["bread", "milk", "soap"],
        "category": ["FOOD/BAKERY", "FOOD/DAIRY", "HOME/CARE"],
        "brand": ["own", "own", "fine"],
    }
)
CATEGORIES = pd.DataFrame(
    {
        "id": ["FOOD", "FOOD/BAKERY", "FOOD/DAIRY", "HOME", "HOME/CARE"],
        "parent": [None, "FOOD", "FOOD", None, "HOME"],
    }
)


def shop(**more: pd.DataFrame) -> Features:
    tables = {"PURCHASED": SHOP, **more}
    return features_of(at_cutoff(tables, products=PRODUCTS, categories=CATEGORIES))


def test_recency_frequency_and_tenure_by_hand() -> None:
    anna, ben = of_customer(shop(), 0), of_customer(shop(), 1)
    assert (anna["recency_days"], anna["tenure_days"], anna["orders"], anna["purchase_days"]) == (10, 90, 4, 4)
    assert (ben["recency_days"], ben["tenure_days"], ben["orders"]) == (40, 40, 1)
    assert anna["orders_7_days"] == 0
    assert anna["orders_14_days"] == 1
    assert anna["orders_30_days"] == 2  # the window includes its first instant: T - 30 days
    assert anna["orders_60_days"] == 3
    assert anna["orders_per_30_days"] == pytest.approx(4 * 30 / 90)
    assert ben["orders_per_30_observed_days"] == pytest.approx(30 / 90)
    assert ben["tenure_share"] == pytest.approx(40 / 90)


def test_spend_by_hand() -> None:
    anna = of_customer(shop(), 0)
    assert anna["spend"] == 100
    assert anna["spend_per_order"] == 25
    assert anna["spend_variation"] == pytest.approx(np.std([10, 20, 30, 40]) / 25)
    assert anna["largest_order"] == 40
    assert anna["last_order_spend"] == 40
    assert anna["spend_60_days"] == 90
    assert anna["spend_decayed_45_days"] == pytest.approx(
        10 * 0.5**2 + 20 * 0.5 ** (60 / 45) + 30 * 0.5 ** (30 / 45) + 40 * 0.5 ** (10 / 45)
    )
    assert anna["lines_per_order"] == pytest.approx(5 / 4)


def test_gaps_by_hand_and_undefined_for_a_single_purchase() -> None:
    anna, ben = of_customer(shop(), 0), of_customer(shop(), 1)
    gaps = [30.0, 30.0, 20.0]
    assert anna["gap_mean_days"] == pytest.approx(np.mean(gaps))
    assert anna["gap_deviation_days"] == pytest.approx(np.std(gaps))
    assert anna["gap_median_days"] == 30
    assert anna["gap_longest_days"] == 30
    assert anna["gap_last_days"] == 20
    assert anna["gap_90_percent_days"] == pytest.approx(np.quantile(gaps, 0.9))
    assert anna["gap_running_ratio"] == pytest.approx(10 / np.mean(gaps))
    assert anna["gap_running_quantile"] == pytest.approx(0.5 / 4)  # none of three gaps is as short as 10 days
    assert np.isnan(ben["gap_mean_days"])
    assert ben["gap_running_quantile"] == 0.5


def test_trend_compares_the_recent_with_the_earlier() -> None:
    anna, ben = of_customer(shop(), 0), of_customer(shop(), 1)
    assert anna["orders_trend_30_days"] == pytest.approx(np.log(2.5 / 1.5))
    assert ben["orders_trend_30_days"] == pytest.approx(np.log(0.5 / 1.5))
    assert anna["active_months"] == 3
    assert ben["active_months"] == 1


def test_taste_by_hand() -> None:
    anna, ben = of_customer(shop(), 0), of_customer(shop(), 1)
    assert (anna["products"], anna["brands"], anna["categories"], anna["main_categories"]) == (3, 2, 3, 2)
    assert anna["product_repeats"] == pytest.approx(2 / 5)
    assert anna["brand_top_share"] == pytest.approx(4 / 5)
    assert anna["category_share:FOOD"] == pytest.approx(4 / 5)
    assert ben["category_share:HOME"] == 0
    assert anna["main_category_entropy"] == pytest.approx(-(0.8 * np.log(0.8) + 0.2 * np.log(0.2)))
    # Last 60 days: milk, soap, milk, of which soap is new; before: milk, bread. Mix 2/3 food then, 2/2 before.
    assert anna["product_novelty"] == pytest.approx(1 / 2)
    assert anna["category_change"] == pytest.approx(1 / 3)
    assert np.isnan(ben["category_change"])


def test_campaigns_returns_and_reviews_by_hand() -> None:
    def events(**columns: list[object]) -> pd.DataFrame:
        return pd.DataFrame(columns).assign(at=lambda frame: pd.to_datetime(frame["at"]))

    features = shop(
        CONTACTED=events(customer=["anna", "anna"], target=["c1", "c2"], at=["2024-01-11", "2024-03-11"]),
        REDEEMED=events(customer=["anna"], target=["c2"], at=["2024-03-21"]),
        RETURNED=events(customer=["anna"], target=["soap"], at=["2024-03-05"], amount=[30.0], quantity=[1.0]),
        REVIEWED=events(customer=["ben", "ben"], target=["milk", "milk"], at=["2024-03-01"] * 2, rating=[2.0, 5.0]),
    )
    anna, ben = of_customer(features, 0), of_customer(features, 1)
    assert (anna["contacts"], anna["contacts_60_days"], anna["contacts_since_days"]) == (2, 1, 20)
    assert anna["redemptions_per_contact"] == 0.5
    assert anna["returned_share"] == pytest.approx(0.3)
    assert anna["returns_since_days"] == 26
    assert ben["rating_mean"] == 3.5
    assert ben["contacts"] == 0
    assert np.isnan(ben["contacts_since_days"])


def test_discounts_and_channels_by_hand() -> None:
    frame = SHOP.assign(discount=[1.0, 0.0, 5.0, 0.0, 0.0, 0.0], channel=["web", "web", "web", "web", "shop", "shop"])
    anna = of_customer(features_of(at_cutoff({"PURCHASED": frame})), 0)
    assert anna["discount_share"] == pytest.approx(6 / 106)
    assert anna["discounted_lines"] == pytest.approx(2 / 5)
    assert anna["channels"] == 2
    assert anna["channel_top_share"] == pytest.approx(3 / 5)


def test_a_shop_without_products_orders_or_amounts_has_fewer_columns() -> None:
    frame = SHOP[["customer", "at"]]
    features = features_of(at_cutoff({"PURCHASED": frame}))
    assert "orders" in features.names
    assert not [name for name in features.names if name.startswith(("spend", "product", "category", "contact", "hour"))]
    assert of_customer(features, 0)["orders"] == 4  # two lines on one day are one purchase occasion


def test_lines_of_one_order_on_two_days_are_one_order() -> None:
    frame = purchases([("anna", "milk", "2024-03-01", 1.0, "a"), ("anna", "milk", "2024-03-02", 1.0, "a")])
    anna = of_customer(features_of(at_cutoff({"PURCHASED": frame})), 0)
    assert (anna["orders"], anna["purchase_days"], anna["recency_days"], anna["tenure_days"]) == (1, 2, 29, 30)


def test_one_root_category_is_looked_below() -> None:
    categories = pd.DataFrame(
        {"id": ["ALL", "ALL/A", "ALL/A/x", "ALL/B"], "parent": [None, "ALL", "ALL/A", "ALL"]},
    )
    products = pd.DataFrame({"id": ["bread", "milk", "soap"], "category": ["ALL/A/x", "ALL/B", "ALL"], "brand": None})
    snapshot = at_cutoff({"PURCHASED": SHOP}, products=products, categories=categories)
    names = snapshot.categories.to_pylist()
    assert {names[row]: names[main] for row, main in enumerate(main_categories(snapshot))} == {
        "ALL": "ALL",
        "ALL/A": "ALL/A",
        "ALL/A/x": "ALL/A",
        "ALL/B": "ALL/B",
    }


def test_undated_and_sensitive_properties_are_left_out_unless_named() -> None:
    rows = [
        ("anna", "kind", "gold", datetime(2024, 1, 1)),
        ("ben", "kind", "tin", datetime(2024, 2, 1)),
        ("anna", "children", "2", None),
        ("anna", "income", "high", datetime(2024, 1, 1)),
        ("ben", "kind", "gold", datetime(2024, 4, 1)),  # after the cutoff
    ]
    properties = pd.DataFrame(rows, columns=["owner", "name", "value", "valid_from"])
    snapshot = at_cutoff({"PURCHASED": SHOP}, properties=properties, sensitive=frozenset({"income"}))
    default = features_of(snapshot)
    assert [name for name in default.names if name.startswith("property:")] == [
        "property:kind=gold",
        "property:kind=tin",
    ]
    assert default.column("property:kind=gold").tolist() == [1.0, 0.0]
    asked = features_of(snapshot, undated_properties={"children"}, allowed_sensitive={"income"})
    assert asked.column("property:children")[0] == 2.0
    assert np.isnan(asked.column("property:children")[1])
    assert "property:income=high" in asked.names


@given(st.randoms(use_true_random=False), st.integers(2, 25))
@settings(max_examples=30, deadline=None)
def test_numbers_of_orders_are_names_only(random: Random, lines: int) -> None:
    # Several orders at the same instant: which of them counts as the last must not follow from how they are numbered.
    rows = [("anna", random.choice(["milk", "soap"]), random.choice(["2024-03-01", "2024-03-09"]),
             float(random.randint(1, 50)), f"o{random.randint(0, 6)}") for _ in range(lines)]  # fmt: skip
    snapshot = at_cutoff({"PURCHASED": purchases(rows)}, products=PRODUCTS, categories=CATEGORIES)
    codes = np.unique(snapshot.purchases.order)
    others = codes.copy()
    random.shuffle(others)
    renumbered = replace(snapshot.purchases, order=others[np.searchsorted(codes, snapshot.purchases.order)])
    other = replace(snapshot, events={**snapshot.events, "PURCHASED": renumbered})
    expected, found = of_customer(features_of(snapshot), 0), of_customer(features_of(other), 0)
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_align_orders_drops_and_fills() -> None:
    features = Features(("a", "b"), np.array([[1.0, 2.0], [3.0, 4.0]]), {"a": "A", "b": "B"})
    aligned = align(features, ["b", "new"])
    assert aligned.names == ("b", "new")
    np.testing.assert_array_equal(aligned.values, [[2.0, np.nan], [4.0, np.nan]])
    with pytest.raises(KeyError):
        features.column("new")


def test_a_customers_features_do_not_depend_on_who_else_is_asked_for() -> None:
    properties = pd.DataFrame(
        [("anna", "kind", "gold", datetime(2024, 1, 1)), ("ben", "kind", "tin", datetime(2024, 1, 1))],
        columns=["owner", "name", "value", "valid_from"],
    )
    frame = SHOP.assign(at=SHOP["at"] + pd.to_timedelta(SHOP["customer"].eq("anna").astype(int), unit="h"))
    snapshot = at_cutoff({"PURCHASED": frame}, products=PRODUCTS, categories=CATEGORIES, properties=properties)
    everybody = features_of(snapshot)
    for row in range(2):
        alone = customer_features(snapshot, np.array([row], np.int32))
        assert alone.names == everybody.names
        np.testing.assert_equal(of_customer(alone, 0), of_customer(everybody, row))


def test_somebody_who_never_bought_and_nobody_at_all() -> None:
    views = pd.DataFrame({"customer": ["zoe"], "target": ["milk"], "at": pd.to_datetime(["2024-02-01"])})
    snapshot = at_cutoff({"PURCHASED": SHOP, "VIEWED": views}, products=PRODUCTS, categories=CATEGORIES)
    zoe = of_customer(customer_features(snapshot, np.array([2], np.int32)), 0)
    assert (zoe["orders"], zoe["spend"], zoe["views"], zoe["views_since_days"]) == (0, 0, 1, 59)
    assert all(np.isnan(zoe[name]) for name in ("recency_days", "tenure_days", "spend_per_order", "gap_mean_days"))
    nobody = customer_features(snapshot, np.array([], np.int32))
    assert len(nobody) == 0
    assert "orders" in nobody.names


@st.composite
def random_purchases(draw: st.DrawFn) -> pd.DataFrame:
    count = draw(st.integers(1, 40))
    rows = [
        (
            draw(st.sampled_from(["a", "b", "c", "d"])),
            draw(st.sampled_from(["p", "q", "r", "s"])),
            datetime(2024, 1, 1) + timedelta(hours=draw(st.integers(0, 24 * 130))),
            float(draw(st.integers(0, 50))),
            draw(st.sampled_from([f"o{number}" for number in range(12)])),
        )
        for _ in range(count)
    ]
    rows.append(("a", "p", datetime(2024, 1, 1), 1.0, "o0"))
    frame = pd.DataFrame(rows, columns=["customer", "target", "at", "amount", "order_id"])
    return frame.assign(order_id=frame["customer"] + frame["order_id"])


@settings(max_examples=25, deadline=None)
@given(random_purchases())
def test_equal_to_a_plain_pandas_computation(frame: pd.DataFrame) -> None:
    features = features_of(at_cutoff({"PURCHASED": frame}))
    past = frame[frame["at"] < CUTOFF].sort_values("at", kind="stable")
    for row, (_, own) in enumerate(past.groupby("customer")):
        found = of_customer(features, row)
        orders = own.groupby("order_id").agg(at=("at", "min"), amount=("amount", "sum")).sort_values("at")
        days = own["at"].dt.normalize().drop_duplicates().sort_values()
        gap = days.diff().dt.days.dropna()
        day = pd.Timedelta(days=1)
        assert found["orders"] == len(orders)
        assert found["purchase_days"] == len(days)
        assert found["recency_days"] == pytest.approx((CUTOFF - own["at"].max()) / day)
        assert found["spend_30_days"] == pytest.approx(orders.loc[CUTOFF - orders["at"] <= 30 * day, "amount"].sum())
        assert found["largest_order"] == orders["amount"].max()
        assert found["gap_median_days"] == pytest.approx(gap.median(), nan_ok=True)
        assert found["gap_90_percent_days"] == pytest.approx(gap.quantile(0.9), nan_ok=True)
        assert found["products"] == own["target"].nunique()
        assert found["weekend_share"] == pytest.approx((orders["at"].dt.day_of_week >= 5).mean())
    assert len(features) == past["customer"].nunique()


@settings(max_examples=15, deadline=None)
@given(random_purchases(), random_purchases())
def test_events_from_the_cutoff_on_change_nothing(frame: pd.DataFrame, later: pd.DataFrame) -> None:
    later = later.assign(at=later["at"] + (CUTOFF - datetime(2024, 1, 1)), customer=later["customer"] + "new")
    later = pd.concat([later, later.assign(customer=later["customer"].str[0])])
    alone = features_of(at_cutoff({"PURCHASED": frame}))
    both = features_of(at_cutoff({"PURCHASED": pd.concat([frame, later])}))
    assert alone.names == both.names
    np.testing.assert_array_equal(alone.values, both.values)


def documented_names() -> set[str]:
    """The names in the first column of the tables of docs/features.md, with `a_{1,2}_b` written out."""
    page = Path(__file__).parents[2] / "docs" / "features.md"
    names = set()
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            for name in re.findall(r"`([^`]+)`", line.split("|")[1]):
                choice = re.search(r"\{(.+)\}", name)
                parts = choice.group(1).split(",") if choice else [""]
                names |= {name.replace(choice.group(0), part) if choice else name for part in parts}
    return names


def test_the_catalogue_names_every_feature_and_no_other() -> None:
    count = len(SHOP)
    frame = SHOP.assign(at=SHOP["at"] + pd.Timedelta(hours=9), discount=1.0, channel="web")
    at = pd.Series(pd.to_datetime(["2024-01-05"] * count))
    product = pd.DataFrame({"customer": SHOP["customer"], "target": "milk", "at": at, "amount": 1.0, "rating": 4.0})
    campaign = pd.DataFrame({"customer": SHOP["customer"], "target": "c", "at": at})
    properties = pd.DataFrame(
        [("anna", "kind", "gold", datetime(2024, 1, 1)), ("anna", "age", "40", datetime(2024, 1, 1))],
        columns=["owner", "name", "value", "valid_from"],
    )
    others = dict.fromkeys(("RETURNED", "VIEWED", "REVIEWED"), product)
    tables = {"PURCHASED": frame, **others, "CONTACTED": campaign, "REDEEMED": campaign}
    snapshot = at_cutoff(tables, products=PRODUCTS, categories=CATEGORIES, properties=properties)
    features = features_of(snapshot)
    general = {
        re.sub(r"=.*", "=<value>", re.sub(r"^(property|category_share):[^=]+", r"\1:<name>", name))
        for name in features.names
    }
    assert {
        name.replace("category_share:<name>", "category_share:<category>") for name in general
    } == documented_names()
    assert len(set(features.names)) == len(features.names)
    assert set(features.labels) == set(features.names)
