"""Commands for looking: cypher, query, customer, similar, lookalike."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from habitue.cli.app import app
from habitue.cli.options import Json, Quiet, Store, Workspace, engine_of
from habitue.cli.output import print_json, print_table, say, shown, write_csv
from habitue.errors import UsageError

if TYPE_CHECKING:
    from graph.store import Rows
    from habitue.cookbook import Recipe
    from habitue.views import ChurnRiskView, HyperscoreView

Parameters = Annotated[list[str] | None, typer.Option("--parameter", "-p", help="A parameter as key=value; repeat it.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


@app.command()
def cypher(
    statement: Annotated[
        str, typer.Argument(help='A reading statement, such as "MATCH (c:Customer) RETURN count(c)".')
    ],
    parameter: Parameters = None,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    as_csv: Csv = False,
    quiet: Quiet = False,  # noqa: ARG001  a common option; an answer is never silenced
) -> None:
    """Run a reading Cypher statement, with time and row limits."""
    with engine_of(workspace, store, read_only=True) as engine:
        _print_rows(engine.cypher(statement, **_parameters(parameter)), as_json, as_csv)


@app.command()
def query(
    name: Annotated[
        str | None, typer.Argument(help="A statement of the cookbook; without one, all are listed.")
    ] = None,
    parameter: Parameters = None,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    as_csv: Csv = False,
    describe: Annotated[bool, typer.Option(help="Show what it answers, takes and gives, and its Cypher.")] = False,
    quiet: Quiet = False,  # noqa: ARG001  a common option; an answer is never silenced
) -> None:
    """Run a statement of the cookbook, or list them."""
    from habitue.cookbook import list_queries, recipe

    if describe and name is None:
        raise UsageError("Which statement should be described?", hint="`habitue query` lists them.")
    if name is None and parameter:
        raise UsageError("Parameters were given, but no statement.", hint="`habitue query` lists them.")
    with engine_of(workspace, store, read_only=True) as engine:
        if name is not None and not describe:
            _print_rows(engine.query(name, _parameters(parameter, convert=False)), as_json, as_csv)
            return
        recipes = [recipe(name, engine.store.dialect)] if name else list_queries(engine.store.dialect)
    if as_json:
        print_json({"queries": [asdict(each) for each in recipes]})
    elif as_csv:
        write_csv(sys.stdout, ("name", "subject", "purpose"), [(r.name, r.subject, r.purpose) for r in recipes])
    elif describe:
        _print_description(recipes[0])
    else:
        _print_list(recipes)


def _print_list(recipes: list[Recipe]) -> None:
    from habitue.cookbook_document import by_subject

    rows = []
    subject = ""
    for each in by_subject(recipes):
        rows.append((each.subject if each.subject != subject else "", each.name, each.purpose))
        subject = each.subject
    print_table("", ("about", "name", "what it answers"), rows)
    say("`habitue query NAME --describe` shows a statement's parameters, columns, an example and its Cypher.")


def _print_description(recipe: Recipe) -> None:
    say(f"{recipe.name}: {recipe.purpose}")
    if recipe.parameters:
        rows = [(p.name, p.type, "must be given" if p.default is None else p.default, p.meaning)
                for p in recipe.parameters]  # fmt: skip
        print_table("Parameters", ("name", "type", "default", "meaning"), rows)
    print_table("Columns", ("name", "meaning"), [(name, recipe.meanings.get(name, "")) for name in recipe.columns])
    say(f"Example: {recipe.example}\n\n{recipe.text}")


@app.command()
def customer(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The customer's id.")],
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001  a common option; an answer is never silenced
) -> None:
    """Show a customer: facts, scores, and why they might leave."""
    from habitue.errors import NotFoundError, NotTrainedError

    with engine_of(workspace, store, read_only=True) as engine:
        view = engine.customer(identifier)
        risk: ChurnRiskView | None = None
        score: HyperscoreView | None = None
        unscored = ""
        try:
            risk, score = engine.churn_risk(identifier), engine.hyperscore(identifier)
        except (NotTrainedError, NotFoundError) as error:
            unscored = f"{error.message} {error.hint}"
    if as_json:
        parts = {"churn_risk": risk and asdict(risk), "hyperscore": score and asdict(score)}
        print_json({"customer": asdict(view), **parts})
        return
    say(f"Customer {view.id}")
    activity = [(a.type, a.events, a.amount, a.first_at, a.last_at) for a in view.activity]
    print_table("Activity", ("type", "events", "amount", "first", "last"), activity, numbers=[1, 2])
    if view.properties:
        rows = [(p.name, p.value, p.valid_from) for p in view.properties]
        print_table("Properties", ("name", "value", "valid from"), rows)
    if risk is None or score is None:
        say(unscored)
        return
    value = "" if risk.expected_value is None else f"; expected value {risk.expected_value:,.2f} {risk.currency or ''}"
    say(f"No purchase within {risk.score_of.horizon_days} days of {risk.score_of.as_of:%Y-%m-%d}: "
        f"{risk.churn_risk:.1%}{value}")  # fmt: skip
    for line in _outlook(risk):
        say(line)
    rows_of_reasons = [(r.label, shown(r.value), f"{r.contribution:+.3f}", r.direction) for r in risk.reasons]
    print_table("Why", ("feature", "value", "log-odds", "the risk"), rows_of_reasons, numbers=[1, 2])
    components = [(c.name, c.value, c.weight) for c in score.components]
    say(f"HyperScore {score.hyperscore:.2f}, percentile {score.percentile:.1f}")
    print_table("", ("component", "value", "weight"), components, numbers=[1, 2])


def _outlook(risk: ChurnRiskView) -> Iterator[str]:
    """What follows from risk and value, as far as it is known."""
    value, lapse, stake, later = risk.value_interval, risk.lapse, risk.at_stake, risk.discounted_value
    if value is not None:
        yield f"With {value.level:.0%} probability the value lies between {value.low:,.2f} and {value.high:,.2f}"
    if lapse is not None and risk.p_alive is not None:
        yield (
            f"Last bought {lapse.days_since_purchase:.0f} days ago, {'beyond' if lapse.lapsed else 'within'} its own "
            f"rhythm (95 % of gaps are up to {lapse.lapse_after_days:.0f} days); alive with {risk.p_alive:.1%}"
        )
    if stake is not None and later is not None:
        yield (
            f"At stake {stake.value:,.2f}; discounted value over 12 months {later.months_12:,.2f}, over 24 "
            f"{later.months_24:,.2f}"
        )


@app.command()
def similar(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The customer's id.")],
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 10,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001  a common option; an answer is never silenced
) -> None:
    """List the customers closest to one."""
    with engine_of(workspace, store, read_only=True) as engine:
        found = engine.similar(identifier, limit=limit)
    if as_json:
        print_json({"customer": identifier, "similar": [asdict(each) for each in found]})
        return
    rows = [(each.rank, each.id, each.score, each.churn_risk, each.hyperscore) for each in found]
    print_table("", ("rank", "customer", "similarity", "churn risk", "HyperScore"), rows, numbers=[0, 2, 3, 4])


@app.command("similar-products")
def similar_products(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The product's id.")],
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 10,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001  a common option; an answer is never silenced
) -> None:
    """List the products closest to one."""
    with engine_of(workspace, store, read_only=True) as engine:
        found = engine.similar_products(identifier, limit=limit)
    if as_json:
        print_json({"product": identifier, "similar": [asdict(each) for each in found]})
        return
    rows = [(each.rank, each.id, each.name, each.score) for each in found]
    print_table("", ("rank", "product", "name", "similarity"), rows, numbers=[0, 3])


@app.command()
def recommend(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The customer's id.")],
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 10,
    new_only: Annotated[bool, typer.Option("--new-only", help="Leave out what the customer bought before.")] = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,  # noqa: ARG001  a common option; an answer is never silenced
) -> None:
    """List the products that a customer may buy next."""
    with engine_of(workspace, store, read_only=True) as engine:
        found = engine.recommend(identifier, limit=limit, new_only=new_only)
    if as_json:
        print_json(asdict(found))
        return
    rows = [(each.rank, each.id, each.name, each.score, each.bought_before) for each in found.items]
    print_table("", ("rank", "product", "name", "score", "bought before"), rows, numbers=[0, 3])


@app.command()
def lookalike(
    seeds: Annotated[Path, typer.Argument(help="A CSV with the column customer_id, or one id a line.")],
    size: Annotated[int, typer.Option(min=1, help="How many customers.")] = 100,
    out: Annotated[Path | None, typer.Option(help="Write customer_id,rank,score to this CSV.")] = None,
    name: Annotated[str, typer.Option(help="The audience's name.")] = "lookalike",
    min_churn_risk: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    max_churn_risk: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    active_only: Annotated[bool, typer.Option(help="Only active customers.")] = False,
    write_back: Annotated[bool, typer.Option(help="Write the audience on the graph.")] = False,
    workspace: Workspace = None,
    store: Store = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Rank the customers most like a seed list, and export them."""
    from audiences.files import read_seeds

    with engine_of(workspace, store, read_only=not write_back) as engine:
        audience = engine.lookalike(
            read_seeds(seeds), size=size, name=name, min_churn_risk=min_churn_risk, max_churn_risk=max_churn_risk,
            active_only=active_only, write_back=write_back,
        )  # fmt: skip
    facts = audience.to_json()
    if out is not None:
        with out.open("w", encoding="utf-8", newline="") as stream:
            write_csv(stream, ("customer_id", "rank", "score"), [tuple(m.values()) for m in facts["members"]])
    if as_json:
        print_json(facts)
    elif not quiet:
        seed = facts["seed"]
        say(f"{len(facts['members']):,} customers like {seed['known']:,} seeds ({len(seed['unknown']):,} unknown)"
            + (f", written to {out}" if out else ""))  # fmt: skip
        if out is None:
            rows = [(m["rank"], m["customer_id"], m["score"]) for m in facts["members"][:20]]
            print_table("", ("rank", "customer", "score"), rows, numbers=[0, 2])


def _print_rows(rows: Rows, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json({"columns": rows.columns, "rows": rows.rows, "truncated": rows.truncated})
    elif as_csv:
        write_csv(sys.stdout, rows.columns, rows.rows)
    else:
        numbers = [
            place for place in range(len(rows.columns)) if rows.rows and isinstance(rows.rows[0][place], int | float)
        ]
        print_table("", rows.columns, rows.rows, numbers=numbers)
        if rows.truncated:
            say(f"Only the first {len(rows.rows):,} rows are shown.")


def _parameters(given: list[str] | None, *, convert: bool = True) -> dict[str, Any]:
    """`key=value` pairs; a value that is JSON (a number, true, a list) is taken as such when `convert`."""
    found: dict[str, Any] = {}
    for each in given or []:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise UsageError(f"{each!r} is not key=value.", hint="Write parameters as `-p customer=1228`.")
        found[name] = _value(value) if convert else value
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
