"""What a load changes in a graph, and the graph after it. Pure (see `graph.difference` for how it is found)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from graph.comparing import contains
from graph.model import INTERACTIONS, PROPERTY_OWNERS, PROPERTY_SCHEMA
from graph.tables import GraphTables


@dataclass(frozen=True)
class GraphChanges:
    """Rows to add, and keys of rows to remove first (they are replaced by added ones).

    Attributes:
        added: New rows, and the new form of changed ones.
        changed_products, changed_campaigns: Ids among the added that exist already.
        removed_properties: By owner's label: rows of undated properties whose value changed.
        removed_interactions: By type: ids that are replaced.
        unchanged: Interactions by type that the store held already.
        corrected: Interactions by type whose values changed.
        counts: New nodes by label.
    """

    added: GraphTables
    changed_products: pa.Array
    changed_campaigns: pa.Array
    removed_properties: Mapping[str, pa.Table]
    removed_interactions: Mapping[str, pa.Array]
    unchanged: Counter[str] = field(default_factory=Counter)
    corrected: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    @staticmethod
    def nothing() -> GraphChanges:
        """Changes that change nothing."""
        no_ids = pa.array([], pa.string())
        return GraphChanges(
            added=GraphTables.empty(),
            changed_products=no_ids,
            changed_campaigns=no_ids,
            removed_properties={label: PROPERTY_SCHEMA.empty_table() for label in PROPERTY_OWNERS},
            removed_interactions=dict.fromkeys(INTERACTIONS, no_ids),
        )

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return (
            not self.added.counts()
            and not len(self.added.superseded)
            and not any(map(len, self.added.properties.values()))
        )


def merge(held: GraphTables, changes: GraphChanges) -> GraphTables:
    """The whole graph after the changes."""
    added = changes.added

    def replace(table: pa.Table, removed: pa.Array, rows: pa.Table) -> pa.Table:
        kept = table.filter(pc.invert(pc.is_in(table["id"], value_set=removed))) if len(removed) else table
        return pa.concat_tables([kept, rows])

    properties = {}
    for label, table in held.properties.items():
        keys = ("owner", "name", "value", "valid_from")
        kept = table.filter(pa.array(~contains(changes.removed_properties[label], table, keys)))
        properties[label] = pa.concat_tables([kept, added.properties[label]])
    return GraphTables(
        customers=pa.concat_tables([held.customers, added.customers]),
        products=replace(held.products, changes.changed_products, added.products),
        categories=pa.concat_tables([held.categories, added.categories]),
        brands=pa.concat_tables([held.brands, added.brands]),
        campaigns=replace(held.campaigns, changes.changed_campaigns, added.campaigns),
        properties=properties,
        interactions={
            name: replace(table, changes.removed_interactions[name], added.interactions[name])
            for name, table in held.interactions.items()
        },
        superseded=pa.concat_tables([held.superseded, added.superseded]),
    )
