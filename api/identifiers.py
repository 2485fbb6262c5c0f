"""Ids in paths: any characters at all, slashes included, as long as the client percent-encodes them.

Servers decode a path before it is matched, and an encoded slash within an id becomes a slash between segments: the
customer `a/churn-risk` could not be told from the churn risk of the customer `a`. So `%2F` and `%25` are kept encoded
while the route is found, and decoded where the id is read.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH_OR_PERCENT = re.compile(r"%(?=2[fF]|25)")

#: A customer's id in a path.
CustomerId = Annotated[
    str,
    AfterValidator(unquote),
    Path(description="The customer's id; all but letters, digits and `-._~` is percent-encoded.", examples=["C0042"]),
]

#: A product's id in a path.
ProductId = Annotated[
    str,
    AfterValidator(unquote),
    Path(description="The product's id; all but letters, digits and `-._~` is percent-encoded.", examples=["P017"]),
]


def matching_path(raw: bytes) -> str:
    """The path that routes are matched with: decoded, except for `%2F` and `%25`."""
    return unquote(_SLASH_OR_PERCENT.sub("%25", raw.decode("latin-1")))


class EncodedSlashes:
    """ASGI middleware that matches routes with `matching_path`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the route of a request by its path with encoded slashes kept."""
        if scope["type"] == "http" and scope.get("raw_path"):
            scope["path"] = matching_path(scope["raw_path"])
        await self.app(scope, receive, send)
