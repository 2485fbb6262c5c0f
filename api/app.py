"""The FastAPI application: routes, the gate before them, and the problems behind them."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from api.identifiers import EncodedSlashes
from api.openapi import DESCRIPTION, TAGS, Application
from api.problems import add_problem_handlers
from api.routes import (
    audiences,
    churn,
    customers,
    cypher,
    health,
    interactions,
    model,
    pages,
    products,
    queries,
    schema,
)
from api.routes.dependencies import only_known_parameters
from api.security import Gate
from api.telemetry import Metrics, Telemetry
from api.writing import Writer
from habitue import __version__
from habitue.engine import Engine
from habitue.errors import HabitueError, UsageError

log = logging.getLogger("habitue.api")


def create_app(engine: Engine, *, api_key: SecretStr | None, local: bool) -> FastAPI:
    """The application over an engine, which stays the caller's to close.

    Args:
        engine: Answers everything.
        api_key: With one, everything below `/v1` needs it. Empty is the same as none.
        local: Whether only this machine can reach the server.

    Raises:
        UsageError: If others can reach it and there is no key.
    """
    key = api_key if api_key is not None and api_key.get_secret_value() else None
    if key is None and not local:
        raise UsageError("Serving beyond this machine needs an API key.", hint="Set HABITUE_API_KEY.")
    app = Application(
        title="Habitué",
        version=__version__,
        summary="The customer knowledge graph over HTTP.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_warm_up,
    )
    app.state.engine = engine
    app.state.writer = Writer(engine.settings)
    app.state.metrics = Metrics()
    app.state.statements = threading.BoundedSemaphore(cypher.MAXIMUM_STATEMENTS)
    add_problem_handlers(app)
    parts = (customers, products, interactions, churn, audiences, cypher, queries, schema, model, health)
    app.documented = [each.router for each in parts]
    for router in app.documented:
        app.include_router(router, dependencies=[Depends(only_known_parameters)])
    app.include_router(pages.router)
    pages.add_static_files(app)
    # The last one added is the first to see a request.
    app.add_middleware(EncodedSlashes)
    app.add_middleware(Gate, api_key=key)
    app.add_middleware(Telemetry, metrics=app.state.metrics)
    return app


@asynccontextmanager
async def _warm_up(app: FastAPI) -> AsyncIterator[None]:
    """Read the published run before the first request, so that no customer's answer waits for it."""
    await run_in_threadpool(_read_run, app.state.engine)
    yield
    await run_in_threadpool(app.state.writer.close)


def _read_run(engine: Engine) -> None:
    try:
        run = engine.publication.current_or_none()
        if run is not None:
            _ = run.similarity
    except (HabitueError, OSError) as error:
        log.warning("the published run could not be read at the start (%s)", type(error).__name__)
