"""A customer's outlook in a row of scores, as views; runs of former releases have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from habitue.published import finite
from habitue.views import AtStakeView, DiscountedValueView, LapseView, ValueInterval


class OutlookViews(TypedDict):
    """The part of a `ChurnRiskView` that speaks of what follows from risk and value."""

    value_interval: ValueInterval | None
    p_alive: float | None
    lapse: LapseView | None
    at_stake: AtStakeView | None
    discounted_value: DiscountedValueView | None


def outlook_views(row: Mapping[str, Any]) -> OutlookViews:
    """From a row of `scores.parquet`; what it lacks or does not know is None."""

    def known(name: str) -> float | None:
        return finite(row[name]) if name in row else None

    low, high, level = known("value_low"), known("value_high"), known("value_level")
    since, longest = known("days_since_purchase"), known("lapse_after_days")
    stake, year, years = known("at_stake"), known("value_12_months"), known("value_24_months")
    return {
        "value_interval": None if low is None or high is None or level is None else ValueInterval(low, high, level),
        "p_alive": known("p_alive"),
        "lapse": None if since is None or longest is None else LapseView(since > longest, since, longest),
        "at_stake": None
        if stake is None
        else AtStakeView(
            stake,
            known("at_stake_low"),
            known("at_stake_high"),
            known("at_stake_half_horizon"),
            known("at_stake_double_horizon"),
        ),
        "discounted_value": None if year is None or years is None else DiscountedValueView(year, years),
    }
