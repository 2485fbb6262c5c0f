"""Tabular features made fit for a network: brought to a normal shape by their ranks, missing values flagged.

The statistics come from the training cutoffs only and travel with the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gnn.features import Features, align
from graph.snapshot import FloatArray

#: Quantiles kept of each feature: enough to follow its shape, few enough to store and not to overfit.
_KNOTS = 101


@dataclass(frozen=True, eq=False)
class TabularTransform:
    """Maps each feature's value to the normal quantile of its rank among the training examples.

    Attributes:
        names: The features used, in order, length f.
        knots: Training quantiles of each feature (f×q), ascending along q.
        flagged: Which of the features had missing values in training (f); each adds a 0/1 column.
        scale: Standard deviation of each feature after the mapping, over the training examples (f).
    """

    names: tuple[str, ...]
    knots: FloatArray
    flagged: FloatArray
    scale: FloatArray

    @staticmethod
    def of(training: Sequence[Features]) -> TabularTransform:
        """Learn the mapping from the training examples; features without two distinct values are left out.

        Names come from the newest cutoff, which has met the most.
        """
        names = training[-1].names
        values = np.concatenate([align(features, names).values for features in training])
        known = np.isfinite(values)
        kept = [
            column
            for column in range(len(names))
            if known[:, column].any() and np.ptp(values[known[:, column], column]) > 0
        ]
        levels = np.linspace(0.0, 1.0, _KNOTS)
        knots = np.array([np.quantile(values[known[:, column], column], levels) for column in kept])
        knots = knots.reshape(len(kept), _KNOTS)
        flagged = (~known[:, kept]).any(axis=0).astype(np.float64)
        draft = TabularTransform(tuple(names[column] for column in kept), knots, flagged, np.ones(len(kept)))
        spread = draft._shaped(values[:, kept]).std(axis=0)
        return TabularTransform(draft.names, knots, flagged, np.where(spread > 1e-6, spread, 1.0))

    @property
    def width(self) -> int:
        """Columns of the result."""
        return len(self.names) + int(self.flagged.sum())

    def __call__(self, features: Features) -> FloatArray:
        """The transformed features (n×width): normal scores, 0 where missing, then the flags of what is missing."""
        values = align(features, self.names).values
        missing = ~np.isfinite(values)[:, self.flagged > 0]
        return np.concatenate([self._shaped(values) / self.scale, missing.astype(np.float64)], axis=1)

    def _shaped(self, values: FloatArray) -> FloatArray:
        """Normal scores of the ranks, within ±2.6 or so; 0 where missing."""
        from scipy.special import ndtri

        result = np.zeros(values.shape)
        levels = np.linspace(0.0, 1.0, self.knots.shape[1])
        for column, knots in enumerate(self.knots):
            known = np.isfinite(values[:, column])
            given = values[known, column]
            # Among equal knots the middle of their levels: half the customers may share the value zero.
            below = np.interp(given, *_last_of_equals(knots, levels))
            above = np.interp(given, *_first_of_equals(knots, levels))
            result[known, column] = ndtri(np.clip((below + above) / 2, 0.005, 0.995))
        return result


def _first_of_equals(knots: FloatArray, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    distinct, first = np.unique(knots, return_index=True)
    return distinct, levels[first]


def _last_of_equals(knots: FloatArray, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    distinct, first_reversed = np.unique(knots[::-1], return_index=True)
    return distinct, levels[::-1][first_reversed]
