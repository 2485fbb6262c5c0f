"""Rates and basket sizes that bring as many interactions as were asked for.

The purchase rates' mean comes from a pilot block of its own random stream, so that no customer's probabilities depend
on what the customers did. What the drawn orders then differ from their expectation is evened out by the mean basket
size alone, on which no probability of a purchase depends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.synthetic.behaviour import draw_history, draw_responses, draw_spells, order_chances
from bench.synthetic.customers import draw_traits
from bench.synthetic.settings import (
    CONTACT_SHARE,
    EXISTING_SHARE,
    HISTORY,
    LARGEST_BLOCK,
    LINES_PER_ORDER,
    PILOT,
    REDEEMING_SHARE,
    RETURN_DELAY_DAYS,
    RETURN_PROBABILITY,
    Settings,
)
from bench.synthetic.world import World
from graph.store import Progress
from habitue.errors import UsageError


@dataclass(frozen=True)
class Sizes:
    """What the number of interactions settles.

    Attributes:
        mean_rate: Of the customers' purchase rates: orders per day while active, at season 1.
        contact: Mean probability that a campaign contacts a customer.
        lines_per_order: Mean.
    """

    mean_rate: float
    contact: float
    lines_per_order: float


def settle_sizes(settings: Settings, world: World, progress: Progress) -> Sizes:
    """Settle rates by the pilot, and basket sizes by a first pass over all blocks' orders.

    Raises:
        UsageError: The interactions are too few for the customers' orders.
    """
    campaigns = world.campaign_day[world.campaign_day < settings.days]
    there = EXISTING_SHARE + (1 - EXISTING_SHARE) * campaigns / settings.days
    contact = min(CONTACT_SHARE * settings.interactions / (settings.customers * there.sum()), 0.5)
    first_orders = (1 - EXISTING_SHARE) * settings.customers
    lines = settings.interactions * (1 - CONTACT_SHARE) / (1 + RETURN_PROBABILITY)
    orders = max(lines / LINES_PER_ORDER - first_orders, 0.2 * first_orders)
    mean_rate = orders / (settings.customers * _chances_per_customer(settings, world, contact))

    by_day = np.zeros(settings.days)
    others = 0.0
    for number, numbers in enumerate(settings.blocks):
        progress("settling sizes", number / len(settings.blocks))
        random = settings.random(HISTORY, number)
        traits = draw_traits(settings, world, random, numbers, mean_rate, contact)
        history = draw_history(settings, world, random, traits)
        by_day += np.bincount(history.day, minlength=settings.days)
        others += history.contacted.sum() + REDEEMING_SHARE * (history.campaign >= 0).sum()
    left = settings.days - 1 - np.arange(settings.days)  # within so many days a return is still in the history
    returned = RETURN_PROBABILITY * (1 - (1 - 1 / RETURN_DELAY_DAYS) ** left)
    lines_per_order = float((settings.interactions - others) / (by_day * (1 + returned)).sum())
    if lines_per_order < 1:
        raise UsageError(
            f"{settings.interactions} interactions are too few for {settings.customers} customers: "
            f"their orders would hold {lines_per_order:.2f} lines on average."
        )
    return Sizes(mean_rate, contact, lines_per_order)


def _chances_per_customer(settings: Settings, world: World, contact: float) -> float:
    """Expected orders of a customer at rate 1, first orders aside; rates are independent of everything else."""
    random = settings.random(PILOT)
    traits = draw_traits(settings, world, random, range(LARGEST_BLOCK), 1.0, contact)
    spells = draw_spells(settings, world, random, traits)
    _, responded = draw_responses(settings, world, random, traits)
    return order_chances(settings, world, traits, spells, responded).total / LARGEST_BLOCK
