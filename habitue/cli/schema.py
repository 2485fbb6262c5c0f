"""The command that describes what the graph holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from habitue.cli.app import app
from habitue.cli.options import Json, Quiet, Store, Workspace, engine_of
from habitue.cli.output import print_json, print_table, say
from habitue.progress import shown_progress

if TYPE_CHECKING:
    from graph.description import GraphDescription, PropertyDescription


@app.command()
def schema(
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw it into this SVG file.")] = None,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show labels, relationship types and properties of the graph, with counts, fill rates and times."""
    with engine_of(workspace, store, read_only=True) as engine, shown_progress(quiet=quiet or as_json) as progress:
        found = engine.schema(progress=progress)
    if picture is not None:
        from graph.schema_picture import draw_schema

        picture.write_text(draw_schema(found), encoding="utf-8")
    if as_json:
        print_json(found.model_dump(mode="json"))
    elif not quiet:
        _show(found)
        if picture is not None:
            say(f"Drawn into {picture}")


def _show(found: GraphDescription) -> None:
    say(f"{found.dataset}\n")
    width = max((len(each.source) for each in found.relationships), default=0)
    arrows = max((len(each.type) for each in found.relationships), default=0)
    for each in found.relationships:
        say(f"  ({each.source}){'─' * (width - len(each.source))}──[{each.type}]{'─' * (arrows - len(each.type))}─▶ "
            f"({each.target})  {each.count:,}")  # fmt: skip
    say("")
    labels = [(each.label, each.count, _properties(each.properties)) for each in found.labels]
    print_table("Labels", ("label", "count", "properties (type; share that has it where not all)"), labels, numbers=[1])
    own = [
        (each.label, own.name, f"{own.fill_rate:.1%}", own.values, "yes" if own.dated else "no")
        for each in found.labels
        for own in each.has_property
    ]
    if own:
        columns = ("of", "property of the data set", "have it", "values", "dated")
        print_table("HAS_PROPERTY", columns, own, numbers=[2, 3])
    types = [
        (each.type, each.source, each.count, each.first_at, each.last_at, _properties(each.properties))
        for each in found.relationships
    ]
    print_table(
        "Relationship types", ("type", "from", "count", "first (UTC)", "last", "properties"), types, numbers=[2]
    )


def _properties(properties: tuple[PropertyDescription, ...]) -> str:
    """Those that occur; what nothing has is left out."""
    return ", ".join(
        f"{each.name} ({each.type}{'' if each.fill_rate == 1 else f'; {_share(each.fill_rate)}'})"
        for each in properties
        if each.filled
    )


def _share(rate: float) -> str:
    return f"{rate:.1%}" if 0.001 <= rate <= 0.999 else ("<0.1%" if rate < 0.5 else ">99.9%")
