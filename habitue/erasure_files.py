"""Take customers out of a workspace's files: each file is written anew without them and put in place by one rename.

What can be made again (cached histories, staged loads, sample tables) is removed as a whole.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from habitue.runs import BACKTEST, CURVES, REPORT, SCORES, read_manifest, read_scores
from habitue.workspace import Workspace

#: Parquet files with a row per customer, and the safetensors file with its arrays that run along the same rows.
_TABLES: dict[str, tuple[str, tuple[str, ...]] | None] = {
    SCORES: None,
    "predictions.parquet": None,
    "members.parquet": None,
    "renewed_customers.parquet": None,
    "similarity_customers.parquet": ("similarity.safetensors", ("vectors",)),
    "entities.parquet": ("vectors.safetensors", ("entities", "popularity")),
}


def erase_from_files(workspace: Workspace, customers: Collection[str]) -> dict[str, int]:
    """Remove customers from runs, backtests, audiences and quarantine, and what is cached.

    Returns:
        Numbers of removed rows by file, relative to the workspace; 1 for a directory that was removed.
    """
    removed: dict[str, int] = {}
    for path in _caches(workspace):
        _remove(path)
        removed[_name(workspace, path)] = 1
    for path, erase in _files(workspace):
        if count := erase(path, customers):
            removed[_name(workspace, path)] = count
            if path.name == SCORES:
                _write_report(path.parent)
    return removed


def find_in_files(workspace: Workspace, customers: Collection[str]) -> list[str]:
    """Files, relative to the workspace, in which one of the customers has a row."""
    found = []
    for path, _ in _files(workspace):
        if path.suffix == ".parquet":
            hit = bool(_matches(pq.read_table(path, columns=_id_columns(path)), customers).any())
        elif path.suffix == ".csv":
            hit = any(_names(row, customers) for row in _rows(path)[1:])
        else:
            document = json.loads(path.read_text(encoding="utf-8"))
            hit = _pruned(document, customers)[1] > 0
        if hit:
            found.append(_name(workspace, path))
    return found


def _caches(workspace: Workspace) -> list[Path]:
    folders = [
        workspace.snapshots,
        workspace.checkpoints,
        workspace.path / "staging",
        workspace.path / "sources",
    ]
    importing = workspace.path / "neo4j-import"  # what a failed offline load has left
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return [*found, importing] if importing.exists() else found


def _remove(path: Path) -> None:
    """Remove a file or directory that somebody else may be removing, too; what cannot be removed is an error."""
    with suppress(FileNotFoundError):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _files(workspace: Workspace) -> Iterator[tuple[Path, Callable[[Path, Collection[str]], int]]]:
    for parent in (workspace.runs, workspace.backtests, workspace.audiences, workspace.vectors):
        for path in sorted(parent.rglob("*")):
            if path.name in _TABLES:
                yield path, _erase_table
            elif path.name == "seeds.csv":
                yield path, _erase_csv
            elif path.name == "evaluation.json":
                yield path, _erase_json
    for path in sorted((workspace.path / "quarantine").glob("*.csv")):
        yield path, _erase_csv


def _id_columns(path: Path) -> list[str]:
    return ["label", "id"] if path.name == "entities.parquet" else ["customer_id"]


def _matches(table: pa.Table, customers: Collection[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    wanted = pa.array(list(customers), pa.string())
    if "label" in table.column_names:  # of an embedding, whose entities are not all customers
        found = pc.and_(pc.equal(table["label"], "Customer"), pc.is_in(table["id"], value_set=wanted))
    else:
        found = pc.is_in(table["customer_id"].cast(pa.string()), value_set=wanted)
    matches: np.ndarray[tuple[int], np.dtype[np.bool_]] = found.to_numpy()
    return matches


def _erase_table(path: Path, customers: Collection[str]) -> int:
    table = pq.read_table(path)
    gone = _matches(table, customers)
    aligned = _TABLES[path.name]
    if not gone.any():
        return 0
    if aligned is not None:
        # The vectors first: after an interruption the two differ in length, which `load` refuses, and the next
        # erasure finds the customer in the table still.
        vectors, along = path.with_name(aligned[0]), aligned[1]
        arrays = load_file(vectors)
        if len(arrays[along[0]]) == len(table):
            kept = {**arrays, **{name: np.ascontiguousarray(arrays[name][~gone]) for name in along}}
            _replace(vectors, lambda draft: save_file(kept, draft))
    _replace(path, lambda draft: pq.write_table(_without_metadata(table.filter(pa.array(~gone))), draft))
    return int(gone.sum())


def _without_metadata(table: pa.Table) -> pa.Table:
    """Pandas leaves a description of its index in the metadata; a gap in it would name the row that went."""
    return table.replace_schema_metadata(None)


def _erase_csv(path: Path, customers: Collection[str]) -> int:
    rows = _rows(path)
    kept = rows[:1] + [row for row in rows[1:] if not _names(row, customers)]
    if len(kept) == len(rows):
        return 0

    def write(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(kept)

    _replace(path, write)
    return len(rows) - len(kept)


def _erase_json(path: Path, customers: Collection[str]) -> int:
    document, count = _pruned(json.loads(path.read_text(encoding="utf-8")), customers)
    if count:
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        _replace(path, lambda draft: draft.write_text(text, encoding="utf-8"))
    return count


def _pruned(value: Any, customers: Collection[str]) -> tuple[Any, int]:
    """A document without the customers in its lists, and how many there were."""
    if isinstance(value, dict):
        parts = {name: _pruned(each, customers) for name, each in value.items()}
        return {name: part for name, (part, _) in parts.items()}, sum(count for _, count in parts.values())
    if isinstance(value, list):
        kept = [_pruned(each, customers) for each in value if not (isinstance(each, str) and each in customers)]
        return [part for part, _ in kept], len(value) - len(kept) + sum(count for _, count in kept)
    return value, 0


def _rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file, its header first."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def _names(row: list[str], customers: Collection[str]) -> bool:
    """Whether a row is of a customer: seeds and refused values stand last; the number of a row is nobody's id."""
    return bool(row) and row[-1].strip() in customers


def _write_report(directory: Path) -> None:
    """The report of a run names its best customers: it is made again from the scores that are left."""
    from habitue.report import build_report

    if not (directory / REPORT).is_file():
        return
    figures, curves = (
        json.loads((directory / name).read_text(encoding="utf-8")) if (directory / name).is_file() else {}
        for name in (BACKTEST, CURVES)
    )
    page = build_report(read_manifest(directory).model_dump(mode="json"), figures, curves, read_scores(directory))
    _replace(directory / REPORT, lambda draft: draft.write_text(page, encoding="utf-8"))


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file aside and put it in place; other names of the former file (hard links) keep what they had."""
    draft = path.with_name(f".{path.name}.new")
    write(draft)
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    draft.replace(path)


def _name(workspace: Workspace, path: Path) -> str:
    return str(path.relative_to(workspace.path))
