"""A history on disk: so that the graph is exported once for each state of the store, and not for each command."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from graph.history import History
from graph.indexing import HistoryEvents

_IDS = ("customers", "products", "categories", "brands", "campaigns")
_TAXONOMY = ("product_category", "category_parent", "product_brand")
_ARRAYS = tuple(each.name for each in fields(HistoryEvents) if each.name != "channels")


def write_history(directory: Path, history: History) -> None:
    """Write a history into a directory: ids, events and taxonomy as Parquet, the rest as JSON."""
    for name in _IDS:
        pq.write_table(pa.table({"id": getattr(history, name)}), directory / f"{name}.parquet")
    for name in _TAXONOMY:
        pq.write_table(pa.table({name: getattr(history, name)}), directory / f"{name}.parquet")
    for name, events in history.events.items():
        table = pa.table({column: getattr(events, column) for column in _ARRAYS})
        pq.write_table(table, directory / f"events_{name}.parquet", compression="lz4", use_dictionary=False)
    pq.write_table(history.properties, directory / "properties.parquet")
    facts = {
        "dataset": history.dataset,
        "complete_until": history.complete_until.isoformat(),
        "sensitive": sorted(history.sensitive),
        "channels": {name: list(events.channels) for name, events in history.events.items()},
    }
    (directory / "history.json").write_text(json.dumps(facts), encoding="utf-8")


def read_history(directory: Path) -> History:
    """Read it back, equal array for array."""
    facts = json.loads((directory / "history.json").read_text(encoding="utf-8"))

    def column(name: str, of: str) -> pa.Array:
        return pq.read_table(directory / f"{name}.parquet")[of].combine_chunks()

    events = {}
    for name, channels in facts["channels"].items():
        table = pq.read_table(directory / f"events_{name}.parquet")
        arrays = {of: np.ascontiguousarray(table[of].to_numpy()) for of in _ARRAYS}
        events[name] = HistoryEvents(**arrays, channels=tuple(channels))
    return History(
        dataset=facts["dataset"],
        complete_until=datetime.fromisoformat(facts["complete_until"]),
        events=events,
        properties=pq.read_table(directory / "properties.parquet"),
        sensitive=frozenset(facts["sensitive"]),
        **{name: column(name, "id") for name in _IDS},
        **{name: np.ascontiguousarray(column(name, name).to_numpy()) for name in _TAXONOMY},
    )
