"""What was written back on a graph, signals, similarities and audiences, read some customers at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from graph.model import SCORE_SCHEMA, TIMESTAMP
from graph.store import GraphStore

SIMILAR_SCHEMA: Final = pa.schema(
    [("source", pa.string()), ("target", pa.string()), ("score", pa.float64()), ("model", pa.string())]
)
AUDIENCE_SCHEMA: Final = pa.schema([("id", pa.string()), ("name", pa.string()), ("created_at", TIMESTAMP)])
MEMBER_SCHEMA: Final = pa.schema([
    ("source", pa.string()), ("target", pa.string()), ("score", pa.float64()), ("rank", pa.int64()),
    ("run", pa.string()),
])  # fmt: skip

_PAGED: Final = {
    "scores": ("read/page_scores", SCORE_SCHEMA),
    "similar": ("read/page_similar", SIMILAR_SCHEMA),
    "members": ("read/page_members", MEMBER_SCHEMA),
}
_PAGE_CUSTOMERS = 50_000


def derived_pages(store: GraphStore, name: str, customers: pa.StringArray) -> Iterator[pa.Table]:
    """Signals, similarities or memberships as a stream of tables; only one of them is in memory.

    Args:
        store: Where from.
        name: `scores`, `similar` or `members`.
        customers: Ids of all customers of the store, sorted.
    """
    statement, schema = _PAGED[name]
    for start in range(0, len(customers), _PAGE_CUSTOMERS):
        page = customers.slice(start, _PAGE_CUSTOMERS)
        rows = store.read(statement, low=page[0].as_py(), high=page[-1].as_py())
        if rows.rows:
            columns = dict(zip(rows.columns, zip(*rows.rows, strict=True), strict=True))
            yield pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def audiences(store: GraphStore) -> pa.Table:
    """Every audience: `id`, `name`, `created_at`."""
    return pa.Table.from_pylist(store.read("read/export_audiences").dicts(), schema=AUDIENCE_SCHEMA)
