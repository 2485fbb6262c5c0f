"""Commands about embeddings: `habitue embed …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from habitue.cli.app import app
from habitue.cli.export import Force, tell_exported
from habitue.cli.options import Json, Quiet, Seed, Store, Workspace, engine_of
from habitue.cli.output import print_json, print_table, say
from habitue.progress import shown_progress

if TYPE_CHECKING:
    from embeddings.evaluation import Evaluation

embed = typer.Typer(help="Vectors of the graph, and of benchmarks.", no_args_is_help=True)
app.add_typer(embed, name="embed")

_COLUMNS = ("mrr", "hits@1", "hits@3", "hits@10", "mean_rank", "adjusted_mean_rank_index")
_TITLES = ("MRR", "hits@1", "hits@3", "hits@10", "mean rank", "adjusted index")


@embed.command()
def evaluate(
    triples: Annotated[Path, typer.Option("--triples", help="A folder of train.txt, valid.txt and test.txt.")],
    dimension: Annotated[
        int | None, typer.Option("--dimension", min=1, help="Length of the vectors; default: by the graph's size.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes of the training; default: by the graph's size.")
    ] = None,
    decay: Annotated[
        float | None, typer.Option("--decay", min=0.0, help="Weight decay; default: chosen on valid.txt.")
    ] = None,
    known: Annotated[
        float | None,
        typer.Option(
            "--known", min=0.0, max=1.0, help="How much known answers count as wrong; default: chosen on valid.txt."
        ),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", help="That choosing and training may take.")] = 4.0,
    seed: Seed = 0,
    save: Annotated[
        Path | None, typer.Option("--save", help="A new folder for the vectors, as of `habitue embed export`.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train TransE on a benchmark folder, settings chosen on valid.txt, and evaluate it with PyKEEN."""
    from embeddings.benchmark_training import Chosen
    from embeddings.evaluation import evaluate as evaluate_folder

    with shown_progress(quiet=quiet or as_json) as progress:
        found = evaluate_folder(
            triples,
            chosen=Chosen(dimension=dimension, epochs=epochs, decay=decay, known=known),
            minutes=minutes,
            seed=seed,
            progress=progress,
        )
    if save is not None:
        from habitue.exports import export_evaluation

        export_evaluation(found, save)
    if as_json:
        print_json(found.to_json())
    else:  # an answer is never silenced
        _show(found)


@embed.command("export")
def export_vectors(
    directory: Annotated[Path, typer.Argument(help="The folder to write.")],
    force: Force = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """A folder with the vectors of the published run, or else of the newest trained one: safetensors, TSV, Parquet."""
    with engine_of(workspace, store, read_only=True) as engine, shown_progress(quiet=quiet or as_json) as progress:
        done = engine.export_embedding(directory, force=force, progress=progress)
    tell_exported(done, as_json, quiet)


def _show(found: Evaluation) -> None:
    told = found.to_json()
    counts, left_out = told["counts"], told["left_out"]
    say(f"{told['name']}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    rows = [
        (part, side, *(figures[name] for name in _COLUMNS))
        for part, sides in told["metrics"].items()
        for side, figures in sides.items()
        if side in ("both", "head", "tail")
    ]
    for each in told["published"]:
        rows.append(("test", each["model"], *(each.get(name) for name in _COLUMNS)))
    print_table("", ("triples", "side", *_TITLES), rows, numbers=range(2, 2 + len(_TITLES)))
    settings, seconds = found.settings, told["seconds"]
    say(
        f"dimension {settings.dimension}, decay {settings.decay}, known {settings.known}, {found.epochs} of "
        f"{settings.epochs} passes, chosen on valid.txt in {len(found.trials)} trials; {seconds['total']:.0f} s, "
        f"of the processor {seconds['processor']:.0f} s"
    )
    for part, count in left_out["triples_with_unseen"].items():
        if count:
            say(f"Left out: {count:,} triples of {part}.txt with names that train.txt has not.")
    for part, count in left_out["repeated_lines"].items():
        if count:
            say(f"Left out: {count:,} repeated lines of {part}.txt.")
    if found.stopped:
        say("The time did not suffice for all that was planned: more --minutes may give better vectors.")
