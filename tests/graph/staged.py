"""Small loads brought straight into a store, to test stores without reading files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.change_files import LoadChanges
from graph.difference import difference
from graph.ladybug_store import LadybugStore
from graph.model import CUSTOMER_SCHEMA, PRODUCT_SCHEMA, PROPERTY_SCHEMA, STORED_INTERACTION_SCHEMA
from graph.store import DatasetFacts, LoadRecord, no_progress
from graph.tables import GraphTables

FACTS = DatasetFacts(name="staged")


def line(number: str, customer: str, product: str, amount: float, **more: Any) -> dict[str, Any]:
    """A purchase line on the first day of 2024."""
    at = datetime(2024, 1, 1)
    return {"id": number, "customer": customer, "target": product, "at": at, "amount": amount, **more}


def staged(
    load: int, properties: Sequence[tuple[str, str, str]] = (), **lines: Sequence[dict[str, Any]]
) -> GraphTables:
    """What a load brings.

    Args:
        load: Its number.
        properties: Customers' undated properties: owner, name, value.
        lines: Interactions by type.
    """
    rows = {name: [{**each, "load": load} for each in found] for name, found in lines.items()}
    customers = sorted(
        {each["customer"] for found in rows.values() for each in found} | {owner for owner, *_ in properties}
    )
    products = sorted({each["target"] for found in rows.values() for each in found})
    empty = GraphTables.empty()
    owned = [dict(zip(("owner", "name", "value"), each, strict=True)) for each in properties]
    return replace(
        empty,
        customers=pa.Table.from_pylist([{"id": each} for each in customers], schema=CUSTOMER_SCHEMA),
        products=pa.Table.from_pylist([{"id": each, "stub": True} for each in products], schema=PRODUCT_SCHEMA),
        properties={**empty.properties, "Customer": pa.Table.from_pylist(owned, schema=PROPERTY_SCHEMA)},
        interactions={
            **empty.interactions,
            **{name: pa.Table.from_pylist(found, schema=STORED_INTERACTION_SCHEMA) for name, found in rows.items()},
        },
    )


@dataclass
class Loader:
    """Brings loads into an embedded store, as `graph.loading` does."""

    store: LadybugStore
    folder: Path
    sequence: int = field(default=0)

    def load(self, properties: Sequence[tuple[str, str, str]] = (), **lines: Sequence[dict[str, Any]]) -> LoadChanges:
        """Bring in one load; returns its changes."""
        self.sequence += 1
        changes = self.changes(properties, **lines)
        self.store.apply(changes, [self.record()], FACTS, no_progress)
        return changes

    def changes(
        self, properties: Sequence[tuple[str, str, str]] = (), **lines: Sequence[dict[str, Any]]
    ) -> LoadChanges:
        """What a load would change."""
        brought = staged(self.sequence, properties, **lines)
        found = self.store.held(brought)
        held = replace(self.store.nodes(), interactions=found.interactions, superseded=found.superseded)
        return LoadChanges.of(difference(held, brought), self.folder / f"load-{self.sequence}")

    def record(self) -> LoadRecord:
        """Of the load that is on."""
        return LoadRecord(self.sequence, "staged", datetime(2024, 1, 1), None, complete=True)


def amounts(store: LadybugStore) -> dict[str, float]:
    """Amount of each purchase by its id."""
    rows = [row for table in store.interactions("PURCHASED") for row in table.to_pylist()]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row["amount"] for row in rows}
