"""What is known of requests: an id for each, one line of log, counts and durations, and a net under what failed.

Logs and metrics name the route and never the path, so that no customer's id, statement or parameter is in them.
"""

from __future__ import annotations

import logging
import secrets
import time
import traceback

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response
from api.security import security_headers
from habitue.errors import HabitueError

log = logging.getLogger("habitue.api")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts and durations of requests, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "habitue_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "habitue_http_request_seconds", "Time from a request to the end of its answer.", ("method", "route"),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        ProcessCollector(registry=self.registry)


class Telemetry:
    """ASGI middleware, the outermost: numbers, times and logs each request, and answers what failed unforeseen."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and note how."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        headers = {"X-Request-ID": request_id, **security_headers(scope["path"])}
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *encoded]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            _log_failure(error, request_id)
            if status:
                raise  # half an answer is on its way: all that is left is to break it off
            failure = HabitueError("The server failed to answer.", hint=f"Its log has more under {request_id}.")
            await problem_response(failure, scope)(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - started, request_id)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = str(getattr(scope.get("route"), "path", None) or "unmatched")
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(method, route).observe(seconds)
        log.info("%s %s %d %.1f ms request=%s", method, route, status, seconds * 1000, request_id)


def _log_failure(error: Exception, request_id: str) -> None:
    """Log where it failed; not the message, which may hold ids or parts of a statement."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("failed request=%s %s\n%s", request_id, type(error).__name__, frames)
