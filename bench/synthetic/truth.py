"""Each customer's true probabilities and expectations at a cutoff, by exact recursion over days.

State and rates being known, the process of a customer is a Markov chain in days whose orders are Poisson given the
state: a Markov-modulated Poisson process on the calendar. Carried forward is the vector of probabilities
(responding or not) by (active or lapsed), once jointly with "no order so far" and once without; a day multiplies the
first by exp(-mean orders of that day in that state), and both by that night's transition matrix. When a campaign that
starts at the cutoff or later begins to work, the mass splits by the probability of being contacted and responding;
when it ends, the halves join. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.synthetic.baskets import MEAN_QUANTITY, drifted
from bench.synthetic.behaviour import History
from bench.synthetic.customers import Traits
from bench.synthetic.settings import HORIZONS, BoolArray, FloatArray, IntArray, Settings
from bench.synthetic.world import World

_CHUNK = 4_000  # customers whose masses fit a processor's cache


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of the customers who joined before a cutoff.

    Attributes:
        who: Their positions in the block.
        active: State on the cutoff's day.
        responding: Whether a campaign works on that day to which the customer responded before.
        no_purchase: Probability of no order in [cutoff, cutoff + H), shape (horizons, customers).
        expected_orders, expected_amount: Expected orders, and purchased amount (returns not taken off), in it.
    """

    who: IntArray
    active: BoolArray
    responding: BoolArray
    no_purchase: FloatArray
    expected_orders: FloatArray
    expected_amount: FloatArray


def truth_at(
    settings: Settings, world: World, traits: Traits, history: History, cutoff: int, lines_per_order: float
) -> Truth:
    """What is true at the midnight that begins day `cutoff`."""
    (who,) = np.nonzero(traits.joined < cutoff)
    active = history.spells.active_on(who, np.full(len(who), cutoff))
    campaign = world.campaign_at_work(cutoff)
    responding = np.zeros(len(who), bool) if campaign is None else history.responded[who, campaign]
    parts = [
        forecast(settings, world, traits, who[at : at + _CHUNK], active[at : at + _CHUNK],
                 responding[at : at + _CHUNK], cutoff, lines_per_order)
        for at in range(0, len(who), _CHUNK)
    ]  # fmt: skip
    nothing = np.zeros((3, len(HORIZONS), 0))
    no_purchase, orders, amount = np.concatenate([nothing, *parts], axis=2)
    return Truth(who, active, responding, no_purchase, orders, amount)


def forecast(
    settings: Settings,
    world: World,
    traits: Traits,
    who: IntArray,
    active: BoolArray,
    responding: BoolArray,
    cutoff: int,
    lines_per_order: float,
    horizons: Sequence[int] = HORIZONS,
) -> FloatArray:
    """Probability of no order, expected orders and expected amount, shape (3, horizons, customers).

    Args:
        settings: Of the retailer.
        world: What customers share.
        traits: Of the block.
        who: Positions in the block.
        active: State on the cutoff's day.
        responding: Whether a campaign that began before works on them.
        cutoff: First day of the horizons.
        lines_per_order: Mean.
        horizons: Days, ascending.
    """
    rate, lapse = traits.rate[who], traits.lapse[who]
    community = traits.community[who]
    back = -np.expm1(-traits.comeback[who])
    price_start, price_end = (each * (lines_per_order * MEAN_QUANTITY) for each in traits.line_price(world, who))
    mass = np.zeros((2, 2, 2, len(who)))  # (no order so far, whatever ordered) by (not responding, responding) by state
    state = np.where(active, 0, 1)
    mass[:, responding.astype(int), state, np.arange(len(who))] = 1.0
    at_work = world.campaign_at_work(cutoff)
    orders, amount = np.zeros(len(who)), np.zeros(len(who))
    results = []
    for day in range(cutoff, cutoff + horizons[-1]):
        campaign = world.campaign_at_work(day)
        if campaign != at_work:
            mass[:, 0] += mass[:, 1]
            mass[:, 1] = 0.0
            if campaign is not None:
                share = traits.contact[who, campaign] * traits.responsiveness[who]
                mass[:, 1] = mass[:, 0] * share
                mass[:, 0] -= mass[:, 1]
            at_work = campaign
        mean = rate * world.season[day]
        ordered = mean * mass[1, 0, 0]
        mass[0, 0, 0] *= np.exp(-mean)
        if campaign is not None:
            ordered += (1 + settings.lift) * mean * mass[1, 1, 0]
            mass[0, 1, 0] *= np.exp(-(1 + settings.lift) * mean)
        later = drifted(settings, np.array(day))
        orders += ordered
        amount += ordered * ((1 - later) * price_start + later * price_end)
        night = mass if campaign is not None else mass[:, :1]
        leaving = night[:, :, 0] * -np.expm1(-lapse * world.wave[:, day][community])
        leaving -= night[:, :, 1] * back
        night[:, :, 0] -= leaving
        night[:, :, 1] += leaving
        if day + 1 - cutoff in horizons:
            results.append((mass[0].sum(axis=(0, 1)), orders.copy(), amount.copy()))
    return np.array(results).swapaxes(0, 1)
