"""What the generator can be told, and the constants of the process it draws from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.time import to_epoch_ms
from habitue.errors import UsageError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

START: Final = date(2024, 1, 1)
HORIZONS: Final = (30, 60, 90)  # days; the last one bounds how far the calendar reaches beyond the data
CUTOFF_MONTHS: Final = 6

DEPARTMENTS: Final = 12
AISLES: Final = 6  # in a department
SHELVES: Final = 4  # in an aisle
COMMUNITIES: Final = 8

EXISTING_SHARE: Final = 0.4  # of the customers joined before the first day
CONTACT_SHARE: Final = 0.08  # of the interactions are contacts
LINES_PER_ORDER: Final = 2.5  # about; settled by the number of interactions asked for
RETURN_PROBABILITY: Final = 0.03
RETURN_DELAY_DAYS: Final = 8.0  # mean of the geometric delay, at least one day
CAMPAIGN_EVERY_DAYS: Final = 24
EFFECT_DAYS: Final = 14  # after the contact; shorter than the campaigns' distance, so that effects never overlap
REDEEMING_SHARE: Final = 0.7  # of the orders that a campaign brought in

LARGEST_BLOCK: Final = 20_000  # customers
_BLOCK_ROWS: Final = 500_000
_FEWEST_INTERACTIONS: Final = 3


@dataclass(frozen=True)
class Settings:
    """A synthetic retailer. Equal settings give equal files.

    Attributes:
        customers: How many, 1,000 or more.
        interactions: Purchase lines, returns, contacts and redemptions together; met within 2 %.
        seed: Of all random numbers.
        days: Length of the history, from `START`.
        products: How many; a thirtieth of the customers within 2,000 to 50,000 by default.
        increments: Days that follow as increments.
        increment_rows: Rows of each increment.
        lapse_days: Median over customers of the mean time from becoming active to lapsing.
        return_days: Median over customers of the mean time from lapsing to coming back.
        hazard_spread: Standard deviation of a customer's log lapse hazard.
        community_share: Share of that variance which the customer's taste community explains; 0 leaves the graph
            without knowledge of churn beyond a customer's own history.
        wave: Amplitude of the communities' slow waves in the log lapse hazard, each with a phase of its own.
        wave_days: Period of these waves.
        rate_shape: Shape of the gamma distributed purchase rates; the smaller, the less alike customers are.
        drift: Weight of a fresh taste in the taste at the end of the history.
        style_share: Share of the lines bought among the community's own products of a department.
        lift: Additional purchase rate of a responding customer while a campaign works, as a multiple of the usual.
    """

    customers: int
    interactions: int
    seed: int = 1
    days: int = 731
    products: int | None = None
    increments: int = 0
    increment_rows: int = 100_000
    lapse_days: float = 160.0
    return_days: float = 140.0
    hazard_spread: float = 0.9
    community_share: float = 0.5
    wave: float = 0.6
    wave_days: float = 240.0
    rate_shape: float = 1.2
    drift: float = 0.3
    style_share: float = 0.5
    lift: float = 1.5

    def __post_init__(self) -> None:
        """Refuse what cannot be generated.

        Raises:
            UsageError: A value is out of range.
        """
        limits = {
            "customers": (self.customers, 1_000, 9_999_999),
            "interactions": (self.interactions, _FEWEST_INTERACTIONS * self.customers, 1_000 * self.customers),
            "days": (self.days, 200, 3_650),
            "seed": (self.seed, 0, 2**63),
            "products": (self.product_count, DEPARTMENTS * COMMUNITIES, 99_999),
            "increments": (self.increments, 0, 999),
            "increment rows": (self.increment_rows, 1_000, 10_000_000),
            "community share": (self.community_share, 0.0, 1.0),
        }
        for name, (value, low, high) in limits.items():
            if not low <= value <= high:
                raise UsageError(f"{name} is {value}; it must lie within {low} and {high}.")

    @property
    def product_count(self) -> int:
        """How many products."""
        return self.products if self.products is not None else min(max(self.customers // 30, 2_000), 50_000)

    @property
    def end(self) -> date:
        """The first day after the history."""
        return START + timedelta(days=self.days)

    @property
    def calendar_days(self) -> int:
        """Days that the process is defined for: the history and the longest horizon after it."""
        return self.days + max(HORIZONS)

    @property
    def block_customers(self) -> int:
        """Customers of one block: as many as keep its rows within bounds."""
        return int(np.clip(_BLOCK_ROWS * self.customers // self.interactions, 100, LARGEST_BLOCK))

    @property
    def blocks(self) -> list[range]:
        """The blocks' customer numbers."""
        size = self.block_customers
        return [range(first, min(first + size, self.customers)) for first in range(0, self.customers, size)]

    @property
    def cutoffs(self) -> list[date]:
        """The last six month starts within the history, and its end."""
        months = [each for n in range(self.days) if (each := START + timedelta(days=n)).day == 1]
        return [*months[-CUTOFF_MONTHS:], self.end]

    def random(self, stream: int, number: int = 0) -> np.random.Generator:
        """The generator of one stream's part: independent of all others and of the order of use."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(stream, number)))


# Streams of random numbers.
WORLD, PILOT, HISTORY, LINES, KEPT, INCREMENT = range(6)


def epoch_ms(day: int) -> int:
    """Epoch milliseconds of a day's midnight, the first day being 0."""
    return to_epoch_ms(datetime.combine(START, time())) + day * 86_400_000
