"""What a load changes: its parts and its nodes, compared with what the store holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from graph.change_files import LoadChanges
from graph.difference import node_changes
from graph.masterdata import MasterData
from graph.model import CAMPAIGN_SCHEMA, INTERACTIONS, NO_PRODUCT, interaction_target
from graph.parts import MET_SCHEMA, Part, make_parts
from graph.staging import Reading
from graph.store import GraphStore, Progress
from graph.tables import GraphTables

_FEW = 4_000_000  # ids that are collected before repeated ones are dropped


@dataclass(frozen=True)
class Comparison:
    """A load, compared with the store.

    Attributes:
        changes: What it changes.
        parts: Its interactions.
        totals: What was staged, by label and type.
        notes: What is worth telling of its nodes.
    """

    changes: LoadChanges
    parts: tuple[Part, ...]
    totals: dict[str, int]
    notes: Counter[str]


def compare(store: GraphStore, reading: Reading, directory: Path, sequence: int, progress: Progress) -> Comparison:
    """Compare what was read with what a store holds.

    Args:
        store: Asked for its nodes, and for the interactions whose ids were read; for nothing when it is empty.
        reading: What was read.
        directory: For the parts; those that lie there already are taken as they are.
        sequence: The load's number.
        progress: Called with how far comparing is.
    """
    is_empty = store.facts() is None and not store.loads()
    parts = make_parts(reading, directory, sequence, None if is_empty else store.held, progress)
    progress("comparing nodes", 0.0)
    master = reading.master()
    met = nodes_by_label(part.met() for part in parts)
    nodes = nodes_of(master, met)
    held = GraphTables.empty() if is_empty else store.nodes(nodes)
    notes = _stub_notes(nodes.products, met["Product"]) if reading.lists_products else Counter()
    added, corrected, unchanged, staged = (
        sum((getattr(part, name) for part in parts), Counter[str]())
        for name in ("added", "corrected", "unchanged", "staged")
    )
    changes = LoadChanges(node_changes(held, nodes), tuple(part.changes for part in parts), added, corrected, unchanged)
    return Comparison(changes, tuple(parts), {**nodes.counts(), **staged}, notes)


def nodes_of(master: MasterData, met: Mapping[str, pa.Table]) -> GraphTables:
    """The nodes of the master tables, and bare ones for what interactions name beyond them.

    Args:
        master: The master tables.
        met: By label, from `nodes_by_label`.
    """
    return replace(
        GraphTables.empty(),
        customers=pa.table({"id": _union(master.customers["id"], met["Customer"]["id"])}),
        products=_with_stubs(master.products, met["Product"]["id"]),
        categories=master.categories,
        brands=pa.table({"id": pc.unique(master.products["brand"].drop_null())}),
        campaigns=_with_stubs(master.campaigns, met["Campaign"]["id"]).select(CAMPAIGN_SCHEMA.names),
        properties=master.properties,
    )


def _union(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.Array:
    return pc.unique(pa.chunked_array([*one.chunks, *other.chunks], pa.string()))


def _stub_notes(products: pa.Table, met: pa.Table) -> Counter[str]:
    stubs = products.filter(products["stub"])["id"]
    lines = met.filter(pc.is_in(met["id"], value_set=stubs.combine_chunks()))["lines"]
    return +Counter({
        "products missing from the products table, made as stubs": len(stubs),
        "lines that name such a product": pc.sum(lines).as_py() or 0,
    })  # fmt: skip


def nodes_by_label(tables: Iterable[pa.Table]) -> dict[str, pa.Table]:
    """Nodes that interactions name, each once, with all of their lines; every label that can be named is present.

    Args:
        tables: `MET_SCHEMA`.
    """
    whole = MET_SCHEMA.empty_table()
    for table in tables:
        whole = pa.concat_tables([whole, table])
        if len(whole) > _FEW:
            whole = _each_once(whole)
    whole = _each_once(whole)
    labels = dict.fromkeys(["Customer", *map(interaction_target, INTERACTIONS)])
    return {label: whole.filter(pc.equal(whole["label"], label)) for label in labels}


def _each_once(met: pa.Table) -> pa.Table:
    summed = met.group_by(["label", "id"], use_threads=False).aggregate([("lines", "sum")])
    return summed.rename_columns({"lines_sum": "lines"}).select(MET_SCHEMA.names)


def _with_stubs(table: pa.Table, met: pa.ChunkedArray) -> pa.Table:
    """The table with a bare row for each id that interactions name and it lacks; the reserved product is no stub."""
    missing = met.filter(pc.invert(pc.is_in(met, value_set=table["id"].combine_chunks())))
    columns = {field.name: pa.nulls(len(missing), field.type) for field in table.schema} | {"id": missing}
    if "stub" in columns:
        columns["stub"] = pc.not_equal(missing, NO_PRODUCT)
    return pa.concat_tables([table, pa.table(columns, schema=table.schema)])
