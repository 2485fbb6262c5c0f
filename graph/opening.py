"""Which store an address means."""

from __future__ import annotations

from pathlib import Path

from graph.store import GraphStore
from habitue.errors import UsageError
from habitue.settings import Settings


def open_store(settings: Settings, *, read_only: bool = False) -> GraphStore:
    """The store that the settings name; by default the embedded one inside the workspace.

    Args:
        settings: `store`, credentials and `workspace`.
        read_only: Open the embedded store without the right to write, as serving processes do.

    Raises:
        UsageError: If the address is of no known kind.
        StoreError: If it cannot be opened.
    """
    url = settings.store or f"ladybug://{(settings.workspace / 'graph').resolve()}"
    scheme, _, rest = url.partition("://")
    if scheme == "ladybug" and rest:
        from graph.ladybug_store import LadybugStore

        return LadybugStore(Path(rest), read_only=read_only)
    if scheme.partition("+")[0] in ("neo4j", "bolt") and rest:
        from graph.neo4j_store import Neo4jStore

        return Neo4jStore(
            url,
            user=settings.neo4j_user,
            password=settings.neo4j_password.get_secret_value(),
            database=settings.neo4j_database,
        )
    raise UsageError(
        f"{scheme + '://…' if rest else url!r} is not the address of a graph store.",
        hint="Use neo4j://host:7687, bolt://host:7687, neo4j+s://host:7687 or ladybug:///path.",
    )
