"""What a block of customers does: active and lapsed spells, contacts, responses, orders.

The state of a customer holds for a whole day; it changes at midnight. An active customer with lapse hazard h becomes
lapsed after day d with probability 1 - exp(-h wave(d)), a lapsed one with hazard g active with probability
1 - exp(-g). Orders of an active customer on day d are Poisson with mean rate times season(d), and as many again as
`Settings.lift` says, on average, while a campaign works that the customer responded to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.synthetic.customers import Traits
from bench.synthetic.settings import EFFECT_DAYS, BoolArray, FloatArray, IntArray, Settings
from bench.synthetic.world import World


@dataclass(frozen=True, eq=False)
class Spells:
    """Stays in a state, by customer and time, from joining (or day 0) to beyond the history's end.

    Attributes:
        owner: Position of the customer in the block.
        start, end: First day, and first day after.
        active: Whether it is an active one.
    """

    owner: IntArray
    start: IntArray
    end: IntArray
    active: BoolArray

    def active_on(self, owner: IntArray, day: IntArray) -> BoolArray:
        """Whether customers are active on days; False before joining."""
        span = 1 << 20
        at = np.searchsorted(self.owner * span + self.start, owner * span + day, side="right") - 1
        found: BoolArray = self.active[at] & (self.owner[at] == owner) & (day < self.end[at])
        return found


@dataclass(frozen=True, eq=False)
class History:
    """What a block's customers did, without what is in their baskets.

    Attributes:
        spells: Their states.
        contacted, responded: By customer and campaign; only campaigns of the history contact anyone.
        owner, day: Customer and day of each order.
        campaign: The campaign that brought in the order, or -1.
    """

    spells: Spells
    contacted: BoolArray
    responded: BoolArray
    owner: IntArray
    day: IntArray
    campaign: IntArray


def draw_spells(settings: Settings, world: World, random: np.random.Generator, traits: Traits) -> Spells:
    """Draw the states until the end of the history, and on the day after it."""
    n, horizon = len(traits), settings.days + 1
    stationary = traits.comeback / (traits.comeback + traits.lapse)
    active = (traits.joined >= 0) | (random.random(n) < stationary)
    start = np.maximum(traits.joined, 0)
    # One sorted array of all communities' hazards, each shifted beyond the last one's.
    shift = np.arange(len(world.worn)) * (world.worn.max() + 1.0)
    worn = (world.worn + shift[:, None]).ravel()
    width = world.worn.shape[1]
    pending = np.arange(n)
    parts = []
    while len(pending):
        begin, is_active, group = start[pending], active[pending], traits.community[pending]
        waited = random.standard_exponential(len(pending))
        lapsing = world.worn[group, begin] + waited / traits.lapse[pending]
        lapsing = np.minimum(lapsing, world.worn[group, -1])
        lapsed_on = np.searchsorted(worn, lapsing + shift[group]) - group * width
        back_on = begin + np.minimum(np.ceil(waited / traits.comeback[pending]), horizon).astype(np.int64)
        end = np.minimum(np.where(is_active, np.maximum(lapsed_on, begin + 1), np.maximum(back_on, begin + 1)), horizon)
        parts.append((pending, begin, end, is_active))
        start[pending], active[pending] = end, ~is_active
        pending = pending[end < horizon]
    owner, begin, end, is_active = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((begin, owner))
    return Spells(owner[order], begin[order], end[order], is_active[order])


def draw_responses(
    settings: Settings, world: World, random: np.random.Generator, traits: Traits
) -> tuple[BoolArray, BoolArray]:
    """Who is contacted, and who of these responds, by customer and campaign."""
    shape = traits.contact.shape
    there = (traits.joined[:, None] < world.campaign_day) & (world.campaign_day < settings.days)
    contacted = there & (random.random(shape) < traits.contact)
    return contacted, contacted & (random.random(shape) < traits.responsiveness[:, None])


@dataclass(frozen=True, eq=False)
class Chances:
    """Where orders can fall: expected numbers at rate 1, for spells and for days on which a campaign works."""

    owner: IntArray
    begin: IntArray
    end: IntArray
    expected: FloatArray
    lifted_owner: IntArray
    lifted_day: IntArray
    lifted_campaign: IntArray
    lifted_expected: FloatArray

    @property
    def total(self) -> float:
        """Expected orders at rate 1, first orders aside."""
        return float(self.expected.sum() + self.lifted_expected.sum())


def order_chances(settings: Settings, world: World, traits: Traits, spells: Spells, responded: BoolArray) -> Chances:
    """Expected orders given states and responses; a customer's joining day holds no order but the first."""
    kept = spells.active
    owner, begin, end = spells.owner[kept], spells.start[kept], np.minimum(spells.end[kept], settings.days)
    begin = np.minimum(np.where(begin == traits.joined[owner], begin + 1, begin), end)
    who, campaign = np.nonzero(responded)
    day = (world.campaign_day[campaign][:, None] + 1 + np.arange(EFFECT_DAYS)).ravel()
    who, campaign = np.repeat(who, EFFECT_DAYS), np.repeat(campaign, EFFECT_DAYS)
    works = (day < settings.days) & spells.active_on(who, day)
    who, campaign, day = who[works], campaign[works], day[works]
    expected = world.exposure[end] - world.exposure[begin]
    return Chances(owner, begin, end, expected, who, day, campaign, settings.lift * world.season[day])


def draw_history(settings: Settings, world: World, random: np.random.Generator, traits: Traits) -> History:
    """Draw a block's history."""
    spells = draw_spells(settings, world, random, traits)
    contacted, responded = draw_responses(settings, world, random, traits)
    chances = order_chances(settings, world, traits, spells, responded)
    count = random.poisson(traits.rate[chances.owner] * chances.expected)
    begin, end = np.repeat(chances.begin, count), np.repeat(chances.end, count)
    low, high = world.exposure[begin], world.exposure[end]
    at = low + random.random(len(low)) * (high - low)
    usual_day = np.clip(np.searchsorted(world.exposure, at, side="right") - 1, begin, end - 1)
    lifted = random.poisson(traits.rate[chances.lifted_owner] * chances.lifted_expected)
    (first,) = np.nonzero(traits.joined >= 0)
    owner = np.concatenate([first, np.repeat(chances.owner, count), np.repeat(chances.lifted_owner, lifted)])
    day = np.concatenate([traits.joined[first], usual_day, np.repeat(chances.lifted_day, lifted)])
    campaign = np.full(len(owner), -1)
    campaign[len(first) + len(usual_day) :] = np.repeat(chances.lifted_campaign, lifted)
    return History(spells, contacted, responded, owner, day, campaign)
