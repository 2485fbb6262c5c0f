"""Cypher from the outside: one reading statement, limited, from this machine only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field

from api import examples, schemas
from api.encoding import json_value
from api.openapi import answers
from api.problems import BusyError
from api.routes.dependencies import GivenEngine
from api.security import require_local
from graph.store import QueryLimits, Rows

router = APIRouter(prefix="/v1", tags=["Exploration"])

#: Statements that may run at a time: they can take seconds, and all requests share the same threads.
MAXIMUM_STATEMENTS = 4


class CypherRequest(BaseModel):
    """A statement and its parameters."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(description="One reading statement", min_length=1)
    parameters: dict[str, Any] = Field({}, description="Values of `$name` in the statement")


@router.post(
    "/cypher",
    summary="Run a reading Cypher statement",
    response_model=schemas.Rows,
    responses=answers(examples.ROWS, 401, 403, 409, 413, 422, 429, 503),
)
def run_cypher(
    engine: GivenEngine,
    request: Request,
    body: Annotated[CypherRequest, Body(openapi_examples=examples.CYPHER_REQUESTS)],
) -> dict[str, Any]:
    """Only reading is allowed, for at most ten seconds, 10,000 rows and 16 MiB, and from the server's own machine."""
    require_local(request.scope, "Cypher")
    with running_statement(request.app.state.statements):
        # Not `engine.cypher`: names of parameters are the caller's, and may be any.
        return encoded(engine.store.query(body.query, body.parameters, QueryLimits()))


@contextmanager
def running_statement(places: threading.Semaphore) -> Iterator[None]:
    """Take one of the places for statements while the block runs.

    Raises:
        BusyError: If all are taken.
    """
    if not places.acquire(blocking=False):
        raise BusyError(f"{MAXIMUM_STATEMENTS} statements are running.", hint="Try again in a moment.")
    try:
        yield
    finally:
        places.release()


def encoded(rows: Rows) -> dict[str, Any]:
    """Rows as JSON can hold them."""
    return {"columns": list(rows.columns), "rows": json_value(rows.rows), "truncated": rows.truncated}
