"""What is in the orders: products by taste and popularity, quantities, amounts, times of day, returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.synthetic.customers import Traits
from bench.synthetic.settings import (
    COMMUNITIES,
    RETURN_DELAY_DAYS,
    RETURN_PROBABILITY,
    FloatArray,
    IntArray,
    Settings,
    epoch_ms,
)
from bench.synthetic.world import Catalogue, World

_QUANTITY_SHARE: Final = np.array([0.78, 0.15, 0.05, 0.02])  # of 1, 2, 3 and 4 pieces
MEAN_QUANTITY: Final = float((_QUANTITY_SHARE * np.arange(1, 5)).sum())
_DISCOUNT_SPREAD = 0.12
_HOURS: Final = np.array([8.0, 10.0, 12.0, 14.0, 17.0, 20.0, 22.0])
_DAY_SHARE: Final = np.array([0.0, 0.1, 0.25, 0.42, 0.65, 0.92, 1.0])  # of the orders before each hour


@dataclass(frozen=True, eq=False)
class Lines:
    """Purchase lines in the order of time, lines of one order together.

    Attributes:
        order: Position of the line's order.
        product: Number of the product.
        quantity: Pieces.
        amount: Of the line, in whole cents.
    """

    order: IntArray
    product: IntArray
    quantity: IntArray
    amount: FloatArray


def draw_times(random: np.random.Generator, day: IntArray) -> IntArray:
    """Epoch milliseconds within the shop's hours, 8 to 22 o'clock."""
    hour = np.interp(random.random(len(day)), _DAY_SHARE, _HOURS)
    at: IntArray = epoch_ms(0) + day * 86_400_000 + (hour * 3_600_000).astype(np.int64)
    return at


def draw_lines(
    settings: Settings,
    world: World,
    random: np.random.Generator,
    traits: Traits,
    owner: IntArray,
    day: IntArray,
    mean: float,
) -> Lines:
    """Draw the lines of orders: 1 plus a Poisson number each, `mean` on average.

    Args:
        settings: Of the retailer.
        world: What customers share.
        random: Of this block's lines.
        traits: The block's customers.
        owner: Position of each order's customer.
        day: Day of each order.
        mean: Lines per order.
    """
    size = 1 + random.poisson(mean - 1, len(owner))
    order = np.repeat(np.arange(len(owner)), size)
    who = owner[order]
    later = random.random(len(order)) < drifted(settings, day[order])
    pick = random.random(len(order))
    department = np.zeros(len(order), np.int64)
    for taste, rows in ((traits.taste_start, ~later), (traits.taste_end, later)):
        reached = np.cumsum(taste, axis=1)
        # Rounding may leave the last sum just below 1: the last department takes what lies beyond.
        department[rows] = (pick[rows, None] >= reached[who[rows], :-1]).sum(axis=1)
    product = draw_products(random, world.catalogue, department, traits.community[who], settings.style_share)
    quantity = 1 + np.searchsorted(np.cumsum(_QUANTITY_SHARE)[:-1], random.random(len(order)), side="right")
    return Lines(order, product, quantity, draw_amounts(random, world.catalogue, product, quantity))


def drifted(settings: Settings, day: IntArray) -> FloatArray:
    """Weight of the taste at the history's end in the taste of a day; 1 from the end on."""
    return np.minimum(day / settings.days, 1.0)


def draw_products(
    random: np.random.Generator, catalogue: Catalogue, department: IntArray, community: IntArray, style_share: float
) -> IntArray:
    """A product of each line's department by popularity, of the community's own style in a share of the lines."""
    own = random.random(len(department)) < style_share
    group = department * COMMUNITIES
    low = catalogue.first[np.where(own, group + community, group)]
    high = catalogue.first[np.where(own, group + community + 1, group + COMMUNITIES)]
    reach = catalogue.reach
    at = reach[low] + random.random(len(low)) * (reach[high] - reach[low])
    return np.clip(np.searchsorted(reach, at, side="right") - 1, low, high - 1)


def draw_amounts(
    random: np.random.Generator, catalogue: Catalogue, product: IntArray, quantity: IntArray
) -> FloatArray:
    """Amounts of lines: pieces at the list price times a lognormal factor of mean 1, in whole cents."""
    factor = np.exp(random.normal(-(_DISCOUNT_SPREAD**2) / 2, _DISCOUNT_SPREAD, len(product)))
    return np.maximum(np.round(catalogue.price[product] * quantity * factor, 2), 0.01)


def draw_returns(settings: Settings, random: np.random.Generator, day: IntArray) -> tuple[IntArray, IntArray]:
    """Which lines are returned within the history, and on which day.

    Args:
        settings: Of the retailer.
        random: Of this block's lines.
        day: Of each line's purchase.
    """
    (line,) = np.nonzero(random.random(len(day)) < RETURN_PROBABILITY)
    back = day[line] + random.geometric(1 / RETURN_DELAY_DAYS, len(line))
    kept = back < settings.days
    return line[kept], back[kept]
