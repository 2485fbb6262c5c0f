"""Commands that look after a workspace: doctor, merge and erase."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from habitue.cli.app import app
from habitue.cli.options import Json, Quiet, Store, Workspace, engine_of
from habitue.cli.output import print_json, print_table, say
from habitue.errors import UsageError
from habitue.progress import shown_progress


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="First put right what is safe to.")] = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check that the graph and the workspace keep their promises; exit status 1 where one is broken."""
    engine = engine_of(workspace, store, read_only=not repair)
    with engine, shown_progress(quiet=quiet or as_json) as progress:
        found = engine.doctor(repair=repair, progress=progress)
    if as_json:
        print_json(found.to_json())
    elif not quiet:
        for line in found.repairs:
            say(f"Repaired: {line}")
        rows = [("holds" if each.holds else f"{each.violations:,} ✗", each.check) for each in found.findings]
        print_table("", ("", "what must hold"), rows)
        for each in found.findings:
            if not each.holds:
                say(f"Attention: {each.check}: {each.detail}. Remedy: {each.remedy}.")
        say("Everything holds." if found.healthy else "See above.")
    return 0 if found.healthy else 1


@app.command()
def migrate(workspace: Workspace = None, store: Store = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Bring a graph of a former release to this one's layout; everything is kept."""
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        steps = engine.migrate(progress=progress)
    if as_json:
        print_json({"steps": steps})
    elif not quiet:
        for step in steps:
            say(f"Migrated to schema version {step}")
        if not steps:
            say("The graph has this release's layout already.")


@app.command()
def merge(workspace: Workspace = None, store: Store = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Do now what loads left for later: it makes opening the embedded graph faster."""
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        merged = engine.merge(progress=progress)
    if as_json:
        print_json({"merged": merged})
    elif not quiet:
        say(f"Merged {merged:,} rows." if merged else "There was nothing to merge.")


@app.command()
def erase(
    customers: Annotated[list[str], typer.Argument(help="Ids; `-` reads one id a line from standard input.")],
    purge: Annotated[
        bool, typer.Option("--purge", help="Also write the embedded store anew: freed pages still hold the ids.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed where nobody can be asked.")] = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Forget customers: in the graph, in every file of the workspace, and in whatever is loaded later."""
    wanted = [line.strip() for line in sys.stdin] if customers == ["-"] else customers
    if not yes:
        if customers == ["-"] or not sys.stdin.isatty():
            raise UsageError("Erasing is for good, and nobody can be asked here.", hint="Say --yes.")
        typer.confirm(f"Erase {len(wanted)} customers for good?", abort=True, err=True)
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        report = engine.erase(wanted, purge=purge, progress=progress)
    if as_json:
        print_json(report.to_json())
    elif not quiet:
        print_table("", ("removed from the graph", "count"), report.graph.items(), numbers=[1])
        print_table("", ("removed from the workspace", "rows"), report.files.items(), numbers=[1])
        say("None of them is in the graph any more." if report.absent else "The graph still knows some of them.")
        for path in report.remaining:
            say(f"Attention: {path} still names one of them.")
        for note in report.notes:
            say(f"Note: {note}")
    return 0 if report.complete else 1
