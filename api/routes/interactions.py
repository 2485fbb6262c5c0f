"""New interactions, as they happen."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from api import examples, writing_schemas
from api.openapi import answers
from api.routes.dependencies import GivenWriter

router = APIRouter(prefix="/v1/interactions", tags=["Interactions"])


@router.post(
    "",
    summary="Add or correct interactions",
    response_model=writing_schemas.InteractionsAdded,
    responses=answers(examples.INTERACTIONS_ADDED, 401, 409, 413, 422, 429, 503),
)
def add(
    writer: GivenWriter,
    body: Annotated[writing_schemas.NewInteractions, Body(openapi_examples=examples.INTERACTIONS_REQUESTS)],
) -> dict[str, Any]:
    """Durable when answered, and idempotent by type and id: what is there already, with equal values, is unchanged.

    Another value under a known id is a correction. Rows that cannot be taken are named with the reason; all others are
    loaded. Scores follow with the next `habitue train` and `habitue score`.
    """
    rows = [each.model_dump(mode="json", exclude_none=True) for each in body.interactions]
    return writer.ask("add_interactions", interactions=rows)
