"""The days after the history, as increments: new lines, late ones, corrections.

They serve to measure loading. Their customers are drawn by purchase rate among those active at the history's end, with
as many rows a day as asked for, so that the ground truth does not speak of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.synthetic import files
from bench.synthetic.baskets import draw_amounts, draw_products, draw_times
from bench.synthetic.behaviour import History
from bench.synthetic.customers import AGE_BANDS, COUNTRIES, Traits
from bench.synthetic.settings import COMMUNITIES, INCREMENT, KEPT, FloatArray, IntArray, Settings, epoch_ms
from bench.synthetic.world import World
from graph.store import Progress
from habitue.errors import UsageError

_LATE_SHARE, _CORRECTED_SHARE, _NEW_CUSTOMERS_SHARE = 0.005, 0.002, 0.001  # of an increment's rows
_LATEST_DAYS = 60  # that a late line is late
_LOADED_AT = 23 * 3_600_000 + 1_800_000  # milliseconds after midnight: the nightly run, which closes the day
_NEW_LINE_IDS = 10**15  # beyond all of the history's


@dataclass(frozen=True)
class Counts:
    """Rows of an increment, by what they are."""

    new: int
    late: int
    corrected: int
    new_customers: int

    @staticmethod
    def of(rows: int) -> Counts:
        """Shares of a number of rows; `new` are all but the corrections, late ones included."""
        corrected = round(rows * _CORRECTED_SHARE)
        return Counts(rows - corrected, round(rows * _LATE_SHARE), corrected, round(rows * _NEW_CUSTOMERS_SHARE))


@dataclass
class Memory:
    """What increments need of the history: bounded by the customers, a few bytes each."""

    weight: list[FloatArray] = field(default_factory=list)
    community: list[IntArray] = field(default_factory=list)
    lines: list[pa.Table] = field(default_factory=list)

    def keep(self, settings: Settings, number: int, traits: Traits, history: History, orders: pa.Table) -> None:
        """Take from a block what its customers' increments will need, and some lines to correct.

        Raises:
            UsageError: The history has fewer lines than are to be corrected.
        """
        everybody = np.arange(len(traits))
        active = history.spells.active_on(everybody, np.full(len(traits), settings.days))
        self.weight.append(np.where(active, traits.rate, 0.0).astype(np.float32))
        self.community.append(traits.community.astype(np.int8))
        wanted = -(-settings.increments * Counts.of(settings.increment_rows).corrected // len(settings.blocks))
        if wanted > len(orders):
            raise UsageError(f"The increments correct {wanted} lines a block, and one has {len(orders)} only.")
        chosen = settings.random(KEPT, number).choice(len(orders), wanted, replace=False)
        self.lines.append(orders.take(pa.array(chosen)))


def write_increments(settings: Settings, world: World, memory: Memory, folder: Path, progress: Progress) -> None:
    """Write `day-0001` and so on: tables, description and `expected.json`.

    Args:
        settings: Of the retailer.
        world: What customers share.
        memory: Of all blocks.
        folder: Where to.
        progress: Called with how far it is.
    """
    reached = np.cumsum(np.concatenate(memory.weight), dtype=np.float64)
    community = np.concatenate(memory.community).astype(np.int64)
    counts = Counts.of(settings.increment_rows)
    lines = pa.concat_tables(memory.lines)
    shuffled = settings.random(KEPT, len(settings.blocks)).permutation(len(lines))
    for number in range(1, settings.increments + 1):
        progress("writing increments", (number - 1) / settings.increments)
        random = settings.random(INCREMENT, number)
        day = settings.days + number - 1
        target = folder / f"day-{number:04d}"
        target.mkdir(parents=True)
        # Customers of this day and of the increments before it, beyond the history's.
        first_new = settings.customers + (number - 1) * counts.new_customers
        new = first_new + np.arange(counts.new_customers)
        new_community = random.choice(COMMUNITIES, len(new), p=world.community_share)
        tables: list[pa.Table] = []
        for kind, rows in (("first", len(new)), ("usual", counts.new - counts.late - len(new)), ("late", counts.late)):
            if kind == "first":
                who, group, size = new, new_community, np.ones(len(new), np.int64)
            else:
                size = _sizes(random, rows)
                who = np.searchsorted(reached, random.random(len(size)) * reached[-1], side="right")
                who = np.minimum(who, settings.customers - 1)
                group = community[who]
            before = random.integers(1, _LATEST_DAYS, len(size)) if kind == "late" else np.zeros(len(size), np.int64)
            first_id = _NEW_LINE_IDS + number * 10**8 + sum(len(each) for each in tables)
            tables.append(_lines(settings, world, random, who, group, size, day - before, first_id))
        loaded_at = files.times(np.array([epoch_ms(day) + _LOADED_AT])).take(pa.array([0] * counts.late))
        tables[-1] = _with(tables[-1], "loaded_at", loaded_at)
        kept = shuffled[(number - 1) * counts.corrected : number * counts.corrected]
        tables.append(_corrected(random, lines.take(pa.array(kept)), day))
        orders = pa.concat_tables([each.select(files.ORDERS.names) for each in tables])
        with files.Table(target / "orders.parquet", files.ORDERS, distinct=("line_id",), numbered=True) as table:
            table.write(orders.take(pa.array(random.permutation(len(orders)))))
        with files.Table(target / "customers.parquet", files.CUSTOMERS) as table:
            table.write(_customers(random, new, settings, day))
        files.describe(target, (settings.end + timedelta(days=number)).isoformat(), increment=True)
        expected = {
            "rows": len(orders),
            "new": counts.new,
            "late": counts.late,
            "corrected": counts.corrected,
            "new_customers": counts.new_customers,
        }
        (target / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


def _sizes(random: np.random.Generator, rows: int) -> IntArray:
    """Lines of each order, `rows` in all."""
    size = 1 + random.poisson(1.5, rows)
    reached = np.cumsum(size)
    orders = int(np.searchsorted(reached, rows)) + 1
    size = size[:orders]
    size[-1] -= reached[orders - 1] - rows
    return size


def _lines(
    settings: Settings,
    world: World,
    random: np.random.Generator,
    who: IntArray,
    community: IntArray,
    size: IntArray,
    day: IntArray,
    first_id: int,
) -> pa.Table:
    order = np.repeat(np.arange(len(size)), size)
    taste = np.cumsum(world.community_taste[community], axis=1)[order, :-1]
    department = (random.random((len(order), 1)) >= taste).sum(axis=1)
    product = draw_products(random, world.catalogue, department, community[order], settings.style_share)
    units = 1 + random.binomial(3, 0.1, len(order))
    channel = random.integers(2, size=len(size))
    return pa.table(
        {
            "line_id": files.numbered("L", first_id + np.arange(len(order))),
            "order": files.numbered("O", first_id + order),
            "customer_id": files.customer_ids(who[order]),
            "sku": files.product_ids(product),
            "ordered_at": files.times(draw_times(random, day)[order]),
            "loaded_at": pa.nulls(len(order), files.TIMESTAMP),
            "units": pa.array(units, pa.int32()),
            "total": draw_amounts(random, world.catalogue, product, units),
            "channel": pa.array(("web", "shop")).take(pa.array(channel[order])),
        }
    )


def _corrected(random: np.random.Generator, lines: pa.Table, day: int) -> pa.Table:
    """The same lines with another amount, known at the night of a day."""
    before = lines["total"].to_numpy()
    after = np.round(before * random.uniform(0.5, 0.95, len(lines)), 2)
    after = np.where(after == before, before + 0.01, after)
    known = files.times(np.full(len(lines), epoch_ms(day) + _LOADED_AT))
    return _with(_with(lines, "total", pa.array(after)), "loaded_at", known)


def _customers(random: np.random.Generator, numbers: IntArray, settings: Settings, day: int) -> pa.Table:
    signup = np.full(len(numbers), np.datetime64(settings.end, "D") + (day - settings.days))
    return pa.table(
        {
            "customer_id": files.customer_ids(numbers),
            "country": pa.array(COUNTRIES).take(pa.array(random.integers(len(COUNTRIES), size=len(numbers)))),
            "age_band": pa.array(AGE_BANDS).take(pa.array(random.integers(len(AGE_BANDS), size=len(numbers)))),
            "signup_date": pa.array(signup),
        },
        schema=files.CUSTOMERS,
    )


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
