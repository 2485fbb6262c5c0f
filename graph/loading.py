"""A whole load: open, read, compare with what the store holds, bring the difference in, report."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graph.comparison import Comparison, compare
from graph.dataset import Dataset
from graph.erasure import ErasedCustomers
from graph.migrations import check_schema
from graph.model import INTERACTIONS, SCHEMA_VERSION
from graph.partitions import partitions_for
from graph.quarantine import join_quarantines
from graph.sources import OpenDataset, identities, ignored_columns, open_dataset
from graph.staging import Reading, kept_reading, read_all
from graph.staging_directory import (
    WRITING,
    StagingDirectory,
    clear_finished,
    digest,
    inputs_digest,
    staging_directory,
)
from graph.store import DatasetFacts, GraphStore, LoadRecord, Progress
from habitue.errors import DatasetError

ROWS_IN_PARTITION = 500_000  # of them a load holds a few at a time
#: Rows waiting to be merged: with more, opening takes longer than one would like (some 3 s per 100,000) whatever the
#: size; with fewer, merging never pays.
MOST_WAITING, FEWEST_WAITING = 200_000, 20_000
_MERGE_OF_REPLAY = 0.2  # what merging costs for a row that is held, over what opening costs for one that waits


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
        erased: Rows of erased customers, left out (those of the customers table included).
        quarantined: Refused rows by reason.
        quarantine_file: Where they are; None without any.
        ignored_columns: Columns that the description does not name, by file.
        notes: What was loaded but is worth telling.
        seconds: Until the load was acknowledged: durable, and seen by readers.
        merge_seconds: Of merging afterwards, which makes reading faster; 0 where there was none.
        totals: What was staged, by label and type.
        resumed: Whether it went on with what an interrupted load of the same inputs had left.
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
    erased: int
    quarantined: Mapping[str, int]
    quarantine_file: str | None
    ignored_columns: Mapping[str, list[str]]
    notes: Mapping[str, int]
    seconds: float
    merge_seconds: float = 0.0
    totals: Mapping[str, int] = field(default_factory=dict)
    resumed: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def load(
    store: GraphStore,
    dataset: Dataset,
    source: str,
    workspace: Path,
    progress: Progress,
    *,
    merge: bool = True,
    rows_in_partition: int = ROWS_IN_PARTITION,
) -> LoadReport:
    """Load a data set; loading it again changes nothing.

    Memory is bounded whatever the number of interactions: they pass through files in the workspace. What is done stays
    there when the load is killed, and the same load goes on from it.

    Args:
        store: Where to.
        dataset: From `resolve_source`.
        source: As the user named it, for the book.
        workspace: For staging and quarantine. Its caller sees to it that only one process loads.
        progress: Called with what is being done.
        merge: Let the store merge afterwards what it has deferred, when that has become much.
        rows_in_partition: About how many interactions are worked on at a time.

    Raises:
        DatasetError: A file or column is missing, or another data set is loaded already. Nothing has been written.
        StoreError: The store refused; the last complete state stands.
    """
    started = now()
    opened = open_dataset(dataset)
    rows = opened.estimated_interactions()
    with store.expecting(rows):
        report, held = _bring_in(store, opened, source, workspace, started, rows, rows_in_partition, progress)
    acknowledged = now()
    if merge and report.changed and store.unmerged() > merge_above(held, sum(report.loaded.values())):
        store.merge(progress)
        report = replace(report, merge_seconds=_seconds(acknowledged, now()))
    return replace(report, seconds=_seconds(started, acknowledged))


def _bring_in(
    store: GraphStore,
    opened: OpenDataset,
    source: str,
    workspace: Path,
    started: datetime,
    rows: int,
    rows_in_partition: int,
    progress: Progress,
) -> tuple[LoadReport, int]:
    """The load but for merging; and how many interactions the store held before."""
    dataset = opened.dataset
    facts = store.facts()
    _refuse_other(dataset, facts)
    if facts is None:
        store.check_capacity(rows)  # else only the comparison tells how many of them are new
    book = store.loads()
    sequence, unfinished = sequence_of(book, source)
    clear_finished(workspace, book)
    note = {"source": source, "dataset": dataset.name, "started_at": started.isoformat(timespec="seconds"),
            "sequence": str(sequence)}  # fmt: skip
    with staging_directory(workspace, note) as staging:
        reading, resumed = _read(opened, staging, facts, partitions_for(rows, rows_in_partition), progress)
        staging.enter("comparing with the graph")
        state = digest(reading.directory.name, sequence, facts and facts.fingerprint)
        compared = compare(store, reading, staging.keep_only("parts", state), sequence, progress)
        finished = now()
        new_facts = _new_facts(dataset, facts, sequence, finished)
        changed = unfinished or not compared.changes.empty or not same_facts(facts, new_facts)
        report = replace(
            _report(reading, compared, quarantine_file(workspace, sequence)), dataset=dataset.name, source=source,
            sequence=sequence, changed=changed, ignored_columns=ignored_columns(opened), resumed=resumed,
            seconds=_seconds(started, finished),
        )  # fmt: skip
        if changed:
            if facts is not None:
                store.check_capacity(compared.changes.added.total())
            staging.enter(WRITING)
            record = LoadRecord(sequence, source, started, finished, True, json.dumps(report.to_json()))
            store.apply(compared.changes, [record], new_facts, progress)
    return report, sum(_loaded(each) for each in book)


def merge_above(held: int, rows: int) -> int:
    """How many rows may wait before merging them costs less than opening with them, load after load.

    Every load opens the store with all that waits, so that between two merges the cost grows with the square of what
    came; merging goes through what is held. Both together are least at the root of their product.

    Args:
        held: Interactions that the store holds.
        rows: That a load brings.
    """
    return int(min(MOST_WAITING, max(FEWEST_WAITING, math.sqrt(_MERGE_OF_REPLAY * held * rows))))


def _loaded(record: LoadRecord) -> int:
    """Interactions that a load in the book has brought."""
    return sum(json.loads(record.report).get("loaded", {}).values()) if record.report else 0


def _read(
    opened: OpenDataset, staging: StagingDirectory, facts: DatasetFacts | None, partitions: int, progress: Progress
) -> tuple[Reading, bool]:
    """What was read, and whether it was read by an interrupted load of the same inputs."""
    inputs = inputs_digest(opened, facts, partitions)
    directory = staging.keep_only("reading", inputs)
    kept = kept_reading(directory)
    if kept is not None:
        progress("resuming: everything was read already", 1.0)
        return kept, True
    erased = ErasedCustomers(facts.salt, facts.erased) if facts else ErasedCustomers("", ())
    reading = read_all(opened, directory, partitions, erased, progress)
    if inputs_digest(opened, facts, partitions) != inputs:
        raise DatasetError("A file changed while it was read.", hint="Load again when it is written whole.")
    return reading, False


def _report(reading: Reading, compared: Comparison, refused: Path) -> LoadReport:
    """The counts of a load; the quarantine's files become one. Who loaded what, and when, is filled in elsewhere."""
    changes, parts = compared.changes, compared.parts
    refused.unlink(missing_ok=True)  # of an attempt with this number that changed nothing, or failed
    some = join_quarantines([reading.quarantine, *(part.quarantine for part in parts)], refused)
    return LoadReport(
        dataset="",
        source="",
        sequence=0,
        changed=False,
        rows_read=dict(reading.rows_read),
        loaded={name: new for name in INTERACTIONS if (new := changes.added[name] - changes.corrected[name])},
        unchanged=dict(changes.unchanged),
        corrected=dict(changes.corrected),
        nodes=dict(changes.nodes.counts),
        repeated=sum(part.repeated for part in parts),
        guests=reading.guests,
        erased=reading.erased,
        quarantined=dict(sum((part.quarantined for part in parts), reading.quarantined)),
        quarantine_file=str(refused) if some else None,
        ignored_columns={},
        notes=dict(reading.notes + compared.notes),
        seconds=0.0,
        totals=compared.totals,
    )


def quarantine_file(workspace: Path, sequence: int) -> Path:
    """Where the refused rows of a load lie."""
    return workspace / "quarantine" / f"load-{sequence:06d}.csv"


def sequence_of(book: Sequence[LoadRecord], source: str) -> tuple[int, bool]:
    """The number of a source's next load, and whether that is one the store has begun and not finished."""
    for each in book:
        if not each.complete and each.source == source:
            return each.sequence, True
    return max((each.sequence for each in book), default=0) + 1, False


def same_facts(before: DatasetFacts | None, after: DatasetFacts) -> bool:
    """Whether a load would change nothing of what is known about the data set."""
    return before is not None and before == after.model_copy(update={"fingerprint": before.fingerprint})


def now() -> datetime:
    """The present instant as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def _seconds(begin: datetime, end: datetime) -> float:
    return round((end - begin).total_seconds(), 2)


def _refuse_other(dataset: Dataset, facts: DatasetFacts | None) -> None:
    if facts is None:
        return
    if facts.name != dataset.name:
        raise DatasetError(
            f"The graph holds the data set {facts.name!r}; {dataset.name!r} is another one.",
            hint="Give it a workspace of its own (`--workspace`), or an empty Neo4j database.",
        )
    check_schema(facts)
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
    return before.model_copy(update={
        "currency": dataset.currency or before.currency,
        # What was complete stays so: an earlier export loaded again says nothing new.
        "complete_until": max(filter(None, (dataset.complete_until, before.complete_until)), default=None),
        "sensitive": before.sensitive | sensitive,
        "identities": {**before.identities, **identities(dataset)},
        "fingerprint": next_fingerprint(before, sequence, finished),
        "schema_version": SCHEMA_VERSION,
    })  # fmt: skip


def next_fingerprint(facts: DatasetFacts, sequence: int, finished: datetime) -> str:
    """What `DatasetFacts.fingerprint` becomes by a load."""
    return hashlib.sha256(f"{facts.fingerprint} {sequence} {finished.isoformat()}".encode()).hexdigest()[:16]
