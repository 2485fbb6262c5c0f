"""Does a graph keep its promises? Each is checked on what the store really holds, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.identity import row_hashes
from graph.model import INTERACTIONS, SCHEMA_VERSION, interaction_target
from graph.store import DatasetFacts, GraphStore, Progress
from graph.tables import GraphTables


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: What must hold, in words.
        violations: How often it does not.
        detail: Where, without any customer's data; empty when it holds.
        remedy: What puts it right; empty when it holds.
    """

    check: str
    violations: int
    detail: str = ""
    remedy: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.violations == 0


def examine(store: GraphStore, now: datetime, progress: Progress) -> list[Finding]:
    """Check every promise of a store.

    Args:
        store: Any; an empty one keeps all promises.
        now: Events later than this (naive UTC) lie in the future.
        progress: Called with what is being checked.
    """
    facts = store.facts()
    if facts is None:
        return []
    nodes = store.nodes()
    findings = [_schema(facts), *_nodes(nodes)]
    findings += _events(store, nodes, now, progress)
    problems = store.health().problems
    findings.append(
        _finding("the store itself is sound", len(problems), "; ".join(problems), "habitue doctor --repair")
    )
    return findings


def _schema(facts: DatasetFacts) -> Finding:
    differs = facts.schema_version != SCHEMA_VERSION
    detail = f"the graph has schema version {facts.schema_version}, this release version {SCHEMA_VERSION}"
    return _finding("the schema is this release's", int(differs), detail, "habitue migrate")


def _nodes(nodes: GraphTables) -> Iterator[Finding]:
    tables = {
        "Customer": nodes.customers,
        "Product": nodes.products,
        "Category": nodes.categories,
        "Brand": nodes.brands,
        "Campaign": nodes.campaigns,
    }
    repeated = {label: len(table) - len(pc.unique(table["id"])) for label, table in tables.items()}
    yield _finding("no two nodes of a label have one id", sum(repeated.values()), _listed(repeated),
                   "habitue backup, then restore into a new workspace")  # fmt: skip
    ids = {label: table["id"].combine_chunks() for label, table in tables.items()}
    dangling = {
        "a product's category": _missing(nodes.products["category"], ids["Category"]),
        "a product's brand": _missing(nodes.products["brand"], ids["Brand"]),
        "a category's parent": _missing(nodes.categories["parent"], ids["Category"]),
        **{f"a {label}'s property": _missing(table["owner"], ids[label]) for label, table in nodes.properties.items()},
    }
    yield _finding("what nodes refer to is there", sum(dangling.values()), _listed(dangling), "load the tables again")
    used = pa.concat_arrays([
        pc.unique(nodes.products["category"].drop_null()).cast(pa.string()),
        pc.unique(nodes.categories["parent"].drop_null()).cast(pa.string()),
    ])  # fmt: skip
    empty = int(pc.sum(pc.invert(pc.is_in(ids["Category"], value_set=used))).as_py() or 0)
    yield _finding("every category has a product or a category below it", empty, f"{empty} are empty",
                   "harmless: products moved to other categories")  # fmt: skip


def _events(store: GraphStore, nodes: GraphTables, now: datetime, progress: Progress) -> list[Finding]:
    book = pa.array([each.sequence for each in store.loads() if each.complete], pa.int64())
    customers = nodes.customers["id"].combine_chunks()
    targets = {label: table["id"].combine_chunks() for label, table in
               (("Product", nodes.products), ("Campaign", nodes.campaigns))}  # fmt: skip
    latest = pa.scalar(now, pa.timestamp("ms"))
    repeated, dangling, future, unbooked = (dict.fromkeys(INTERACTIONS, 0) for _ in range(4))
    for number, name in enumerate(INTERACTIONS):
        seen: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        for table in store.interactions(name):
            seen.append(row_hashes(table.select(["id"]), name)[0])
            dangling[name] += _missing(table["customer"], customers, null_counts=True)
            dangling[name] += _missing(table["target"], targets[interaction_target(name)], null_counts=True)
            future[name] += int(pc.sum(pc.greater(table["at"], latest)).as_py() or 0)
            unbooked[name] += _missing(table["load"], book, null_counts=True)
        hashes = np.sort(np.concatenate(seen)) if seen else np.empty(0, np.uint64)
        repeated[name] = int((hashes[1:] == hashes[:-1]).sum())
        progress(f"checking {name}", (number + 1) / len(INTERACTIONS))
    return [
        _finding("no two interactions of a type have one id", sum(repeated.values()), _listed(repeated),
                 "habitue backup, then restore into a new workspace"),
        _finding("no interaction dangles", sum(dangling.values()), _listed(dangling),
                 "habitue backup, then restore into a new workspace"),
        _finding("no event lies in the future", sum(future.values()), _listed(future),
                 "correct their time at the source; rows with ids can be loaded again, others into a new workspace"),
        _finding("every interaction belongs to a complete load", sum(unbooked.values()), _listed(unbooked),
                 "finish the interrupted load: habitue load"),
    ]  # fmt: skip


def _missing(values: pa.ChunkedArray, ids: pa.Array, *, null_counts: bool = False) -> int:
    """How many values are not among the ids."""
    missing = len(values) - int(pc.sum(pc.is_in(values, value_set=ids)).as_py() or 0)
    return missing if null_counts else missing - values.null_count


def _finding(check: str, violations: int, detail: str, remedy: str) -> Finding:
    return Finding(check, violations, detail, remedy) if violations else Finding(check, 0)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items() if count)
