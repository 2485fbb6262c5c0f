"""A history on disk: read from the store once, mapped into memory by every command, extended when there is more.

<directory>/history.json                what it is of, written last
<directory>/customers.parquet, …        ids; taxonomy and properties beside them
<directory>/PURCHASED/at.npy, …         events in their order; a column of one repeated value is that value
<directory>/PURCHASED/ids-000.arrow, …  interaction ids in the order in which they came
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from graph.history import History
from graph.history_staging import STAGED, Array, TextWriter
from graph.indexing import EventKeys, HistoryEvents

_IDS = ("customers", "products", "categories", "brands", "campaigns")
_TAXONOMY = ("product_category", "category_parent", "product_brand")
_DTYPES: Mapping[str, npt.DTypeLike] = {**STAGED, "order": np.int32, "row": np.int32}
_TEXT_SCHEMA = pa.schema([("text", pa.string())])


@dataclass(frozen=True, eq=False)
class CachedHistory:
    """A history with what it takes to extend it.

    Attributes:
        history: Over arrays that are mapped from the files.
        keys: By type of interaction.
        state: Of the store that it was read from, as it was given to `write_history`.
    """

    history: History
    keys: Mapping[str, EventKeys]
    state: Mapping[str, Any]


class FileShelf:
    """Keeps arrays and texts in a directory.

    Args:
        directory: An empty one, or one that `link_texts` was called for.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def keep(self, part: str, name: str, array: Array) -> Array:
        """Write an array, if there is anything in it; returns it mapped from its file, read-only."""
        if not len(array):
            return array
        (self.directory / part).mkdir(exist_ok=True)
        kept = array[:1] if _repeats(array) else array
        np.save(self.directory / part / f"{name}.npy", kept)
        return _mapped(self.directory / part / f"{name}.npy", len(array), array.dtype)

    def texts(self, part: str) -> TextWriter:
        """A writer of a file of texts beside those that are there."""
        (self.directory / part).mkdir(exist_ok=True)
        number = len(list((self.directory / part).glob("ids-*.arrow")))
        return _TextFile(self.directory / part / f"ids-{number:03d}.arrow")


def link_texts(former: Path, directory: Path, part: str) -> None:
    """Have a directory start with another one's texts of a part, without copying them."""
    for path in (former / part).glob("ids-*.arrow"):
        (directory / part).mkdir(exist_ok=True)
        os.link(path, directory / part / path.name)


def write_history(directory: Path, history: History, state: Mapping[str, Any]) -> None:
    """Write what a shelf does not hold yet: ids, taxonomy and properties as Parquet, the rest as JSON; to the disk.

    Args:
        directory: Of the `FileShelf` that holds the events.
        history: Over that shelf's arrays.
        state: Of the store; comes back from `read_history`.
    """
    for name in _IDS:
        pq.write_table(pa.table({"id": getattr(history, name)}), directory / f"{name}.parquet")
    for name in _TAXONOMY:
        pq.write_table(pa.table({name: getattr(history, name)}), directory / f"{name}.parquet")
    pq.write_table(history.properties, directory / "properties.parquet")
    facts = {
        "dataset": history.dataset,
        "complete_until": history.complete_until.isoformat(),
        "sensitive": sorted(history.sensitive),
        "events": {
            name: {
                "count": len(events),
                "orders": int(events.order.max(initial=-1)) + 1,
                "channels": list(events.channels),
            }
            for name, events in history.events.items()
        },
        "state": state,
    }
    (directory / "history.json").write_text(json.dumps(facts), encoding="utf-8")
    for path in directory.rglob("*"):
        _flush(path)


def read_history(directory: Path) -> CachedHistory:
    """Read it back, equal array for array.

    Raises:
        OSError, EOFError, ValueError, KeyError, TypeError: If it is not whole.
    """
    facts = json.loads((directory / "history.json").read_text(encoding="utf-8"))

    def column(name: str, of: str) -> pa.Array:
        return pq.read_table(directory / f"{name}.parquet")[of].combine_chunks()

    events, keys = {}, {}
    for name, held in facts["events"].items():
        part, count = directory / name, held["count"]
        arrays = {of: _mapped(part / f"{of}.npy", count, dtype) for of, dtype in _DTYPES.items()}
        row, orders = arrays.pop("row"), _mapped(part / "orders.npy", held["orders"], np.uint64)
        events[name] = HistoryEvents(**arrays, channels=tuple(held["channels"]))
        keys[name] = EventKeys(_texts(part), row, orders)
    history = History(
        dataset=facts["dataset"],
        complete_until=datetime.fromisoformat(facts["complete_until"]),
        events=events,
        properties=pq.read_table(directory / "properties.parquet", read_dictionary=["name", "value"]),
        sensitive=frozenset(facts["sensitive"]),
        **{name: column(name, "id") for name in _IDS},
        **{name: np.ascontiguousarray(column(name, name).to_numpy()) for name in _TAXONOMY},
    )
    return CachedHistory(history, keys, facts["state"])


class _TextFile:
    """A file of texts that is being written; without any, no file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    def append(self, texts: pa.Array) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self._path), _TEXT_SCHEMA)
        self._writer.write_batch(pa.record_batch([texts], schema=_TEXT_SCHEMA))

    def finish(self) -> pa.ChunkedArray:
        if self._writer is None:
            return pa.chunked_array([], pa.string())
        self._writer.close()
        return _mapped_texts(self._path)


def _mapped_texts(path: Path) -> pa.ChunkedArray:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()["text"]


def _texts(part: Path) -> pa.ChunkedArray:
    chunks = [chunk for path in sorted(part.glob("ids-*.arrow")) for chunk in _mapped_texts(path).chunks]
    return pa.chunked_array(chunks, pa.string())


def _repeats(array: Array) -> bool:
    """Whether all values are the same, bit for bit."""
    if len(array) < 2 or array.strides == (0,):
        return True
    bits = array.view(f"u{array.dtype.itemsize}")
    return bool(bits[0] == bits[-1]) and not np.any(bits != bits[0])


def _mapped(path: Path, count: int, dtype: npt.DTypeLike) -> Array:
    """An array of a shelf, read-only."""
    if not count:
        return np.zeros(0, dtype)
    array = np.asarray(np.load(path, mmap_mode="r"))
    if len(array) == 1:
        return np.broadcast_to(array, (count,))
    if len(array) != count:
        raise ValueError(f"{path} holds {len(array)} values where {count} were written")
    return array


def _flush(path: Path) -> None:
    """Have what was written to a file or directory reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
