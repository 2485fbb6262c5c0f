"""How good a forecast was: figures of churn and value, each able to weigh customers for the bootstrap.

A metric here is prepared once for a truth and a prediction (sorting is the costly part), and then computed for many
weightings of the customers at once. A resample with replacement is such a weighting: how often each customer was drawn.
Unweighted, the figures equal those of scikit-learn and SciPy; the tests hold them against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from gnn.forecast import Forecast
from gnn.task import Outcome
from graph.snapshot import FloatArray

#: From weights, b by n (b weightings of n customers), to b figures; NaN where the figure is undefined (one class only).
Prepared = Callable[[FloatArray], FloatArray]

#: Bins of the expected calibration error.
CALIBRATION_BINS: Final = 10
#: The share of customers in `value_top_decile_capture`.
TOP_SHARE: Final = 0.1
#: Probabilities are kept this far from 0 and 1 before their logarithm is taken.
_EDGE: Final = 1e-6


@dataclass(frozen=True)
class Metric:
    """A figure of quality.

    Attributes:
        name: As in the backtest's JSON.
        label: As in tables for readers.
        higher_is_better: Which way is up.
        prepare: From what came to pass (n) and what was foretold (n) to the figure as a function of weights.
        predicted: The prediction it judges; None where the forecast has none.
        observed: What came to pass.
    """

    name: str
    label: str
    higher_is_better: bool
    prepare: Callable[[FloatArray, FloatArray], Prepared]
    predicted: Callable[[Forecast], FloatArray | None]
    observed: Callable[[Outcome], FloatArray]


def area_under_roc(truth: FloatArray, score: FloatArray) -> Prepared:
    """Probability that a churner scores above a non-churner, ties counting half (Mann-Whitney)."""
    order, starts = _groups(score)
    positive = truth[order]

    def figure(weights: FloatArray) -> FloatArray:
        sorted_weights = weights[:, order]
        ones = _by_group(sorted_weights * positive, starts)
        zeros = _by_group(sorted_weights, starts) - ones
        below = np.cumsum(zeros, axis=1) - 0.5 * zeros
        pairs = ones.sum(axis=1) * zeros.sum(axis=1)
        return _divide(np.einsum("bg,bg->b", ones, below), pairs)

    return figure


def average_precision(truth: FloatArray, score: FloatArray) -> Prepared:
    """Sum over thresholds of precision times the recall gained there, not interpolated (as scikit-learn)."""
    order, starts = _groups(-score)
    positive = truth[order]

    def figure(weights: FloatArray) -> FloatArray:
        sorted_weights = weights[:, order]
        ones = _by_group(sorted_weights * positive, starts)
        everyone = np.cumsum(_by_group(sorted_weights, starts), axis=1)
        precision = np.cumsum(ones, axis=1) / np.maximum(everyone, 1e-300)
        return _divide(np.einsum("bg,bg->b", ones, precision), ones.sum(axis=1))

    return figure


def brier_score(truth: FloatArray, probability: FloatArray) -> Prepared:
    """Mean squared difference of probability and event (Brier, 1950)."""
    return _mean((probability - truth) ** 2)


def expected_calibration_error(truth: FloatArray, probability: FloatArray) -> Prepared:
    """Mean over ten bins of |mean probability - event rate|, weighted by the customers in the bin.

    The bins hold equally many customers by probability (equal probabilities stay together) and are cut once, on the
    unweighted sample. Even a perfectly calibrated forecast scores above zero on a finite sample, and a resample above
    its sample: an interval for it leans upwards.
    """
    gap = np.zeros((len(truth), CALIBRATION_BINS))
    gap[np.arange(len(truth)), calibration_bins(probability)] = probability - truth

    def figure(weights: FloatArray) -> FloatArray:
        return _divide(np.abs(weights @ gap).sum(axis=1), weights.sum(axis=1))

    return figure


def calibration_bins(probability: FloatArray) -> npt.NDArray[np.int64]:
    """The bin of each of n probabilities: equally many in each, equal ones together."""
    order, starts = _groups(probability)
    sizes = np.diff(np.append(starts, len(order)))
    middle = starts + 0.5 * sizes
    bin_of_group = np.minimum((middle * CALIBRATION_BINS / max(len(order), 1)).astype(np.int64), CALIBRATION_BINS - 1)
    bins = np.empty(len(order), np.int64)
    bins[order] = np.repeat(bin_of_group, sizes)
    return bins


def log_loss(truth: FloatArray, probability: FloatArray) -> Prepared:
    """Mean negative logarithm of the probability given to what came to pass, in nats."""
    return _mean(_surprise(truth, probability))


def log_loss_skill(truth: FloatArray, probability: FloatArray) -> Prepared:
    """Share of the log-loss of "everybody at the rate that came to pass" that the forecast saves; 1 is perfect.

    That constant knows the outcome's own rate, which no forecast does: 0 is a higher bar than it looks.
    """
    loss, rate = log_loss(truth, probability), _mean(truth)

    def figure(weights: FloatArray) -> FloatArray:
        share = rate(weights)
        constant = np.negative(xlogy(share, share) + xlogy(1.0 - share, 1.0 - share)).astype(np.float64)
        return _divide(constant - loss(weights), constant)

    return figure


def _surprise(truth: FloatArray, probability: FloatArray) -> FloatArray:
    kept = np.clip(probability, _EDGE, 1.0 - _EDGE)
    result: FloatArray = -(truth * np.log(kept) + (1.0 - truth) * np.log1p(-kept))
    return result


def mean_absolute_error(truth: FloatArray, prediction: FloatArray) -> Prepared:
    """Mean absolute difference; least for the median."""
    return _mean(np.abs(prediction - truth))


def root_mean_squared_error(truth: FloatArray, prediction: FloatArray) -> Prepared:
    """Square root of the mean squared difference; least for the mean."""
    mean = _mean((prediction - truth) ** 2)
    return lambda weights: np.sqrt(mean(weights))


def spearman_correlation(truth: FloatArray, prediction: FloatArray) -> Prepared:
    """Pearson correlation of the mid-ranks (Spearman, 1904)."""
    rank_truth, rank_prediction = _weighted_ranks(truth), _weighted_ranks(prediction)

    def figure(weights: FloatArray) -> FloatArray:
        total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)  # nobody drawn: no spread, hence undefined
        first, second = rank_truth(weights), rank_prediction(weights)
        first -= np.einsum("bn,bn->b", weights, first)[:, None] / total
        second -= np.einsum("bn,bn->b", weights, second)[:, None] / total
        weighted = weights * first
        spread = np.einsum("bn,bn->b", weighted, first) * np.einsum("bn,bn,bn->b", weights, second, second)
        return _divide(np.einsum("bn,bn->b", weighted, second), np.sqrt(spread))

    return figure


def top_decile_capture(truth: FloatArray, prediction: FloatArray) -> Prepared:
    """Share of all realised value that lies with the tenth of customers predicted highest."""
    return capture(truth, prediction, TOP_SHARE)


def capture(truth: FloatArray, prediction: FloatArray, top: float) -> Prepared:
    """Share of all that came to pass which lies with the `top` share of customers predicted highest.

    Where that share ends inside a group of equal predictions, the group counts in proportion.
    """
    order, starts = _groups(-prediction)
    value = truth[order]

    def figure(weights: FloatArray) -> FloatArray:
        sorted_weights = weights[:, order]
        size = _by_group(sorted_weights, starts)
        worth = _by_group(sorted_weights * value, starts)
        end = np.cumsum(size, axis=1)
        inside = np.clip(top * end[:, -1:] - (end - size), 0.0, size)
        taken = worth * (inside / np.maximum(size, 1e-300))
        return _divide(taken.sum(axis=1), worth.sum(axis=1))

    return figure


def _churned(outcome: Outcome) -> FloatArray:
    return outcome.churned.astype(np.float64)


def _value(outcome: Outcome) -> FloatArray:
    return outcome.value


def _score(forecast: Forecast) -> FloatArray | None:
    return forecast.churn_score if forecast.churn_score is not None else forecast.churn_risk


def _risk(forecast: Forecast) -> FloatArray | None:
    return forecast.churn_risk


def _median(forecast: Forecast) -> FloatArray | None:
    return forecast.value_median


def _expected(forecast: Forecast) -> FloatArray | None:
    return forecast.value_mean


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("churn_auc", "Churn AUROC", True, area_under_roc, _score, _churned),
        Metric("churn_average_precision", "Churn average precision", True, average_precision, _score, _churned),
        Metric("churn_brier", "Churn Brier score", False, brier_score, _risk, _churned),
        Metric("churn_ece", "Churn calibration error", False, expected_calibration_error, _risk, _churned),
        Metric("churn_log_loss", "Churn log-loss", False, log_loss, _risk, _churned),
        Metric("churn_log_loss_skill", "Churn log-loss skill", True, log_loss_skill, _risk, _churned),
        Metric("value_mae", "Value, mean absolute error", False, mean_absolute_error, _median, _value),
        Metric("value_rmse", "Value, root mean squared error", False, root_mean_squared_error, _expected, _value),
        Metric("value_spearman", "Value, rank correlation", True, spearman_correlation, _expected, _value),
        Metric("value_top_decile_capture", "Value in the top tenth", True, top_decile_capture, _expected, _value),
    )
}


def measure(outcome: Outcome, forecast: Forecast) -> dict[str, float]:
    """All figures of a forecast; a metric whose prediction is absent, or which is undefined here, is absent."""
    weights = np.ones((1, len(outcome.churned)))
    found = {name: float(figure(weights)[0]) for name, figure in prepare(outcome, forecast).items()}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def prepare(outcome: Outcome, forecast: Forecast) -> dict[str, Prepared]:
    """The figures of a forecast as functions of the customers' weights; only those whose prediction is there.

    Where nobody's realised value differs from 0 (a source without amounts), there is no value to foretell, and figures
    of value are absent: foretelling nothing would be perfect.
    """
    prepared = {}
    has_value = bool((outcome.value != 0).any())
    for name, metric in METRICS.items():
        predicted = metric.predicted(forecast)
        if metric.observed is _value and not has_value:
            continue
        if predicted is not None and len(predicted):
            prepared[name] = metric.prepare(metric.observed(outcome), predicted)
    return prepared


def _groups(values: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """An ascending order of the values, and where in it each group of equal values starts."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return order, starts


def _by_group(sorted_values: FloatArray, starts: npt.NDArray[np.int64]) -> FloatArray:
    """Sums along each row over the groups of equal scores; the values themselves where no two scores are equal."""
    if sorted_values.shape[1] == len(starts):
        return sorted_values
    sums: FloatArray = np.add.reduceat(sorted_values, starts, axis=1)
    return sums


def _weighted_ranks(values: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Mid-ranks (less a constant) of the values in a resample that holds each of them `weight` times."""
    order, starts = _groups(values)
    group = np.empty(len(order), np.int64)
    group[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))

    def ranks(weights: FloatArray) -> FloatArray:
        size = _by_group(weights[:, order], starts)
        middle: FloatArray = np.take(np.cumsum(size, axis=1) - 0.5 * size, group, axis=1)
        return middle

    return ranks


def _mean(values: FloatArray) -> Prepared:
    return lambda weights: _divide(weights @ values, weights.sum(axis=1))


def _divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
