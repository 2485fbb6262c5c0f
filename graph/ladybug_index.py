"""Which interactions the embedded store holds: a sorted file of hashes beside it, read without loading it.

The engine has no index on relationships, so that finding an id there is a scan of them all. Each record of this index
stands for an interaction: the hash of its id, the hash of what it says, and the load that wrote it. It is derived,
and rebuilt from the store where it is missing. A version of the graph links to the files of the one before and adds
one of its own for what it changes; merging makes them one again.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from graph.change_files import EventPart
from graph.hashes import Words, hash_rows
from graph.model import INTERACTION_PROPERTIES, INTERACTIONS
from graph.versions import link_or_copy

FOLDER = "index"
_COUNT = "files.json"  # in the folder: how many files the index has
_RECORD = np.dtype([("id", np.uint64), ("content", np.uint64), ("load", np.int64)])
_BATCH_ROWS = 1_000_000
#: In place of a content: what the store holds of this id must be asked of the store itself.
_ASK = np.uint64(0)
_SPOKEN = ["customer", "target", *(name for name in INTERACTION_PROPERTIES if name != "id")]

Records = npt.NDArray[np.void]


def records_of(name: str, table: pa.Table) -> Records:
    """Records of interactions of one type, in the table's order."""
    records = np.empty(len(table), _RECORD)
    records["id"] = _id_hashes(table["id"])
    milliseconds = [
        table[column].cast(pa.timestamp("ms")) if pa.types.is_timestamp(table[column].type) else table[column]
        for column in _SPOKEN
    ]
    content = hash_rows(pa.table(milliseconds, names=_SPOKEN), seed=1 + INTERACTIONS.index(name))
    records["content"] = np.where(content == _ASK, np.uint64(1), content)
    records["load"] = table["load"].to_numpy()
    return records


def to_be_asked(ids: pa.ChunkedArray | pa.Array) -> Records:
    """Records that say nothing but: ask the store. For removed ids and for those with superseded versions."""
    records = np.zeros(len(ids), _RECORD)
    records["id"] = _id_hashes(ids if isinstance(ids, pa.ChunkedArray) else pa.chunked_array([ids]))
    return records


def records_of_part(part: EventPart) -> Iterator[Records]:
    """Records of a part of a load's changes.

    A replaced id has a second record then; so has one that moved to another type or has a version in the past.
    """
    for name in INTERACTIONS:
        if path := part.added_file(name):
            for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS):
                yield records_of(name, pa.Table.from_batches([batch]))
    yield to_be_asked(part.superseded()["id"])
    for ids in part.removed().values():
        yield to_be_asked(ids)


@dataclass(frozen=True)
class Known:
    """What the index says of some interactions, row by row.

    Attributes:
        same: Held exactly as they are, but for the load that wrote them.
        load: That load, where `same`.
        ask: The id is held, or was, with other values: the store must be asked.
    """

    same: npt.NDArray[np.bool_]
    load: npt.NDArray[np.int64]
    ask: npt.NDArray[np.bool_]


class InteractionIndex:
    """The index of one version of the graph.

    Args:
        directory: Of the version.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory / FOLDER

    @property
    def exists(self) -> bool:
        """Whether there is one with all its files: without one of them, what it knew would be loaded twice."""
        try:
            return int(json.loads((self.directory / _COUNT).read_text())["files"]) == len(self._files()) > 0
        except (OSError, ValueError, KeyError):
            return False

    def __len__(self) -> int:
        return sum(len(each) for each in self._runs())

    def look_up(self, name: str, table: pa.Table) -> Known:
        """What is held of interactions of one type."""
        records = records_of(name, table)
        order = np.argsort(records["id"], kind="stable")  # neighbours in the files come one after the other
        wanted = records[order]
        found = np.zeros(len(wanted), np.int64)
        same = np.zeros(len(wanted), bool)
        load = np.zeros(len(wanted), np.int64)
        for run in self._runs():
            ids = run["id"]
            first = np.searchsorted(ids, wanted["id"], side="left")
            inside = np.flatnonzero(first < len(run))
            hit = inside[ids[first[inside]] == wanted["id"][inside]]
            found[hit] += np.searchsorted(ids, wanted["id"][hit], side="right") - first[hit]
            met = run[first[hit]]
            agrees = met["content"] == wanted["content"][hit]
            same[hit] |= agrees
            load[hit[agrees]] = met["load"][agrees]
        same &= found == 1
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return Known(same=same[back], load=load[back], ask=((found > 0) & ~same)[back])

    def contains(self, ids: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
        """Which ids it has any record of."""
        wanted = _id_hashes(ids)
        found = np.zeros(len(wanted), bool)
        for run in self._runs():
            place = np.minimum(np.searchsorted(run["id"], wanted), len(run) - 1)
            found |= run["id"][place] == wanted
        return found

    def extend(self, former: InteractionIndex, records: Iterable[Records]) -> None:
        """Make this index from that of the version before and the records of what changed since."""
        self.directory.mkdir()
        for path in former._files():
            link_or_copy(path, self.directory / path.name)
        whole = _sorted(records)
        if len(whole):
            np.save(self.directory / f"{len(former._files()):06d}.npy", whole)
        _count_files(self.directory)

    def create(self, records: Iterable[Records]) -> None:
        """Make it whole; all or nothing."""
        building = self.directory.with_name(f"{FOLDER}-{secrets.token_hex(3)}")
        building.mkdir()
        try:
            np.save(building / "000000.npy", _sorted(records))
            _count_files(building)
            if not self.exists:  # but perhaps some of its files
                shutil.rmtree(self.directory, ignore_errors=True)
            building.rename(self.directory)
        except OSError:
            if not self.exists:  # otherwise another process was faster
                raise
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def merge(self, former: InteractionIndex) -> None:
        """Make it of another one's files as a single one."""
        self.create(former._runs())

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("*.npy"))

    def _runs(self) -> list[Records]:
        return [run for path in self._files() if len(run := np.load(path, mmap_mode="r"))]


def _count_files(directory: Path) -> None:
    (directory / _COUNT).write_text(json.dumps({"files": len(list(directory.glob("*.npy")))}))


def _id_hashes(ids: pa.ChunkedArray) -> Words:
    return hash_rows(pa.table({"id": ids}))


def _sorted(records: Iterable[Records]) -> Records:
    whole = np.concatenate([np.empty(0, _RECORD), *records])
    sorted_records: Records = whole[np.argsort(whole["id"], kind="stable")]
    return sorted_records
