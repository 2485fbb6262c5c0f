"""The graph in memory as Arrow tables, from which pandas, networkx and PyTorch Geometric get theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from graph.handover.extract import Extract
from graph.handover.selection import MEMORY_LIMIT, Selection
from graph.store import DatasetFacts, GraphStore, Progress, no_progress
from habitue.errors import UsageError

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

#: Bytes that a node or relationship takes in each form, as measured on a million of each (rounded up).
ROW_BYTES = {"pandas": 400, "networkx": 1_600, "pyg": 600}

Ends = tuple[str, str, str]


@dataclass(frozen=True)
class GraphInMemory:
    """A graph as tables.

    Attributes:
        facts: Of the data set.
        nodes: By label: `id`, then the properties; ordered by id.
        relationships: By (source label, type, target label): `source`, `target`, then the properties; interactions
            oldest first, all else by its ends.
        truncated: Whether neighbours were left out.
    """

    facts: DatasetFacts
    nodes: Mapping[str, pa.Table]
    relationships: Mapping[Ends, pa.Table]
    truncated: bool


def read_graph(
    store: GraphStore,
    selection: Selection,
    form: str,
    *,
    memory_limit: int | None = MEMORY_LIMIT,
    progress: Progress = no_progress,
) -> GraphInMemory:
    """Read a selected part of the graph into memory.

    Args:
        store: Where from.
        selection: What of it.
        form: What it is for: `pandas`, `networkx` or `pyg`.
        memory_limit: Bytes that it may take there, by estimate; None for any.
        progress: Called with what is being read.

    Raises:
        UsageError: As soon as it turns out too large.
    """
    rows = 0

    def count(more: int) -> None:
        nonlocal rows
        rows += more
        if memory_limit is not None and rows * ROW_BYTES[form] > memory_limit:
            raise UsageError(
                f"The selection has over {rows:,} nodes and relationships: as {form} it takes more than the "
                f"{memory_limit / (1 << 30):.3g} GiB that it may.",
                hint="Select less (types, time, surroundings), allow more memory, or export Parquet, which streams.",
            )

    extract = Extract(store, selection, progress)
    parts: dict[Ends, list[pa.Table]] = {}
    for part in extract.relationships():
        count(len(part.table))
        parts.setdefault((part.source, part.type, part.target), []).append(part.table)
    nodes = {}
    for label, table in extract.nodes():
        count(len(table))
        nodes[label] = table.sort_by("id")
    relationships = {ends: _sorted(pa.concat_tables(tables)) for ends, tables in parts.items()}
    return GraphInMemory(extract.facts, nodes, relationships, extract.truncated)


def to_pandas(graph: GraphInMemory) -> dict[str, pd.DataFrame]:
    """A frame for each label and each relationship type; types that join several labels say which in `source_label`."""
    frames = {label: table.to_pandas() for label, table in graph.nodes.items()}
    several = {ends[1] for ends in graph.relationships if sum(other[1] == ends[1] for other in graph.relationships) > 1}
    by_type: dict[str, list[pa.Table]] = {}
    for (source, name, _), table in graph.relationships.items():
        if name in several:
            table = table.add_column(0, "source_label", pa.array([source] * len(table), pa.string()))
        by_type.setdefault(name, []).append(table)
    return {**frames, **{name: pa.concat_tables(tables).to_pandas() for name, tables in by_type.items()}}


def to_networkx(graph: GraphInMemory) -> nx.MultiDiGraph[str]:
    """Nodes keyed `Label:id`, every relationship an edge of its own; interactions keyed `TYPE:id`, others by type.

    Nodes have `id`, `label` and their properties, edges `type` and theirs; what is not known is absent. Times are
    naive UTC datetimes.
    """
    import networkx

    made: nx.MultiDiGraph[str] = networkx.MultiDiGraph(dataset=graph.facts.name, truncated=graph.truncated)
    for label, table in graph.nodes.items():
        for row in table.to_pylist():
            made.add_node(f"{label}:{row['id']}", label=label, **_known(row))
    for (source, name, target), table in graph.relationships.items():
        for row in table.to_pylist():
            one, other = f"{source}:{row.pop('source')}", f"{target}:{row.pop('target')}"
            key = f"{name}:{row['id']}" if "id" in row else name
            made.add_edge(one, other, key, type=name, **_known(row))
    return made


def _known(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if value is not None}


def _sorted(table: pa.Table) -> pa.Table:
    order = [name for name in ("at", "source", "target", "id", "valid_from") if name in table.column_names]
    return table.sort_by([(name, "ascending") for name in order])
