"""What there is: data, runs, and what was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graph.model import INTERACTIONS
from graph.staging_directory import pending_loads
from graph.statistics import GraphStatistics
from graph.store import Progress, no_progress
from habitue import figures
from habitue.drift import Drift, read_drift
from habitue.renewed_files import renewed_directory
from habitue.runs import read_manifest

if TYPE_CHECKING:
    from habitue.engine import Engine


#: Figures of graphs with more interactions than this are counted only when asked for.
_QUICKLY_COUNTED = 3_000_000


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
        last_complete_load: The newest one that was published; None when there is none.
        unmerged: Rows that are brought in and readable, and wait for their final place.
        counts: Nodes by label and relationships by type.
        published: The published run: id, date, task.
        runs: How many finished runs there are.
        writing: What another process is writing right now; empty when none is.
        interrupted: What did not end, and what to do about it, in words.
        drift: How far the graph has moved on since the vectors were trained (`habitue.drift`); None where nothing has.
        problems: What is amiss with the store, and where signals on the graph are not the published run's.
        statistics: Figures of the graph; None where they take long and were not asked for.
    """

    workspace: str
    store: str
    store_version: str
    dataset: str | None
    currency: str | None
    complete_until: datetime | None
    loads: list[LoadStatus]
    last_complete_load: LoadStatus | None
    unmerged: int
    counts: dict[str, int]
    published: dict[str, Any] | None
    runs: int
    writing: str
    interrupted: list[str]
    problems: list[str]
    drift: Drift | None
    statistics: GraphStatistics | None

    def to_json(self) -> dict[str, Any]:
        """As plain values, times as ISO 8601."""
        facts = {name: _plain(value) for name, value in asdict(self).items() if name != "statistics"}
        return {**facts, "statistics": self.statistics and self.statistics.model_dump(mode="json")}


def status(engine: Engine, *, statistics: bool | None = None, progress: Progress = no_progress) -> Status:
    """Ask the store and look through the workspace; changes nothing in either but for figures kept for the next time.

    Args:
        engine: Of the workspace.
        statistics: With the graph's figures; None: where they are known already, or quickly counted.
        progress: Called with what is being counted.
    """
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
        + (f" (kept: {each['kept']})" if each["kept"] else "")
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
        last_complete_load=next((each for each in loads if each.complete), None),
        unmerged=engine.store.unmerged() if facts else 0,
        counts={name: count for name, count in sorted(health.counts.items()) if count},
        published=published,
        runs=len(list(engine.workspace.runs.glob("2*"))),
        writing=writing,
        interrupted=[] if writing else interrupted,
        problems=[] if writing else [*health.problems, *_stale_signals(engine, manifest.id if manifest else None)],
        drift=read_drift(renewed_directory(engine.workspace, manifest.id)) if manifest else None,
        statistics=_figures(engine, health.counts, statistics, progress) if facts else None,
    )


def _figures(
    engine: Engine, counts: Mapping[str, int], wanted: bool | None, progress: Progress
) -> GraphStatistics | None:
    if wanted is False:
        return None
    if wanted is None and sum(counts.get(name, 0) for name in INTERACTIONS) > _QUICKLY_COUNTED:
        return figures.known_statistics(engine.store, engine.workspace)
    return figures.statistics(engine.store, engine.workspace, progress)


def _stale_signals(engine: Engine, published: str | None) -> list[str]:
    """What to say where the signals on the graph are not those of the published run."""
    if published is None or engine.store.facts() is None:
        return []
    written = [str(row[0]) for row in engine.store.read("read/models_on_graph").rows]
    if written == [published]:
        return []
    return [
        f"the graph carries {'the signals of ' + ', '.join(written) if written else 'no signals'}, "
        f"published is {published}: `habitue doctor --repair` writes them again"
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
