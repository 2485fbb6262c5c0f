"""Commands about learning: train, backtest, score, demo."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from habitue.cli.app import app
from habitue.cli.data import tell_refused
from habitue.cli.options import (
    ActiveWindow,
    Cutoff,
    Horizon,
    Json,
    Properties,
    Quiet,
    Seed,
    Store,
    Workspace,
    engine_of,
    parse_cutoff,
    parse_window,
)
from habitue.cli.output import print_json, print_table, say
from habitue.progress import shown_progress

_COLUMNS = {
    "churn_auc": "churn AUC",
    "churn_average_precision": "avg. precision",
    "churn_ece": "calibration error",
    "value_mae": "value MAE",
    "value_spearman": "Spearman",
}


@app.command()
def train(
    workspace: Workspace = None,
    store: Store = None,
    cutoff: Cutoff = None,
    horizon: Horizon = 60,
    active_window: ActiveWindow = "180",
    properties: Properties = None,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train embeddings and the impact forecaster as of a cutoff."""
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        run = engine.train(
            parse_cutoff(cutoff), horizon_days=horizon, active_window_days=parse_window(active_window),
            properties=properties or (), seed=seed,
            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(run.model_dump(mode="json"))
    elif not quiet:
        say(
            f"Trained {run.id} as of {run.as_of:%Y-%m-%d}, horizon {run.task.horizon_days} days. Next: `habitue score`."
        )


@app.command()
def backtest(
    workspace: Workspace = None,
    store: Store = None,
    cutoff: Annotated[
        list[str] | None, typer.Option("--cutoff", help="A fold's cutoff; repeat it for more. Default: the last five.")
    ] = None,
    horizon: Horizon = 60,
    active_window: ActiveWindow = "180",
    properties: Properties = None,
    folds: Annotated[int, typer.Option("--folds", min=1, help="How many cutoffs, 30 days apart.")] = 5,
    baselines: Annotated[
        Literal["standard", "full"],
        typer.Option(help="`full` tunes LightGBM and adds forest, perceptron and sequence models."),
    ] = "standard",
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare Habitué with its baselines over rolling cutoffs, with intervals."""
    dates = [date for each in cutoff or [] if (date := parse_cutoff(each))]
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        result = engine.backtest(
            cutoffs=dates or None, horizon_days=horizon, active_window_days=parse_window(active_window),
            properties=properties or (), folds=folds, baselines=baselines,
            seed=seed, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(result.to_json())
    else:  # an answer is never silenced
        print_backtest(result.to_json())


@app.command()
def score(
    workspace: Workspace = None,
    store: Store = None,
    write_back: Annotated[bool, typer.Option(help="Write the signals on the graph.")] = True,
    reason: Annotated[str, typer.Option(help="Why, for the run's manifest.")] = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score every customer with the newest trained models, and publish the run."""
    with engine_of(workspace, store) as engine, shown_progress(quiet=quiet or as_json) as progress:
        run = engine.score(write_back=write_back, reason=reason, progress=progress)
        directory = engine.workspace.runs / run.id
    if as_json:
        print_json(run.model_dump(mode="json"))
    elif not quiet:
        _print_score(run.model_dump(), directory)


@app.command()
def demo(
    source: Annotated[
        str, typer.Argument(help="A name of `habitue datasets`, or a dataset.toml.")
    ] = "complete-journey",
    workspace: Workspace = None,
    store: Store = None,
    horizon: Horizon = 60,
    active_window: ActiveWindow = "180",
    properties: Properties = None,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Real data → graph → train → backtest → score → summary, in one go."""
    begin = time.monotonic()
    loud = not (quiet or as_json)
    task: dict[str, Any] = {"horizon_days": horizon, "active_window_days": parse_window(active_window),
                            "properties": properties or (), "seed": seed}  # fmt: skip

    def step(number: int, text: str) -> None:
        if loud:
            say(f"[{number}/4 · {time.monotonic() - begin:5.1f} s] {text}")

    with engine_of(workspace, store) as engine, shown_progress(quiet=not loud) as progress:
        step(1, f"Loading {source} into {engine.settings.store or 'the embedded graph'}")
        loaded = engine.load(source, progress=progress)
        if loud:
            totals = ", ".join(f"{count:,} {name}" for name, count in loaded.totals.items())
            say(f"       {totals}{'' if loaded.changed else ' (nothing new)'}")
            tell_refused(loaded)
        step(2, "Training TransE embeddings and the GCN impact forecaster")
        trained = engine.train(**task, progress=progress)
        step(3, "Backtesting against the baselines over rolling cutoffs")
        result = engine.backtest(**task, progress=progress).to_json()
        if loud:
            print_backtest(result)
        step(4, "Scoring every customer and writing the signals on the graph")
        run = engine.score(reason="demo", progress=progress)
        directory = engine.workspace.runs / run.id
        top = engine.churn_list(active=True, sort="-hyperscore", limit=5)
    seconds = time.monotonic() - begin
    if as_json:
        parts = {"load": loaded.to_json(), "trained": trained.id, "backtest": result}
        print_json({**parts, "run": run.model_dump(mode="json"), "seconds": round(seconds, 1)})
        return
    if quiet:
        return
    _print_score(run.model_dump(), directory)
    rows = [(e.id, e.hyperscore, e.hyperscore_percentile, e.churn_risk, e.expected_value) for e in top.items]
    columns = ("customer", "HyperScore", "percentile", "churn risk", f"expected value ({run.currency or '?'})")
    print_table("Most worth engaging", columns, rows, numbers=[1, 2, 3, 4])
    say(f"Done in {seconds:.0f} s. Next: `habitue serve`, then open http://127.0.0.1:8000/")


def print_backtest(result: dict[str, Any]) -> None:
    """The report card as a table, and what the comparison says in words."""
    task = result["task"]
    window = f"customers active in {task['active_window_days']} days" if task["active_window_days"] else "everybody"
    cutoffs = ", ".join(fold["cutoff"] for fold in result["folds"])
    say(f"{result['dataset']}: no purchase within {task['horizon_days']} days, {window}; cutoffs {cutoffs}")
    rows = []
    for model, metrics in result["models"].items():
        cells = [_interval(metrics.get(name), 0 if name == "value_mae" else 3) for name in _COLUMNS]
        rows.append((model, *cells))
    numbers = range(1, len(_COLUMNS) + 1)
    print_table("Mean over cutoffs [95 % interval]", ("model", *_COLUMNS.values()), rows, numbers=numbers)
    if untaught := [fold["cutoff"] for fold in result["folds"] if not fold["training_cutoffs"]]:
        say(
            f"Before {', '.join(untaught)} no outcome of {task['horizon_days']} days is known: models that learn from "
            "outcomes, Habitué among them, have no figures there. Load a longer history, or choose a shorter horizon."
        )
    for each in result["paired"]:
        if each["metric"] == "churn_auc" and each["versus"] in ("lightgbm", "habitue_without_graph"):
            say(f"churn AUC, habitue − {each['versus']}: {each['difference']:+.4f} "
                f"[{each['low']:+.4f}, {each['high']:+.4f}]: {_verdict(each['low'], each['high'])}")  # fmt: skip


def _interval(value: dict[str, float] | None, places: int) -> str:
    if not value:
        return "–"
    mean, low, high = (f"{value[name]:.{places}f}" for name in ("mean", "low", "high"))
    if abs(value["mean"]) < 1 and places:
        mean, low, high = (text.replace("0.", ".", 1) for text in (mean, low, high))
    return f"{mean} [{low}, {high}]"


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not distinguishable"


def _print_score(run: dict[str, Any], directory: Path) -> None:
    counts = run["counts"]
    say(f"Published {run['id']}: {counts['scored']:,} customers as of {run['as_of']:%Y-%m-%d} "
        f"({counts['active']:,} active).")  # fmt: skip
    report = directory / "report.html"
    if report.is_file():
        say(f"Report: {report}")
