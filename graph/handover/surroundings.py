"""What surrounds a customer, with every single interaction in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from graph.handover.selection import Around
from graph.model import STORED_INTERACTION_SCHEMA, interaction_target
from graph.neighbourhood import TYPES, neighbourhood
from graph.store import GraphStore

_CUSTOMERS_AT_ONCE = 500
#: With more customers than this, reading every interaction as a stream is quicker than asking for theirs.
_MOST_CUSTOMERS = 20_000


@dataclass(frozen=True)
class Surroundings:
    """The nodes found around a customer.

    Attributes:
        ids: By label.
        truncated: Whether a node had more neighbours than the limit.
    """

    store: GraphStore
    ids: Mapping[str, pa.Array]
    truncated: bool

    @staticmethod
    def of(store: GraphStore, around: Around, types: Collection[str]) -> Surroundings:
        """Look around a customer along these relationship types.

        Raises:
            NotFoundError: If there is no such customer.
            UsageError: If depth or limit are out of range.
        """
        followed = [name for name in types if name in TYPES]
        found = neighbourhood(store, around.customer, depth=around.depth, limit=around.limit, types=followed)
        ids: dict[str, list[str]] = {}
        for node in found.nodes:
            ids.setdefault(node.label, []).append(node.id)
        return Surroundings(store, {label: pa.array(each, pa.string()) for label, each in ids.items()}, found.truncated)

    def interactions(self, name: str) -> Iterator[pa.Table] | None:
        """Interactions of the customers found, of any target; None where the whole stream had better be read."""
        customers = self.ids.get("Customer", pa.array([], pa.string())).to_pylist()
        return None if len(customers) > _MOST_CUSTOMERS else self._of_customers(name, customers)

    def _of_customers(self, name: str, customers: list[str]) -> Iterator[pa.Table]:
        complete = pa.array([each.sequence for each in self.store.loads() if each.complete], pa.int64())
        for start in range(0, len(customers), _CUSTOMERS_AT_ONCE):
            part = customers[start : start + _CUSTOMERS_AT_ONCE]
            rows = self.store.read(f"read/customers_{name.lower()}", customers=part)
            table = pa.Table.from_pylist(rows.dicts(), schema=STORED_INTERACTION_SCHEMA)
            yield table.filter(pc.is_in(table["load"], value_set=complete))

    def within(self, table: pa.Table, name: str) -> pa.Table:
        """Of interactions, those whose both ends were found."""
        nobody = pa.array([], pa.string())
        for column, label in (("customer", "Customer"), ("target", interaction_target(name))):
            table = table.filter(pc.is_in(table[column], value_set=self.ids.get(label, nobody)))
        return table
