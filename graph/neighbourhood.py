"""What surrounds a customer: hop by hop, newest first, parallel events as one link with their count."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from graph.model import INTERACTIONS, interaction_target
from graph.store import GraphStore
from habitue.errors import NotFoundError, UsageError

#: Relationships besides interactions that a neighbourhood follows: type → (from, to).
STRUCTURE = {
    "IN_CATEGORY": ("Product", "Category"),
    "CHILD_OF": ("Category", "Category"),
    "MADE_BY": ("Product", "Brand"),
    "SIMILAR_TO": ("Customer", "Customer"),
}
TYPES = (*INTERACTIONS, *STRUCTURE)


@dataclass(frozen=True)
class Node:
    """A node and how many hops away it was found."""

    id: str
    label: str
    name: str
    hops: int

    @property
    def key(self) -> str:
        """`Label:id`, unique in the graph."""
        return f"{self.label}:{self.id}"


@dataclass(frozen=True)
class Link:
    """All relationships of one type between two nodes."""

    source: str
    target: str
    type: str
    events: int
    amount: float | None
    first_at: datetime | None
    last_at: datetime | None
    score: float | None


@dataclass(frozen=True)
class Neighbourhood:
    """Nodes (the one in the middle first) and links; `truncated` where a node had more neighbours than the limit."""

    nodes: list[Node]
    links: list[Link]
    truncated: bool


def neighbourhood(
    store: GraphStore, customer: str, *, depth: int = 1, limit: int = 25, types: Collection[str] | None = None
) -> Neighbourhood:
    """What surrounds a customer.

    Args:
        store: Where to look.
        customer: The customer's id.
        depth: Hops, 1 to 3.
        limit: Neighbours per node, type and hop, 1 to 200; the newest (for similarity: the closest) are kept.
        types: Relationship types to follow; all by default.

    Raises:
        NotFoundError: If there is no such customer.
        UsageError: If an argument is out of range or a type unknown.
    """
    if not 1 <= depth <= 3:
        raise UsageError(f"The depth is {depth}.", hint="It must be 1, 2 or 3.")
    if not 1 <= limit <= 200:
        raise UsageError(f"The limit is {limit}.", hint="It must be 1 to 200.")
    wanted = tuple(TYPES if types is None else types)
    if unknown := [each for each in wanted if each not in TYPES]:
        raise UsageError(f"{', '.join(unknown)} is no relationship type.", hint=f"There are: {', '.join(TYPES)}.")
    with store.one_version():
        return _around(store, customer, depth, limit, wanted)


def _around(store: GraphStore, customer: str, depth: int, limit: int, wanted: Collection[str]) -> Neighbourhood:
    if not store.read("read/customer", id=customer).rows:
        raise NotFoundError(f"There is no customer {customer!r}.")
    middle = Node(customer, "Customer", customer, 0)
    nodes = {middle.key: middle}
    links: dict[tuple[str, str, str], Link] = {}
    frontier = [middle]
    truncated = False
    for hop in range(1, depth + 1):
        found: list[Node] = []
        for label in dict.fromkeys(node.label for node in frontier):
            middles = [node.id for node in frontier if node.label == label]
            for relationship, direction in _steps(label, wanted):
                rows = store.neighbours(relationship, direction, middles, limit + 1)
                taken: dict[str, int] = {}
                for row in rows:
                    place = row["middle"]
                    taken[place] = count = taken.get(place, 0) + 1
                    if count > limit:
                        truncated = True
                        continue
                    middle_key, key = f"{label}:{place}", f"{row['label']}:{row['id']}"
                    if key not in nodes:
                        nodes[key] = other = Node(row["id"], row["label"], row["name"] or row["id"], hop)
                        found.append(other)
                    source, target = (middle_key, key) if direction == "out" else (key, middle_key)
                    if (source, relationship, target) not in links:
                        links[source, relationship, target] = Link(
                            source, target, relationship, row.get("events", 1), row.get("amount"),
                            row.get("first_at"), row.get("last_at"), row.get("score"),
                        )  # fmt: skip
        frontier = found
    return Neighbourhood(list(nodes.values()), list(links.values()), truncated)


def _steps(label: str, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """The (type, direction) pairs that leave a node of this label; similarity is followed to the closest only."""
    for relationship in wanted:
        ends = STRUCTURE.get(relationship) or ("Customer", interaction_target(relationship))
        if ends[0] == label:
            yield relationship, "out"
        if ends[1] == label and relationship != "SIMILAR_TO":
            yield relationship, "in"
