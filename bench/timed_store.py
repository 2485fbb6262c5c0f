"""A store that notes how long its work takes and, where asked, keeps what a load brings in for the plain reference."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.change_files import LoadChanges
from graph.ladybug_build import in_microseconds, property_value_id
from graph.model import INTERACTIONS
from graph.store import GraphStore
from graph.versions import link_or_copy

_WATCHED = ("nodes", "held", "apply", "merge", "check_capacity")


class TimedStore:
    """Hands everything on to a store.

    Args:
        store: It.
        keep: A directory for the files of `apply`, with a plan of COPY statements; none are kept without it.

    Attributes:
        seconds: By method.
        keeping: Seconds spent on keeping files, which no load spends.
        rows: Interactions that `apply` brought in.
    """

    def __init__(self, store: GraphStore, keep: Path | None = None) -> None:
        self._store = store
        self._keep = keep
        self.seconds: dict[str, float] = dict.fromkeys(_WATCHED, 0.0)
        self.keeping = 0.0
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        return self._timed(name, value) if name in _WATCHED else value

    def _timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name == "apply":
                self._note(arguments[0] if arguments else named["changes"])
            begin = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                self.seconds[name] += time.perf_counter() - begin

        return call

    def _note(self, changes: LoadChanges) -> None:
        self.rows += sum(changes.added.values())
        if self._keep is not None:
            begin = time.perf_counter()
            keep_changes(changes, self._keep)
            self.keeping += time.perf_counter() - begin


def keep_changes(changes: LoadChanges, directory: Path) -> None:
    """The interactions of a load in the very files that it staged, nodes and their links, and a plan that lists them.

    The plan is our own, so that the reference stays plain however the store comes to lay out what it builds.
    """
    files: dict[str, list[str]] = {name: [] for name in INTERACTIONS}
    for number, part in enumerate(changes.parts):
        for name in INTERACTIONS:
            if path := part.added_file(name):
                target = directory / "rows" / f"part-{number:05d}-{name}.parquet"
                target.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(path, target)
                files[name].append(str(target))
    plan: list[dict[str, Any]] = []

    def put(kind: str, table: pa.Table, source: str = "") -> None:
        if len(table):
            path = directory / f"{source}{kind}.parquet"
            pq.write_table(in_microseconds(table), path, compression="lz4")
            columns = table.column_names if table.column_names[0] == "id" else []
            plan.append({"table": kind, "columns": columns, "files": [str(path)], "source": source})

    def put_links(kind: str, table: pa.Table, source: str, target: str) -> None:
        linked = table.select([source, target]).filter(pc.is_valid(table[target]))
        put(kind, linked.rename_columns(["from", "to"]))

    nodes = changes.nodes.added
    put("Customer", nodes.customers.select(["id"]))
    put("Product", nodes.products.select(["id", "name", "price", "stub"]))
    put("Category", nodes.categories.select(["id", "name"]))
    put("Brand", nodes.brands)
    put("Campaign", nodes.campaigns)
    properties = {label: _with_value_ids(table) for label, table in nodes.properties.items()}
    values = pa.concat_tables([table.select(["to", "name", "value"]) for table in properties.values()])
    put("PropertyValue", values.group_by(["to", "name", "value"]).aggregate([]).rename_columns(["id", "name", "value"]))
    for label, table in properties.items():
        put("HAS_PROPERTY", table.select(["from", "to", "valid_from", "load"]), label)
    plan += [{"table": name, "columns": [], "files": found, "source": ""} for name, found in files.items() if found]
    put_links("IN_CATEGORY", nodes.products, "id", "category")
    put_links("CHILD_OF", nodes.categories, "id", "parent")
    put_links("MADE_BY", nodes.products, "id", "brand")
    (directory / "plan.json").write_text(json.dumps(plan))


def _with_value_ids(table: pa.Table) -> pa.Table:
    return pa.table({
        "from": table["owner"], "to": property_value_id(table["name"], table["value"]), "name": table["name"],
        "value": table["value"], "valid_from": table["valid_from"], "load": pa.nulls(len(table), pa.int64()),
    })  # fmt: skip
