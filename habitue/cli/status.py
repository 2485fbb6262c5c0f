"""How `habitue status` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from habitue.cli.output import print_table, say, shown

if TYPE_CHECKING:
    from graph.statistics import Distribution, GraphStatistics
    from habitue.status import Status

_WEEKS = 8


def show_status(found: Status) -> None:
    """Print it for people."""
    say(f"workspace  {found.workspace}")
    say(f"store      {found.store} ({found.store_version})")
    if found.dataset is None:
        say("The graph is empty. Run `habitue load SOURCE` first.")
    else:
        say(f"data set   {found.dataset}" + (f", amounts in {found.currency}" if found.currency else ""))
        if found.last_complete_load is not None:
            load = found.last_complete_load
            say(f"last load  {load.sequence}, {load.source}, finished {shown(load.finished_at)} UTC")
        if found.unmerged:
            say(f"unmerged   {found.unmerged:,} rows: readable, and waiting for their final place")
        rows = [(e.sequence, e.source, e.started_at, e.finished_at, e.complete) for e in found.loads[:5]]
        print_table("Loads", ("load", "source", "started (UTC)", "finished", "complete"), rows, numbers=[0])
        print_table("Graph", ("label or type", "count"), found.counts.items(), numbers=[1])
        if found.statistics is not None:
            _show_statistics(found.statistics)
        else:
            say("Figures of the graph take a while: `habitue status --statistics`.")
    if found.published:
        facts = ", ".join(f"{name} {shown(value)}" for name, value in found.published.items() if name != "id")
        say(f"published  {found.published['id']} ({facts})")
    else:
        say("No scores are published. Run `habitue train` and `habitue score`.")
    if found.drift is not None:
        drift = found.drift
        say(f"vectors    {drift.changed_customers:.1%} of the customers have events since {drift.trained_as_of[:10]}, "
            f"{drift.new_customers:.1%} are new; {drift.new_products:.1%} of the products; moved by "
            f"{drift.movement:.2f} of the spacing")  # fmt: skip
        for reason in drift.due:
            say(f"Attention: a new `habitue train` is due: {reason}")
    if found.writing:
        say(f"in use     {found.writing}")
    for line in [*found.interrupted, *found.problems]:
        say(f"Attention: {line}")


def _show_statistics(figures: GraphStatistics) -> None:
    from graph.statistics import sparkline

    columns = ("", "of", "without", "min", "25 %", "median", "75 %", "90 %", "99 %", "max", "mean")
    named = (("purchases per customer", figures.purchases_per_customer),
             ("customers per product", figures.customers_per_product))  # fmt: skip
    rows = [_row(name, each) for name, each in named if each is not None]
    if rows:
        print_table("How many", columns, rows, numbers=range(1, len(columns)))
    weeks = [(each.start, each.new_customers, each.interactions) for each in figures.weeks[-_WEEKS:]]
    if weeks:
        print_table("Growth", ("week from", "new customers", "interactions"), weeks, numbers=[1, 2])
        say(f"interactions   {sparkline([each.interactions for each in figures.weeks])}")
        say(f"new customers  {sparkline([each.new_customers for each in figures.weeks])}")
        say(f"               {shown(figures.first_at)} to {shown(figures.last_at)} UTC, {len(figures.weeks):,} weeks")


def _row(name: str, each: Distribution) -> tuple[object, ...]:
    return (name, each.nodes, each.without, each.minimum, each.lower_quartile, each.median, each.upper_quartile,
            each.p90, each.p99, each.maximum, each.mean)  # fmt: skip
