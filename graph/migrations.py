"""From the layout of a former release to this one's, step by named step.

A step has a statement `cypher/migrate/<dialect>/<version>_<name>.cypher` for each store that holds something
differently since; a store without one holds it as before. Statements are run until they change nothing more, so that
an interrupted migration starts again where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cypher
from graph.model import SCHEMA_VERSION
from graph.store import DatasetFacts, GraphStore, Progress
from habitue.errors import NothingLoadedError, StoreError


@dataclass(frozen=True)
class Migration:
    """A step to a schema version."""

    version: int
    name: str
    purpose: str

    def statement(self, dialect: str) -> str | None:
        """The name of its statement for a store; None where nothing changes."""
        name = f"migrate/{self.version:04d}_{self.name}"
        return name if name in cypher.names("migrate", dialect) else None


MIGRATIONS: Final = (Migration(2, "last_load", "customers know which load was the last to bring them interactions"),)


def pending(facts: DatasetFacts) -> list[Migration]:
    """The steps from a graph's schema version to this release's."""
    return [each for each in MIGRATIONS if each.version > facts.schema_version]


def check_schema(facts: DatasetFacts) -> None:
    """Refuse to read a graph of another layout: it would be read wrongly.

    Raises:
        StoreError: With what to do.
    """
    if facts.schema_version < SCHEMA_VERSION:
        raise StoreError(
            f"The graph has schema version {facts.schema_version}; this release reads version {SCHEMA_VERSION}.",
            hint="Run `habitue migrate`; it keeps everything.",
        )
    if facts.schema_version > SCHEMA_VERSION:
        raise StoreError(
            f"The graph has schema version {facts.schema_version}, of a later release than this one "
            f"({SCHEMA_VERSION}).",
            hint="Use the later release.",
        )


def migrate(store: GraphStore, progress: Progress) -> list[Migration]:
    """Bring a graph to this release's layout; the steps that were taken.

    Raises:
        NothingLoadedError: If the graph is empty.
        StoreError: If it is of a later release.
    """
    facts = store.facts()
    if facts is None:
        raise NothingLoadedError("The graph is empty: there is nothing to migrate.")
    if facts.schema_version > SCHEMA_VERSION:
        check_schema(facts)
    steps = pending(facts)
    for step in steps:
        # Its fingerprint stays: nothing that anybody learnt from the graph has changed.
        facts = facts.model_copy(update={"schema_version": step.version})
        store.migrate(step.statement(store.dialect), facts, progress)
    return steps
