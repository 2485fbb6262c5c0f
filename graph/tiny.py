"""An invented shop, made from a seed in a second: for tests and a first look.

Customers have a taste (a mix of categories), a pace and a moment at which some of them lapse, so that there is
something to learn; the numbers mean nothing beyond that.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

_START, _DAYS = pd.Timestamp("2024-01-01"), 420
_DEPARTMENTS = {
    "KITCHEN": ("KNIVES", "POTS", "GADGETS"),
    "GARDEN": ("SEEDS", "TOOLS"),
    "BOOKS": ("FICTION", "COOKERY", "TRAVEL"),
    "TOYS": ("PUZZLES", "OUTDOOR"),
}
_DESCRIPTION = """\
# An invented shop: see graph/tiny.py.
name = "tiny"
currency = "EUR"
complete_until = 2025-02-24T00:00:00

[customers]
path = "customers.csv"
id = "customer_id"
properties = ["country", "tier"]
valid_from = "valid_from"

[products]
path = "products.csv"
id = "sku"
name = "title"
price = "list_price"
category = ["department", "aisle"]
brand = "brand"

[campaigns]
path = "campaigns.csv"
id = "campaign_id"
start = "start_date"
end = "end_date"
properties = ["kind"]

[[interactions]]
type = "PURCHASED"
path = "orders.csv"
customer = "customer_id"
product = "sku"
at = "ordered_at"
id = "line_id"
order_id = "order"
quantity = "units"
amount = "total"
channel = "channel"

[[interactions]]
type = "VIEWED"
path = "views.csv"
customer = "customer_id"
product = "sku"
at = "viewed_at"

[[interactions]]
type = "CONTACTED"
path = "contacts.csv"
customer = "customer_id"
campaign = "campaign_id"
"""


def write_tiny(directory: Path, *, seed: int = 7, customers: int = 320) -> Path:
    """Write the shop's tables and description.

    Args:
        directory: Where to; made when missing.
        seed: Equal seeds give equal files.
        customers: How many.

    Returns:
        The path of its `dataset.toml`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    products = _products(random)
    names = [f"C{number:04d}" for number in range(customers)]
    orders = _orders(random, names, products)
    products.drop(columns=["department_number", "popularity"]).to_csv(directory / "products.csv", index=False)
    _customers(random, names, orders).to_csv(directory / "customers.csv", index=False)
    orders.to_csv(directory / "orders.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")
    seen = orders.sample(frac=0.6, random_state=seed)
    views = pd.DataFrame({
        "customer_id": seen["customer_id"],
        "sku": seen["sku"],
        "viewed_at": seen["ordered_at"] - pd.to_timedelta(random.integers(300, 200_000, len(seen)), unit="s"),
    }).sort_values("viewed_at")  # fmt: skip
    views.to_csv(directory / "views.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")
    starts = pd.to_datetime(["2024-04-10", "2024-09-01", "2024-12-01"])
    campaigns = pd.DataFrame({
        "campaign_id": ["spring", "autumn", "winter"], "start_date": starts,
        "end_date": starts + pd.Timedelta(days=30), "kind": ["e-mail", "letter", "e-mail"],
    })  # fmt: skip
    campaigns.to_csv(directory / "campaigns.csv", index=False, date_format="%Y-%m-%d")
    contacts = [(name, campaign) for campaign in campaigns["campaign_id"] for name in names if random.random() < 0.4]
    pd.DataFrame(contacts, columns=["customer_id", "campaign_id"]).to_csv(directory / "contacts.csv", index=False)
    path = directory / "dataset.toml"
    path.write_text(_DESCRIPTION, encoding="utf-8")
    return path


def _products(random: np.random.Generator) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for number, (department, aisles) in enumerate(_DEPARTMENTS.items()):
        for aisle in aisles:
            for _ in range(9):
                price = round(float(random.lognormal(2.6, 0.6)), 2)
                sku = f"P{len(rows):03d}"
                brand = f"{department[:2].title()}{random.integers(1, 5)}"
                rows.append((sku, f"{aisle.title()} {len(rows)}", price, department, aisle, brand, number))
    columns = ["sku", "title", "list_price", "department", "aisle", "brand", "department_number"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["popularity"] = random.pareto(1.6, len(frame)) + 0.2
    return frame


def _orders(random: np.random.Generator, names: list[str], products: pd.DataFrame) -> pd.DataFrame:
    department = products["department_number"].to_numpy()
    popularity = products["popularity"].to_numpy()
    price = products["list_price"].to_numpy()
    rows: list[tuple[object, ...]] = []
    for name in names:
        taste = random.dirichlet(np.full(len(_DEPARTMENTS), 0.35))
        chance = taste[department] * popularity
        chance /= chance.sum()
        gap = float(random.gamma(2.0, 14.0)) + 3.0
        first = float(random.uniform(0, 200))
        lapse = first + float(random.exponential(330.0))
        day = first
        while day < min(lapse, _DAYS):
            order = f"O{len(rows):05d}"
            at = _START + pd.Timedelta(seconds=round(day * 86_400))
            channel = "web" if random.random() < 0.7 else "shop"
            for product in random.choice(len(products), size=int(random.integers(1, 5)), replace=False, p=chance):
                units = int(random.integers(1, 4)) * (-1 if random.random() < 0.01 else 1)
                total = round(units * price[product], 2)
                rows.append((f"L{len(rows):06d}", order, name, products["sku"][product], at, units, total, channel))
            day += float(random.gamma(2.0, gap / 2.0))
    columns = ["line_id", "order", "customer_id", "sku", "ordered_at", "units", "total", "channel"]
    return pd.DataFrame(rows, columns=columns).sort_values("ordered_at", kind="stable")


def _customers(random: np.random.Generator, names: list[str], orders: pd.DataFrame) -> pd.DataFrame:
    first = orders.groupby("customer_id")["ordered_at"].min().reindex(names)
    return pd.DataFrame({
        "customer_id": names,
        "country": random.choice(["FR", "DE", "PT"], len(names), p=[0.5, 0.3, 0.2]),
        "tier": random.choice(["basic", "plus"], len(names), p=[0.8, 0.2]),
        "valid_from": first.dt.strftime("%Y-%m-%d").to_numpy(),
    })  # fmt: skip
