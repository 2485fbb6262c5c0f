"""What routes share: the engine that answers them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from api.writing import Writer
from habitue.engine import Engine


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
