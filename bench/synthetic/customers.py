"""Customers' lasting traits, drawn block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.synthetic.settings import COMMUNITIES, EXISTING_SHARE, FloatArray, IntArray, Settings
from bench.synthetic.world import World, draw_tastes

COUNTRIES = ("DE", "FR", "ES", "IT", "NL", "PT", "AT", "BE")
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
_COUNTRY_SHARE = (0.3, 0.22, 0.14, 0.12, 0.08, 0.06, 0.05, 0.03)
_AGE_SHARE = (0.1, 0.22, 0.23, 0.2, 0.14, 0.11)
_RETURN_SPREAD = 0.6


@dataclass(frozen=True, eq=False)
class Traits:
    """One block of n customers.

    Attributes:
        first: Number of the first one; the others follow.
        community: Taste community.
        joined: Day of signing up, negative before the history. A customer of the history buys on that day.
        rate: Orders per day while active, at season 1.
        lapse: Lapse hazard per day at wave 1.
        comeback: Hazard per day of a lapsed customer's return.
        responsiveness: Probability of responding to a contact.
        contact: Probability of being contacted by campaign, shape (n, campaigns).
        taste_start, taste_end: Tastes over departments at the start and the end of the history, shape (n, departments).
        country, age_band: Numbers of `COUNTRIES`, `AGE_BANDS`.
        web: Share of orders made on the web.
    """

    first: int
    community: IntArray
    joined: IntArray
    rate: FloatArray
    lapse: FloatArray
    comeback: FloatArray
    responsiveness: FloatArray
    contact: FloatArray
    taste_start: FloatArray
    taste_end: FloatArray
    country: IntArray
    age_band: IntArray
    web: FloatArray

    def __len__(self) -> int:
        return len(self.rate)

    def line_price(self, world: World, who: IntArray) -> tuple[FloatArray, FloatArray]:
        """Expected price of a piece that a customer buys, by the taste at the start and at the end of the history."""
        price = world.line_price[self.community[who]]
        return (self.taste_start[who] * price).sum(axis=1), (self.taste_end[who] * price).sum(axis=1)


def draw_traits(
    settings: Settings, world: World, random: np.random.Generator, numbers: range, mean_rate: float, contact: float
) -> Traits:
    """Draw one block.

    Args:
        settings: Of the retailer.
        world: What customers share.
        random: Of this block.
        numbers: The customers' numbers.
        mean_rate: Of the gamma distributed purchase rates, orders per day.
        contact: Mean probability that a campaign contacts a customer.
    """
    n = len(numbers)
    community = random.choice(COMMUNITIES, n, p=world.community_share)
    existing = random.random(n) < EXISTING_SHARE
    joined = np.where(existing, -random.integers(1, 700, n), random.integers(settings.days, size=n))
    own = random.standard_normal(n) * np.sqrt(1 - settings.community_share)
    score = world.community_score[community] * np.sqrt(settings.community_share) + own
    start = draw_tastes(random, world, community)
    end = (1 - settings.drift) * start + settings.drift * draw_tastes(random, world, community)
    usual = (world.community_share[:, None] * world.community_taste).sum(axis=0)
    interest = 0.5 + 0.5 * start / usual
    return Traits(
        first=numbers.start,
        community=community,
        joined=joined,
        rate=random.standard_gamma(settings.rate_shape, n) * (mean_rate / settings.rate_shape),
        lapse=np.exp(settings.hazard_spread * score) / settings.lapse_days,
        comeback=np.exp(_RETURN_SPREAD * random.standard_normal(n)) / settings.return_days,
        responsiveness=random.beta(1.2, 2.8, n),
        contact=np.minimum(contact * interest[:, world.campaign_department], 0.9),
        taste_start=start,
        taste_end=end,
        country=random.choice(len(COUNTRIES), n, p=_COUNTRY_SHARE),
        age_band=random.choice(len(AGE_BANDS), n, p=_AGE_SHARE),
        web=random.beta(1.5, 1.0, n),
    )
