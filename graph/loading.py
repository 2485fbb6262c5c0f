"""A whole load: open, stage, compare with what the store holds, bring the difference in, report."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
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
    staging = workspace / "staging" / f"load-{sequence:06d}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    note = {"source": source, "dataset": dataset.name, "started_at": started.isoformat(timespec="seconds")}
    (staging / "load.json").write_text(json.dumps({**note, "stage": "reading"}))
    quarantine = Quarantine(staging / "quarantine.csv")
    staged, staging_report = stage(opened, staging, quarantine, sequence, progress)
    progress("comparing with the graph", 0.0)
    held = store.tables() if facts or resumed else GraphTables.empty()
    changes = difference(held, staged)
    quarantine_file = None
    if quarantine.counts:
        target = workspace / "quarantine" / f"load-{sequence:06d}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        quarantine.path.replace(target)
        quarantine_file = str(target)
    is_first = facts is None
    report = LoadReport(
        dataset=dataset.name,
        source=source,
        sequence=sequence,
        changed=is_first or resumed is not None or not changes.empty,
        rows_read=dict(staging_report.rows_read),
        loaded={
            name: count
            for name in INTERACTIONS
            if (count := len(changes.added.interactions[name]) - changes.corrected[name])
        },
        unchanged=dict(changes.unchanged),
        corrected=dict(changes.corrected),
        nodes=dict(changes.counts),
        repeated=staging_report.repeated,
        guests=staging_report.guests,
        quarantined=dict(staging_report.quarantined),
        quarantine_file=quarantine_file,
        ignored_columns=staging_report.ignored_columns,
        notes=dict(staging_report.notes),
        seconds=(_now() - started).total_seconds(),
        totals=staged.counts(),
    )
    if report.changed:
        (staging / "load.json").write_text(json.dumps({**note, "stage": "writing to the graph"}))
        finished = _now()
        record = LoadRecord(sequence, source, started, finished, True, json.dumps(report.to_json()))
        store.apply(changes, record, _new_facts(dataset, facts, sequence, finished), progress)
    shutil.rmtree(staging)
    return LoadReport(**{**asdict(report), "seconds": round((_now() - started).total_seconds(), 2)})


def pending_loads(workspace: Path) -> list[dict[str, str]]:
    """Loads that were interrupted: source, data set, when they started and how far they came."""
    found = []
    for path in sorted((workspace / "staging").glob("load-*/load.json")):
        try:
            found.append(json.loads(path.read_text()))
        except (OSError, ValueError):
            continue
    return found


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
