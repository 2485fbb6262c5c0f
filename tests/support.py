"""Histories built by hand for tests: no store, no files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from graph.history import History, StoreTables
from graph.model import INTERACTIONS, NO_PRODUCT, STORED_INTERACTION_SCHEMA, SUPERSEDED_SCHEMA, interaction_target


def interactions_table(frame: pd.DataFrame) -> pa.Table:
    """A frame with some of the interaction columns (at least customer, at) as a stored-interaction table."""
    count = len(frame)
    columns: dict[str, Any] = {}
    for field in STORED_INTERACTION_SCHEMA:
        if field.name in frame:
            columns[field.name] = pa.Array.from_pandas(frame[field.name]).cast(field.type)
        elif field.name == "target":
            columns["target"] = pa.array([NO_PRODUCT] * count)
        elif field.name == "id":
            columns["id"] = pa.array([f"{row:08d}" for row in range(count)])
        elif field.name == "load":
            columns["load"] = pa.array([1] * count, pa.int64())
        else:
            columns[field.name] = pa.nulls(count, field.type)
    return pa.table(columns, schema=STORED_INTERACTION_SCHEMA)


def store_tables(
    interactions: dict[str, pd.DataFrame],
    *,
    products: pd.DataFrame | None = None,
    categories: pd.DataFrame | None = None,
    properties: pd.DataFrame | None = None,
    superseded: pa.Table | None = None,
    complete_until: datetime | None = None,
    sensitive: frozenset[str] = frozenset(),
    dataset: str = "hand-made",
) -> StoreTables:
    """What a store would export for these interactions; products (`id`, `category`, `brand`) default to those met."""
    tables = {
        name: interactions_table(interactions[name])
        if name in interactions
        else STORED_INTERACTION_SCHEMA.empty_table()
        for name in INTERACTIONS
    }
    met: dict[str, set[str]] = {"Product": set(), "Campaign": set()}
    for name, table in tables.items():
        met[interaction_target(name)].update(table["target"].to_pylist())
    if products is None:
        products = pd.DataFrame({"id": sorted(met["Product"]), "category": None, "brand": None})
    if categories is None:
        categories = pd.DataFrame({"id": sorted(products["category"].dropna().unique()), "parent": None})
    if properties is None:
        properties = pd.DataFrame({"owner": [], "name": [], "value": [], "valid_from": []})
    text = pa.string()
    return StoreTables(
        dataset=dataset,
        complete_until=complete_until,
        sensitive=sensitive,
        products=pa.table(
            {name: pa.Array.from_pandas(products[name], type=text) for name in ("id", "category", "brand")}
        ),
        categories=pa.table({name: pa.Array.from_pandas(categories[name], type=text) for name in ("id", "parent")}),
        campaigns=pa.table({"id": pa.array(sorted(met["Campaign"]), text)}),
        properties=pa.table(
            {
                **{name: pa.Array.from_pandas(properties[name], type=text) for name in ("owner", "name", "value")},
                "valid_from": pa.Array.from_pandas(pd.to_datetime(properties["valid_from"])).cast(pa.timestamp("ms")),
            }
        ),
        interactions=tables,
        superseded=superseded if superseded is not None else SUPERSEDED_SCHEMA.empty_table(),
    )


def history_of(interactions: dict[str, pd.DataFrame], **options: Any) -> History:
    """The history of hand-made interactions (see `store_tables`)."""
    return History.of(store_tables(interactions, **options))
