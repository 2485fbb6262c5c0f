"""How five components become one value, V = Σ wᵢ · componentᵢ; the others share the weight of a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.snapshot import FloatArray
from habitue.errors import UsageError

#: The components, in the order of the formula.
COMPONENTS: Final = ("logic", "novelty", "impact", "reproducibility", "meta")


@dataclass(frozen=True)
class Weights:
    """Weights of the components: not negative, summing to 1."""

    logic: float = 0.2
    novelty: float = 0.2
    impact: float = 0.2
    reproducibility: float = 0.2
    meta: float = 0.2

    def __post_init__(self) -> None:
        values = np.array([getattr(self, name) for name in COMPONENTS])
        if not (np.isfinite(values).all() and (values >= 0).all() and abs(values.sum() - 1) <= 1e-9):
            raise UsageError(
                f"The weights {self.as_dict()} cannot fuse the components.",
                hint="Each must be at least 0, and they must sum to 1.",
            )

    def as_dict(self) -> dict[str, float]:
        """By component, as in the manifest."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Fused:
    """The fused values of n customers.

    Attributes:
        value: V, float64 [n], in [0, 1].
        weights: The weight that each component had, float64 [n, 5] in the order of `COMPONENTS`; each row sums to 1.
    """

    value: FloatArray
    weights: FloatArray


def fuse(components: Mapping[str, FloatArray], weights: Weights) -> Fused:
    """V of each customer.

    A component that is NaN for a customer is missing there: the customer's other components take over its weight in
    proportion to their own, which is the same as a weighted mean of the known ones. Who has none that carries weight
    gets the neutral ½ with all weights 0.

    Args:
        components: By the names of `COMPONENTS`, each float64 [n] in [0, 1] or NaN; one that is left out is missing
            for everybody.
        weights: The weights.

    Raises:
        UsageError: If a value lies outside [0, 1], or a name is not a component.
    """
    unknown = set(components) - set(COMPONENTS)
    if unknown or not components:
        raise UsageError(f"Not components of the score: {sorted(unknown)}.", hint=f"They are {', '.join(COMPONENTS)}.")
    size = len(next(iter(components.values())))
    stacked = np.column_stack([components.get(name, np.full(size, np.nan)) for name in COMPONENTS])
    known = ~np.isnan(stacked)
    for name, column, there in zip(COMPONENTS, stacked.T, known.T, strict=True):
        if ((column[there] < 0) | (column[there] > 1)).any():
            raise UsageError(f"The component `{name}` has values outside [0, 1].", hint="Normalise it first.")
    given = known * np.array([getattr(weights, name) for name in COMPONENTS], np.float64)
    total = given.sum(axis=1, keepdims=True)
    effective = np.divide(given, total, out=np.zeros_like(given), where=total > 0)
    value = (effective * np.where(known, stacked, 0.0)).sum(axis=1)
    return Fused(np.where(total[:, 0] > 0, np.clip(value, 0.0, 1.0), 0.5), effective)


def percentile(values: npt.ArrayLike) -> FloatArray:
    """Mid-rank percentile of each value among all, 0 to 100; equal values get equal percentiles."""
    from embeddings.ranks import midrank

    return 100.0 * midrank(values)
