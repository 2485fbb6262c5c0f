"""Customers by churn risk, page by page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import examples, schemas
from api.openapi import answers
from api.routes.dependencies import GivenEngine
from habitue.answers import SortKey
from habitue.views import ChurnRiskPage

router = APIRouter(prefix="/v1", tags=["Churn risk"])


@router.get(
    "/churn-risk",
    summary="Customers by churn risk",
    response_model=schemas.ChurnRiskPage,
    responses=answers(examples.CHURN_RISKS, 401, 409, 422, 503),
)
def churn_risks(
    engine: GivenEngine,
    minimum: Annotated[float, Query(alias="min", ge=0, le=1, description="Lowest risk, included")] = 0.0,
    maximum: Annotated[float, Query(alias="max", ge=0, le=1, description="Highest risk, included")] = 1.0,
    category: Annotated[
        str | None, Query(description="Only who bought in this category (its id) or below it", examples=["KITCHEN"])
    ] = None,
    active: Annotated[bool | None, Query(description="Only active customers, or only inactive ones")] = None,
    sort: Annotated[SortKey, Query(description="A column; `-` for descending")] = "-churn_risk",
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Rows of a page")] = 50,
) -> ChurnRiskPage:
    """Follow `next_cursor` until it is null. A cursor ends when another run is published: start anew then."""
    return engine.churn_list(
        minimum=minimum, maximum=maximum, category=category, active=active, sort=sort, cursor=cursor, limit=limit
    )
