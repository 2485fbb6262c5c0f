"""A lookalike audience from the published run, kept below `audiences/` and, on request, written on the graph."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audiences.files import load, save
from audiences.filters import Condition
from audiences.lookalike import LookalikeSettings, lookalike
from habitue.errors import NotFoundError
from habitue.workspace import Workspace

if TYPE_CHECKING:
    from habitue.engine import Engine


@dataclass(frozen=True, eq=False)
class KeptAudience:
    """An audience as it is kept: its id, and the JSON that other programs read."""

    id: str
    document: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """`id`, `name`, `model`, `as_of`, `members`, `evaluation` and `seed`."""
        return self.document


def make_lookalike(
    engine: Engine,
    seeds: list[str],
    *,
    size: int,
    name: str,
    min_churn_risk: float | None,
    max_churn_risk: float | None,
    active_only: bool,
    write_back: bool,
) -> KeptAudience:
    """Rank the customers most like the seeds, and keep the audience."""
    conditions = []
    if min_churn_risk is not None or max_churn_risk is not None:
        conditions.append(Condition("churn_risk", min_churn_risk, max_churn_risk))
    if active_only:
        conditions.append(Condition("active", equals=True))
    run = engine.publication.current()
    ids, vectors = run.similarity
    settings = LookalikeSettings(size=size, conditions=tuple(conditions))
    audience = lookalike(ids, vectors, seeds, settings, properties=run.scores)
    asked = {
        "name": name, "size": size, "min_churn_risk": min_churn_risk, "max_churn_risk": max_churn_risk,
        "active_only": active_only, "model": run.manifest.id, "as_of": run.manifest.as_of.isoformat(),
    }  # fmt: skip
    identifier = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    save(audience, engine.workspace.audiences / identifier, seeds=seeds, settings=asked)
    if write_back:
        created = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        members = [
            {"id": customer, "score": float(score), "rank": int(rank), "run": run.manifest.id}
            for customer, rank, score in audience.members.itertuples(index=False)
        ]
        engine.store.write_audience({"id": identifier, "name": name, "created_at": created}, members)
    return read_audience(engine.workspace, identifier)


def read_audience(workspace: Workspace, identifier: str) -> KeptAudience:
    """An audience made before.

    Raises:
        NotFoundError: If there is none of that id.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", identifier):
        raise NotFoundError(f"There is no audience {identifier!r}.")
    found = load(workspace.audiences / identifier)
    asked = found["settings"]
    facts = {"id": identifier, "name": asked["name"], "model": asked["model"], "as_of": asked["as_of"]}
    parts = {name: found[name] for name in ("members", "evaluation", "seed")}
    return KeptAudience(identifier, {**facts, **parts})
