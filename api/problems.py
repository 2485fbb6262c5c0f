"""Errors at the API's edge: every one is an `application/problem+json` document (RFC 9457), never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from habitue.errors import HabitueError, UsageError

log = logging.getLogger("habitue.api")

MEDIA_TYPE = "application/problem+json"


class ForbiddenError(HabitueError):
    """The request is not allowed from where it comes."""

    status = 403
    slug = "forbidden"
    title = "Not allowed from there"


class WrongHostError(HabitueError):
    """Without a key, a server answers only to a name of its own machine: no web page can pass itself off as one."""

    status = 421
    slug = "wrong-host"
    title = "This server does not answer to that name"


class TooLargeError(HabitueError):
    """The request's body is larger than the server takes."""

    status = 413
    slug = "too-large"
    title = "The request is too large"


class BusyError(HabitueError):
    """As many such requests as may run at a time are running."""

    status = 429
    slug = "busy"
    title = "Too many at a time"


class NotReadyError(HabitueError):
    """The server lives, but cannot answer about customers yet."""

    status = 503
    slug = "not-ready"
    title = "Not ready"


class BadRequestError(HabitueError):
    """The request cannot be read."""

    status = 400
    slug = "bad-request"
    title = "The request cannot be read"


class NoSuchPathError(HabitueError):
    """There is nothing at this path."""

    status = 404
    slug = "no-such-path"
    title = "There is nothing at this path"


class WrongMethodError(HabitueError):
    """The path exists, but not for this method."""

    status = 405
    slug = "wrong-method"
    title = "The path does not know this method"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="`query`, `path`, `body` or `header`", examples=["query"])
    name: str = Field(description="The parameter, or the path to the field within the body", examples=["depth"])
    message: str = Field(examples=["Input should be less than or equal to 3"])


class Problem(BaseModel):
    """What went wrong, after RFC 9457."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="Which kind of problem: a path of this server that describes it")
    title: str = Field(description="The kind in words; the same for every occurrence")
    status: int = Field(description="HTTP status")
    detail: str = Field(description="What was wrong this time")
    hint: str | None = Field(None, description="What to do about it")
    instance: str | None = Field(None, description="The path that was asked for")
    request_id: str | None = Field(None, description="Names this request in the server's log")
    errors: list[Fault] | None = Field(None, description="Of an invalid request: each fault")


def problem_type(slug: str) -> str:
    """The `type` of a kind of problem: where this server describes it."""
    return f"/problems/{slug}"


def problem_response(
    error: HabitueError,
    scope: Scope,
    *,
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer that tells of an error."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    document = Problem(
        type=problem_type(error.slug),
        title=error.title,
        status=error.status,
        detail=error.message,
        hint=error.hint or None,
        instance=raw_path.decode("latin-1"),
        request_id=scope.get("state", {}).get("request_id"),
        errors=faults,
    )
    more = dict(headers or {})
    if error.status == HTTPStatus.UNAUTHORIZED:
        more["WWW-Authenticate"] = 'Bearer realm="habitue"'
    if error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        more["Retry-After"] = "5"
    return JSONResponse(
        document.model_dump(exclude_none=True), status_code=error.status, headers=more, media_type=MEDIA_TYPE
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error of the application a problem document; `telemetry` catches what nobody foresaw."""
    app.add_exception_handler(HabitueError, _on_habitue_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


def kinds_of_problem() -> dict[str, type[HabitueError]]:
    """All kinds by slug."""

    def below(kind: type[HabitueError]) -> Iterator[type[HabitueError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    return {kind.slug: kind for kind in sorted(below(HabitueError), key=lambda kind: (kind.status, kind.slug))}


async def _on_habitue_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HabitueError):
        raise error
    if error.status >= 500:
        log.warning("%s request=%s", error.slug, request.scope["state"]["request_id"])
    return problem_response(error, request.scope)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    # What was sent is not repeated: it may hold personal data, and answers are kept in many logs.
    faults = [_fault(each) for each in error.errors()]
    summary = UsageError(_summary(faults), hint="See `errors`, and /docs for what is expected.")
    return problem_response(summary, request.scope, faults=faults)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    known: dict[int, HabitueError] = {
        404: NoSuchPathError("There is nothing at this path.", hint="/docs lists what there is."),
        405: WrongMethodError(f"This path does not know {request.method}.", hint="/docs lists what there is."),
        413: TooLargeError("The request's body is too large."),
    }
    told = known.get(error.status_code)
    if told is None:
        told = (BadRequestError if error.status_code < 500 else HabitueError)(str(error.detail))
    return problem_response(told, request.scope, headers=error.headers)


def _fault(error: Mapping[str, Any]) -> Fault:
    where, *names = (str(each) for each in error["loc"])
    return Fault(where=where, name=".".join(names), message=str(error["msg"]))


def _summary(faults: list[Fault]) -> str:
    first = faults[0]
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{first.where} {first.name}".strip() + f": {first.message}{more}."
