"""BG/NBD with Gamma-Gamma as a forecaster: the literature's unsupervised model of customer value."""

from __future__ import annotations

from typing import Final

import numpy as np

from gnn.baselines.bg_nbd import PurchaseSummary, fit_bg_nbd
from gnn.baselines.gamma_gamma import fit_gamma_gamma
from gnn.feature_input import FeatureInput, sums
from gnn.forecast import Examples, Forecast
from gnn.task import last_purchase_ms
from graph.snapshot import FloatArray, Int32Array, Snapshot
from graph.time import MILLISECONDS_PER_DAY

_DAYS_PER_WEEK: Final = 7.0


class BgNbdGammaGamma:
    """Fitted at each cutoff to everybody's purchase days before it; needs no labels and uses none.

    The population is all customers with a purchase before the cutoff, whatever the task counts: to leave out the long
    inactive would hide from the model that customers die. A customer's value is its expected purchases times its
    expected amount; the median is zero where no purchase is the likelier outcome, and else that same value.
    """

    name: Final = "bg_nbd_gamma_gamma"
    needs_labels: Final = False

    def __init__(self, horizon_days: int) -> None:
        self._weeks = horizon_days / _DAYS_PER_WEEK

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Nothing to learn from labels."""

    def predict(self, examples: Examples) -> Forecast:
        """Fit to the snapshot's past and foretell."""
        snapshot = examples.snapshot
        buyers = np.flatnonzero(last_purchase_ms(snapshot) > np.iinfo(np.int64).min).astype(np.int32)
        summary, amounts = purchase_summary(snapshot, buyers)
        timing = fit_bg_nbd(summary)
        place = np.searchsorted(buyers, examples.rows)
        counted = PurchaseSummary(summary.frequency[place], summary.recency[place], summary.age[place])
        risk = timing.probability_no_purchase(counted, self._weeks)
        spending = fit_gamma_gamma(summary.frequency, amounts)
        if spending is None:
            return Forecast(churn_score=risk, churn_risk=risk)
        amount = spending.expected_amount(counted.frequency, amounts[place])
        value = timing.expected_purchases(counted, self._weeks) * amount
        return Forecast(
            churn_score=risk, churn_risk=risk, value_median=np.where(risk >= 0.5, 0.0, value), value_mean=value
        )


def purchase_summary(snapshot: Snapshot, rows: Int32Array) -> tuple[PurchaseSummary, FloatArray]:
    """Frequency, recency and age of customers with a purchase, and the mean amount of their repeat purchase days.

    Args:
        snapshot: The past.
        rows: Rows in `snapshot.customers`, length n, each with at least one purchase.

    Returns:
        The summary in weeks, and the mean amounts (length n; 0 where there is no repeat or no amount).
    """
    given = FeatureInput.of(snapshot, rows)
    customer, age = given.purchase_days
    first, last = np.zeros(len(rows)), np.zeros(len(rows))
    first[customer[::-1]] = age[::-1]
    last[customer] = age
    frequency = sums(customer, len(rows)) - 1
    lines = given.purchases
    today = snapshot.as_of_ms // MILLISECONDS_PER_DAY
    repeat = today - lines.at // MILLISECONDS_PER_DAY < first[lines.customer]
    spend = lines.per_customer(lines.amount, repeat)
    mean = np.divide(spend, frequency, out=np.zeros(len(rows)), where=frequency > 0)
    return PurchaseSummary(frequency, (first - last) / _DAYS_PER_WEEK, first / _DAYS_PER_WEEK), mean
