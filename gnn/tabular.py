"""Tabular features made fit for a network: on a logarithmic scale, standardised, missing values flagged.

The statistics come from the training cutoffs only and travel with the model. In trials on Complete Journey the
logarithm kept more of the order in the tails, where the churners are, than normal scores of the ranks did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gnn.features import Features, align
from graph.snapshot import FloatArray

#: Standardised values beyond this are brought back to it: one odd customer must not steer the network.
_LIMIT = 5.0
#: Rows transformed at a time: what is held besides the result is theirs.
_ROWS: Final = 65_536


@dataclass(frozen=True, eq=False)
class TabularTransform:
    """x ↦ sign(x)·log(1 + |x|), standardised, limited to ±5, 0 where missing; then a 0/1 column for what is missing.

    Attributes:
        names: The features used, in order, length f.
        centre: Mean of each on the logarithmic scale over the training examples (f).
        scale: Standard deviation of the same (f).
        flagged: 1 for the features with missing values in training, each of which adds a column; 0 for others (f).
    """

    names: tuple[str, ...]
    centre: FloatArray
    scale: FloatArray
    flagged: FloatArray

    @staticmethod
    def of(training: Sequence[Features]) -> TabularTransform:
        """Learn the mapping; features without two distinct values are left out.

        Names come from the newest of the training cutoffs, which has met the most.
        """
        names = training[-1].names
        values = _logarithmic(np.concatenate([align(features, names).values for features in training]))
        known = np.isfinite(values)
        count = np.maximum(known.sum(axis=0), 1)
        centre = np.where(known, values, 0.0).sum(axis=0) / count
        scale = np.sqrt(np.where(known, (values - centre) ** 2, 0.0).sum(axis=0) / count)
        kept = np.flatnonzero(scale > 1e-9)
        return TabularTransform(
            names=tuple(names[column] for column in kept),
            centre=centre[kept],
            scale=scale[kept],
            flagged=(known.sum(axis=0) < len(known))[kept].astype(np.float64),
        )

    @property
    def width(self) -> int:
        """Columns of the result."""
        return len(self.names) + int(self.flagged.sum())

    def __call__(self, features: Features) -> FloatArray:
        """The transformed features (n×width)."""
        aligned = align(features, self.names).values
        result = np.empty((len(aligned), self.width))
        for first in range(0, len(aligned), _ROWS):
            values = _logarithmic(aligned[first : first + _ROWS])
            known, part = np.isfinite(values), result[first : first + _ROWS]
            standardised = np.clip((values - self.centre) / self.scale, -_LIMIT, _LIMIT)
            part[:, : len(self.names)] = np.where(known, standardised, 0.0)
            part[:, len(self.names) :] = ~known[:, self.flagged > 0]
        return result


def _logarithmic(values: FloatArray) -> FloatArray:
    result: FloatArray = np.abs(values)
    np.copysign(np.log1p(result, out=result), values, out=result)
    result[np.isinf(result)] = np.nan
    return result
