"""Lookalike audiences: made from a seed list, and read again by their id."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api import examples, schemas
from api.openapi import answers
from api.routes.dependencies import GivenEngine

router = APIRouter(prefix="/v1/audiences", tags=["Audiences"])

AudienceId = Annotated[str, Path(description="As the lookalike answer gave it")]


class LookalikeRequest(BaseModel):
    """A seed list and what to look for."""

    model_config = ConfigDict(extra="forbid")

    seeds: list[str] = Field(description="Customer ids; unknown ones are reported", min_length=1, max_length=100_000)
    size: int = Field(100, description="How many customers", ge=1, le=100_000)
    name: str = Field("lookalike", description="The audience's name", min_length=1, max_length=200)
    min_churn_risk: float | None = Field(None, ge=0, le=1)
    max_churn_risk: float | None = Field(None, ge=0, le=1)
    active_only: bool = Field(False, description="Leave out who has no purchase within the active window")


@router.post(
    "/lookalike",
    status_code=201,
    summary="Find the customers most like a seed list",
    response_model=schemas.Audience,
    responses=answers(examples.AUDIENCE, 401, 409, 413, 422, status=201),
)
def lookalike(
    engine: GivenEngine,
    response: Response,
    body: Annotated[LookalikeRequest, Body(openapi_examples=examples.LOOKALIKE_REQUESTS)],
) -> dict[str, Any]:
    """Ranked by similarity, the seed left out, with an evaluation. It is kept, and can be read again by its id."""
    audience = engine.lookalike(**body.model_dump()).to_json()
    response.headers["Location"] = f"/v1/audiences/{quote(audience['id'])}"
    return audience


@router.get(
    "/{audience_id}.csv",
    summary="An audience as CSV",
    response_class=Response,
    responses=answers(examples.AUDIENCE_CSV, 401, 404, 422, media_type="text/csv"),
)
def audience_csv(engine: GivenEngine, audience_id: AudienceId) -> Response:
    """`customer_id,rank,score`, best first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("customer_id", "rank", "score"))
    for each in engine.audience(audience_id).to_json()["members"]:
        writer.writerow((each["customer_id"], each["rank"], each["score"]))
    headers = {"Content-Disposition": f'attachment; filename="audience-{audience_id}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/{audience_id}",
    summary="An audience made before",
    response_model=schemas.Audience,
    responses=answers(examples.AUDIENCE, 401, 404, 422),
)
def audience(engine: GivenEngine, audience_id: AudienceId) -> dict[str, Any]:
    """As it was made; later runs do not change it."""
    return engine.audience(audience_id).to_json()
