"""Vectors of customers and products on a Neo4j server, with an index that finds the nearest by cosine."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.neo4j_connection import Neo4jConnection
from graph.neo4j_statements import BATCH_ROWS, only_writer, prepare_schema, run_by_itself, run_once, statement
from graph.store import Progress

#: Whose vectors; the index is called `customer_vector` or `product_vector`, and the property `vector`.
Kind = Literal["customer", "product"]

_ROWS_AT_ONCE = 2_000


def write_vectors(
    connection: Neo4jConnection, kind: Kind, ids: pa.StringArray, vectors: npt.NDArray[np.float32], progress: Progress
) -> None:
    """Replace all vectors of a kind and their index.

    The index is dropped first, so that its dimension may be another and nobody finds half of the new vectors; then
    whoever has no vector any more loses the old one. An interruption leaves no index: writing again makes it whole.
    Vectors are properties of their nodes: an erasure takes them along.

    Args:
        connection: To the server.
        kind: Whose.
        ids: Of the n nodes; unknown ones are left out.
        vectors: Unit vectors, [n, d]. A zero vector has no direction, and the index none of it: it is left out.
        progress: Called with what is being done.
    """
    prepare_schema(connection)
    with only_writer(connection):
        run_by_itself(connection, f"drop_{kind}_vectors")
        while run_once(connection, f"clear_{kind}_vectors", limit=BATCH_ROWS).contains_updates:
            pass
        if not len(ids):
            return
        _set(connection, kind, ids, vectors, progress)
        with connection.session(write=True) as session:
            session.run(statement(f"index_{kind}_vectors"), {"dimension": vectors.shape[1]}).consume()
            session.run("CALL db.awaitIndexes(600)").consume()


def renew_vectors(
    connection: Neo4jConnection, kind: Kind, ids: pa.StringArray, vectors: npt.NDArray[np.float32], progress: Progress
) -> None:
    """Put some vectors in place of those that nodes have, or add them; the index follows by itself.

    Args:
        connection: To the server.
        kind: Whose.
        ids: Of the n nodes; unknown ones are left out.
        vectors: Unit vectors of the index's dimension, [n, d].
        progress: Called with what is being done.
    """
    with only_writer(connection):
        _set(connection, kind, ids, vectors, progress)


def _set(
    connection: Neo4jConnection, kind: Kind, ids: pa.StringArray, vectors: npt.NDArray[np.float32], progress: Progress
) -> None:
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        part = vectors[start : start + _ROWS_AT_ONCE]
        names = ids[start : start + _ROWS_AT_ONCE].to_pylist()
        pairs = zip(names, part.tolist(), np.any(part, axis=1).tolist(), strict=True)
        rows = [{"id": name, "vector": vector} for name, vector, kept in pairs if kept]
        run_once(connection, f"set_{kind}_vectors", rows=rows)
        progress(f"writing vectors of {kind}s", min(1.0, (start + _ROWS_AT_ONCE) / len(ids)))
