"""Customers taken out of Neo4j: out of sight at once, in one small transaction, and then deleted bit by bit.

A customer loses its label `Customer` for `Erased`, and so do values of properties that nobody else has: no statement
that asks for customers finds it from then on, nor anything that it bought. The same transaction writes the data set's
facts with the tombstones. What an interruption leaves undeleted the next writer deletes.

The ids' bytes stay in the server's files and transaction logs until its operator has them rewritten.
"""

from __future__ import annotations

from collections.abc import Sequence

from graph.neo4j_connection import Neo4jConnection
from graph.neo4j_remains import discard_remains, remains, tidy
from graph.neo4j_statements import only_writer, prepare_schema, statement
from graph.store import DatasetFacts, Progress


def erase_customers(
    connection: Neo4jConnection, customers: Sequence[str], facts: DatasetFacts, progress: Progress
) -> dict[str, int]:
    """Remove customers with everything that hangs on them.

    What an interrupted load has written is taken out first: it may hold them, too.

    Args:
        connection: To the server.
        customers: Ids; unknown ones count as nothing.
        facts: Of the data set, afterwards.
        progress: Called with what is being done.

    Returns:
        Numbers of removed nodes by label and relationships by type.
    """
    prepare_schema(connection)
    with only_writer(connection) as transaction:
        progress("erasing", 0.0)
        tidy(connection)
        discard_remains(connection, remains(connection))
        hidden = transaction.run(statement("hide_erased"), {"ids": list(dict.fromkeys(customers))}).single(strict=True)
        counts = {"Customer": hidden["customers"]}
        counts |= {each["type"]: each["rows"] for each in transaction.run(statement("count_erased"))}
        counts["PropertyValue"] = transaction.run(statement("hide_erased_values")).single(strict=True)["values"]
        transaction.run(statement("clear_dataset")).consume()
        transaction.run(statement("add_dataset"), {"id": facts.name, "facts": facts.model_dump_json()}).consume()
    progress("erasing", 0.5)
    tidy(connection)
    progress("erasing", 1.0)
    return {name: number for name, number in counts.items() if number}
