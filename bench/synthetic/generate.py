"""The whole data set: blocks of customers one after another, each written before the next is drawn."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.synthetic import files, tables
from bench.synthetic.behaviour import draw_history
from bench.synthetic.customers import draw_traits
from bench.synthetic.increments import Memory, write_increments
from bench.synthetic.settings import DEPARTMENTS, EFFECT_DAYS, HISTORY, HORIZONS, START, Settings
from bench.synthetic.sizing import Sizes, settle_sizes
from bench.synthetic.truth import truth_at
from bench.synthetic.world import World, make_world
from graph.store import Progress, no_progress
from habitue.errors import UsageError

_NUMBERED = {
    "orders": (files.ORDERS, "line_id"),
    "returns": (files.RETURNS, "return_id"),
    "contacts": (files.CONTACTS, "contact_id"),
    "redemptions": (files.REDEMPTIONS, "redemption_id"),
}


def generate(folder: Path, settings: Settings, progress: Progress = no_progress) -> dict[str, int]:
    """Write a synthetic retailer: its tables and description, `truth/`, and `increments/` if any.

    Args:
        folder: Where to; must not hold anything yet.
        settings: Equal ones give equal files.
        progress: Called with how far it is.

    Returns:
        Rows by table.

    Raises:
        UsageError: The folder holds something, or the settings do not fit together.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", hint="Name a new folder.")
    world = make_world(settings)
    sizes = settle_sizes(settings, world, progress)
    truth_folder = folder / "truth"
    truth_folder.mkdir(parents=True)
    memory = Memory()
    with ExitStack() as stack:
        customers = stack.enter_context(files.Table(folder / "customers.parquet", files.CUSTOMERS))
        interactions = {
            name: stack.enter_context(
                files.Table(folder / f"{name}.parquet", schema, distinct=(key,), numbered=True)
            )
            for name, (schema, key) in _NUMBERED.items()
        }  # fmt: skip
        true_customers = stack.enter_context(
            files.Table(truth_folder / "customers.parquet", tables.TRUE_CUSTOMERS, distinct=tables.TRUE_CUSTOMERS.names)
        )
        outcomes = {
            day: stack.enter_context(
                files.Table(truth_folder / f"cutoff-{day}.parquet", tables.TRUE_OUTCOMES,
                            distinct=tables.TRUE_OUTCOMES.names)
            )
            for day in settings.cutoffs
        }  # fmt: skip
        for number, numbers in enumerate(settings.blocks):
            progress("writing customers and interactions", number / len(settings.blocks))
            random = settings.random(HISTORY, number)
            traits = draw_traits(settings, world, random, numbers, sizes.mean_rate, sizes.contact)
            history = draw_history(settings, world, random, traits)
            block = tables.block_interactions(settings, world, number, traits, history, sizes.lines_per_order)
            customers.write(tables.block_customers(traits))
            true_customers.write(tables.true_customers(traits))
            for name, table in interactions.items():
                table.write(getattr(block, name))
            for date, table in outcomes.items():
                truth = truth_at(settings, world, traits, history, (date - START).days, sizes.lines_per_order)
                table.write(tables.true_outcomes(traits, truth))
            if settings.increments:
                memory.keep(settings, number, traits, history, block.orders)
    with files.Table(folder / "products.parquet", files.PRODUCTS) as products:
        products.write(tables.products(world.catalogue))
    with files.Table(folder / "campaigns.parquet", files.CAMPAIGNS) as campaigns:
        campaigns.write(tables.campaigns(settings, world))
    rows = {"customers": customers.rows, "products": products.rows, "campaigns": campaigns.rows}
    rows |= {name: table.rows for name, table in interactions.items()}
    process = _process(settings, world, sizes) | {"rows": rows}
    (truth_folder / "process.json").write_text(json.dumps(process, indent=1) + "\n", encoding="utf-8")
    if settings.increments:
        write_increments(settings, world, memory, folder / "increments", progress)
    files.describe(folder, settings.end.isoformat())  # last: a folder with a description is complete
    return rows


def _process(settings: Settings, world: World, sizes: Sizes) -> dict[str, Any]:
    """The parameters of the process that all customers share."""

    def plain(values: Any) -> Any:
        return np.round(values, 9).tolist()

    return {
        "settings": asdict(settings),
        "start": START.isoformat(),
        "end": settings.end.isoformat(),
        "horizons": list(HORIZONS),
        "cutoffs": [each.isoformat() for each in settings.cutoffs],
        "sizes": asdict(sizes),
        "departments": [tables.department_name(number) for number in range(DEPARTMENTS)],
        "community_share": plain(world.community_share),
        "community_score": plain(world.community_score),
        "community_taste": plain(world.community_taste),
        "line_price": plain(world.line_price),
        "campaign_day": world.campaign_day.tolist(),
        "campaign_department": world.campaign_department.tolist(),
        "campaign_effect_days": EFFECT_DAYS,
        "season": plain(world.season),
        "wave": plain(world.wave),
    }
