"""A first load by Neo4j's offline importer: `habitue export neo4j-import`, `habitue load --offline`."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from habitue.cli.options import Json, Quiet, Store, Workspace, engine_of
from habitue.cli.output import print_json, say
from habitue.progress import shown_progress

if TYPE_CHECKING:
    from graph.loading import LoadReport
    from graph.store import GraphStore

Offline = Annotated[
    bool, typer.Option("--offline", help="First load of a stopped Neo4j server, by its importer: many times faster.")
]
Importer = Annotated[
    str, typer.Option("--importer", envvar="HABITUE_NEO4J_ADMIN", help="The command that runs neo4j-admin there.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Have the importer replace the database, with all that it holds.")
]


def neo4j_import(
    directory: Annotated[Path, typer.Argument(help="The folder to write; new or empty.")],
    source: Annotated[str, typer.Argument(help="A dataset.toml, or a name of `habitue datasets`.")],
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """A data set as the files of Neo4j's offline importer, with its command and the constraints for afterwards."""
    report = _load(source, workspace, store, directory.resolve(), (), overwrite=False, quiet=quiet or as_json)
    if as_json:
        print_json({"directory": str(directory), "load": report.to_json()})
    elif not quiet:
        say(f"{report.dataset}: written to {directory} in {report.seconds:.1f} s.")
        say(f"While the server is stopped, run {directory / 'import.sh'}; when it runs, apply "
            f"{directory / 'after.cypher'} with cypher-shell, or run `habitue doctor --repair`.")  # fmt: skip


def load_offline(
    source: str, workspace: Path | None, store: str | None, importer: str, *, overwrite: bool, quiet: bool
) -> LoadReport:
    """Write the importer's files into the workspace, run it, and remove them; a failed one leaves them there.

    Raises:
        StoreError: If the importer is not there, or fails.
    """
    with engine_of(workspace, store, read_only=True) as engine:
        directory = (engine.workspace.path / "neo4j-import").resolve()
    shutil.rmtree(directory, ignore_errors=True)
    report = _load(source, workspace, store, directory, shlex.split(importer), overwrite=overwrite, quiet=quiet)
    shutil.rmtree(directory, ignore_errors=True)
    return report


def _load(
    source: str, workspace: Path | None, store: str | None, directory: Path, importer: Sequence[str], *,
    overwrite: bool, quiet: bool,
) -> LoadReport:  # fmt: skip
    from graph.catalogue import resolve_source
    from graph.loading import load
    from graph.neo4j_offline import OfflineStore
    from habitue.settings import Settings

    offline = OfflineStore(directory, importer=importer, database=Settings().neo4j_database, overwrite=overwrite)
    with (
        engine_of(workspace, store, read_only=True) as engine,
        shown_progress(quiet=quiet) as progress,
        engine.workspace.writing(f"loading {source}"),
    ):
        dataset = resolve_source(source, lambda: engine.workspace.path / "sources" / source)
        # A first load asks a store for no more than an offline one has.
        return load(cast("GraphStore", offline), dataset, source, engine.workspace.path, progress)
