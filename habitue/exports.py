"""Exports of the graph for other tools: written aside, and put in place when they are whole."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embeddings.triples import LABELS
from graph.handover.extract import Extract
from graph.handover.memory import read_graph
from graph.handover.selection import MEMORY_LIMIT, Selection
from graph.store import GraphStore, Progress
from habitue.errors import UsageError

if TYPE_CHECKING:
    from embeddings.evaluation import Evaluation
    from graph.handover.memory import GraphInMemory
    from habitue.workspace import Workspace

#: What says that a folder is an export, and may be replaced by one.
_MARKS = ("manifest.json", "graph.json")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        counts: Nodes by label and relationships by type.
        size: Bytes on disk.
        truncated: Whether neighbours were left out by the limit.
        replaced_characters: Characters that the format cannot hold, written as U+FFFD.
    """

    format: str
    path: str
    counts: dict[str, int]
    selection: dict[str, Any]
    size: int
    seconds: float
    truncated: bool = False
    replaced_characters: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def export_parquet(
    store: GraphStore, path: Path, selection: Selection, progress: Progress, *, force: bool = False
) -> Exported:
    """Write a folder of Parquet files (see `graph.handover.parquet`)."""
    from graph.handover.parquet import write_parquet

    begin = time.monotonic()
    with _new_folder(path, force=force) as making:
        written = write_parquet(Extract(store, selection, progress), making, progress)
        size = _size(making)
    return Exported("parquet", str(path), written.counts, selection.to_json(), size, _since(begin),
                    written.manifest["truncated"])  # fmt: skip


def export_graphml(
    store: GraphStore, path: Path, selection: Selection, progress: Progress, *, force: bool = False
) -> Exported:
    """Write a GraphML file (see `graph.handover.graphml`); a Parquet export beside it is made on the way."""
    from graph.handover.graphml import write_graphml
    from graph.handover.parquet import write_parquet

    begin = time.monotonic()
    with _new_file(path, force=force) as making:
        parts = making.with_name(making.name + "-parts")
        try:
            # Nodes stand before edges in the file, but which ones belong to it is known after its edges only.
            written = write_parquet(Extract(store, selection, progress), parts, progress)
            replaced = write_graphml(written, making, progress)
        finally:
            shutil.rmtree(parts, ignore_errors=True)
        size = making.stat().st_size
    return Exported("graphml", str(path), written.counts, selection.to_json(), size, _since(begin),
                    written.manifest["truncated"], replaced)  # fmt: skip


def export_pyg(
    store: GraphStore,
    path: Path,
    selection: Selection,
    progress: Progress,
    *,
    force: bool = False,
    memory_limit: int | None = MEMORY_LIMIT,
) -> Exported:
    """Write a folder that `habitue.load_hetero_data` reads (see `graph.handover.hetero`)."""
    from graph.handover.hetero import write_hetero_data

    begin = time.monotonic()
    with _new_folder(path, force=force) as making:
        graph = read_graph(store, selection, "pyg", memory_limit=memory_limit, progress=progress)
        progress("writing tensors", 0.9)
        write_hetero_data(graph, making)
        size = _size(making)
    return Exported("pyg", str(path), _counts(graph), selection.to_json(), size, _since(begin), graph.truncated)


def export_embedding(
    store: GraphStore, workspace: Workspace, path: Path, progress: Progress, *, force: bool = False
) -> Exported:
    """Write the vectors of the published run, or else of the newest trained one (see `embeddings.pykeen_folder`).

    The triples they were trained on come along where the graph as of the run's cutoff is still what it was.

    Raises:
        NotTrainedError: If there is no run.
        NotFoundError: If the run has no vectors: no purchase named a product.
    """
    from embeddings import files
    from embeddings.pykeen_folder import write_embedding
    from embeddings.triples import triples_of
    from habitue.histories import current_history
    from habitue.runs import EMBEDDING, newest_trained

    begin = time.monotonic()
    run = workspace.current_run() or newest_trained(workspace)[0]
    embedding = files.load(run / EMBEDDING)
    with _new_folder(path, force=force) as making:
        snapshot = current_history(store, workspace, progress).at(embedding.as_of)
        known = snapshot.fingerprint == embedding.data_fingerprint
        triples = triples_of(snapshot, half_life_days=embedding.settings.half_life_days).triples if known else None
        progress("writing vectors", 0.9)
        write_embedding(embedding, making, triples)
        size = _size(making)
    counts = {label: len(embedding.vocabulary.of(label)) for label in LABELS}
    return Exported(
        "pykeen", str(path), {**counts, "triples": 0 if triples is None else len(triples)},
        {"run": run.name, "as_of": embedding.as_of.isoformat()}, size, _since(begin),
    )  # fmt: skip


def export_evaluation(evaluation: Evaluation, path: Path, *, force: bool = False) -> None:
    """Write the vectors of a benchmark in the same way."""
    from embeddings.pykeen_folder import write_evaluation

    with _new_folder(path, force=force) as making:
        write_evaluation(evaluation, making)


def _counts(graph: GraphInMemory) -> dict[str, int]:
    counts = {label: len(table) for label, table in graph.nodes.items()}
    for (_, name, _), table in graph.relationships.items():
        counts[name] = counts.get(name, 0) + len(table)
    return counts


@contextmanager
def _new_folder(path: Path, *, force: bool) -> Iterator[Path]:
    """A folder being made beside `path`, which takes its place when the block ends without error."""
    if path.exists() or path.is_symlink():
        if not force:
            raise UsageError(f"{path} is there already.", hint="Name another, or give --force to replace it.")
        if not path.is_dir() or path.is_symlink() or not (_is_export(path) or not any(path.iterdir())):
            raise UsageError(f"{path} is no export, and is not replaced.", hint="Name another, or remove it yourself.")
    making = _aside(path)
    making.mkdir()
    try:
        yield making
        former = _aside(path)
        if path.exists():
            path.rename(former)
        making.rename(path)
        shutil.rmtree(former, ignore_errors=True)
    finally:
        shutil.rmtree(making, ignore_errors=True)


@contextmanager
def _new_file(path: Path, *, force: bool) -> Iterator[Path]:
    """A file being made beside `path`, which takes its place when the block ends without error."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file, such as graph.graphml.")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", hint="Name another, or give --force to replace it.")
    making = _aside(path)
    try:
        yield making
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    if not path.name or path.name == "..":
        raise UsageError(f"{path} does not name anything new.", hint="Name what is to be written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".making-{path.name}-{secrets.token_hex(4)}")


def _is_export(path: Path) -> bool:
    for name in _MARKS:
        try:
            if str(json.loads((path / name).read_text(encoding="utf-8")).get("format", "")).startswith("habitue "):
                return True
        except (OSError, ValueError, AttributeError):
            continue
    return False


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _since(begin: float) -> float:
    return round(time.monotonic() - begin, 3)
