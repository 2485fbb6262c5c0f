"""The published run."""

from __future__ import annotations

from fastapi import APIRouter

from api import examples, schemas
from api.openapi import answers
from api.routes.dependencies import GivenEngine
from habitue.runs import RunManifest

router = APIRouter(prefix="/v1", tags=["Model"])


@router.get(
    "/model",
    summary="The published run and its figures",
    response_model=schemas.Model,
    responses=answers(examples.MODEL, 401, 409, 422),
)
def model(engine: GivenEngine) -> RunManifest:
    """What went into the run that answers come from, and how it did in the newest backtest, beside its baselines."""
    return engine.model()
