"""Which part of the graph is handed over: by type, by time, by what surrounds a customer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graph.model import INTERACTIONS, PROPERTY_OWNERS, TIMESTAMP, interaction_target
from graph.time import from_epoch_ms, to_epoch_ms
from habitue.errors import UsageError

#: Bytes that a graph handed over in memory may take, by estimate, unless the caller allows more.
MEMORY_LIMIT = 4 << 30
#: Relationship types that follow from a run, and are replaced with it.
DERIVED = ("SIMILAR_TO", "IN_AUDIENCE")
#: Relationship type → the pairs of labels that it joins.
ENDS: dict[str, tuple[tuple[str, str], ...]] = {
    **{name: (("Customer", interaction_target(name)),) for name in INTERACTIONS},
    "IN_CATEGORY": (("Product", "Category"),),
    "CHILD_OF": (("Category", "Category"),),
    "MADE_BY": (("Product", "Brand"),),
    "HAS_PROPERTY": tuple((label, "PropertyValue") for label in PROPERTY_OWNERS),
    "SIMILAR_TO": (("Customer", "Customer"),),
    "IN_AUDIENCE": (("Customer", "Audience"),),
}
LABELS = ("Customer", "Product", "Category", "Brand", "Campaign", "PropertyValue", "Audience")


@dataclass(frozen=True)
class Around:
    """What surrounds a customer (see `graph.neighbourhood`): per node, type and hop the `limit` newest neighbours."""

    customer: str
    depth: int = 2
    limit: int = 25


@dataclass(frozen=True)
class Selection:
    """A part of the graph; by default all of it but for what is derived.

    A selection by time or surroundings keeps the relationships that fit and the nodes they touch, with the taxonomy
    and properties of these. Structure (categories, brands, undated properties) has no time and is kept whatever it is.

    Attributes:
        types: Relationship types, labels, or both. Types bring the labels they join; labels alone bring every type
            between them. Empty: everything.
        since: Interactions at or after this instant (naive UTC).
        until: Interactions before this instant.
        as_of: The graph as it was known at this instant, with exactly the interactions of `Snapshot(as_of)`: happened
            and known before it, in the version that was current then.
        around: Only what surrounds a customer, as the graph is now.
        derived: With signals on customers, similarities and audiences.
    """

    types: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    around: Around | None = None
    derived: bool = False

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: With what does not go together.
        """
        if unknown := sorted(self.types - {*ENDS, *LABELS}):
            raise UsageError(
                f"{', '.join(unknown)} is neither a relationship type nor a label.",
                hint=f"There are: {', '.join((*ENDS, *LABELS))}.",
            )
        if not self.derived and (named := sorted(self.types & {*DERIVED, "Audience"})):
            raise UsageError(f"{', '.join(named)} is derived from a run.", hint="Ask for what is derived as well.")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise UsageError("The selection's beginning is not before its end.", hint="`until` is left out itself.")
        if self.as_of is not None and self.derived:
            raise UsageError(
                "Signals, similarities and audiences are of now: with the graph as of a date they would look ahead.",
                hint="Leave one of the two out.",
            )
        if self.as_of is not None and self.around is not None:
            raise UsageError(
                "What surrounds a customer is chosen by what is newest now: as of a date that would look ahead.",
                hint="Leave one of the two out.",
            )
        if self.dated and not set(self.relationships) & set(INTERACTIONS):
            raise UsageError("A time was given, but no interactions are selected.", hint="Name some, or leave it out.")

    @staticmethod
    def of(types: Iterable[str] | None = None, **options: Any) -> Selection:
        """A selection with any collection of types."""
        return Selection(types=frozenset(types or ()), **options)

    @property
    def dated(self) -> bool:
        """Whether interactions are chosen by time."""
        return any(each is not None for each in (self.since, self.until, self.as_of))

    @property
    def narrowed(self) -> bool:
        """Whether only nodes that a kept relationship touches are in it."""
        return self.dated or self.around is not None

    @property
    def relationships(self) -> tuple[str, ...]:
        """The relationship types in it, in the order of `ENDS`."""
        offered = tuple(name for name in ENDS if self.derived or name not in DERIVED)
        if not self.types:
            return offered
        if named := self.types & set(ENDS):
            return tuple(name for name in offered if name in named)
        return tuple(name for name in offered if self._joined(name, self.types))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in it, in the order of `LABELS`."""
        if not self.types:
            return tuple(label for label in LABELS if self.derived or label != "Audience")
        wanted = set(self.types)
        if self.types & set(ENDS):
            wanted |= {end for name in self.relationships for pair in ENDS[name] for end in pair}
        return tuple(label for label in LABELS if label in wanted)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """The pairs of labels that a selected type joins here."""
        return tuple(pair for pair in ENDS[name] if set(pair) <= set(self.labels))

    def _joined(self, name: str, labels: frozenset[str]) -> bool:
        return any(set(pair) <= labels for pair in ENDS[name])

    def standing(self, table: pa.Table) -> pa.Table:
        """Of current interactions, those that the time lets through."""
        at = table["at"]
        conditions = []
        if self.since is not None:
            conditions.append(pc.greater_equal(at, _instant(self.since)))
        if self.until is not None:
            conditions.append(pc.less(at, _instant(self.until)))
        if self.as_of is not None:
            # Nothing is known before it happens: an earlier `known_at` does not count, as in snapshots.
            known = pc.max_element_wise(at, table["known_at"])
            conditions.append(pc.less(known, _instant(self.as_of)))
        return table.filter(pc.fill_null(reduce(pc.and_, conditions), False)) if conditions else table

    def superseded(self, table: pa.Table) -> pa.Table:
        """Of replaced versions, those that were current at `as_of`; without one, none."""
        if self.as_of is None:
            return table.slice(0, 0)
        return self.standing(table.filter(pc.greater_equal(table["superseded_at"], _instant(self.as_of))))

    def properties(self, table: pa.Table) -> pa.Table:
        """Of dated properties, those valid before `as_of`; undated ones always."""
        if self.as_of is None:
            return table
        return table.filter(pc.fill_null(pc.less(table["valid_from"], _instant(self.as_of)), True))

    def to_json(self) -> dict[str, Any]:
        """What was asked for, without what was left open."""
        times = {name: getattr(self, name) for name in ("since", "until", "as_of")}
        found: dict[str, Any] = {name: when.isoformat() for name, when in times.items() if when is not None}
        if self.types:
            found["types"] = sorted(self.types)
        if self.around is not None:
            found["around"] = {"label": "Customer", "id": self.around.customer, "depth": self.around.depth,
                               "limit": self.around.limit}  # fmt: skip
        return {**found, "derived": self.derived}


def _instant(when: datetime) -> pa.Scalar:
    return pa.scalar(from_epoch_ms(to_epoch_ms(when)), TIMESTAMP)
