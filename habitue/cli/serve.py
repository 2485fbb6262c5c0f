"""The command that serves the API."""

from __future__ import annotations

from typing import Annotated

import typer

from habitue.cli.app import app
from habitue.cli.options import Store, Workspace, engine_of


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to bind; beyond loopback HABITUE_API_KEY is needed.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    workspace: Workspace = None,
    store: Store = None,
) -> None:
    """Serve the API, its documentation and the explorer."""
    from api.server import serve as serve_api

    with engine_of(workspace, store, read_only=True) as engine:
        serve_api(engine, host, port, engine.settings.api_key)
