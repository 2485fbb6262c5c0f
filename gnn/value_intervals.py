"""Intervals that hold for realised value: a customer's own risk of buying nothing, and the spread of what others paid.

A customer buys nothing with probability r, its churn risk; else its value is m·Q, where m = mean / (1 - r) is what is
expected of it if it buys, and Q what realised value was, as a multiple of m, among the buyers of a cutoff that nothing
was learnt from, in ten groups by m. The ends are quantiles of this mixture (distributional conformal prediction:
Chernozhukov, Wüthrich and Zhu, PNAS 118 (2021)). They hold for customers exchangeable with those of that cutoff as far
as the risks are calibrated; from one month to another that is checked, over rolling cutoffs.

Where r is at least a tenth, an interval from 0 up is the shortest: its upper end is the quantile of the whole level
then. Where r exceeds the level, the interval is 0 alone and covers more than the level; no narrower one exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from graph.snapshot import FloatArray, Int64Array

#: Share of customers whose realised value is to lie within.
LEVEL: Final = 0.8
#: Groups of buyers by what is expected of them, and the fewest of one: below, an end is one or two customers' luck.
_GROUPS: Final = 10
_FEWEST: Final = 50
#: Quantiles kept of each group: of the shares 0, .005, … 1.
_SHARES: Final = np.linspace(0.0, 1.0, 201)
#: What is expected of a buyer is no smaller than this share of the average, and no risk is nearer to 1 when it divides.
_SMALLEST_SHARE: Final = 1e-6
_GREATEST_RISK: Final = 0.98


@dataclass(frozen=True)
class ValueIntervals:
    """Realised value as multiples of what is expected of a buyer, by group.

    Attributes:
        level: Share of customers within.
        floor: What is expected of a buyer is no smaller than this.
        edges: Expected values at which the g groups divide, ascending (g - 1).
        quantiles: The multiples' quantiles of evenly spaced shares from 0 to 1, for each group (g×k).
    """

    level: float
    floor: float
    edges: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]

    def __call__(self, risk: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, in currency, for n churn risks and predicted means."""
        expected = _expected(risk, mean, self.floor)
        group = np.searchsorted(np.array(self.edges), expected, side="right")
        tail = (1.0 - self.level) / 2.0
        low = np.where(risk < tail, tail, 0.0)
        high = np.where(risk < tail, 1.0 - tail, self.level)
        multiples = (self._multiple(share, risk, group) for share in (low, high))
        below, above = (expected * each for each in multiples)
        return below, above

    def _multiple(self, share: FloatArray, risk: FloatArray, group: Int64Array) -> FloatArray:
        """The multiple below which value falls with probability `share`; 0 where nothing bought is as probable."""
        of_buyers = np.clip((share - risk) / np.maximum(1.0 - risk, 1.0 - _GREATEST_RISK), 0.0, 1.0)
        found = np.empty(len(risk))
        for number, known in enumerate(self.quantiles):
            rows = group == number
            found[rows] = np.interp(of_buyers[rows], np.linspace(0.0, 1.0, len(known)), known)
        return np.where(share <= risk, 0.0, found)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @staticmethod
    def from_json(given: Mapping[str, Any] | None) -> ValueIntervals | None:
        """Back from plain values; None from none."""
        if given is None:
            return None
        return ValueIntervals(
            float(given["level"]),
            float(given["floor"]),
            tuple(map(float, given["edges"])),
            tuple(tuple(map(float, each)) for each in given["quantiles"]),
        )


def fit_value_intervals(
    risk: FloatArray, mean: FloatArray, value: FloatArray, *, level: float = LEVEL
) -> ValueIntervals | None:
    """Learn the spread from n customers' churn risks, predicted means and realised values, predicted beforehand.

    Returns:
        The intervals; None where there are too few customers, or nobody bought for money.
    """
    bought = value > 0
    if len(mean) < _FEWEST or not bought.any():
        return None
    floor = _SMALLEST_SHARE * float(np.maximum(mean, 0.0).mean()) or _SMALLEST_SHARE
    expected = _expected(risk, mean, floor)[bought]
    ratio = value[bought] / expected
    groups = max(1, min(_GROUPS, len(expected) // _FEWEST))
    # Edges are predictions that occur, so that no group is empty; equal predictions stay together.
    edges = np.unique(np.quantile(expected, np.arange(1, groups) / groups, method="lower"))
    edges = edges[edges > expected.min()]
    group = np.searchsorted(edges, expected, side="right")
    quantiles = (_quantiles(ratio[group == each]) for each in range(len(edges) + 1))
    return ValueIntervals(level, floor, tuple(edges.tolist()), tuple(quantiles))


def _expected(risk: FloatArray, mean: FloatArray, floor: float) -> FloatArray:
    """What is expected of each customer if it buys, in currency."""
    result: FloatArray = np.maximum(mean, floor) / np.maximum(1.0 - risk, 1.0 - _GREATEST_RISK)
    return result


def _quantiles(values: FloatArray) -> tuple[float, ...]:
    """The value below which a further one falls with each probability: the share·(n + 1)-th smallest, interpolated."""
    places = _SHARES * (len(values) + 1) - 1.0
    return tuple(np.interp(places, np.arange(len(values)), np.sort(values)).tolist())
