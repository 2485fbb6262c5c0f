"""Who may ask: the key, the rule for this machine alone, the size of a request, and the headers of every answer."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ForbiddenError, TooLargeError, WrongHostError, problem_response
from habitue.errors import HabitueError, UnauthorizedError

MAXIMUM_BODY_BYTES = 2 << 20

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: Swagger UI styles its elements inline.
_DOCS_POLICY = _PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine."""
    client = scope.get("client")
    return client is not None and is_loopback(client[0])


def require_local(scope: Scope, what: str) -> None:
    """Refuse a request that comes from another machine.

    Raises:
        ForbiddenError: With `what` as its subject.
    """
    if not is_local(scope):
        raise ForbiddenError(f"{what} is answered on the server's own machine only.", hint="Ask from there.")


def security_headers(path: str) -> dict[str, str]:
    """Headers of an answer: nothing is sniffed, framed or loaded from elsewhere, and no score is kept by caches."""
    if path.startswith("/docs"):
        policy = _DOCS_POLICY
    elif path == "/" or path.startswith("/static/"):
        policy = _PAGE_POLICY
    else:
        policy = _DATA_POLICY
    headers = {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if path.startswith("/v1"):
        headers["Cache-Control"] = "no-store"
    return headers


class Gate:
    """ASGI middleware: lets a request in, or answers with the reason why not, before anything of it is read.

    With a key, everything below `/v1` needs it. Without one, only this machine is answered, under its own names, so
    that a web page elsewhere cannot reach the server through a visitor's browser (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, api_key: SecretStr | None) -> None:
        self.app = app
        self.api_key = api_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await problem_response(refusal, scope)(scope, receive, send)
            return
        await self.app(scope, _counted(receive), send)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> HabitueError | None:
        if self.api_key is None and not is_loopback(_host_name(headers.get("host", ""))):
            return WrongHostError(
                "Without an API key this server answers only to localhost.", hint="Set HABITUE_API_KEY to serve others."
            )
        if scope["path"] == "/v1" or scope["path"].startswith("/v1/"):
            if self.api_key is None and not is_local(scope):
                return UnauthorizedError(
                    "This server has no API key and answers only its own machine.", hint="Set HABITUE_API_KEY."
                )
            if self.api_key is not None and not _is_key(headers.get("authorization", ""), self.api_key):
                return UnauthorizedError(
                    "The API key is missing or wrong.", hint="Send it as `Authorization: Bearer …` (HABITUE_API_KEY)."
                )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAXIMUM_BODY_BYTES:
            return TooLargeError(f"The request's body is larger than {MAXIMUM_BODY_BYTES:,} bytes.")
        return None


def _is_key(authorization: str, api_key: SecretStr) -> bool:
    scheme, _, given = authorization.partition(" ")
    expected = api_key.get_secret_value().encode()
    # Headers arrive as latin-1; compared in constant time, so that nothing can be learnt from how long it took.
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), expected)


def _host_name(host: str) -> str:
    """The host of a `Host` header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0]
    return host.partition(":")[0]


def _counted(receive: Receive) -> Receive:
    """`receive`, ending with 413 where a body without a declared length grows too large."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAXIMUM_BODY_BYTES:
            raise HTTPException(413)
        return message

    return counted
