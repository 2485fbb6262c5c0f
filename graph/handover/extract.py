"""A selected part of the graph as a stream: relationships first, then the nodes that belong to them.

Nodes are in memory (as every load and snapshot has them), interactions pass through in tables of bounded size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from graph.derived import audiences, derived_pages
from graph.handover.selection import LABELS, Selection
from graph.handover.surroundings import Surroundings
from graph.ladybug_build import property_value_id
from graph.model import INTERACTIONS, SCORE_SCHEMA, STORED_INTERACTION_SCHEMA
from graph.store import DatasetFacts, GraphStore, Progress, no_progress
from graph.time import midnight_after, to_epoch_ms
from habitue.errors import CutoffError, NothingLoadedError, StoreError

_COMPACT_IDS = 2_000_000


@dataclass(frozen=True)
class Part:
    """Relationships of one type between two labels: `source` and `target` are ids, then come the properties."""

    type: str
    source: str
    target: str
    table: pa.Table


class Extract:
    """One reading of a store. Iterate `relationships` to the end, then `nodes`; both once.

    Args:
        store: Where from.
        selection: What of it.
        progress: Called with what is being read.

    Raises:
        NothingLoadedError: If the graph is empty.
        CutoffError: If `as_of` is later than the data are complete, as for snapshots.
        NotFoundError: If there is no such customer in the middle.
    """

    def __init__(self, store: GraphStore, selection: Selection, progress: Progress = no_progress) -> None:
        facts = store.facts()
        if facts is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
        self.facts: DatasetFacts = facts
        self.selection = selection
        self._store, self._progress = store, progress
        _check_cutoff(store, facts, selection)
        around = selection.around
        self._around = Surroundings.of(store, around, selection.relationships) if around else None
        progress("reading nodes", 0.0)
        self._held = store.nodes()
        self._touched = {label: _Ids() for label in LABELS}
        if around:
            self._touched["Customer"].add(pa.array([around.customer]))
        if self._around and not selection.dated:
            for label, ids in self._around.ids.items():
                self._touched[label].add(ids)

    @property
    def truncated(self) -> bool:
        """Whether a node had more neighbours than the limit lets through."""
        return self._around is not None and self._around.truncated

    def relationships(self) -> Iterator[Part]:
        """All selected relationships, type by type in the order of `ENDS`; no part is empty.

        Raises:
            StoreError: At the end, if the graph changed meanwhile.
        """
        wanted = self.selection.relationships
        for place, name in enumerate(wanted):
            self._progress(f"reading {name}", place / len(wanted))
            for source, target in self.selection.pairs(name):
                for table in self._tables(name, source):
                    if not len(table):
                        continue
                    if self.selection.narrowed:
                        self._touched[source].add(table["source"])
                        self._touched[target].add(table["target"])
                    yield Part(name, source, target, table)
        if self._store.facts() != self.facts:
            raise StoreError("The graph changed while it was read.", hint="Try again when no load is running.")

    def nodes(self) -> Iterator[tuple[str, pa.Table]]:
        """The selected nodes by label, those that occur: `id`, then the properties."""
        for label in self.selection.labels:
            table = self._nodes(label)
            if self.selection.narrowed:
                table = _among(table, "id", self._touched[label].all())
            if len(table):
                yield label, table

    def _tables(self, name: str, source: str) -> Iterator[pa.Table]:
        if name in INTERACTIONS:
            yield from self._interactions(name)
        elif name == "SIMILAR_TO":
            for page in self._derived("similar"):
                yield self._with_kept(page, "Customer", "Customer")
        elif name == "IN_AUDIENCE":
            for page in self._derived("members"):
                yield self._with_kept(page, "Customer", "Audience")
        elif name == "HAS_PROPERTY":
            yield self._with_kept(self._properties(source), source, "PropertyValue")
        else:
            column = {"IN_CATEGORY": "category", "CHILD_OF": "parent", "MADE_BY": "brand"}[name]
            yield from self._structure(name, column)

    def _interactions(self, name: str) -> Iterator[pa.Table]:
        around = self._around
        tables = around.interactions(name) if around else None
        for table in tables if tables is not None else self._store.interactions(name):
            kept = self.selection.standing(table.cast(STORED_INTERACTION_SCHEMA))
            yield _as_relationships(around.within(kept, name) if around else kept)
        if self.selection.as_of is not None:
            replaced = self._store.superseded()
            replaced = self.selection.superseded(replaced.filter(pc.equal(replaced["type"], name)))
            yield _as_relationships(replaced.select(STORED_INTERACTION_SCHEMA.names))

    def _structure(self, name: str, column: str) -> Iterator[pa.Table]:
        """Relationships that stand as a column of the node at their source."""
        label = "Category" if name == "CHILD_OF" else "Product"
        table = self._held.categories if name == "CHILD_OF" else self._held.products
        links = pa.table({"source": table["id"], "target": table[column]}).filter(pc.is_valid(table[column]))
        if not self.selection.narrowed:
            yield links
            return
        if label == "Product":
            yield self._with_kept(links, "Product", "")
            return
        frontier = self._touched["Category"].all()
        while len(frontier):  # upwards, level by level
            above = _among(links, "source", frontier)
            links = _among(links, "source", frontier, keep=False)
            yield above
            frontier = pc.unique(above["target"])

    def _properties(self, label: str) -> pa.Table:
        table = self.selection.properties(self._held.properties[label])
        return pa.table({
            "source": table["owner"],
            "target": property_value_id(table["name"], table["value"]).cast(pa.string()),
            "valid_from": table["valid_from"],
        })  # fmt: skip

    def _nodes(self, label: str) -> pa.Table:
        held = self._held
        if label == "Customer":
            return self._with_scores(held.customers) if self.selection.derived else held.customers
        if label == "PropertyValue":
            return self._values()
        if label == "Audience":
            return audiences(self._store)
        return {
            "Product": held.products.drop_columns(["category", "brand"]),
            "Category": held.categories.drop_columns(["parent"]),
            "Brand": held.brands,
            "Campaign": held.campaigns,
        }[label]

    def _values(self) -> pa.Table:
        tables = [self.selection.properties(table) for table in self._held.properties.values()]
        both = pa.concat_tables(tables).select(["name", "value"]).group_by(["name", "value"]).aggregate([])
        return both.add_column(0, "id", property_value_id(both["name"], both["value"]).cast(pa.string()))

    def _with_scores(self, customers: pa.Table) -> pa.Table:
        scores = pa.concat_tables([SCORE_SCHEMA.empty_table(), *self._derived("scores")])
        place = pc.index_in(customers["id"], value_set=scores["id"].combine_chunks())
        for field in SCORE_SCHEMA:
            if field.name != "id":
                customers = customers.append_column(field, scores[field.name].take(place))
        return customers

    def _with_kept(self, table: pa.Table, source: str, target: str) -> pa.Table:
        """Relationships whose customers, products or campaigns are in the selection."""
        if self.selection.narrowed:
            for column, label in (("source", source), ("target", target)):
                if label in ("Customer", "Product", "Campaign"):
                    table = _among(table, column, self._touched[label].all())
        return table

    def _derived(self, name: str) -> Iterator[pa.Table]:
        return derived_pages(self._store, name, self._held.customers["id"].combine_chunks().sort())


class _Ids:
    """A growing set of ids."""

    def __init__(self) -> None:
        self._parts: list[pa.Array] = []
        self._waiting = 0

    def add(self, ids: pa.Array | pa.ChunkedArray) -> None:
        self._parts.append(pc.unique(ids))
        self._waiting += len(self._parts[-1])
        if self._waiting > _COMPACT_IDS:
            self._parts, self._waiting = [self.all()], 0

    def all(self) -> pa.Array:
        return pc.unique(pa.concat_arrays(self._parts)) if self._parts else pa.array([], pa.string())


def _as_relationships(table: pa.Table) -> pa.Table:
    return table.rename_columns(["source" if name == "customer" else name for name in table.column_names])


def _among(table: pa.Table, column: str, ids: pa.Array, *, keep: bool = True) -> pa.Table:
    mask = pc.is_in(table[column], value_set=ids)
    return table.filter(mask if keep else pc.invert(mask))


def _check_cutoff(store: GraphStore, facts: DatasetFacts, selection: Selection) -> None:
    """The rule of `History.at`: no date later than the data are complete."""
    if selection.as_of is None:
        return
    known = {row["type"]: row["known_at"] for row in store.read("read/latest_known").dicts()}
    latest = known.get("PURCHASED") or max(known.values(), default=None)
    complete = facts.complete_until or (latest and midnight_after(to_epoch_ms(latest)))
    if complete is None or selection.as_of > complete:
        raise CutoffError(
            f"The graph as of {selection.as_of.isoformat()} was asked for; the data are complete until "
            f"{complete.isoformat() if complete else 'no date at all'}: what happened in between is unknown.",
            hint="Choose an earlier date.",
        )
