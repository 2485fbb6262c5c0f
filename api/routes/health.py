"""Is the server alive, is it ready, how busy is it, and what do its problems mean?"""

from __future__ import annotations

import inspect
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api import examples, schemas
from api.openapi import answers
from api.problems import NotReadyError, kinds_of_problem, problem_type
from api.routes.dependencies import GivenEngine
from habitue.errors import HabitueError, NotFoundError

router = APIRouter(tags=["Operations"])


@router.get("/healthz", summary="Does the process live?", responses=answers({"status": "alive"}))
async def alive() -> schemas.State:
    """Always 200 while the process lives; knows nothing of the store."""
    return schemas.State(status="alive")


@router.get("/readyz", summary="Can it answer?", responses=answers({"status": "ready"}, 503))
def ready(engine: GivenEngine) -> schemas.State:
    """200 when the store answers and a run is published, else 503 with what is missing."""
    try:
        engine.require_data()
        engine.model()
    except HabitueError as error:
        raise NotReadyError(error.message, hint=error.hint) from error
    return schemas.State(status="ready")


@router.get(
    "/metrics",
    summary="Counts and durations for Prometheus",
    response_class=PlainTextResponse,
    responses=answers(examples.METRICS_TEXT, media_type="text/plain"),
)
def metrics(request: Request) -> Response:
    """Requests by route and status, and a histogram of their durations; nothing about customers."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/problems/{slug}", summary="What a kind of problem means", responses=answers(examples.PROBLEM_KIND, 404, 422)
)
async def problem_kind(
    slug: Annotated[str, Path(description="Last part of a problem's `type`")],
) -> schemas.ProblemKind:
    """Where the `type` of a problem document leads."""
    kind = kinds_of_problem().get(slug)
    if kind is None:
        raise NotFoundError(f"There is no kind of problem {slug!r}.")
    return schemas.ProblemKind(
        type=problem_type(slug), title=kind.title, status=kind.status, description=inspect.getdoc(kind) or kind.title
    )
