"""Forget customers: in the graph, in every file of the workspace, and in whatever is loaded later.

The graph goes first, together with a salted tombstone that keeps later loads from bringing them back; then the files.
Each step can be repeated: after an interruption the same erasure, asked for again, finishes what is left.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from graph.erasure import tombstone
from graph.staging_directory import pending_loads
from graph.store import DatasetFacts, GraphStore, Progress
from graph.time import utc_now
from habitue.erasure_files import erase_from_files, find_in_files
from habitue.errors import NotFoundError, NothingLoadedError, NotTrainedError, UsageError
from habitue.runs import newest_trained

if TYPE_CHECKING:
    from habitue.engine import Engine

_LOG = "erasures.json"
_WHAT_MODELS_HOLD = (
    "Models trained before hold no row of the erased, but their weights and trees were fitted with them among others, "
    "and vectors of products were moved by their purchases. `habitue train` makes models without them."
)
_NEO4J_BYTES = (
    "The Neo4j server no longer finds them, but their ids may stand in its files: docs/operations.md says how its "
    "operator removes those."
)


@dataclass(frozen=True)
class ErasureReport:
    """What an erasure removed, without naming anybody.

    Attributes:
        customers: How many were asked for.
        graph: Removed nodes by label and relationships by type.
        files: Removed rows by file of the workspace (1 for a cache that was removed whole).
        remaining: Files that still name one of them; empty, or the erasure failed.
        absent: Whether the graph, asked afterwards, knows none of them.
        purged: Whether the store's files were written anew; False where only the store's operator can.
        notes: What the user should know.
    """

    customers: int
    graph: dict[str, int]
    files: dict[str, int]
    remaining: list[str]
    absent: bool
    purged: bool
    notes: list[str]

    @property
    def complete(self) -> bool:
        """Whether nothing of them is left where Habitué can look."""
        return self.absent and not self.remaining

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "complete": self.complete}


def erase(engine: Engine, customers: Sequence[str], progress: Progress, *, purge: bool) -> ErasureReport:
    """Remove customers everywhere, and see that they are gone.

    Args:
        engine: Of the workspace; its caller holds the write lock.
        customers: Their ids.
        progress: Called with what is being done.
        purge: Also write the store's files anew, so that not even freed pages hold the ids.

    Raises:
        UsageError: If no id is given.
        NothingLoadedError: If the graph is empty.
        NotFoundError: If none of them is known anywhere, nor was erased before.
    """
    store, wanted = engine.store, sorted({each.strip() for each in customers} - {""})
    if not wanted:
        raise UsageError("No customer is named.", hint="Give at least one id; blanks around it do not count.")
    facts = store.facts()
    if facts is None:
        raise NothingLoadedError("The graph is empty: there is nobody to erase.")
    before = facts
    facts = _with_tombstones(facts, wanted)
    known = [each for each in wanted if _is_known(store, each)]
    named = find_in_files(engine.workspace, wanted)
    waiting = pending_loads(engine.workspace.path, store.loads())  # may bring somebody whom the graph does not know
    if not known and not named and not waiting and facts.erased != before.erased:
        raise NotFoundError(
            f"None of the {len(wanted)} customers is known here.", hint="Ids are compared letter by letter."
        )
    removed: dict[str, int] = {}
    if known or facts.erased != before.erased:
        progress("erasing from the graph", 0.0)
        removed = store.erase(known, facts, progress)
    new = sum(tombstone(facts.salt, each) not in before.erased for each in wanted if each not in known)
    progress("erasing from files", 0.0)
    files = erase_from_files(engine.workspace, wanted)
    purged = store.purge(progress) if purge else False
    report = ErasureReport(
        customers=len(wanted),
        graph={name: count for name, count in removed.items() if count},
        files=files,
        remaining=find_in_files(engine.workspace, wanted),
        absent=not any(_is_known(store, each) for each in wanted),
        purged=purged,
        notes=[*_strangers(new, len(wanted)), *_notes(engine, purge=purge, purged=purged)],
    )
    _log(engine, report)
    return report


def _with_tombstones(facts: DatasetFacts, customers: Sequence[str]) -> DatasetFacts:
    salt = facts.salt or secrets.token_hex(16)
    stones = {tombstone(salt, each) for each in customers}
    if stones <= facts.erased:
        return facts
    return facts.model_copy(update={"salt": salt, "erased": facts.erased | stones, "fingerprint": secrets.token_hex(8)})


def _is_known(store: GraphStore, customer: str) -> bool:
    return bool(store.read("read/customer", id=customer).rows)


def _strangers(count: int, customers: int) -> list[str]:
    if not count:
        return []
    return [f"{count} of the {customers} were not in the graph; later loads leave them out all the same."]


def _notes(engine: Engine, *, purge: bool, purged: bool) -> list[str]:
    notes = []
    try:
        newest_trained(engine.workspace)
        notes.append(_WHAT_MODELS_HOLD)
    except NotTrainedError:
        pass
    if not purge:
        notes.append("Freed pages of the store may still hold the ids: `habitue erase … --purge` writes it anew.")
    elif not purged:
        notes.append(_NEO4J_BYTES)
    notes.append("Source tables, backups and exports made before are not Habitué's to change.")
    return notes


def _log(engine: Engine, report: ErasureReport) -> None:
    """Keep that there was an erasure: when and how much, never whose."""
    path = engine.workspace.path / _LOG
    entries = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    entries.append({"at": utc_now().isoformat(timespec="seconds"), "by": engine.publisher, **report.to_json()})
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
