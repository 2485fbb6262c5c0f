"""What all customers share: the calendar, the taste communities, the campaigns and the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bench.synthetic.settings import (
    AISLES,
    CAMPAIGN_EVERY_DAYS,
    COMMUNITIES,
    DEPARTMENTS,
    EFFECT_DAYS,
    SHELVES,
    START,
    WORLD,
    FloatArray,
    IntArray,
    Settings,
)

_WEEK = (0.85, 0.85, 0.9, 0.95, 1.15, 1.35, 0.95)
_TASTE_CONCENTRATION = 8.0
_POPULARITY_EXPONENT, _POPULARITY_SHIFT = 1.0, 3.0


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Products, numbered by department and within it by style; style k is what community k likes.

    Attributes:
        department, style, aisle, shelf: Numbers, one per product; aisles count within departments and so on.
        brand: Number of the brand.
        price: List price.
        reach: Popularity summed up to and with each product, and 0 before the first; length products + 1.
        first: First product of each department and style, and the number of products after the last one.
    """

    department: IntArray
    style: IntArray
    aisle: IntArray
    shelf: IntArray
    brand: IntArray
    price: FloatArray
    reach: FloatArray
    first: IntArray

    def mean_price(self, style_share: float) -> FloatArray:
        """Expected price of a line by community and department, shape (communities, departments)."""
        popularity = np.diff(self.reach)
        group = self.department * COMMUNITIES + self.style
        shape = (DEPARTMENTS, COMMUNITIES)
        spent = np.bincount(group, popularity * self.price, DEPARTMENTS * COMMUNITIES).reshape(shape)
        drawn = np.bincount(group, popularity, DEPARTMENTS * COMMUNITIES).reshape(shape)
        whole = spent.sum(axis=1) / drawn.sum(axis=1)
        mean: FloatArray = (style_share * spent / drawn + (1 - style_share) * whole[:, None]).T
        return mean


@dataclass(frozen=True, eq=False)
class World:
    """The calendar counts days from 0; it reaches `Settings.calendar_days` days.

    Attributes:
        season: Factor of the purchase rate by day, 1 on average over the history.
        exposure: Season summed over the days before each one; length days + 1.
        wave: Factor of the lapse hazard by community and day.
        worn: Wave summed over the days before each one; length days + 1 on the second axis.
        community_share: Share of customers by community.
        community_score: Standard score (mean 0, variance 1 over customers) that raises the lapse hazard.
        community_taste: Mean taste over departments by community.
        campaign_day: Day of the contacts by campaign, those beyond the history included.
        campaign_department: What each campaign is about.
        catalogue: The products.
        line_price: Expected price of a line by community and department.
    """

    season: FloatArray
    exposure: FloatArray
    wave: FloatArray
    worn: FloatArray
    community_share: FloatArray
    community_score: FloatArray
    community_taste: FloatArray
    campaign_day: IntArray
    campaign_department: IntArray
    catalogue: Catalogue
    line_price: FloatArray

    def campaign_at_work(self, day: int) -> int | None:
        """The campaign whose responders buy more on a day."""
        (found,) = np.nonzero((self.campaign_day < day) & (day <= self.campaign_day + EFFECT_DAYS))
        return int(found[0]) if len(found) else None


def make_world(settings: Settings) -> World:
    """Draw what all customers share."""
    random = settings.random(WORLD)
    day = np.arange(settings.calendar_days)
    season = _season(day, settings.days)
    share = 1 / np.sqrt(np.arange(COMMUNITIES) + 2.0)
    share /= share.sum()
    score = random.permutation(np.linspace(-1.5, 1.5, COMMUNITIES))
    score -= (share * score).sum()
    score /= np.sqrt((share * score**2).sum())
    phase = random.permutation(COMMUNITIES) / COMMUNITIES
    wave = np.exp(settings.wave * np.sin(2 * np.pi * (day / settings.wave_days + phase[:, None])))
    taste = random.dirichlet(np.full(DEPARTMENTS, 0.4), COMMUNITIES)
    campaign_day = np.arange(6, settings.calendar_days, CAMPAIGN_EVERY_DAYS)
    catalogue = _catalogue(settings, random)
    return World(
        season=season,
        exposure=np.concatenate([[0.0], np.cumsum(season)]),
        wave=wave,
        worn=np.concatenate([np.zeros((COMMUNITIES, 1)), np.cumsum(wave, axis=1)], axis=1),
        community_share=share,
        community_score=score,
        community_taste=(_TASTE_CONCENTRATION * taste + 0.05) / (_TASTE_CONCENTRATION + 0.05 * DEPARTMENTS),
        campaign_day=campaign_day,
        campaign_department=random.integers(DEPARTMENTS, size=len(campaign_day)),
        catalogue=catalogue,
        line_price=catalogue.mean_price(settings.style_share),
    )


def draw_tastes(random: np.random.Generator, world: World, community: IntArray) -> FloatArray:
    """A taste (Dirichlet around the community's) for each customer, shape (customers, departments)."""
    drawn = random.standard_gamma(_TASTE_CONCENTRATION * world.community_taste[community]) + 1e-12
    taste: FloatArray = drawn / drawn.sum(axis=1, keepdims=True)
    return taste


def _season(day: IntArray, history: int) -> FloatArray:
    dates = [START + timedelta(days=int(each)) for each in day]
    week = np.array([_WEEK[each.weekday()] for each in dates])
    of_year = np.array([each.timetuple().tm_yday for each in dates])
    year = 1 + 0.12 * np.cos(2 * np.pi * (of_year - 350) / 365.25)
    year += 0.5 * np.exp(-(((of_year - 342) / 14.0) ** 2)) - 0.2 * np.exp(-(((of_year - 215) / 20.0) ** 2))
    season: FloatArray = week * year / (week * year)[:history].mean()
    return season


def _catalogue(settings: Settings, random: np.random.Generator) -> Catalogue:
    count = settings.product_count
    group = np.sort(np.arange(count) % (DEPARTMENTS * COMMUNITIES))
    department, style = group // COMMUNITIES, group % COMMUNITIES
    aisle = np.where(random.random(count) < 0.6, style % AISLES, random.integers(AISLES, size=count))
    popularity = (random.permutation(count) + _POPULARITY_SHIFT) ** -_POPULARITY_EXPONENT
    brands = int(np.clip(count // 40, 50, 600)) // DEPARTMENTS
    own = np.minimum(random.zipf(1.4, count) - 1, brands - 1)
    price = np.exp(random.uniform(1.2, 3.6, DEPARTMENTS)[department] + random.normal(0.0, 0.6, count))
    return Catalogue(
        department=department,
        style=style,
        aisle=aisle,
        shelf=random.integers(SHELVES, size=count),
        brand=department * brands + own,
        price=np.maximum(np.round(price, 2), 0.5),
        reach=np.concatenate([[0.0], np.cumsum(popularity)]),
        first=np.searchsorted(group, np.arange(DEPARTMENTS * COMMUNITIES + 1)),
    )
