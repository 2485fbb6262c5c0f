"""What interrupted work has left in Neo4j: found, and taken out again in bounded transactions."""

from __future__ import annotations

from collections.abc import Mapping

from graph.model import INTERACTIONS, PROPERTY_OWNERS
from graph.neo4j_connection import Neo4jConnection
from graph.neo4j_statements import BATCH_ROWS, read_statement, run_by_itself, run_once

#: What a load writes, in the order in which it can be removed; and what it keeps aside, as it can be put back.
_RELATIONSHIPS = (*(name.lower() for name in INTERACTIONS), "superseded", "has_property")
_RESTORED = (*(name.lower() for name in INTERACTIONS), *(f"{label.lower()}_properties" for label in PROPERTY_OWNERS),
             "products", "campaigns")  # fmt: skip
_NODES = ("customers", "products", "campaigns", "categories", "brands", "property_values")


def remains(connection: Neo4jConnection) -> dict[int, str]:
    """Interrupted loads that have left something, with the digest of what they were writing."""
    return {
        each["sequence"]: each["content"]
        for each in read_statement(connection, "load_content")
        if each["content"] is not None
    }


def discard_remains(connection: Neo4jConnection, left: Mapping[int, str]) -> None:
    """Take out what interrupted loads have written, and put back what they had replaced.

    What readers see stays the same at every moment. An interruption leaves remains that no load takes for its own.
    """
    if not left:
        return
    loads = list(left)
    run_once(connection, "disown_remains", loads=loads, content="")
    for name in _RELATIONSHIPS:
        run_by_itself(connection, f"discard_{name}", loads=loads)
    for name in _RESTORED:
        while run_once(connection, f"restore_{name}", loads=loads, limit=BATCH_ROWS).contains_updates:
            pass
    for name in _NODES:
        run_by_itself(connection, f"discard_{name}", loads=loads)
    run_once(connection, "discard_load_progress", loads=loads)
    run_once(connection, "disown_remains", loads=loads, content=None)


def tidy(connection: Neo4jConnection) -> list[str]:
    """Delete what is of no use any more: former versions that complete loads replaced, and erased customers.

    Nobody but analysts' own statements could see it. Several may do this at once.

    Returns:
        What was deleted, in words.
    """
    incomplete = [each["sequence"] for each in read_statement(connection, "loads") if not each["complete"]]
    done = []
    for each in read_statement(connection, "waste", incomplete=incomplete):
        if each["replaced"]:
            run_by_itself(connection, "discard_replaced", loads=incomplete)
            done.append(f"deleted {each['replaced']:,} former versions of what loads have replaced")
        if each["erased"]:
            run_by_itself(connection, "delete_erased_relationships")
            run_by_itself(connection, "delete_erased")
            done.append("finished an interrupted erasure")
    return done
