"""The shape of every answer, as OpenAPI tells it: the views of `habitue.views`, with units and meaning.

Times are ISO 8601 with Z; a number that is not known is null, never NaN.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from api.encoding import iso_time, json_value

#: A time of the graph (naive UTC) as ISO 8601 with Z.
Time = Annotated[
    datetime,
    PlainSerializer(iso_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2025-02-24T00:00:00Z"]}),
]
#: Any structure, made fit for JSON.
Structure = Annotated[dict[str, Any], BeforeValidator(json_value)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Answer(BaseModel):
    """Root of all answers; reads the attributes of a view."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class ScoreOf(Answer):
    """Which model made a score, and of when it is."""

    model: str = Field(description="Id of the published run")
    as_of: Time = Field(description="The cutoff: nothing at or after it was used")
    horizon_days: int = Field(description="Days after `as_of` that the scores speak of")


class Property(Answer):
    """A property of a customer."""

    name: str
    value: str
    valid_from: Time | None = Field(description="Since when it holds; null where the source does not date it")


class Activity(Answer):
    """A customer's interactions of one type."""

    type: str = Field(description="Such as `PURCHASED`")
    events: int
    amount: float | None = Field(description="Sum, in the currency of the data set")
    first_at: Time
    last_at: Time


class Customer(Answer):
    """A customer: facts from the graph, and scores where the published run knows the customer."""

    id: str
    properties: list[Property]
    activity: list[Activity]
    scored: bool = Field(description="Whether the published run has scores of this customer; they are null otherwise")
    active: bool | None = Field(description="Whether there was a purchase within the active window before `as_of`")
    churn_risk: Probability | None = Field(description="Probability of no purchase within the horizon")
    expected_value: float | None = Field(description="Mean of the amount purchased within the horizon, in `currency`")
    currency: str | None = Field(description="ISO 4217; null where the source does not say")
    novelty: Probability | None = Field(description="How new the customer's recent behaviour is")
    hyperscore: float | None = Field(description="100 to 111.1 with the published parameters; high: worth engaging")
    hyperscore_percentile: float | None = Field(ge=0, le=100, description="Share of customers at or below, in per cent")
    score_of: ScoreOf | None


class Component(Answer):
    """One part of a HyperScore."""

    name: str = Field(description="`logic`, `novelty`, `impact`, `reproducibility` or `meta`")
    value: Probability | None
    weight: Probability = Field(description="The weights of the components sum to 1")
    evidence: Structure = Field(description="What the value rests on")


class Hyperscore(Answer):
    """A customer's HyperScore with all that it was made of."""

    id: str
    hyperscore: float = Field(description="100 × [1 + σ(β·ln V + γ)^κ], with the parameters below")
    hyperscore_centred: float = Field(description="The same with γ = β·ln 2, whose midpoint is V = ½")
    percentile: float = Field(ge=0, le=100, description="Share of customers at or below, in per cent")
    v: Probability = Field(description="V: the components' weighted sum")
    preset: str = Field(description="`published` or `centred`")
    parameters: dict[str, float] = Field(description="`beta`, `gamma`, `kappa`")
    components: list[Component]
    churn_risk: Probability = Field(description="Stands beside, and is no part of the score's sign")
    active: bool
    score_of: ScoreOf


class Reason(Answer):
    """Something that moved a customer's churn risk."""

    feature: str
    label: str = Field(description="The feature in words")
    value: float | None
    contribution: float = Field(description="To the log-odds of the risk")
    direction: str = Field(description="`raises` or `lowers`")
    kind: str = Field(
        "feature",
        description="`feature`: a number known of the customer; `graph`: what was found by leaving it out of the graph",
    )
    evidence: Structure = Field(default_factory=dict, description="What a reason of the graph rests on")


class ValueInterval(Answer):
    """Where the amount purchased within the horizon will lie, with probability `level`."""

    low: float
    high: float
    level: Probability


class Lapse(Answer):
    """The present gap against the customer's own rhythm."""

    lapsed: bool = Field(description="Whether the gap is beyond the 95 % quantile of the gaps to be expected")
    days_since_purchase: float
    lapse_after_days: float = Field(description="That quantile")


class AtStake(Answer):
    """Churn risk times expected value, in `currency`."""

    value: float = Field(description="Within the horizon")
    low: float | None = Field(description="With the lower end of the risk's interval")
    high: float | None = Field(description="With its upper end")
    half_horizon: float | None = Field(description="Within half of the horizon")
    double_horizon: float | None = Field(description="Within twice the horizon")


class DiscountedValue(Answer):
    """Expected value beyond the horizon, discounted at 10 % a year, in `currency`."""

    months_12: float
    months_24: float


class ChurnRisk(Answer):
    """How likely a customer is not to purchase within the horizon."""

    id: str
    churn_risk: Probability
    low: float | None = Field(description="Lower end of the interval")
    high: float | None = Field(description="Upper end of the interval")
    level: float | None = Field(description="Level of the interval, such as 0.8")
    expected_value: float | None = Field(description="Mean of the amount purchased within the horizon, in `currency`")
    currency: str | None
    active: bool
    reasons: list[Reason] = Field(description="What moved the risk most, strongest first")
    score_of: ScoreOf
    value_interval: ValueInterval | None = Field(None, description="Of the amount, which is not always positive")
    p_alive: Probability | None = Field(None, description="Probability, by BG/NBD, of not having left for good")
    lapse: Lapse | None = None
    at_stake: AtStake | None = None
    discounted_value: DiscountedValue | None = None


class ChurnRiskRow(Answer):
    """A customer in a list of churn risks."""

    id: str
    churn_risk: Probability
    expected_value: float | None
    hyperscore: float
    hyperscore_percentile: float
    active: bool


class ChurnRiskPage(Answer):
    """A page of customers by churn risk."""

    items: list[ChurnRiskRow]
    total: int = Field(description="How many customers there are on all pages")
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one")
    score_of: ScoreOf


class SimilarCustomer(Answer):
    """A customer like another."""

    id: str
    score: float = Field(ge=-1, le=1, description="Cosine of the centred vectors")
    rank: int
    churn_risk: float | None
    hyperscore: float | None


class SimilarCustomers(Answer):
    """The customers most like one, the most alike first."""

    id: str = Field(description="The customer that was asked about")
    items: list[SimilarCustomer]
    score_of: ScoreOf


class SimilarProduct(Answer):
    """A product like another."""

    id: str
    name: str = Field(description="Its id where it has no name")
    score: float = Field(ge=-1, le=1, description="Cosine of the centred vectors")
    rank: int


class SimilarProducts(Answer):
    """The products most like one, the most alike first."""

    id: str = Field(description="The product that was asked about")
    items: list[SimilarProduct]
    score_of: ScoreOf


class Recommendation(Answer):
    """A product that a customer may buy next."""

    id: str
    name: str = Field(description="Its id where it has no name")
    score: float = Field(description="In nats; comparable within one customer only")
    rank: int
    bought_before: bool


class Recommendations(Answer):
    """What a customer may buy next, the likeliest first."""

    id: str = Field(description="The customer that was asked about")
    items: list[Recommendation]
    events_until: Time = Field(description="The customer's own events count up to this moment, which may be later")
    score_of: ScoreOf


class GraphNode(Answer):
    """A node of a neighbourhood."""

    id: str
    label: str = Field(description="`Customer`, `Product`, `Category`, `Brand` or `Campaign`")
    name: str
    hops: int = Field(description="From the customer in the middle")
    scores: dict[str, float] = Field(description="Of customers: `churn_risk`, `hyperscore`, `expected_value`")


class GraphLink(Answer):
    """All relationships of one type between two nodes."""

    source: str = Field(description="`Label:id` of the node it leaves")
    target: str = Field(description="`Label:id` of the node it reaches")
    type: str
    events: int = Field(description="How many relationships it stands for")
    amount: float | None
    first_at: Time | None
    last_at: Time | None
    score: float | None = Field(description="Of `SIMILAR_TO`")


class Neighbourhood(Answer):
    """What surrounds a customer in the graph."""

    customer: str
    depth: int
    limit: int = Field(description="For each node, type and hop: the newest are kept")
    nodes: list[GraphNode] = Field(description="The customer first")
    links: list[GraphLink]
    truncated: bool = Field(description="Whether a node had more neighbours than the limit")
    score_of: ScoreOf | None = Field(description="Of the scores of the nodes; null before a run is published")


class Rows(Answer):
    """The answer to a statement. Nodes are objects with `_label`, relationships objects with `_type`."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool = Field(description="Whether there were more rows than the limit")


class Parameter(Answer):
    """A parameter of a statement of the cookbook."""

    name: str
    type: str = Field(description="`text`, `integer`, `number` or `date`")
    default: Any = Field(description="Null where it must be given")
    meaning: str


class Query(Answer):
    """A statement of the cookbook."""

    name: str
    purpose: str
    subject: str = Field(description="What it is about; statements of one subject belong together")
    parameters: list[Parameter]
    columns: list[str]
    meanings: dict[str, str] = Field(description="What a column holds, by its name")
    example: str = Field(description="A command that runs it")
    text: str = Field(description="The Cypher itself")


class Queries(Answer):
    """The cookbook."""

    items: list[Query]


class SchemaProperty(Answer):
    """A property of nodes or relationships."""

    name: str
    type: str = Field(description="`text`, `number`, `integer`, `time` or `boolean`")
    filled: int = Field(description="How many have it")
    fill_rate: Probability


class SchemaValue(Answer):
    """A property of the data set's own, held as `HAS_PROPERTY`."""

    name: str
    filled: int = Field(description="How many have it")
    fill_rate: Probability
    values: int = Field(description="How many different values there are")
    dated: bool = Field(description="Whether the source dates any of them")


class SchemaLabel(Answer):
    """Nodes of a label."""

    label: str
    count: int
    properties: list[SchemaProperty]
    has_property: list[SchemaValue]


class SchemaRelationship(Answer):
    """Relationships of a type between two labels."""

    type: str
    source: str = Field(description="Label they leave from")
    target: str = Field(description="Label they lead to")
    count: int
    properties: list[SchemaProperty]
    first_at: Time | None = Field(description="Of the oldest; null where they have no time")
    last_at: Time | None


class GraphSchema(Answer):
    """What the graph holds; what does not occur is absent."""

    dataset: str
    labels: list[SchemaLabel]
    relationships: list[SchemaRelationship]


class Task(Answer):
    """What the models predict."""

    horizon_days: int
    active_window_days: int | None = Field(description="Null where everybody counts")


class Model(Answer):
    """The published run: what went into it and how well it did."""

    id: str
    created_at: Time
    dataset: str
    currency: str | None
    as_of: Time
    task: Task
    seed: int
    settings: Structure
    data_fingerprint: str = Field(description="Of the snapshot as of `as_of`")
    versions: dict[str, str]
    weights: dict[str, float] = Field(description="Of the components of the HyperScore")
    hyperscore: Structure = Field(description="Preset and parameters")
    metrics: Structure = Field(description="The newest backtest's figures by model, baselines included; may be empty")
    counts: dict[str, int]
    seconds: dict[str, float]
    publisher: str
    parent: str | None = Field(description="The run whose models it uses")
    reason: str


class State(Answer):
    """How the server is."""

    status: str


class ProblemKind(Answer):
    """A kind of problem."""

    type: str
    title: str
    status: int
    description: str


class Member(Answer):
    """A customer of an audience."""

    customer_id: str
    rank: int
    score: float = Field(description="How like the seed: cosine of centred vectors")


class Seed(Answer):
    """What became of the ids that were given."""

    given: int
    known: int
    unknown: list[str]


class Audience(Answer):
    """A lookalike audience: customers like the seed, which is left out, the most alike first."""

    id: str
    name: str
    model: str = Field(description="Id of the run whose vectors it was made with")
    as_of: Time = Field(description="The cutoff of that run")
    members: list[Member]
    evaluation: Structure = Field(description="How well a hidden part of the seed is found again; null if too small")
    seed: Seed
