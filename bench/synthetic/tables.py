"""From numbers to tables: customers, products, campaigns, and a block's interactions and truths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bench.synthetic import files
from bench.synthetic.baskets import draw_lines, draw_returns, draw_times
from bench.synthetic.behaviour import History
from bench.synthetic.customers import AGE_BANDS, COUNTRIES, Traits
from bench.synthetic.settings import (
    AISLES,
    DEPARTMENTS,
    EFFECT_DAYS,
    HORIZONS,
    LINES,
    REDEEMING_SHARE,
    SHELVES,
    START,
    FloatArray,
    IntArray,
    Settings,
    epoch_ms,
)
from bench.synthetic.truth import Truth
from bench.synthetic.world import Catalogue, World

_BLOCK_IDS = 100_000_000  # ids that each block may use, so that no block needs to know of another
_DEPARTMENT_NAMES = ("BAKERY", "DAIRY", "DELI", "DRINKS", "FROZEN", "GARDEN", "HEALTH", "HOME", "MEAT", "PANTRY",
                     "PRODUCE", "TOYS")  # fmt: skip
_KINDS = ("e-mail", "letter", "app")
_CONTACT_HOUR = 7  # before the shop opens

TASTE = pa.list_(pa.float32(), DEPARTMENTS)
TRUE_CUSTOMERS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("community", pa.int8()),
        ("joined_day", pa.int32()),
        ("rate", pa.float64()),
        ("lapse_hazard", pa.float64()),
        ("return_hazard", pa.float64()),
        ("responsiveness", pa.float64()),
        ("taste_start", TASTE),
        ("taste_end", TASTE),
    ]
)
TRUE_OUTCOMES = pa.schema(
    [("customer_id", pa.string()), ("active", pa.bool_()), ("responding", pa.bool_())]
    + [(f"{name}_{days}", pa.float32())
       for name in ("no_purchase", "expected_orders", "expected_amount") for days in HORIZONS]
)  # fmt: skip


def department_name(number: int) -> str:
    """Outermost category."""
    return _DEPARTMENT_NAMES[number]


def block_customers(traits: Traits) -> pa.Table:
    """The customers table's rows."""
    first_day = np.datetime64(START, "D")
    return pa.table(
        {
            "customer_id": files.customer_ids(traits.first + np.arange(len(traits))),
            "country": pa.array(COUNTRIES).take(pa.array(traits.country)),
            "age_band": pa.array(AGE_BANDS).take(pa.array(traits.age_band)),
            "signup_date": pa.array(first_day + traits.joined.astype("timedelta64[D]")),
        },
        schema=files.CUSTOMERS,
    )


def true_customers(traits: Traits) -> pa.Table:
    """The traits that nobody can see."""
    return pa.table(
        {
            "customer_id": files.customer_ids(traits.first + np.arange(len(traits))),
            "community": pa.array(traits.community, pa.int8()),
            "joined_day": pa.array(traits.joined, pa.int32()),
            "rate": traits.rate,
            "lapse_hazard": traits.lapse,
            "return_hazard": traits.comeback,
            "responsiveness": traits.responsiveness,
            "taste_start": _vectors(traits.taste_start),
            "taste_end": _vectors(traits.taste_end),
        },
        schema=TRUE_CUSTOMERS,
    )


def true_outcomes(traits: Traits, truth: Truth) -> pa.Table:
    """What is true at a cutoff."""
    columns = {"customer_id": files.customer_ids(traits.first + truth.who), "active": truth.active}
    columns["responding"] = truth.responding
    for name in ("no_purchase", "expected_orders", "expected_amount"):
        for days, values in zip(HORIZONS, getattr(truth, name), strict=True):
            columns[f"{name}_{days}"] = pa.array(values.astype(np.float32))
    return pa.table(columns, schema=TRUE_OUTCOMES)


def _vectors(matrix: FloatArray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.astype(np.float32).ravel()), DEPARTMENTS)


def products(catalogue: Catalogue) -> pa.Table:
    """The products table."""
    count = len(catalogue.price)
    aisle = catalogue.department * AISLES + catalogue.aisle
    shelf = aisle * SHELVES + catalogue.shelf
    names = pa.array(_DEPARTMENT_NAMES)
    return pa.table(
        {
            "sku": files.product_ids(np.arange(count)),
            "title": files.numbered("Product ", np.arange(count)),
            "list_price": catalogue.price,
            "department": names.take(pa.array(catalogue.department)),
            "aisle": files.numbered("AISLE ", aisle, 2),
            "shelf": files.numbered("SHELF ", shelf, 3),
            "brand": files.numbered("BRAND ", catalogue.brand, 3),
        },
        schema=files.PRODUCTS,
    )


def campaigns(settings: Settings, world: World) -> pa.Table:
    """The campaigns table: those of the history."""
    day = world.campaign_day[world.campaign_day < settings.days]
    number = np.arange(len(day))
    return pa.table(
        {
            "campaign_id": files.numbered("M", number, 3),
            "title": files.numbered("Campaign ", number + 1),
            "kind": [_KINDS[each % len(_KINDS)] for each in number],
            "department": [department_name(each) for each in world.campaign_department[: len(day)]],
            "start_date": files.times(np.array([epoch_ms(each) for each in day])),
            "end_date": files.times(np.array([epoch_ms(each + EFFECT_DAYS + 1) for each in day])),
        },
        schema=files.CAMPAIGNS,
    )


@dataclass(frozen=True, eq=False)
class Interactions:
    """A block's interactions, each table in the order of time."""

    orders: pa.Table
    returns: pa.Table
    contacts: pa.Table
    redemptions: pa.Table


def block_interactions(
    settings: Settings, world: World, number: int, traits: Traits, history: History, lines_per_order: float
) -> Interactions:
    """Draw what is in a block's orders, and write all of its interactions down.

    Args:
        settings: Of the retailer.
        world: What customers share.
        number: Of the block.
        traits: Its customers.
        history: What they did.
        lines_per_order: Mean.
    """
    random = settings.random(LINES, number)
    ids = files.customer_ids(traits.first + np.arange(len(traits)))
    campaign_ids = files.numbered("M", np.arange(len(world.campaign_day)), 3)
    at = draw_times(random, history.day)
    by_time = np.argsort(at, kind="stable")
    at, owner, day, campaign = at[by_time], history.owner[by_time], history.day[by_time], history.campaign[by_time]
    channel = np.where(random.random(len(owner)) < traits.web[owner], 0, 1)
    order_ids = _ids("O", number, len(owner))
    lines = draw_lines(settings, world, random, traits, owner, day, lines_per_order)
    columns = {
        "order": order_ids.take(pa.array(lines.order)),
        "customer_id": ids.take(pa.array(owner[lines.order])),
        "sku": files.product_ids(np.arange(settings.product_count)).take(pa.array(lines.product)),
        "units": pa.array(lines.quantity, pa.int32()),
        "total": pa.array(lines.amount),
    }
    orders = pa.table(
        {
            **columns,
            "line_id": _ids("L", number, len(lines.order)),
            "ordered_at": files.times(at[lines.order]),
            "loaded_at": pa.nulls(len(lines.order), files.TIMESTAMP),  # known when it happened
            "channel": pa.array(("web", "shop")).take(pa.array(channel[lines.order])),
        }
    )
    line, back = draw_returns(settings, random, day[lines.order])
    back_at = draw_times(random, back)
    by_time = np.argsort(back_at, kind="stable")
    returned = pa.table(columns).take(pa.array(line[by_time]))
    returned = returned.append_column("return_id", _ids("R", number, len(line)))
    returned = returned.append_column("returned_at", files.times(back_at[by_time]))
    contact_campaign, contact_owner = np.nonzero(history.contacted.T)
    contact_day = world.campaign_day[contact_campaign]
    contacts = pa.table(
        {
            "contact_id": _ids("K", number, len(contact_owner)),
            "customer_id": ids.take(pa.array(contact_owner)),
            "campaign_id": campaign_ids.take(pa.array(contact_campaign)),
            "contacted_at": files.times(epoch_ms(0) + contact_day * 86_400_000 + _CONTACT_HOUR * 3_600_000),
        }
    )
    (redeemed,) = np.nonzero((campaign >= 0) & (random.random(len(campaign)) < REDEEMING_SHARE))
    redemptions = pa.table(
        {
            "redemption_id": _ids("V", number, len(redeemed)),
            "customer_id": ids.take(pa.array(owner[redeemed])),
            "campaign_id": campaign_ids.take(pa.array(campaign[redeemed])),
            "redeemed_at": files.times(at[redeemed]),
            "order": order_ids.take(pa.array(redeemed)),
        }
    )
    return Interactions(orders, returned, contacts, redemptions)


def _ids(prefix: str, block: int, count: int) -> pa.Array:
    numbers: IntArray = (block + 10) * _BLOCK_IDS + np.arange(count)
    return files.numbered(prefix, numbers)
