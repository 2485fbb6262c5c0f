"""Where a load keeps what it has done so far, and what an interrupted one has left.

Each source has one directory, with a note of what is being loaded and how far it has come. What was read lies in a
directory named by the inputs, and the parts in one named by the inputs and the state of the store they were compared
with: when either changes, the names do, and what was kept is of no use any more and removed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph.sealing import label
from graph.sources import OpenDataset
from graph.store import DatasetFacts, LoadRecord
from habitue.errors import StoreError

_NOTE = "load.json"
WRITING = "writing to the graph"
#: Of what is kept; another one is not read.
_FORMAT = 1


def inputs_digest(opened: OpenDataset, facts: DatasetFacts | None, partitions: int) -> str:
    """Identifies all that a reading depends on: description, files (path, size, time of change) and tombstones."""
    files = [
        (str(file.path.resolve()), (found := file.path.stat()).st_size, found.st_mtime_ns) for file in opened.files
    ]
    erased = (facts.salt, sorted(facts.erased)) if facts else ("", [])
    return digest(_FORMAT, opened.dataset.model_dump_json(), files, erased, partitions)


def digest(*values: object) -> str:
    """A short name for some plain values."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class StagingDirectory:
    """The directory of one source.

    Attributes:
        path: Of the directory.
        note: What is being loaded: `source`, `dataset`, `started_at`, `sequence`.
    """

    path: Path
    note: dict[str, str]

    def enter(self, stage: str) -> None:
        """Note how far the load has come."""
        draft = self.path / f"{_NOTE}.new"
        draft.write_text(json.dumps({**self.note, "stage": stage}), encoding="utf-8")
        draft.replace(self.path / _NOTE)

    def keep_only(self, kind: str, name: str) -> Path:
        """The directory of this name, after those of the same kind with another name are gone."""
        wanted = f"{kind}-{name}"
        for path in self.path.glob(f"*{kind}-*"):
            if path.name != wanted:
                shutil.rmtree(path, ignore_errors=True)
        return self.path / wanted


@contextmanager
def staging_directory(workspace: Path, note: dict[str, str]) -> Iterator[StagingDirectory]:
    """The directory of a load. It goes when the load ends, whether well or by an error of its own.

    It stays, and is found by the next load of the same source, when the process was killed or interrupted, or when the
    store refused after everything was read.
    """
    staging = StagingDirectory(workspace / "staging" / f"load-{digest(note['source'])}", note)
    staging.path.mkdir(parents=True, exist_ok=True)
    staging.enter("reading")
    try:
        yield staging
    except StoreError:
        if _read(staging.path).get("stage") != WRITING:
            shutil.rmtree(staging.path, ignore_errors=True)
        raise
    except Exception:
        shutil.rmtree(staging.path, ignore_errors=True)
        raise
    shutil.rmtree(staging.path, ignore_errors=True)


def clear_finished(workspace: Path, book: list[LoadRecord]) -> None:
    """Remove what was left by loads that were killed after their last step: they are whole."""
    for path in (workspace / "staging").glob("load-*"):
        if _is_finished(_read(path), book):
            shutil.rmtree(path, ignore_errors=True)


def pending_loads(workspace: Path, book: list[LoadRecord]) -> list[dict[str, str]]:
    """Loads that were interrupted, oldest first.

    Args:
        workspace: Where an interrupted load has left its note.
        book: The store's loads: one that is complete there was not interrupted, one that is not was, even elsewhere.

    Returns:
        For each: `source`, `started_at`, the `stage` it was at, and what is `kept` for the next run, in words.
    """
    found = {
        each.source: {
            "source": each.source,
            "started_at": each.started_at.isoformat(timespec="seconds"),
            "stage": WRITING,
            "kept": "",
        }
        for each in book
        if not each.complete
    }
    for path in (workspace / "staging").glob("load-*"):
        note = _read(path)
        if note and not _is_finished(note, book):
            shown = {name: note.get(name, "") for name in ("source", "started_at", "stage")}
            found[shown["source"]] = {**shown, "kept": _kept(path)}
    return sorted(found.values(), key=lambda each: each["started_at"])


def _kept(path: Path) -> str:
    readings = [found for each in path.glob("reading-*") if (found := label(each))]
    if not readings:
        return ""
    parts = [each for each in path.glob("parts-*/part-*") if label(each)]
    return f"all files read, {len(parts)} of {readings[0].get('partitions')} parts compared"


def _is_finished(note: dict[str, str], book: list[LoadRecord]) -> bool:
    return any(
        each.complete and each.source == note.get("source") and str(each.sequence) == note.get("sequence")
        for each in book
    )


def _read(path: Path) -> dict[str, str]:
    try:
        note = json.loads((path / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
