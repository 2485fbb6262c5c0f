"""What routes share: the engine that answers them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from habitue.engine import Engine


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


#: The engine that the application was made with.
GivenEngine = Annotated[Engine, Depends(_engine)]
