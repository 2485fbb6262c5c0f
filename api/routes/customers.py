"""One customer: facts, scores, what surrounds them, and whom they are like."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api import examples, schemas, writing_schemas
from api.identifiers import CustomerId
from api.openapi import answers
from api.routes.dependencies import GivenEngine, GivenWriter
from graph.neighbourhood import TYPES
from habitue.views import ChurnRiskView, CustomerView, HyperscoreView, RecommendationsView, ScoreOf

router = APIRouter(prefix="/v1/customers", tags=["Customers"])


@router.get(
    "/{customer_id}",
    summary="A customer's facts and scores",
    response_model=schemas.Customer,
    responses=answers(examples.CUSTOMER, 401, 404, 409, 422, 503),
)
def customer(engine: GivenEngine, customer_id: CustomerId) -> CustomerView:
    """Properties and activity from the graph, and the scores of the published run where it knows the customer."""
    return engine.customer(customer_id)


@router.delete(
    "/{customer_id}",
    summary="Forget a customer",
    response_model=writing_schemas.Erasure,
    responses=answers(examples.ERASURE, 401, 404, 409, 422, 429, 503),
)
def erase(
    writer: GivenWriter,
    customer_id: CustomerId,
    purge: Annotated[
        bool, Query(description="Also write the embedded store's files anew; takes as long as a load")
    ] = False,
) -> dict[str, Any]:
    """Remove the customer from the graph and from every file of the workspace; later loads leave them out."""
    return writer.ask("erase", customers=[customer_id], purge=purge)


@router.get(
    "/{customer_id}/hyperscore",
    summary="A customer's HyperScore and what it is made of",
    response_model=schemas.Hyperscore,
    responses=answers(examples.HYPERSCORE, 401, 404, 409, 422),
)
def hyperscore(engine: GivenEngine, customer_id: CustomerId) -> HyperscoreView:
    """The score, its percentile, and each component with its weight and evidence. High means worth engaging."""
    return engine.hyperscore(customer_id)


@router.get(
    "/{customer_id}/churn-risk",
    summary="A customer's churn risk, with interval and reasons",
    response_model=schemas.ChurnRisk,
    responses=answers(examples.CHURN_RISK, 401, 404, 409, 422),
)
def churn_risk(engine: GivenEngine, customer_id: CustomerId) -> ChurnRiskView:
    """How likely the customer is not to purchase within the horizon, and what moved that most."""
    return engine.churn_risk(customer_id)


@router.get(
    "/{customer_id}/neighbourhood",
    summary="What surrounds a customer in the graph",
    response_model=schemas.Neighbourhood,
    responses=answers(examples.NEIGHBOURHOOD, 401, 404, 409, 422, 503),
)
def neighbourhood(
    engine: GivenEngine,
    customer_id: CustomerId,
    depth: Annotated[int, Query(ge=1, le=3, description="Hops")] = 1,
    limit: Annotated[int, Query(ge=1, le=200, description="Neighbours for each node, type and hop, newest first")] = 10,
    types: Annotated[
        list[str] | None,
        Query(description=f"Relationship types to follow, repeated or with commas; all by default: {', '.join(TYPES)}"),
    ] = None,
) -> Response:
    """Nodes and relationships up to three hops away; parallel relationships are one link with their count."""
    wanted = [each for several in types or () for each in several.split(",") if each] or None
    view = engine.neighbourhood(customer_id, depth=depth, limit=limit, types=wanted)
    # Hundreds of nodes: validated and written in one go, which takes a tenth of FastAPI's way round by dictionaries.
    body = schemas.Neighbourhood.model_validate(view, from_attributes=True).model_dump_json()
    return Response(body, media_type="application/json")


@router.get(
    "/{customer_id}/similar",
    summary="The customers most like one",
    response_model=schemas.SimilarCustomers,
    responses=answers(examples.SIMILAR, 401, 404, 409, 422),
)
def similar(
    engine: GivenEngine,
    customer_id: CustomerId,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many")] = 10,
) -> dict[str, Any]:
    """By the cosine of their centred vectors, the most alike first."""
    manifest = engine.model()
    return {
        "id": customer_id,
        "items": engine.similar(customer_id, limit=limit),
        "score_of": ScoreOf(manifest.id, manifest.as_of, manifest.task.horizon_days),
    }


@router.get(
    "/{customer_id}/recommendations",
    summary="What a customer may buy next",
    response_model=schemas.Recommendations,
    responses=answers(examples.RECOMMENDATIONS, 401, 404, 409, 422),
)
def recommendations(
    engine: GivenEngine,
    customer_id: CustomerId,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many")] = 10,
    new_only: Annotated[bool, Query(description="Leave out what the customer bought before")] = False,
) -> RecommendationsView:
    """From what they bought up to now, what goes with it, and their vector, the likeliest first."""
    return engine.recommend(customer_id, limit=limit, new_only=new_only)
