"""The graph as a folder of Parquet files, written as a stream.

<folder>/nodes/<Label>.parquet                     `id`, then the properties
<folder>/relationships/<TYPE>/<Label>-00000.parquet   `source`, `target` (ids), then the properties; by source label
<folder>/manifest.json                             data set, selection, counts, columns
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graph.handover.extract import Extract, Part
from graph.model import NO_PRODUCT
from graph.store import Progress, no_progress
from graph.time import utc_now

FORMAT = "habitue graph, version 1"
_ROWS_OF_GROUP = 200_000
_ROWS_OF_FILE = 5_000_000
_ROWS_READ = 50_000


@dataclass(frozen=True)
class ParquetGraph:
    """A graph in a folder, and what its manifest says."""

    directory: Path
    manifest: dict[str, Any]

    @property
    def counts(self) -> dict[str, int]:
        """Nodes by label and relationships by type."""
        kinds = (*self.manifest["nodes"].items(), *self.manifest["relationships"].items())
        return {name: int(each["count"]) for name, each in kinds}

    def nodes(self) -> Iterator[tuple[str, pa.Table]]:
        """Nodes by label, some at a time."""
        for label, facts in self.manifest["nodes"].items():
            for file in facts["files"]:
                for batch in pq.ParquetFile(self.directory / file).iter_batches(_ROWS_READ):
                    yield label, pa.Table.from_batches([batch])

    def relationships(self) -> Iterator[Part]:
        """Relationships, some at a time."""
        for name, facts in self.manifest["relationships"].items():
            for end in facts["ends"]:
                for file in end["files"]:
                    for batch in pq.ParquetFile(self.directory / file).iter_batches(_ROWS_READ):
                        yield Part(name, end["from"], end["to"], pa.Table.from_batches([batch]))


def write_parquet(extract: Extract, directory: Path, progress: Progress = no_progress) -> ParquetGraph:
    """Write a graph into an empty folder; the manifest comes last.

    Args:
        extract: The graph, not read from yet.
        directory: Where to; made if it is not there.
        progress: Called with what is being written.
    """
    relationships: dict[str, Any] = {}
    total = 0
    with ExitStack() as stack:
        writers: dict[tuple[str, str], _Writer] = {}
        for part in extract.relationships():
            key = (part.type, part.source)
            if key not in writers:
                folder = directory / "relationships" / part.type
                writers[key] = stack.enter_context(_Writer(directory, folder, part.source))
                facts = relationships.setdefault(part.type, {"count": 0, "ends": [], "columns": _columns(part.table)})
                facts["ends"].append({"from": part.source, "to": part.target, "count": 0, "files": writers[key].files})
            writers[key].write(part.table)
            facts = relationships[part.type]
            facts["count"] += len(part.table)
            facts["ends"][-1]["count"] += len(part.table)
            total += len(part.table)
            progress(f"writing {part.type}: {total:,} relationships so far", 0.5)
    nodes: dict[str, Any] = {}
    progress("writing nodes", 0.9)
    for label, table in extract.nodes():
        with _Writer(directory, directory / "nodes", label, numbered=False) as writer:
            writer.write(table)
            nodes[label] = {"count": len(table), "files": writer.files, "columns": _columns(table)}
    manifest = {
        "format": FORMAT,
        "dataset": extract.facts.name,
        "currency": extract.facts.currency,
        "graph": extract.facts.fingerprint,
        "written_at": utc_now().isoformat(timespec="seconds"),
        "times": "naive UTC",
        "no_product": NO_PRODUCT,
        "selection": extract.selection.to_json(),
        "truncated": extract.truncated,
        "nodes": nodes,
        "relationships": relationships,
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False), encoding="utf-8")
    return ParquetGraph(directory, manifest)


class _Writer:
    """Row groups and files of a useful size out of tables of any size."""

    def __init__(self, root: Path, folder: Path, stem: str, *, numbered: bool = True) -> None:
        self.files: list[str] = []
        self._root, self._folder, self._stem, self._numbered = root, folder, stem, numbered
        self._waiting: list[pa.Table] = []
        self._rows = self._rows_of_file = 0
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> _Writer:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        if self._file is not None:
            self._file.close()

    def write(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._rows += len(table)
        if self._rows >= _ROWS_OF_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        table = pa.concat_tables(self._waiting)
        if self._file is None or (self._numbered and self._rows_of_file >= _ROWS_OF_FILE):
            if self._file is not None:
                self._file.close()
            name = f"{self._stem}-{len(self.files):05d}.parquet" if self._numbered else f"{self._stem}.parquet"
            path = self._folder / name
            self._file = pq.ParquetWriter(path, table.schema, compression="zstd")
            self.files.append(path.relative_to(self._root).as_posix())
            self._rows_of_file = 0
        self._file.write_table(table, row_group_size=max(_ROWS_OF_GROUP, len(table)))
        self._rows_of_file += len(table)
        self._waiting, self._rows = [], 0


def _columns(table: pa.Table) -> dict[str, str]:
    return {field.name: str(field.type) for field in table.schema}
