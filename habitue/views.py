"""Answers, as Python and the API give them. Every score carries the model and the date it is of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class ScoreOf:
    """Which run a score is from."""

    model: str
    as_of: datetime
    horizon_days: int


@dataclass(frozen=True)
class PropertyView:
    """A property of a customer; `valid_from` is None where the source does not date it."""

    name: str
    value: str
    valid_from: datetime | None


@dataclass(frozen=True)
class Activity:
    """A customer's interactions of one type: how many, how much, first and last."""

    type: str
    events: int
    amount: float | None
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class CustomerView:
    """A customer: facts from the graph, and scores where there is a published run that knows them."""

    id: str
    properties: list[PropertyView]
    activity: list[Activity]
    scored: bool
    active: bool | None = None
    churn_risk: float | None = None
    expected_value: float | None = None
    currency: str | None = None
    novelty: float | None = None
    hyperscore: float | None = None
    hyperscore_percentile: float | None = None
    score_of: ScoreOf | None = None


@dataclass(frozen=True)
class ComponentView:
    """One part of a HyperScore: its value in [0, 1], its weight, and what it rests on."""

    name: str
    value: float | None
    weight: float
    evidence: dict[str, Any]


@dataclass(frozen=True)
class HyperscoreView:
    """A customer's HyperScore with everything it was made of. High V means worth engaging; churn risk stands beside."""

    id: str
    hyperscore: float
    hyperscore_centred: float
    percentile: float
    v: float
    preset: str
    parameters: dict[str, float]
    components: list[ComponentView]
    churn_risk: float
    active: bool
    score_of: ScoreOf


@dataclass(frozen=True)
class Reason:
    """Something that moved the churn risk: its value, its contribution (log-odds), and which way.

    `kind` is `feature` for a number known of the customer, and `graph` for what was found by leaving it out of the
    graph, of which `evidence` says in words and numbers what that rests on.
    """

    feature: str
    label: str
    value: float | None
    contribution: float
    direction: str
    kind: str = "feature"
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ValueInterval:
    """Where realised value will lie, with probability `level`."""

    low: float
    high: float
    level: float


@dataclass(frozen=True)
class LapseView:
    """The present gap against the customer's own rhythm: lapsed when it is beyond 95 % of the gaps to be expected."""

    lapsed: bool
    days_since_purchase: float
    lapse_after_days: float


@dataclass(frozen=True)
class AtStakeView:
    """Churn risk times expected value, in currency: within the horizon, half of it, and twice."""

    value: float
    low: float | None
    high: float | None
    half_horizon: float | None
    double_horizon: float | None


@dataclass(frozen=True)
class DiscountedValueView:
    """Expected value over one and two years, discounted at 10 % a year, in currency."""

    months_12: float
    months_24: float


@dataclass(frozen=True)
class ChurnRiskView:
    """How likely a customer is not to purchase within the horizon, with an interval and the strongest reasons.

    What follows `score_of` is None where the run was made before it was known, or it has no basis.
    """

    id: str
    churn_risk: float
    low: float | None
    high: float | None
    level: float | None
    expected_value: float | None
    currency: str | None
    active: bool
    reasons: list[Reason]
    score_of: ScoreOf
    value_interval: ValueInterval | None = None
    p_alive: float | None = None
    lapse: LapseView | None = None
    at_stake: AtStakeView | None = None
    discounted_value: DiscountedValueView | None = None


@dataclass(frozen=True)
class ChurnRiskRow:
    """One customer in a list of churn risks."""

    id: str
    churn_risk: float
    expected_value: float | None
    hyperscore: float
    hyperscore_percentile: float
    active: bool


@dataclass(frozen=True)
class ChurnRiskPage:
    """Part of a list; `next_cursor` fetches the next part, None at the end."""

    items: list[ChurnRiskRow]
    total: int
    next_cursor: str | None
    score_of: ScoreOf


@dataclass(frozen=True)
class SimilarCustomer:
    """A similar customer: centred cosine in [-1, 1], with their scores."""

    id: str
    score: float
    rank: int
    churn_risk: float | None = None
    hyperscore: float | None = None


@dataclass(frozen=True)
class SimilarProduct:
    """A similar product: centred cosine in [-1, 1]."""

    id: str
    name: str
    score: float
    rank: int


@dataclass(frozen=True)
class Recommendation:
    """A product that a customer may buy next; scores (nats) are comparable within one customer only."""

    id: str
    name: str
    score: float
    rank: int
    bought_before: bool


@dataclass(frozen=True)
class RecommendationsView:
    """What a customer may buy next, the likeliest first.

    Attributes:
        events_until: Up to when the customer's own events count: later ones came after the answer.
    """

    id: str
    items: list[Recommendation]
    events_until: datetime
    score_of: ScoreOf


@dataclass(frozen=True)
class GraphNode:
    """A node of a neighbourhood; `hops` counts from the customer in the middle."""

    id: str
    label: str
    name: str
    hops: int
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class GraphLink:
    """Relationships of one type between two nodes, parallel ones taken together."""

    source: str
    target: str
    type: str
    events: int
    amount: float | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    score: float | None = None


@dataclass(frozen=True)
class NeighbourhoodView:
    """What surrounds a customer. Node keys in links are `Label:id`."""

    customer: str
    depth: int
    limit: int
    nodes: list[GraphNode]
    links: list[GraphLink]
    truncated: bool
    score_of: ScoreOf | None = None
