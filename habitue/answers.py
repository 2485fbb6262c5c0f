"""Questions about customers, answered from the graph and the published run."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from embeddings.similarity import nearest
from graph.neighbourhood import neighbourhood as graph_neighbourhood
from graph.store import GraphStore
from habitue.errors import NotFoundError, UsageError
from habitue.outlook_views import outlook_views
from habitue.published import PublishedRun, finite
from habitue.views import (
    Activity,
    ChurnRiskPage,
    ChurnRiskRow,
    ChurnRiskView,
    ComponentView,
    CustomerView,
    GraphLink,
    GraphNode,
    HyperscoreView,
    NeighbourhoodView,
    PropertyView,
    Reason,
    SimilarCustomer,
)

_LISTED = ("customer_id", "churn_risk", "expected_value", "hyperscore", "hyperscore_percentile", "active")
COMPONENTS = ("logic", "novelty", "impact", "reproducibility", "meta")
#: Level of the churn risk's interval.
INTERVAL_LEVEL = 0.8
SortKey = Literal["churn_risk", "-churn_risk", "expected_value", "-expected_value", "hyperscore", "-hyperscore"]
SORT_KEYS: tuple[SortKey, ...] = (
    "churn_risk", "-churn_risk", "expected_value", "-expected_value", "hyperscore", "-hyperscore",
)  # fmt: skip


def customer(store: GraphStore, run: PublishedRun | None, identifier: str) -> CustomerView:
    """A customer's facts from the graph, and scores where there are any.

    Raises:
        NotFoundError: If the graph does not know the customer.
    """
    if not store.read("read/customer", id=identifier).rows:
        raise NotFoundError(f"There is no customer {identifier!r}.")
    properties = [PropertyView(*row) for row in store.read("read/customer_properties", id=identifier).rows]
    activity = [Activity(*row) for row in store.read("read/customer_activity", id=identifier).rows if row[1]]
    row = run.find(identifier) if run else None
    if run is None or row is None:
        return CustomerView(identifier, properties, activity, scored=False)
    return CustomerView(
        identifier,
        properties,
        activity,
        scored=True,
        active=bool(row["active"]),
        churn_risk=float(row["churn_risk"]),
        expected_value=finite(row["expected_value"]),
        currency=run.manifest.currency,
        novelty=finite(row["novelty"]),
        hyperscore=float(row["hyperscore"]),
        hyperscore_percentile=float(row["hyperscore_percentile"]),
        score_of=run.score_of,
    )


def hyperscore(store: GraphStore, run: PublishedRun, identifier: str) -> HyperscoreView:
    """A customer's HyperScore with its components, their weights and evidence.

    Raises:
        NotFoundError: If the graph does not know the customer, or the run has no score of them.
    """
    row = _scores_of(store, run, identifier)
    evidence = json.loads(row["evidence"])
    settings = run.manifest.hyperscore
    return HyperscoreView(
        id=identifier,
        hyperscore=float(row["hyperscore"]),
        hyperscore_centred=float(row["hyperscore_centred"]),
        percentile=float(row["hyperscore_percentile"]),
        v=float(row["v"]),
        preset=str(settings.get("preset", "")),
        parameters={name: float(settings[name]) for name in ("beta", "gamma", "kappa") if name in settings},
        components=[
            ComponentView(name, finite(row[name]), float(run.manifest.weights.get(name, 0.0)), evidence.get(name, {}))
            for name in COMPONENTS
        ],
        churn_risk=float(row["churn_risk"]),
        active=bool(row["active"]),
        score_of=run.score_of,
    )


def churn_risk(store: GraphStore, run: PublishedRun, identifier: str) -> ChurnRiskView:
    """How likely the customer is not to purchase within the horizon, and what moves that most.

    Raises:
        NotFoundError: If the graph does not know the customer, or the run has no score of them.
    """
    row = _scores_of(store, run, identifier)
    low, high = finite(row["churn_risk_low"]), finite(row["churn_risk_high"])
    return ChurnRiskView(
        id=identifier,
        churn_risk=float(row["churn_risk"]),
        low=low,
        high=high,
        level=None if low is None else float(run.manifest.settings.get("interval_level", INTERVAL_LEVEL)),
        expected_value=finite(row["expected_value"]),
        currency=run.manifest.currency,
        active=bool(row["active"]),
        reasons=[
            Reason(
                each["feature"], each["label"], each["value"], each["contribution"], each["direction"],
                each.get("kind", "feature"), each.get("evidence", {}),
            )
            for each in json.loads(row["reasons"])
        ],
        score_of=run.score_of,
        **outlook_views(row),
    )  # fmt: skip


def churn_list(
    store: GraphStore,
    run: PublishedRun,
    *,
    minimum: float = 0.0,
    maximum: float = 1.0,
    category: str | None = None,
    active: bool | None = None,
    sort: SortKey = "-churn_risk",
    cursor: str | None = None,
    limit: int = 50,
) -> ChurnRiskPage:
    """Customers by churn risk, page by page.

    Args:
        store: For `category`.
        run: The published run.
        minimum: Smallest risk, included.
        maximum: Largest risk, included.
        category: Only customers who bought in this category (its id) or below it.
        active: Only active customers, or only inactive ones; all by default.
        sort: A column, with `-` for descending; ties by id.
        cursor: From the page before.
        limit: Rows, 1 to 1,000.

    Raises:
        UsageError: If an argument is out of range, or there is no such category.
    """
    if not 1 <= limit <= 1000:
        raise UsageError(f"The limit is {limit}.", hint="It must be 1 to 1000.")
    if not 0 <= minimum <= maximum <= 1:
        raise UsageError(f"The bounds are {minimum:g} and {maximum:g}.", hint="Give 0 ≤ min ≤ max ≤ 1.")
    if sort not in SORT_KEYS:
        raise UsageError(f"{sort!r} is no order.", hint=f"There are: {', '.join(SORT_KEYS)}.")
    frame = run.scores
    keep = (frame["churn_risk"] >= minimum) & (frame["churn_risk"] <= maximum)
    if active is not None:
        keep &= frame["active"] == active
    if category is not None:
        found = store.read("read/customers_of_category", category=category, below=f"{category}/").rows
        if not found and not store.read("read/category", category=category, below=f"{category}/").rows:
            raise UsageError(
                f"There is no category {category!r}.",
                hint="Categories are named by their whole path; the query `category-spend` of the cookbook shows some.",
            )
        keep &= frame["customer_id"].isin([row[0] for row in found])
    column = sort.removeprefix("-")
    chosen = frame[keep].sort_values([column, "customer_id"], ascending=[not sort.startswith("-"), True])
    start = _read_cursor(cursor, run.manifest.id)
    page = chosen.iloc[start : start + limit]
    after = start + len(page)
    return ChurnRiskPage(
        items=[
            ChurnRiskRow(
                id=str(row["customer_id"]),
                churn_risk=float(row["churn_risk"]),
                expected_value=finite(row["expected_value"]),
                hyperscore=float(row["hyperscore"]),
                hyperscore_percentile=float(row["hyperscore_percentile"]),
                active=bool(row["active"]),
            )
            for row in page[list(_LISTED)].to_dict("records")
        ],
        total=len(chosen),
        next_cursor=_write_cursor(after, run.manifest.id) if after < len(chosen) else None,
        score_of=run.score_of,
    )


def similar(store: GraphStore, run: PublishedRun, identifier: str, limit: int = 10) -> list[SimilarCustomer]:
    """The customers closest to one, by centred cosine; new customers are among them from their first event on.

    Raises:
        NotFoundError: If the graph does not know the customer, or they have no vector, neither from the training nor
            since.
        UsageError: If the limit is out of range.
    """
    if not 1 <= limit <= 1000:
        raise UsageError(f"The limit is {limit}.", hint="It must be 1 to 1000.")
    ids, vectors = run.similarity
    row = pc.index(ids, identifier).as_py()
    if row < 0:
        _scores_of(store, run, identifier)
        raise NotFoundError(f"Customer {identifier!r} has no vector in this run.")
    found = nearest(vectors, np.array([row]), limit)
    result = []
    for rank, (place, score) in enumerate(zip(found.rows[0], found.similarity[0], strict=True), start=1):
        if place < 0:
            break
        name = ids[int(place)].as_py()
        signals = run.signals(name)
        result.append(SimilarCustomer(name, float(score), rank, signals.get("churn_risk"), signals.get("hyperscore")))
    return result


def neighbourhood(
    store: GraphStore,
    run: PublishedRun | None,
    identifier: str,
    *,
    depth: int = 1,
    limit: int = 10,
    types: Collection[str] | None = None,
) -> NeighbourhoodView:
    """What surrounds a customer in the graph, with scores on the customers among it."""
    found = graph_neighbourhood(store, identifier, depth=depth, limit=limit, types=types)
    nodes = []
    for node in found.nodes:
        scores = run.signals(node.id) if run and node.label == "Customer" else {}
        nodes.append(GraphNode(node.id, node.label, node.name, node.hops, scores))
    links = [
        GraphLink(
            link.source, link.target, link.type, link.events, link.amount, link.first_at, link.last_at, link.score
        )
        for link in found.links
    ]
    score_of = run.score_of if run else None
    return NeighbourhoodView(identifier, depth, limit, nodes, links, found.truncated, score_of)


def _scores_of(store: GraphStore, run: PublishedRun, identifier: str) -> dict[str, Any]:
    """A customer's row of scores; where there is none, the graph says whether there is such a customer at all."""
    found = run.find(identifier)
    if found is None and not store.read("read/customer", id=identifier).rows:
        raise NotFoundError(f"There is no customer {identifier!r}.", hint="Ids are compared letter by letter.")
    return found if found is not None else run.row(identifier)


def _write_cursor(start: int, run: str) -> str:
    return base64.urlsafe_b64encode(f"{run}:{start}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None, run: str) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        of_run, _, start = text.rpartition(":")
        number = int(start)
    except ValueError as error:
        raise UsageError("The cursor is not one of ours.", hint="Take it from `next_cursor`.") from error
    if of_run != run or number < 0:
        raise UsageError(
            "The cursor belongs to another run.", hint="Scores were published anew: start from the first page."
        )
    return number
