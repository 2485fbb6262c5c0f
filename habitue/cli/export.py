"""Commands that hand the graph over to other tools: `habitue export …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from habitue.cli.app import app
from habitue.cli.offline import neo4j_import
from habitue.cli.options import Json, Quiet, Store, Workspace, engine_of, parse_cutoff
from habitue.cli.output import print_json, print_table, say
from habitue.errors import UsageError
from habitue.progress import shown_progress

if TYPE_CHECKING:
    from graph.handover.selection import Selection
    from habitue.exports import Exported

export = typer.Typer(help="Hand the graph, or a part of it, over to other tools.", no_args_is_help=True)
app.add_typer(export, name="export")
export.command("neo4j-import")(neo4j_import)

Types = Annotated[
    list[str] | None,
    typer.Option("--types", help="Only these relationship types or labels, with commas; repeat it for more."),
]
Since = Annotated[str | None, typer.Option("--since", help="Interactions at or after this date or time (UTC).")]
Until = Annotated[str | None, typer.Option("--until", help="Interactions before this date or time (UTC).")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="The graph as it was known at this date or time (UTC).")]
Near = Annotated[str | None, typer.Option("--around", help="What surrounds a customer: customer:ID.")]
Depth = Annotated[int, typer.Option("--depth", min=1, max=3, help="Hops around the customer.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="Neighbours per node, type and hop, newest first.")]
Derived = Annotated[bool, typer.Option("--derived", help="With signals on customers, similarities and audiences.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier export.")]


@export.command()
def parquet(
    directory: Annotated[Path, typer.Argument(help="The folder to write.")],
    types: Types = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    around: Near = None,
    depth: Depth = 2,
    limit: Limit = 25,
    derived: Derived = False,
    force: Force = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """A folder of Parquet files: nodes by label, relationships by type, a manifest. Streams."""
    selection = _selection(types, since, until, as_of, around, depth, limit, derived)
    with engine_of(workspace, store, read_only=True) as engine, shown_progress(quiet=quiet or as_json) as progress:
        done = engine.export_parquet(directory, selection, force=force, progress=progress)
    tell_exported(done, as_json, quiet)


@export.command()
def graphml(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    types: Types = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    around: Near = None,
    depth: Depth = 2,
    limit: Limit = 25,
    derived: Derived = False,
    force: Force = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """A GraphML file, for Gephi, yEd, networkx and others. Streams."""
    selection = _selection(types, since, until, as_of, around, depth, limit, derived)
    with engine_of(workspace, store, read_only=True) as engine, shown_progress(quiet=quiet or as_json) as progress:
        done = engine.export_graphml(file, selection, force=force, progress=progress)
    tell_exported(done, as_json, quiet)


@export.command()
def pyg(
    directory: Annotated[Path, typer.Argument(help="The folder to write; `habitue.load_hetero_data` reads it.")],
    types: Types = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    around: Near = None,
    depth: Depth = 2,
    limit: Limit = 25,
    derived: Derived = False,
    memory_limit: Annotated[float, typer.Option(min=0.001, help="GiB that it may take, by estimate.")] = 4.0,
    force: Force = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """A folder of safetensors and JSON for PyTorch Geometric's HeteroData."""
    selection = _selection(types, since, until, as_of, around, depth, limit, derived)
    with engine_of(workspace, store, read_only=True) as engine, shown_progress(quiet=quiet or as_json) as progress:
        allowed = int(memory_limit * (1 << 30))
        done = engine.export_pyg(directory, selection, force=force, memory_limit=allowed, progress=progress)
    tell_exported(done, as_json, quiet)


def _selection(
    types: list[str] | None,
    since: str | None,
    until: str | None,
    as_of: str | None,
    around: str | None,
    depth: int,
    limit: int,
    derived: bool,
) -> Selection:
    from graph.handover.selection import Around, Selection

    centre = None
    if around is not None:
        label, _, identifier = around.partition(":")
        if label.lower() != "customer" or not identifier:
            raise UsageError(f"{around!r} names no customer.", hint="Write it as customer:ID.")
        centre = Around(identifier, depth, limit)
    named = [each.strip() for several in types or () for each in several.split(",") if each.strip()]
    return Selection(
        types=frozenset(named),
        since=parse_cutoff(since),
        until=parse_cutoff(until),
        as_of=parse_cutoff(as_of),
        around=centre,
        derived=derived,
    )


def tell_exported(done: Exported, as_json: bool, quiet: bool) -> None:
    """Print what was written."""
    if as_json:
        print_json(done.to_json())
    elif not quiet:
        print_table("", ("label or type", "exported"), done.counts.items(), numbers=[1])
        say(f"Written to {done.path}: {done.size / 1e6:,.1f} MB in {done.seconds:.1f} s")
        if done.truncated:
            say("Some nodes have more neighbours than --limit: those are left out.")
        if done.replaced_characters:
            say(f"{done.replaced_characters:,} characters that XML cannot hold stand as U+FFFD.")
