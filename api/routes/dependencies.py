"""What routes share: the engine that answers them, and the refusal of parameters that they do not know."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.writing import Writer
from habitue.engine import Engine


async def only_known_parameters(request: Request) -> None:
    """Refuse a query parameter that the path does not take: one that is misspelt would leave its filter out unsaid.

    Raises:
        RequestValidationError: With a fault for each of them.
    """
    route = request.scope.get("route")
    # What operators' probes ask below other paths is not misspelt.
    if not request.query_params or not isinstance(route, APIRoute) or not route.path.startswith("/v1/"):
        return
    known = [each.alias for each in route.dependant.query_params]
    if unknown := sorted(set(request.query_params) - set(known)):
        raise RequestValidationError([_fault(name, known) for name in unknown])


def _fault(name: str, known: list[str]) -> dict[str, object]:
    near = get_close_matches(name.lower(), known, 1)
    told = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}" if known else "this path takes none"
    return {"loc": ("query", name[:60]), "msg": f"There is no such parameter; {told}", "type": "unknown"}


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


#: The engine that the application was made with.
GivenEngine = Annotated[Engine, Depends(_engine)]


async def _writer(request: Request) -> Writer:
    writer: Writer = request.app.state.writer
    return writer


#: The process in which the application's writes happen.
GivenWriter = Annotated[Writer, Depends(_writer)]
