"""Examine a workspace and its store, and put right what is safe to."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from graph.doctor import Finding, examine
from graph.staging_directory import pending_loads
from graph.store import Progress
from graph.time import utc_now

if TYPE_CHECKING:
    from habitue.engine import Engine


@dataclass(frozen=True)
class Diagnosis:
    """What was examined, and what was put right before.

    Attributes:
        findings: Every check with its outcome.
        repairs: What was done; empty without `repair`.
    """

    findings: list[Finding]
    repairs: list[str]

    @property
    def healthy(self) -> bool:
        """Whether every check holds."""
        return all(each.holds for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        findings = [{**asdict(each), "holds": each.holds} for each in self.findings]
        return {"healthy": self.healthy, "findings": findings, "repairs": self.repairs}


def diagnose(engine: Engine, progress: Progress, *, repair: bool = False) -> Diagnosis:
    """Check every promise of the store and of the workspace; with `repair`, first put right what is safe."""
    repairs = _repair(engine, progress) if repair else []
    findings = examine(engine.store, utc_now(), progress)
    return Diagnosis([*findings, *_workspace(engine)], repairs)


def _workspace(engine: Engine) -> list[Finding]:
    interrupted = [each["kind"] for each in engine.workspace.interrupted()]
    pending = pending_loads(engine.workspace.path, engine.store.loads())
    findings = [
        Finding("no training, scoring or audience was interrupted", len(interrupted),
                ", ".join(interrupted), "habitue doctor --repair" if interrupted else ""),
        Finding("no load was interrupted", len(pending), ", ".join(each["source"] for each in pending),
                "habitue load" if pending else ""),
    ]  # fmt: skip
    written, published = _models(engine)
    if written or published:
        differs = written != ([published] if published else [])
        detail = f"on the graph: {', '.join(written) or 'none'}; published: {published or 'none'}" if differs else ""
        findings.append(
            Finding("the signals on the graph are the published run's", int(differs), detail,
                    "habitue doctor --repair" if differs else "")
        )  # fmt: skip
    return findings


def _models(engine: Engine) -> tuple[list[str], str | None]:
    """Which runs' signals stand on the graph, and which run is published."""
    written = [str(row[0]) for row in engine.store.read("read/models_on_graph").rows] if engine.store.facts() else []
    run = engine.publication.current_or_none()
    return written, run.manifest.id if run else None


def _repair(engine: Engine, progress: Progress) -> list[str]:
    done = engine.store.repair(progress) if engine.store.facts() else []
    for parent in (engine.workspace.runs, engine.workspace.backtests, engine.workspace.audiences):
        for path in parent.glob(".making-*"):
            shutil.rmtree(path, ignore_errors=True)
            done.append(f"removed what an interruption left in {parent.name}/")
    written, published = _models(engine)
    if published and written != [published]:
        from habitue.score_run import similar_pairs, write_signals

        run = engine.publication.current()
        write_signals(engine.store, run.manifest, run.scores, similar_pairs(*run.similarity), progress)
        done.append(f"wrote the signals of run {published} on the graph again")
    return done
