"""Customers taken out of the embedded graph with everything that hangs on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import ladybug
import pyarrow as pa
import pyarrow.compute as pc

import cypher
from graph.ladybug_export import fetch
from graph.ladybug_query import rows_of, run
from graph.ladybug_write import ChangePlan


def plan_erasure(plan: ChangePlan, connection: ladybug.Connection, customers: Sequence[str]) -> dict[str, int]:
    """Steps that remove customers, their relationships, and values of properties that only they have.

    Args:
        plan: Where the steps go.
        connection: To the version before.
        customers: Ids; unknown ones count as nothing.

    Returns:
        Numbers of nodes by label and relationships by type that the steps remove.
    """
    known = [each for each in dict.fromkeys(customers) if _rows(connection, "customer", id=each)]
    counts: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for customer in known:
        for kind, number in _rows(connection, "count_of_customer", customer=customer):
            counts[kind] += number
        held.update(dict(_rows(connection, "values_of_customer", customer=customer)))
    counts["Customer"] += len(known)
    orphans = [value for value, number in held.items() if number == _holders(connection, value)]
    counts["PropertyValue"] += len(orphans)
    plan.run("erase_customer", pa.table({"id": pa.array(known, pa.string())}), form="each")
    plan.run("erase_property_value", pa.table({"id": pa.array(orphans, pa.string())}), form="each")
    return dict(+counts)


def ids_of(connection: ladybug.Connection, names: Sequence[str], customers: Sequence[str]) -> pa.Array:
    """Ids of all interactions of customers, superseded versions included."""
    schema = pa.schema([("id", pa.string())])
    found = [
        fetch(connection, f"held_{name.lower()}", schema, customer=customer)["id"]
        for customer in customers
        for name in names
    ]
    return pc.unique(pa.chunked_array([chunk for each in found for chunk in each.chunks], pa.string()))


def _holders(connection: ladybug.Connection, value: str) -> int:
    return int(_rows(connection, "holders_of_value", value=value)[0][0])


def _rows(connection: ladybug.Connection, name: str, **parameters: str) -> list[list[Any]]:
    return rows_of(run(connection, cypher.statement(f"read/{name}", "ladybug").text, parameters))
