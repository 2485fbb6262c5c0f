"""A neighbourhood as a networkx graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from habitue.views import NeighbourhoodView

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(view: NeighbourhoodView) -> nx.MultiDiGraph[str]:
    """Nodes keyed `Label:id` with label, name, hops and scores; one edge per type between two nodes."""
    import networkx

    graph: nx.MultiDiGraph[str] = networkx.MultiDiGraph(
        customer=view.customer, depth=view.depth, truncated=view.truncated
    )
    for node in view.nodes:
        graph.add_node(
            f"{node.label}:{node.id}", id=node.id, label=node.label, name=node.name, hops=node.hops, **node.scores
        )
    for link in view.links:
        facts = {"events": link.events, "amount": link.amount, "first_at": link.first_at, "last_at": link.last_at,
                 "score": link.score}  # fmt: skip
        graph.add_edge(link.source, link.target, key=link.type, **{k: v for k, v in facts.items() if v is not None})
    return graph
