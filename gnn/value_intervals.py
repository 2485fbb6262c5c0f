"""Intervals that hold for realised value: conformal prediction on the ratio of realised to predicted, by decile.

At a cutoff that the model did not learn from, customers are put into tenths by their predicted mean, and the realised
value divided by that mean gives each tenth its own quantiles: intervals are as wide as the misses were among customers
of like value (Mondrian conformal prediction, Vovk, Gammerman and Shafer, 2005). Coverage is promised for customers
exchangeable with those of that cutoff; from one month to another it is checked, over rolling cutoffs.

Where more than a tenth bought nothing, an interval from 0 up is the shortest: its upper end is the quantile of the
whole level then. Where the share without a purchase exceeds the level, the interval is 0 alone and covers that share,
more than the level; no narrower interval exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from graph.snapshot import FloatArray

#: Share of customers whose realised value is to lie within.
LEVEL: Final = 0.8
#: Groups by predicted mean, and the fewest customers of one: below, an end is one or two customers' luck.
_GROUPS: Final = 10
_FEWEST: Final = 50
#: Predicted means are kept this far above zero before they divide, as a share of their own mean.
_SMALLEST_SHARE: Final = 1e-6


@dataclass(frozen=True)
class ValueIntervals:
    """Ends of the interval as multiples of the predicted mean, by group.

    Attributes:
        level: Share of customers within.
        floor: Predicted means are no smaller than this when they multiply.
        edges: Predicted means at which the g groups divide, ascending (g - 1).
        low, high: The multiples, one for each group (g).
    """

    level: float
    floor: float
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __call__(self, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, in currency, for n predicted means."""
        group = np.searchsorted(np.array(self.edges), mean, side="right")
        scale = np.maximum(mean, self.floor)
        return scale * np.array(self.low)[group], scale * np.array(self.high)[group]

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
            *(tuple(map(float, given[name])) for name in ("edges", "low", "high")),
        )


def fit_value_intervals(mean: FloatArray, value: FloatArray, *, level: float = LEVEL) -> ValueIntervals | None:
    """Learn the ends from n customers' predicted means and realised values, predicted before it came to pass.

    Returns:
        The intervals; None where there are too few customers, or nobody's value differs from 0.
    """
    if len(mean) < _FEWEST or not (value > 0).any():
        return None
    floor = _SMALLEST_SHARE * float(np.maximum(mean, 0.0).mean()) or _SMALLEST_SHARE
    groups = max(1, min(_GROUPS, len(mean) // _FEWEST))
    # Edges are predictions that occur, so that no group is empty; equal predictions stay together.
    edges = np.unique(np.quantile(mean, np.arange(1, groups) / groups, method="lower"))
    edges = edges[edges > mean.min()]
    group = np.searchsorted(edges, mean, side="right")
    ratio = np.maximum(value, 0.0) / np.maximum(mean, floor)
    ends = np.array([_ends(ratio[group == each], level) for each in range(len(edges) + 1)])
    return ValueIntervals(level, floor, *(tuple(each.tolist()) for each in (edges, ends[:, 0], ends[:, 1])))


def _ends(ratio: FloatArray, level: float) -> tuple[float, float]:
    """Quantiles of a group's ratios between which the share `level` lies; a lower end of 0 where zeros allow it."""
    tail = (1.0 - level) / 2.0
    if np.mean(ratio <= 0.0) < tail:
        return _quantile(ratio, tail), _quantile(ratio, 1.0 - tail)
    return 0.0, _quantile(ratio, level)


def _quantile(values: FloatArray, share: float) -> float:
    """The value below which a further one falls with this probability: the share·(n + 1)-th smallest, interpolated."""
    place = share * (len(values) + 1) - 1.0
    return float(np.interp(place, np.arange(len(values)), np.sort(values)))
