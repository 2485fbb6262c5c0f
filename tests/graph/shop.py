"""A shop of a few rows, written by hand, for tests of loading and stores."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.dataset import read_dataset
from graph.loading import LoadReport, load
from graph.store import GraphStore, Progress, no_progress
from graph.tables import GraphTables

_DESCRIPTION = """\
name = "hand-made"
currency = "EUR"

[customers]
path = "customers.csv"
id = "id"
properties = ["country", "tier"]
valid_from = "valid_from"

[products]
path = "products.csv"
id = "id"
name = "name"
price = "price"
category = ["department", "aisle"]
brand = "brand"
properties = ["colour"]

[campaigns]
path = "campaigns.csv"
id = "id"
start = "start"
end = "end"
properties = ["kind"]

[[interactions]]
type = "PURCHASED"
path = "orders.csv"
customer = "customer"
product = "product"
at = "at"
known_at = "known_at"
id = "id"
order_id = "order"
quantity = "quantity"
amount = "amount"
channel = "channel"

[[interactions]]
type = "CONTACTED"
path = "contacts.csv"
customer = "customer"
campaign = "campaign"
"""

_COLUMNS = {
    "customers": ("id", "country", "tier", "valid_from"),
    "products": ("id", "name", "price", "department", "aisle", "brand", "colour"),
    "campaigns": ("id", "start", "end", "kind"),
    "orders": ("id", "customer", "product", "at", "known_at", "order", "quantity", "amount", "channel"),
    "contacts": ("customer", "campaign"),
}

Row = Mapping[str, Any]


def order(line: str, customer: str, product: str, at: str, amount: float, **more: Any) -> dict[str, Any]:
    """One purchase line."""
    return {"id": line, "customer": customer, "product": product, "at": at, "amount": amount, "quantity": 1, **more}


@dataclass
class Shop:
    """Tables of a shop; a missing value is an empty cell."""

    orders: Sequence[Row] = ()
    customers: Sequence[Row] = ()
    products: Sequence[Row] = ()
    campaigns: Sequence[Row] = ()
    contacts: Sequence[Row] = field(default_factory=tuple)

    def write(self, folder: Path) -> Path:
        """Write the tables and their description; returns its path."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, columns in _COLUMNS.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, columns)
                writer.writeheader()
                writer.writerows(getattr(self, name))
        path = folder / "dataset.toml"
        path.write_text(_DESCRIPTION, encoding="utf-8")
        return path

    def load(self, store: GraphStore, folder: Path, progress: Progress = no_progress) -> LoadReport:
        """Load it as the source `shop`."""
        return load(store, read_dataset(self.write(folder / "shop")), "shop", folder, progress)


#: Two customers, two products of one department, a campaign; every kind of node and relationship that a load makes.
SMALL = Shop(
    customers=[
        {"id": "ann", "country": "FR", "tier": "basic", "valid_from": "2024-01-01"},
        {"id": "bob", "country": "PT", "tier": "", "valid_from": ""},
    ],
    products=[
        {"id": "p1", "name": "Knife", "price": 12.5, "department": "KITCHEN", "aisle": "KNIVES", "brand": "Sharp",
         "colour": "red"},
        {"id": "p2", "name": "Pot", "department": "KITCHEN", "aisle": "POTS", "brand": "", "colour": "blue"},
    ],
    campaigns=[{"id": "spring", "start": "2024-03-01", "end": "2024-03-31", "kind": "letter"}],
    orders=[
        order("1", "ann", "p1", "2024-02-01T10:00:00.123", 12.5, channel="web", order="o1"),
        order("2", "ann", "p2", "2024-02-03T10:00:00", 30.25),
        order("3", "bob", "p1", "2024-02-05T10:00:00", 12.5, known_at="2024-02-06T00:00:00"),
        order("4", "bob", "p1", "2024-02-07T10:00:00", -12.5, quantity=-1),
    ],
    contacts=[{"customer": "ann", "campaign": "spring"}],
)  # fmt: skip


def content(tables: GraphTables, *, loads: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables as plain values in a fixed order, to compare whole graphs.

    Args:
        tables: A store's export.
        loads: With the numbers of the loads that wrote the interactions.
    """

    def rows(table: pa.Table) -> list[tuple[Any, ...]]:
        kept = [name for name in table.column_names if loads or name != "load"]
        return sorted((tuple(row[name] for name in kept) for row in table.to_pylist()), key=repr)

    named = {"customers": tables.customers, "products": tables.products, "categories": tables.categories,
             "brands": tables.brands, "campaigns": tables.campaigns, "superseded": tables.superseded}  # fmt: skip
    named |= {f"properties of {label}": table for label, table in tables.properties.items()}
    named |= dict(tables.interactions)
    return {name: rows(table) for name, table in named.items()}
