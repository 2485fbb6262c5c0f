"""What there is: data, runs, and what was interrupted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graph.loading import pending_loads
from habitue.runs import read_manifest

if TYPE_CHECKING:
    from habitue.engine import Engine


@dataclass(frozen=True)
class LoadStatus:
    """A load in the store's book."""

    sequence: int
    source: str
    started_at: datetime
    finished_at: datetime | None
    complete: bool


@dataclass(frozen=True)
class Status:
    """The state of a workspace and its store.

    Attributes:
        loads: The last loads, newest first; an incomplete one was interrupted.
        counts: Nodes by label and relationships by type.
        published: The published run: id, date, task.
        runs: How many finished runs there are.
        writing: What another process is writing right now; empty when none is.
        interrupted: What did not end, and what to do about it, in words.
        problems: What is amiss with the store.
    """

    workspace: str
    store: str
    store_version: str
    dataset: str | None
    currency: str | None
    complete_until: datetime | None
    loads: list[LoadStatus]
    counts: dict[str, int]
    published: dict[str, Any] | None
    runs: int
    writing: str
    interrupted: list[str]
    problems: list[str]

    def to_json(self) -> dict[str, Any]:
        """As plain values, times as ISO 8601."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def status(engine: Engine) -> Status:
    """Ask the store and look through the workspace; changes nothing."""
    health = engine.store.health()
    facts = engine.store.facts()
    book = engine.store.loads()
    loads = [
        LoadStatus(each.sequence, each.source, each.started_at, each.finished_at, each.complete)
        for each in reversed(book)
    ]
    interrupted = [
        f"a load of {each['source']}, begun {each['started_at']}, was interrupted while {each['stage']}; "
        f"readers see the state before it; run `habitue load {each['source']}` again to finish it"
        for each in pending_loads(engine.workspace.path, book)
    ]
    interrupted += [
        f"a {each['kind']} begun {each['started_at']} was interrupted; what was published before is untouched; "
        "the next one clears it away"
        for each in engine.workspace.interrupted()
    ]
    writing = engine.workspace.writer()
    directory = engine.workspace.current_run()
    manifest = read_manifest(directory) if directory else None
    published: dict[str, Any] | None = None
    if manifest:
        published = {
            "id": manifest.id,
            "as_of": manifest.as_of,
            "horizon_days": manifest.task.horizon_days,
            "active_window_days": manifest.task.active_window_days,
            "customers": manifest.counts.get("scored"),
            "created_at": manifest.created_at,
        }
    return Status(
        workspace=str(engine.workspace.path),
        store=health.url,
        store_version=health.version,
        dataset=facts.name if facts else None,
        currency=facts.currency if facts else None,
        complete_until=facts.complete_until if facts else None,
        loads=loads,
        counts={name: count for name, count in sorted(health.counts.items()) if count},
        published=published,
        runs=len(list(engine.workspace.runs.glob("2*"))),
        writing=writing,
        interrupted=[] if writing else interrupted,
        problems=[] if writing else list(health.problems),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
