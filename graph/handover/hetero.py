"""The graph as PyTorch Geometric's `HeteroData`, in memory and on disk (safetensors and JSON: nothing that runs)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.handover.memory import GraphInMemory
from graph.time import utc_now
from habitue.errors import HabitueError

if TYPE_CHECKING:
    import torch
    from torch_geometric.data import HeteroData

_FORMAT = "habitue hetero data, version 1"
_TENSORS, _FACTS = "tensors.safetensors", "graph.json"


def to_hetero_data(graph: GraphInMemory) -> HeteroData:
    """Tensors for each label and each (source, type, target).

    Of nodes: `num_nodes`, `node_id` (ids as text, row by row), and numbers as float64 with NaN for what is not known
    (`price`, signals, …). Of relationships: `edge_index` [2, n] int64; of interactions besides `time` and `known_at`
    [n] int64 (epoch milliseconds, UTC; oldest first) and `quantity`, `amount`, `discount`, `rating`, … [n] float64,
    those of which the graph has any. Columns of text are left out: read them from Parquet or pandas.
    """
    import torch
    from torch_geometric.data import HeteroData

    data = HeteroData()
    for label, table in graph.nodes.items():
        data[label].num_nodes = len(table)
        data[label].node_id = table["id"].to_pylist()
        for name, values in _numbers(table).items():
            data[label][name] = torch.from_numpy(values)
    for (source, name, target), table in graph.relationships.items():
        ends = [
            pc.index_in(table[column], value_set=graph.nodes[label]["id"].combine_chunks()).to_numpy()
            for column, label in (("source", source), ("target", target))
        ]
        store = data[source, name, target]
        store.edge_index = torch.from_numpy(np.stack(ends).astype(np.int64))
        for column, values in _numbers(table).items():
            store[column] = torch.from_numpy(values)
    return data


def write_hetero_data(graph: GraphInMemory, directory: Path) -> HeteroData:
    """Write the same into an empty folder: `tensors.safetensors`, and `graph.json` with ids and counts."""
    from safetensors.torch import save_file

    data = to_hetero_data(graph)
    tensors: dict[str, torch.Tensor] = {}
    for key in (*data.node_types, *data.edge_types):
        prefix, store = _prefix(key), data[key]
        tensors |= {f"{prefix}/{name}": value.contiguous() for name, value in store.items() if hasattr(value, "dtype")}
    directory.mkdir(parents=True, exist_ok=True)
    save_file(tensors, directory / _TENSORS)
    facts = {
        "format": _FORMAT,
        "dataset": graph.facts.name,
        "currency": graph.facts.currency,
        "graph": graph.facts.fingerprint,
        "written_at": utc_now().isoformat(timespec="seconds"),
        "truncated": graph.truncated,
        "nodes": {label: table["id"].to_pylist() for label, table in graph.nodes.items()},
        "relationships": [[*ends, len(table)] for ends, table in graph.relationships.items()],
    }
    (directory / _FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    return data


def load_hetero_data(directory: str | Path) -> HeteroData:
    """What `habitue export pyg` wrote into a folder, tensor for tensor.

    Raises:
        HabitueError: If the folder holds no such export, or its files do not belong together.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from torch_geometric.data import HeteroData

    folder = Path(directory)
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if facts["format"] != _FORMAT:
            raise ValueError(f"its format is {facts['format']!r}")
        tensors = load_file(folder / _TENSORS)
        data = HeteroData()
        for label, ids in facts["nodes"].items():
            data[label].num_nodes = len(ids)
            data[label].node_id = ids
        keys = [*facts["nodes"], *((source, name, target) for source, name, target, _ in facts["relationships"])]
        for key in keys:  # the order of types is part of the data
            for name, tensor in tensors.items():
                prefix, _, column = name.rpartition("/")
                if prefix == _prefix(key):
                    data[key][column] = tensor
        data.validate()
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise HabitueError(
            f"{folder} holds no graph for PyTorch Geometric ({error}).", hint="`habitue export pyg` writes one."
        ) from error
    return data


def _numbers(table: pa.Table) -> dict[str, Any]:
    """Numeric columns that have any value, and the times of interactions."""
    found: dict[str, Any] = {}
    for field in table.schema:
        column = table[field.name]
        if field.name in ("at", "known_at") and "at" in table.column_names:
            # Nothing is known before it happens, and where the source does not say, it is known at once.
            times = column if field.name == "at" else pc.max_element_wise(table["at"], column)
            found["time" if field.name == "at" else "known_at"] = times.cast(pa.int64()).to_numpy().copy()
        elif (pa.types.is_floating(field.type) or field.name == "rank") and column.null_count < len(column):
            values = pc.fill_null(column.cast(pa.float64()), float("nan"))
            found[field.name] = values.to_numpy().copy()
    return found


def _prefix(key: str | tuple[str, str, str]) -> str:
    return key if isinstance(key, str) else "|".join(key)
