"""What a forecast means for a customer beyond the horizon: alive or lapsed, value at stake, discounted value.

Times and counts of purchases beyond the forecast's horizon come from BG/NBD fitted to the same past; the forecast sets
their level: at the horizon itself, risk and value are the forecast's. How a customer's risk and value change with time
is thus a model's shape, not measured; docs/model-card.md says so.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.special import expit

from gnn.baselines.bg_nbd import BetaGeometricNBD, PurchaseSummary, fit_bg_nbd
from gnn.baselines.bg_nbd_forecaster import purchase_summary
from gnn.calibration import logit
from gnn.forecast import Forecast
from gnn.lapse import fit_gaps, gap_summary
from gnn.task import Task
from graph.snapshot import FloatArray, Int32Array, Snapshot

#: An amount a year from now is worth 1/1.1 of it today.
ANNUAL_DISCOUNT: Final = 0.10
#: Discounted values are sums over quarters, each at its middle.
_QUARTER_DAYS: Final = 365.25 / 4
_DAYS_PER_WEEK: Final = 7.0
#: BG/NBD is fitted to at most so many customers.
_MOST: Final = 100_000

#: Columns of the table of scores, in their order; amounts in the currency of the data set.
COLUMNS: Final = (
    "value_low", "value_high", "value_level", "p_alive", "days_since_purchase", "lapse_after_days", "lapsed",
    "at_stake", "at_stake_low", "at_stake_high", "at_stake_half_horizon", "at_stake_double_horizon",
    "value_12_months", "value_24_months",
)  # fmt: skip


def outlook(snapshot: Snapshot, rows: Int32Array, forecast: Forecast, task: Task) -> dict[str, FloatArray]:
    """The outlook of the customers at `rows`, each with at least one purchase before the cutoff.

    Args:
        snapshot: The graph as of T.
        rows: Rows in `snapshot.customers` (n).
        forecast: Of the same customers; with a risk and a mean value.
        task: Its horizon.

    Returns:
        The `COLUMNS`, each of length n; NaN where not known, `lapsed` 0 or 1.
    """
    count = len(rows)
    unknown = np.full(count, np.nan)
    gaps = gap_summary(snapshot, rows)
    gap_model = fit_gaps(gaps)
    longest = unknown if gap_model is None else gap_model.quantile(gaps)
    summary, _ = purchase_summary(snapshot, rows)
    timing = fit_bg_nbd(_sample(summary))
    found = dict.fromkeys(COLUMNS, unknown)
    found |= {
        "value_low": unknown if forecast.value_low is None else forecast.value_low,
        "value_high": unknown if forecast.value_high is None else forecast.value_high,
        "value_level": unknown if forecast.value_level is None else np.full(count, forecast.value_level),
        "p_alive": timing.probability_alive(summary),
        "days_since_purchase": gaps.present,
        "lapse_after_days": longest,
        "lapsed": np.where(np.isnan(longest), np.nan, gaps.present > longest),
    }
    risk, value = forecast.churn_risk, forecast.value_mean
    if risk is not None:  # who buys within the horizon is alive: one number must not deny the other
        found["p_alive"] = np.maximum(found["p_alive"], 1 - risk)
    # Without a single amount, what is foretold of value is noise around zero.
    if risk is None or value is None or not np.isfinite(snapshot.purchases.amount).any():
        return found
    at = at_horizon(timing, summary, risk, value, task.horizon_days)
    found["at_stake"] = risk * value
    if forecast.churn_risk_low is not None and forecast.churn_risk_high is not None:
        found |= {
            "at_stake_low": forecast.churn_risk_low * value,
            "at_stake_high": forecast.churn_risk_high * value,
        }
    for name, factor in (("at_stake_half_horizon", 0.5), ("at_stake_double_horizon", 2.0)):
        later_risk, later_value = at(task.horizon_days * factor)
        found[name] = later_risk * later_value
    for name, quarters in (("value_12_months", 4), ("value_24_months", 8)):
        found[name] = discounted_value(lambda days: at(days)[1], quarters)
    return found


def expected_orders(snapshot: Snapshot, rows: Int32Array, churn_risk: FloatArray, task: Task) -> FloatArray:
    """How many orders to expect of customers within the horizon: what they are worth where nothing has an amount.

    The chance of any is the forecast's, and how many there are if there is one is BG/NBD's:
    (1 − risk) · E[N] / (1 − P(N = 0)).

    Args:
        snapshot: The graph as of T.
        rows: Rows in `snapshot.customers` (n), each with at least one purchase before T.
        churn_risk: Of the same customers, float64 [n].
        task: Its horizon.
    """
    summary, _ = purchase_summary(snapshot, rows)
    timing, weeks = fit_bg_nbd(_sample(summary)), task.horizon_days / _DAYS_PER_WEEK
    expected = timing.expected_purchases(summary, weeks)
    some = 1.0 - timing.probability_no_purchase(summary, weeks)
    if_any = np.divide(expected, some, out=np.ones(len(rows)), where=some > 0)
    orders: FloatArray = (1.0 - churn_risk) * np.maximum(if_any, 1.0)
    return orders


def at_horizon(
    timing: BetaGeometricNBD, customers: PurchaseSummary, risk: FloatArray, value: FloatArray, horizon_days: float
) -> Callable[[float], tuple[FloatArray, FloatArray]]:
    """Risk of no purchase and expected value within any number of days, as forecast at the horizon.

    The log-odds of the risk keep their distance from BG/NBD's, and the value its ratio to BG/NBD's expected purchases,
    whatever the days: the amount of a purchase does not change with time (nor does it in Gamma-Gamma).
    """
    weeks = horizon_days / _DAYS_PER_WEEK
    distance = logit(risk) - logit(timing.probability_no_purchase(customers, weeks))
    purchases = timing.expected_purchases(customers, weeks)
    ratio = np.divide(value, purchases, out=np.zeros(len(value)), where=purchases > 0)

    def at(days: float) -> tuple[FloatArray, FloatArray]:
        weeks = days / _DAYS_PER_WEEK
        later: FloatArray = expit(logit(timing.probability_no_purchase(customers, weeks)) + distance)
        return later, ratio * timing.expected_purchases(customers, weeks)

    return at


def discounted_value(value_within: Callable[[float], FloatArray], quarters: int) -> FloatArray:
    """Present value of what is expected over some quarters: each quarter's part, discounted from its middle.

    Args:
        value_within: Expected value within a number of days from the cutoff.
        quarters: How many, of a fourth of 365.25 days each.
    """
    within = [value_within(_QUARTER_DAYS * quarter) for quarter in range(1, quarters + 1)]
    parts = [within[0], *(later - earlier for earlier, later in pairwise(within))]
    factors = (1.0 + ANNUAL_DISCOUNT) ** -((np.arange(quarters) + 0.5) / 4.0)
    result: FloatArray = np.tensordot(factors, np.stack(parts), axes=1)
    return result


def _sample(summary: PurchaseSummary) -> PurchaseSummary:
    if len(summary.frequency) <= _MOST:
        return summary
    some = np.sort(np.random.default_rng(0).choice(len(summary.frequency), _MOST, replace=False))
    return PurchaseSummary(summary.frequency[some], summary.recency[some], summary.age[some])
