"""What the graph holds: labels, relationship types, properties."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api import examples, schemas
from api.openapi import answers
from api.routes.cypher import running_statement
from api.routes.dependencies import GivenEngine
from graph.description import GraphDescription

router = APIRouter(prefix="/v1", tags=["Exploration"])


@router.get(
    "/schema",
    summary="What the graph holds",
    response_model=schemas.GraphSchema,
    responses=answers(examples.SCHEMA, 401, 409, 422, 429, 503),
)
def schema(engine: GivenEngine, request: Request) -> GraphDescription:
    """Labels and relationship types with counts, times, and how many have each property.

    Counted once for each state of the graph, which takes a while where it is large.
    """
    with running_statement(request.app.state.statements):
        return engine.schema()
