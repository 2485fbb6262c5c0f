"""The whole customer graph as Arrow tables: the form in which a load stages it and a store exports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from graph.model import (
    BRAND_SCHEMA,
    CAMPAIGN_SCHEMA,
    CATEGORY_SCHEMA,
    CUSTOMER_SCHEMA,
    INTERACTIONS,
    PRODUCT_SCHEMA,
    PROPERTY_OWNERS,
    PROPERTY_SCHEMA,
    STORED_INTERACTION_SCHEMA,
    SUPERSEDED_SCHEMA,
)


@dataclass(frozen=True)
class GraphTables:
    """Nodes and relationships by kind; schemas in `graph.model`, rows in any order, ids unique within a table.

    Attributes:
        products: With `category` (the innermost one's id) and `brand`: these become IN_CATEGORY and MADE_BY.
        categories: With `parent`: becomes CHILD_OF.
        properties: By owner's label; become HAS_PROPERTY.
        interactions: By relationship type; every type is present.
        superseded: Versions that a later correction replaced.
    """

    customers: pa.Table
    products: pa.Table
    categories: pa.Table
    brands: pa.Table
    campaigns: pa.Table
    properties: Mapping[str, pa.Table]
    interactions: Mapping[str, pa.Table]
    superseded: pa.Table

    @staticmethod
    def empty() -> GraphTables:
        """A graph without anything."""
        return GraphTables(
            customers=CUSTOMER_SCHEMA.empty_table(),
            products=PRODUCT_SCHEMA.empty_table(),
            categories=CATEGORY_SCHEMA.empty_table(),
            brands=BRAND_SCHEMA.empty_table(),
            campaigns=CAMPAIGN_SCHEMA.empty_table(),
            properties={label: PROPERTY_SCHEMA.empty_table() for label in PROPERTY_OWNERS},
            interactions={name: STORED_INTERACTION_SCHEMA.empty_table() for name in INTERACTIONS},
            superseded=SUPERSEDED_SCHEMA.empty_table(),
        )

    def counts(self) -> dict[str, int]:
        """Number of nodes by label and of interactions by type, those that occur."""
        numbers = {
            "Customer": len(self.customers),
            "Product": len(self.products),
            "Category": len(self.categories),
            "Brand": len(self.brands),
            "Campaign": len(self.campaigns),
        }
        numbers |= {name: len(table) for name, table in self.interactions.items()}
        return {name: number for name, number in numbers.items() if number}
