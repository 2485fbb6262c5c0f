"""A shop rich enough for the whole cookbook, in a store and as pandas frames, and how the two are compared.

Beside the tables of `graph.tiny` it has what a statement must not count wrongly: a till without products, lines without
an order or an amount, discounts, a product that the products table lacks, a property value known twice, customers
without a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from graph.dataset import read_dataset
from graph.loading import load
from graph.store import GraphStore, no_progress
from graph.tiny import write_tiny
from habitue.cookbook import recipe, run_query

_MORE = """
[[interactions]]
type = "PURCHASED"
path = "till.csv"
customer = "customer_id"
at = "at"
amount = "total"

[[interactions]]
type = "PURCHASED"
path = "deals.csv"
customer = "customer_id"
product = "sku"
at = "at"
order_id = "order"
quantity = "units"
amount = "total"
discount = "off"

[[interactions]]
type = "REDEEMED"
path = "redemptions.csv"
customer = "customer_id"
campaign = "campaign_id"
at = "at"
"""
ASKED = "C0003"
SINCE, SPLIT, UNTIL = (pd.Timestamp(day) for day in ("2024-04-01", "2024-09-01", "2025-01-15"))


@dataclass(frozen=True)
class Tables:
    """The shop as frames, with the graph's names for columns.

    Attributes:
        purchases: customer, product (none at the till), at, quantity, amount, discount, order, category, department,
            brand.
        returns: customer, product.
        views: customer, product, at.
        properties: customer, property, value; once each.
        contacts: customer, campaign, at: the campaign's start.
        redemptions: customer, campaign, at.
        scores: customer and the signals; NEW1 has none.
        similar: source, target, score.
        members: audience, customer.
    """

    purchases: pd.DataFrame
    returns: pd.DataFrame
    views: pd.DataFrame
    properties: pd.DataFrame
    contacts: pd.DataFrame
    redemptions: pd.DataFrame
    scores: pd.DataFrame
    similar: pd.DataFrame
    members: pd.DataFrame

    @property
    def with_product(self) -> pd.DataFrame:
        """Purchases that name a product."""
        return self.purchases.dropna(subset="product")

    @property
    def with_order(self) -> pd.DataFrame:
        """Purchases that name a product and an order."""
        return self.with_product.dropna(subset="order")

    @property
    def favourite(self) -> str:
        """The product with most lines."""
        return str(self.with_order["product"].mode()[0])

    def products_of(self) -> pd.Series[Any]:
        """The set of products that each customer bought."""
        return self.with_product.groupby("customer")["product"].agg(set)


@dataclass(frozen=True)
class Kitchen:
    """A store and the tables that it holds."""

    store: GraphStore
    tables: Tables

    def answer(self, name: str, **parameters: Any) -> pd.DataFrame:
        """A statement's answer as a frame."""
        rows = run_query(self.store, name, parameters)
        assert rows.columns == recipe(name, self.store.dialect).columns
        return pd.DataFrame(rows.dicts(), columns=list(rows.columns))

    def check(self, name: str, expected: pd.DataFrame, **parameters: Any) -> None:
        """The answer is this, row by row; and, asked for two rows where it can be, the first two of it."""
        assert len(expected), "an empty answer checks nothing"
        limit = any(each.name == "limit" for each in recipe(name, self.store.dialect).parameters)
        same(self.answer(name, **parameters, **({"limit": 100_000} if limit else {})), expected)
        if limit:
            same(self.answer(name, **parameters, limit=2), expected.head(2))


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal in columns and rows; numbers to 9 digits, as sums depend on the order of what is added up."""
    left, right = (each.reset_index(drop=True).fillna(np.nan).infer_objects() for each in (found, expected))
    pd.testing.assert_frame_equal(left, right[list(left.columns)], check_dtype=False, rtol=1e-9, atol=1e-9)


def ranked(frame: pd.DataFrame | pd.Series[Any], **order: bool) -> pd.DataFrame:
    """Sorted by these columns, True for the largest first."""
    frame = frame.reset_index()
    return frame.sort_values(list(order), ascending=[not each for each in order.values()], kind="stable")


def fill(store: GraphStore, folder: Path) -> Tables:
    """Load the shop into an empty store, with scores, similarities and audiences."""
    description = write_tiny(folder, customers=60)
    with description.open("a", encoding="utf-8") as stream:
        stream.write(_MORE)
    tables = _write_more(folder)
    load(store, read_dataset(description), "kitchen", folder / "workspace", no_progress)
    signals = tables.scores.rename(columns={"customer": "id"})
    store.write_scores(pa.Table.from_pandas(signals, preserve_index=False), no_progress)
    store.write_similar(pa.Table.from_pandas(tables.similar, preserve_index=False), "run-1", no_progress)
    for name, members in tables.members.groupby("audience"):
        rows = [{"id": each, "score": 0.5, "rank": place + 1, "run": "run-1"}
                for place, each in enumerate(members["customer"])]  # fmt: skip
        store.write_audience({"id": name, "name": name, "created_at": datetime(2025, 2, 1)}, rows)
    return tables


def _write_more(folder: Path) -> Tables:
    random = np.random.default_rng(11)
    named = {"customer_id": "customer", "sku": "product", "ordered_at": "at", "units": "quantity", "total": "amount",
             "off": "discount", "campaign_id": "campaign"}  # fmt: skip
    customers = pd.read_csv(folder / "customers.csv")
    products = pd.read_csv(folder / "products.csv")
    orders = pd.read_csv(folder / "orders.csv")
    later = customers.head(20).assign(valid_from="2025-01-01")  # the same values again, known a second time
    pd.concat([customers, later]).to_csv(folder / "customers.csv", index=False)

    till = pd.DataFrame({"customer_id": [ASKED, ASKED, "C0001", "C0002", "NEW1", "NEW2", "NEW2"], "total": 3.0})
    till["at"] = ["2025-02-01T10:00:00"] * 6 + ["2025-02-02T10:00:00"]
    till.to_csv(folder / "till.csv", index=False)
    deals = _deals(random, [*customers["customer_id"].head(15), "C0100"], products)
    deals.to_csv(folder / "deals.csv", index=False)
    contacts = pd.read_csv(folder / "contacts.csv")
    redemptions = contacts.iloc[::3].assign(at="2025-01-05")
    redemptions.loc[redemptions.index[:4], "customer_id"] = "C0005"  # several times, and without a contact
    redemptions.to_csv(folder / "redemptions.csv", index=False)

    leaves = products.assign(category=products["department"] + "/" + products["aisle"])
    bought = pd.concat([orders.query("units > 0").rename(columns=named), till.rename(columns=named),
                        deals.rename(columns=named)], ignore_index=True)  # fmt: skip
    bought = bought.merge(
        leaves[["sku", "category", "department", "brand"]].rename(columns=named), on="product", how="left"
    )
    bought["at"] = pd.to_datetime(bought["at"])
    starts = pd.read_csv(folder / "campaigns.csv").set_index("campaign_id")["start_date"]
    names = sorted(set(bought["customer"]) - {"NEW1"})
    scores = pd.DataFrame({
        "customer": names, "churn_risk": random.random(len(names)), "expected_value": random.gamma(2, 50, len(names)),
        "novelty": 0.5, "hyperscore": 100 + 10 * random.random(len(names)),
        "hyperscore_percentile": 100 * random.random(len(names)), "scored_at": datetime(2025, 2, 24), "model": "run-1",
    })  # fmt: skip
    pairs = [(source, target) for source in names for target in random.choice(names, 5, replace=False)
             if source != target]  # fmt: skip
    similar = pd.DataFrame(pairs, columns=["source", "target"]).assign(score=random.random(len(pairs)))
    audiences = {"first": names[:20], "second": names[12:30], "third": names[19:22], "apart": names[40:45]}
    members = [(audience, each) for audience, customers_of in audiences.items() for each in customers_of]
    return Tables(
        purchases=bought,
        returns=orders.query("units < 0").rename(columns=named)[["customer", "product"]],
        views=pd.read_csv(folder / "views.csv", parse_dates=["viewed_at"]).rename(columns={**named, "viewed_at": "at"}),
        properties=customers.rename(columns=named).melt(
            "customer", ["country", "tier"], var_name="property", value_name="value"
        ),
        contacts=contacts.rename(columns=named).assign(at=pd.to_datetime(contacts["campaign_id"].map(starts))),
        redemptions=redemptions.rename(columns=named).assign(at=pd.to_datetime(redemptions["at"])),
        scores=scores,
        similar=similar,
        members=pd.DataFrame(members, columns=["audience", "customer"]),
    )


def _deals(random: np.random.Generator, customers: list[str], products: pd.DataFrame) -> pd.DataFrame:
    """Orders of four products with discounts; some lines lack the order or the amount, one product is unknown.

    Every third order holds its first product on two lines.
    """
    choice = [*products["sku"].head(12), "STUB"]
    rows: list[dict[str, object]] = []
    for number in range(60):
        customer, day = random.choice(customers), int(random.integers(0, 400))
        at = pd.Timestamp("2024-01-10") + pd.Timedelta(days=day, hours=int(random.integers(0, 24)))
        lines = list(random.choice(choice, size=4, replace=False))
        for place, product in enumerate([*lines, lines[0]] if number % 3 == 0 else lines):
            rows.append({
                "customer_id": customer, "sku": product, "at": at.isoformat(),
                "order": None if (number + place) % 13 == 0 else f"D{number}", "units": 1,
                "total": None if (number + place) % 17 == 0 else round(float(random.gamma(2, 8)), 2),
                "off": round(float(random.gamma(1, 3)), 2) if place % 2 else None,
            })  # fmt: skip
    return pd.DataFrame(rows)
