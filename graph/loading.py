"""A whole load: open, stage, compare with what the store holds, bring the difference in, report."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graph.changes import difference
from graph.dataset import Dataset
from graph.model import INTERACTIONS, SCHEMA_VERSION
from graph.staging import Quarantine, identities, open_dataset, stage
from graph.store import DatasetFacts, GraphStore, LoadRecord, Progress
from graph.tables import GraphTables
from habitue.errors import DatasetError, StoreError

_NOTE = "load.json"  # in a load's staging directory: what it loads and how far it has come


@dataclass(frozen=True)
class LoadReport:
    """What a load did. Every interaction row that was read is in exactly one of the counts that follow `rows_read`.

    Attributes:
        rows_read: By file.
        loaded: New interactions by type.
        unchanged: Interactions that were there already, by type.
        corrected: Interactions whose values changed, by type.
        nodes: New nodes by label.
        repeated: Rows whose id came again in the same load; the last one stands.
        guests: Rows without a customer, left out.
        quarantined: Refused rows by reason.
        quarantine_file: Where they are; None without any.
        ignored_columns: Columns that the description does not name, by file.
        notes: What was loaded but is worth telling.
    """

    dataset: str
    source: str
    sequence: int
    changed: bool
    rows_read: Mapping[str, int]
    loaded: Mapping[str, int]
    unchanged: Mapping[str, int]
    corrected: Mapping[str, int]
    nodes: Mapping[str, int]
    repeated: int
    guests: int
    quarantined: Mapping[str, int]
    quarantine_file: str | None
    ignored_columns: Mapping[str, list[str]]
    notes: Mapping[str, int]
    seconds: float
    totals: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def load(store: GraphStore, dataset: Dataset, source: str, workspace: Path, progress: Progress) -> LoadReport:
    """Load a data set; loading it again changes nothing.

    Args:
        store: Where to.
        dataset: From `resolve_source`.
        source: As the user named it, for the book.
        workspace: For staging and quarantine.
        progress: Called with what is being done.

    Raises:
        DatasetError: A file or column is missing, or another data set is loaded already. Nothing has been written.
        StoreError: The store refused; the last complete state stands.
    """
    started = _now()
    opened = open_dataset(dataset)
    facts = store.facts()
    _refuse_other(dataset, facts)
    book = store.loads()
    pending = [each for each in book if not each.complete]
    resumed = next((each for each in pending if each.source == source), None)
    sequence = resumed.sequence if resumed else max((each.sequence for each in book), default=0) + 1
    refused = workspace / "quarantine" / f"load-{sequence:06d}.csv"
    refused.unlink(missing_ok=True)  # of an attempt with this number that changed nothing, or failed
    _clear_finished(workspace, book)
    note = {"source": source, "dataset": dataset.name, "started_at": started.isoformat(timespec="seconds")}
    with _staging_directory(workspace, sequence, {**note, "stage": "reading"}) as staging:
        quarantine = Quarantine(staging / "quarantine.csv")
        staged, counted = stage(opened, staging, quarantine, sequence, progress)
        progress("comparing with the graph", 0.0)
        held = store.tables() if facts or resumed else GraphTables.empty()
        changes = difference(held, staged)
        if quarantine.counts:
            refused.parent.mkdir(parents=True, exist_ok=True)
            quarantine.path.replace(refused)
        finished = _now()
        new_facts = _new_facts(dataset, facts, sequence, finished)
        report = LoadReport(
            dataset=dataset.name,
            source=source,
            sequence=sequence,
            changed=resumed is not None or not changes.empty or not _same_facts(facts, new_facts),
            rows_read=dict(counted.rows_read),
            loaded={
                name: count
                for name in INTERACTIONS
                if (count := len(changes.added.interactions[name]) - changes.corrected[name])
            },
            unchanged=dict(changes.unchanged),
            corrected=dict(changes.corrected),
            nodes=dict(changes.counts),
            repeated=counted.repeated,
            guests=counted.guests,
            quarantined=dict(counted.quarantined),
            quarantine_file=str(refused) if quarantine.counts else None,
            ignored_columns=counted.ignored_columns,
            notes=dict(counted.notes),
            seconds=(finished - started).total_seconds(),
            totals=staged.counts(),
        )
        if report.changed:
            (staging / _NOTE).write_text(json.dumps({**note, "stage": "writing to the graph"}), encoding="utf-8")
            record = LoadRecord(sequence, source, started, finished, True, json.dumps(report.to_json()))
            store.apply(changes, record, new_facts, progress)
    return replace(report, seconds=round((_now() - started).total_seconds(), 2))


@contextmanager
def _staging_directory(workspace: Path, sequence: int, note: Mapping[str, str]) -> Iterator[Path]:
    """Where one load's intermediate files lie; it goes when the load ends. A killed one leaves it, with the note."""
    path = workspace / "staging" / f"load-{sequence:06d}"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        (path / _NOTE).write_text(json.dumps(note), encoding="utf-8")
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _clear_finished(workspace: Path, book: list[LoadRecord]) -> None:
    """Remove what was left by loads that were killed after their last step: they are whole."""
    for each in book:
        if each.complete:
            shutil.rmtree(workspace / "staging" / f"load-{each.sequence:06d}", ignore_errors=True)


def _same_facts(before: DatasetFacts | None, after: DatasetFacts) -> bool:
    return before is not None and before == after.model_copy(update={"fingerprint": before.fingerprint})


def pending_loads(workspace: Path, book: list[LoadRecord]) -> list[dict[str, str]]:
    """Loads that were interrupted: source, when they started and how far they came.

    Args:
        workspace: Where a killed load has left its note.
        book: The store's loads: one that is complete there was not interrupted, one that is not was, even elsewhere.
    """
    found = {
        each.sequence: {
            "source": each.source,
            "started_at": each.started_at.isoformat(timespec="seconds"),
            "stage": "writing to the graph",
        }
        for each in book
        if not each.complete
    }
    complete = {each.sequence for each in book if each.complete}
    for path in (workspace / "staging").glob(f"load-*/{_NOTE}"):
        sequence = path.parent.name.removeprefix("load-")
        if sequence.isdigit() and int(sequence) not in complete:
            try:
                found[int(sequence)] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
    return [found[sequence] for sequence in sorted(found)]


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _refuse_other(dataset: Dataset, facts: DatasetFacts | None) -> None:
    if facts is None:
        return
    if facts.name != dataset.name:
        raise DatasetError(
            f"The graph holds the data set {facts.name!r}; {dataset.name!r} is another one.",
            hint="Give it a workspace of its own (`--workspace`), or an empty Neo4j database.",
        )
    if facts.schema_version != SCHEMA_VERSION:
        raise StoreError(
            f"The graph has schema version {facts.schema_version}; this release writes version {SCHEMA_VERSION}.",
            hint="Load the data into a new workspace.",
        )
    for name, fields in identities(dataset).items():
        if name in facts.identities and facts.identities[name] != fields:
            raise DatasetError(
                f"The description of {name} names other columns than when it was first loaded, and its rows have no "
                "id of their own: all of them would be loaded a second time.",
                hint="Name an `id` column, keep the columns as they were, or load into a new workspace.",
            )
    if facts.currency and dataset.currency and facts.currency != dataset.currency:
        raise DatasetError(f"The graph's amounts are in {facts.currency}; this description says {dataset.currency}.")


def _new_facts(dataset: Dataset, facts: DatasetFacts | None, sequence: int, finished: datetime) -> DatasetFacts:
    sensitive = set(dataset.customers.sensitive) if dataset.customers else set()
    before = facts or DatasetFacts(name=dataset.name)
    fingerprint = hashlib.sha256(f"{before.fingerprint} {sequence} {finished.isoformat()}".encode()).hexdigest()[:16]
    return DatasetFacts(
        name=dataset.name,
        currency=dataset.currency or before.currency,
        complete_until=dataset.complete_until or before.complete_until,
        sensitive=before.sensitive | sensitive,
        identities={**before.identities, **identities(dataset)},
        fingerprint=fingerprint,
        schema_version=SCHEMA_VERSION,
    )
