"""Options that every command shares, and the engine they make."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graph.time import from_epoch_ms, to_epoch_ms
from habitue.errors import UsageError

if TYPE_CHECKING:
    from habitue.engine import Engine

Workspace = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Directory of graph, runs and audiences [HABITUE_WORKSPACE].")
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store", help="neo4j://host:7687 or ladybug:///path; default: inside the workspace [HABITUE_STORE]."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks.")]
Cutoff = Annotated[
    str | None,
    typer.Option("--cutoff", help="Use the past before this date or time (UTC); default: the end of the data."),
]
Horizon = Annotated[int, typer.Option("--horizon", min=1, help="Days foretold.")]
ActiveWindow = Annotated[
    str,
    typer.Option(
        "--active-window", help="Count customers with a purchase in so many days before the cutoff, or `all`."
    ),
]
Properties = Annotated[
    list[str] | None,
    typer.Option("--property", help="An undated or sensitive customer property to use as a feature; repeat it."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Equal seeds give equal figures.")]


def engine_of(workspace: Path | None, store: str | None, *, read_only: bool = False) -> Engine:
    """The engine for a command; imported here, so that `--help` answers at once."""
    from habitue.engine import Engine

    return Engine.open(workspace, store, read_only=read_only, publisher="command line")


def parse_cutoff(text: str | None) -> datetime | None:
    """A date or time as naive UTC.

    Raises:
        UsageError: If it is neither.
    """
    if text is None:
        return None
    try:
        return from_epoch_ms(to_epoch_ms(datetime.fromisoformat(text)))
    except ValueError as error:
        raise UsageError(f"{text!r} is not a date.", hint="Write it as 2017-11-02 or 2017-11-02T00:00:00.") from error


def parse_window(text: str) -> int | None:
    """Days of the active window; None for `all`.

    Raises:
        UsageError: If it is neither a positive number nor `all`.
    """
    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"The active window is {text!r}.", hint="Give a number of days, or `all`.")
    return int(text)
