"""The analyst's cookbook: ready statements, listed and run by name."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Body, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api import examples, schemas
from api.openapi import answers
from api.routes.cypher import encoded, running_statement
from api.routes.dependencies import GivenEngine
from habitue.cookbook import list_queries

router = APIRouter(prefix="/v1/queries", tags=["Exploration"])


class QueryRequest(BaseModel):
    """Parameters of a statement of the cookbook."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[str, Any] = Field({}, description="What is not given takes its default")


@router.get(
    "",
    summary="The cookbook's statements",
    response_model=schemas.Queries,
    responses=answers(examples.QUERIES, 401, 422, 503),
)
def queries(engine: GivenEngine) -> dict[str, Any]:
    """Each with its purpose, parameters (type, default, meaning), columns, an example and its text."""
    return {"items": list_queries(engine.store.dialect)}


@router.post(
    "/{name}",
    summary="Run a statement of the cookbook",
    response_model=schemas.Rows,
    responses=answers(examples.ROWS, 401, 404, 409, 422, 429, 503),
)
def run_query(
    engine: GivenEngine,
    request: Request,
    name: Annotated[str, AfterValidator(unquote), Path(description="A name of the list", examples=["similar-at-risk"])],
    body: Annotated[QueryRequest | None, Body(openapi_examples=examples.QUERY_REQUESTS)] = None,
) -> dict[str, Any]:
    """The statement is the project's own; only its parameters come from the request."""
    with running_statement(request.app.state.statements):
        return encoded(engine.query(name, body.parameters if body else {}))
