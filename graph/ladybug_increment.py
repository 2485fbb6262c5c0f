"""A load of few rows brought into an embedded store row by row, inside the caller's transaction."""

from __future__ import annotations

from typing import Any

import ladybug
import pyarrow as pa
import pyarrow.compute as pc

import cypher
from graph.changes import GraphChanges
from graph.ladybug_build import property_value_id
from graph.ladybug_query import rows_of
from graph.ladybug_query import run as query
from graph.model import CAMPAIGN_INTERACTIONS, INTERACTIONS, PROPERTY_OWNERS
from graph.store import DatasetFacts, LoadRecord, Progress
from graph.time import utc_now

_BATCH_ROWS = 1_000


def in_batches(
    connection: ladybug.Connection, name: str, rows: pa.Table, progress: Progress, task: str, **parameters: Any
) -> None:
    """Run a statement of `load/` over the rows, some at a time."""
    text = cypher.statement(name, "ladybug").text
    for start in range(0, len(rows), _BATCH_ROWS):
        batch = rows.slice(start, _BATCH_ROWS)
        # Every list of rows needs uniform types: a column that is null throughout a batch would have none.
        empty = [column for column in batch.column_names if batch[column].null_count == len(batch)]
        text_here = text
        for column in empty:
            text_here = text_here.replace(f"row.{column}", _typed_null(batch.schema.field(column).type))
        connection.execute(text_here, {"rows": batch.drop_columns(empty).to_pylist(), **parameters})
        progress(task, min(1.0, (start + _BATCH_ROWS) / len(rows)))


def _typed_null(kind: pa.DataType) -> str:
    name = "STRING"
    if pa.types.is_floating(kind):
        name = "DOUBLE"
    elif pa.types.is_integer(kind):
        name = "INT64"
    elif pa.types.is_timestamp(kind):
        name = "TIMESTAMP"
    elif pa.types.is_boolean(kind):
        name = "BOOLEAN"
    return f"CAST(NULL AS {name})"


def apply_increment(
    connection: ladybug.Connection, changes: GraphChanges, record: LoadRecord, facts: DatasetFacts, progress: Progress
) -> None:
    """Remove what is replaced, add what is new, and enter the load in the book."""

    def run(name: str, rows: pa.Table, **parameters: Any) -> None:
        in_batches(connection, f"load/{name}", rows, progress, "changing the graph", **parameters)

    added = changes.added
    run("add_customers", added.customers)
    run("add_categories", added.categories.select(["id", "name"]))
    run("link_parents", _pairs(added.categories, "parent"))
    run("add_brands", added.brands)
    _products(connection, changes, run)
    is_changed = pc.is_in(added.campaigns["id"], value_set=changes.changed_campaigns)
    run("add_campaigns", added.campaigns.filter(pc.invert(is_changed)))
    run("update_campaigns", added.campaigns.filter(is_changed))
    _properties(connection, changes, record, run)
    for name in INTERACTIONS:
        if len(removed := changes.removed_interactions[name]):
            text = cypher.statement(f"load/remove_{name.lower()}", "ladybug").text
            connection.execute(text, {"ids": removed.to_pylist()})
        run(f"add_{name.lower()}", added.interactions[name])
    of_campaign = pc.is_in(added.superseded["type"], value_set=pa.array(CAMPAIGN_INTERACTIONS))
    run("add_superseded_campaign", added.superseded.filter(of_campaign))
    run("add_superseded_product", added.superseded.filter(pc.invert(of_campaign)))
    connection.execute(cypher.statement("load/clear_dataset", "ladybug").text)
    connection.execute(
        cypher.statement("load/add_dataset", "ladybug").text, {"id": facts.name, "facts": facts.model_dump_json()}
    )
    book = {"sequence": record.sequence, "source": record.source, "started_at": record.started_at,
            "finished_at": utc_now(), "report": record.report}  # fmt: skip
    connection.execute(cypher.statement("load/add_load", "ladybug").text, book)


def _products(connection: ladybug.Connection, changes: GraphChanges, run: Any) -> None:
    products = changes.added.products
    is_changed = pc.is_in(products["id"], value_set=changes.changed_products)
    facts = products.select(["id", "name", "price", "stub"])
    run("add_products", facts.filter(pc.invert(is_changed)))
    run("update_products", facts.filter(is_changed))
    if len(changes.changed_products):
        text = cypher.statement("load/unlink_products", "ladybug").text
        connection.execute(text, {"ids": changes.changed_products.to_pylist()})
    run("link_categories", _pairs(products, "category"))
    run("link_brands", _pairs(products, "brand"))


def _properties(connection: ladybug.Connection, changes: GraphChanges, record: LoadRecord, run: Any) -> None:
    known = {row[0] for row in rows_of(query(connection, "MATCH (v:PropertyValue) RETURN v.id"))}
    for label in PROPERTY_OWNERS:
        if len(stale := changes.removed_properties[label]):
            run(f"unlink_{label.lower()}_properties", pa.table({"owner": stale["owner"], "target": _value_ids(stale)}))
        table = changes.added.properties[label]
        values = pa.table({"id": _value_ids(table), "name": table["name"], "value": table["value"]})
        fresh = [
            row for row in values.group_by(["id", "name", "value"]).aggregate([]).to_pylist() if row["id"] not in known
        ]
        known.update(row["id"] for row in fresh)
        if fresh:
            run("add_property_values", pa.Table.from_pylist(fresh))
        load = pa.array([record.sequence] * len(table), pa.int64())
        links = {"owner": table["owner"], "target": _value_ids(table), "valid_from": table["valid_from"], "load": load}
        run(f"link_{label.lower()}_properties", pa.table(links))


def _value_ids(table: pa.Table) -> pa.ChunkedArray:
    return property_value_id(table["name"], table["value"])


def _pairs(table: pa.Table, target: str) -> pa.Table:
    linked = table.filter(pc.is_valid(table[target]))
    return pa.table({"source": linked["id"], "target": linked[target]})
