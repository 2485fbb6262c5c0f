"""What a graph holds, as a number that does not depend on order: equal content, equal number, whatever the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graph.identity import row_hashes
from graph.model import INTERACTIONS
from graph.store import GraphStore, Progress, no_progress
from graph.tables import GraphTables


@dataclass(frozen=True)
class ContentFingerprint:
    """Of a graph without anything derived.

    Attributes:
        rows: Numbers of rows by table, those that have any.
        digest: SHA-256 (hex) over each table's name, number of rows, and the sums of two 64-bit hashes of its rows.
    """

    rows: Mapping[str, int]
    digest: str


def content_fingerprint(store: GraphStore, progress: Progress = no_progress) -> ContentFingerprint:
    """Read the whole graph as a stream and sum the hashes of its rows; the memory needed is that of the nodes."""
    rows: dict[str, int] = {}
    digest = hashlib.sha256()
    tables = sorted(_streams(store))
    for number, (name, stream) in enumerate(tables):
        count, sums = 0, np.zeros(2, np.uint64)
        for table in stream:
            count += len(table)
            sums += np.array([each.sum(dtype=np.uint64) for each in row_hashes(table, name)])
        if count:
            rows[name] = count
            digest.update(f"{name} {count} {sums[0]:016x}{sums[1]:016x}\n".encode())
        progress("comparing content", (number + 1) / len(tables))
    return ContentFingerprint(rows, digest.hexdigest())


def node_tables(nodes: GraphTables) -> dict[str, pa.Table]:
    """The tables of nodes and properties by name."""
    return {
        "customers": nodes.customers,
        "products": nodes.products,
        "categories": nodes.categories,
        "brands": nodes.brands,
        "campaigns": nodes.campaigns,
        **{f"properties of {label}": table for label, table in nodes.properties.items()},
    }


def _streams(store: GraphStore) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    for name, table in node_tables(store.nodes()).items():
        yield name, iter([table])
    for name in INTERACTIONS:
        yield name, store.interactions(name)
    yield "superseded", iter([store.superseded()])
