"""Commands that move a graph: copy, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from habitue.cli.app import app
from habitue.cli.options import Json, Quiet, Store, Workspace, engine_of
from habitue.cli.output import print_json, print_table, say
from habitue.progress import shown_progress


@app.command()
def copy(
    to: Annotated[str, typer.Option("--to", help="Address of an empty store: neo4j://host:7687 or ladybug:///path.")],
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Copy the graph into another, empty store, and compare what both hold."""
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        moved = engine.copy(to, progress=progress)
    _tell(moved.to_json(), "Copied", as_json, quiet)


@app.command()
def backup(
    directory: Annotated[Path, typer.Argument(help="A directory that is not there yet.")],
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write graph, runs and audiences into a directory that any store can be restored from."""
    with engine_of(workspace, store, read_only=True) as engine, shown_progress(quiet=quiet or as_json) as progress:
        moved = engine.backup(directory, progress=progress)
    _tell(moved.to_json(), "Backed up", as_json, quiet)


@app.command()
def restore(
    directory: Annotated[Path, typer.Argument(help="What `habitue backup` wrote.")],
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Bring a backup into an empty workspace and an empty store."""
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        moved = engine.restore(directory, progress=progress)
    _tell(moved.to_json(), "Restored", as_json, quiet)


def _tell(moved: dict[str, object], done: str, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json(moved)
    elif not quiet:
        rows = moved["rows"]
        print_table("", ("table", "rows"), rows.items() if isinstance(rows, dict) else [], numbers=[1])
        say(f"{done} to {moved['target']} in {moved['seconds']} s; content compared: {moved['fingerprint']}")
