"""Reads on a Neo4j server through the store, beside the same statements sent by the driver alone."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

import neo4j

import cypher
from bench.graph_reads import WARMING, in_turn
from graph.neighbourhood import neighbourhood
from graph.neo4j_store import Neo4jStore


@dataclass
class RecordingConnection:
    """Hands statements on to a store's connection and notes which they are."""

    connection: Any
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def read(self, text: str, parameters: dict[str, Any]) -> Any:
        self.sent.append((text, dict(parameters)))
        return self.connection.read(text, parameters)


def neo4j_reads(store: Neo4jStore, reads: int, seconds: float = 30.0) -> dict[str, Any]:
    """One customer's node, and neighbourhoods of one step and of two.

    Args:
        store: Of a server that holds a graph.
        reads: So many customers, drawn at random.
        seconds: For each kind, after which no further customer is begun.
    """
    driver, text = store._connection.driver(), cypher.statement("read/customer", store.dialect).text
    ids = store.nodes().customers["id"].to_pylist()
    customers = random.Random(0).sample(ids, min(len(ids), reads + WARMING))

    def raw(statements: list[tuple[str, dict[str, Any]]]) -> None:
        for statement, parameters in statements:
            with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
                list(session.run(statement, parameters))

    found = {
        "customer": in_turn(
            customers,
            lambda customer: store.read("read/customer", id=customer),
            lambda customer: raw([(text, {"id": customer})]),
            seconds,
        )
    }
    for depth in (1, 2):
        sent = _statements(store, customers, depth, seconds)
        around = in_turn(
            list(sent),
            lambda customer, depth=depth: neighbourhood(store, customer, depth=depth),
            lambda customer, sent=sent: raw(sent[customer]),
            2 * seconds,
        )
        found[f"neighbourhood, depth {depth}"] = {
            **around, "statements_each": round(sum(map(len, sent.values())) / len(sent), 1)
        }  # fmt: skip
    return found


def _statements(
    store: Neo4jStore, customers: list[str], depth: int, seconds: float
) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """What a neighbourhood takes, for as many customers as there is time for."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    connection, deadline = store._connection, time.monotonic() + seconds
    try:
        for customer in customers:
            recording = RecordingConnection(connection)
            store._connection = recording  # type: ignore[assignment]
            neighbourhood(store, customer, depth=depth)
            found[customer] = recording.sent
            if len(found) > 2 * WARMING and time.monotonic() > deadline:
                break
    finally:
        store._connection = connection
    return found
