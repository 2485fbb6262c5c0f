"""The HyperScore: a fused value V in [0, 1] stretched to a scale that starts at 100.

    HyperScore = 100 × [1 + σ(β · ln V + γ)^κ],   σ(x) = 1 / (1 + e^−x)

It is a monotone reading aid: it orders customers exactly as V does. At V = 0 the limit is exactly 100. A percentile
always stands beside it, because the scale is not linear and its top depends on the parameters: with the published ones
V = 1 gives 111.11.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from graph.snapshot import FloatArray
from habitue.errors import UsageError


@dataclass(frozen=True)
class Preset:
    """Named parameters of the HyperScore.

    Attributes:
        name: As in settings and manifests.
        beta: β > 0, how steeply the score answers to ln V.
        gamma: γ, where its midpoint lies: σ = ½ at V = e^(−γ/β).
        kappa: κ > 0, how much the top is stretched against the rest.
    """

    name: str
    beta: float
    gamma: float
    kappa: float


#: The published parameters. Their midpoint, V = 2^(1/β) > 1, is never reached: the score ends at 111.11.
PUBLISHED: Final = Preset("published", beta=5.0, gamma=-log(2), kappa=2.0)

#: The midpoint σ = ½ at V = ½, which needs γ = β · ln 2.
CENTRED: Final = Preset("centred", beta=5.0, gamma=5.0 * log(2), kappa=2.0)

PRESETS: Final = {preset.name: preset for preset in (PUBLISHED, CENTRED)}


def hyperscore(
    V: npt.ArrayLike, beta: float = PUBLISHED.beta, gamma: float = PUBLISHED.gamma, kappa: float = PUBLISHED.kappa
) -> FloatArray:
    """The HyperScore of fused values.

    Args:
        V: Values in [0, 1], any shape.
        beta: β > 0.
        gamma: γ, finite.
        kappa: κ > 0.

    Returns:
        float64 of V's shape, in [100, 200): exactly 100 at V = 0, and rising with V.

    Raises:
        UsageError: If a value is NaN or outside [0, 1], or a parameter is out of range.
    """
    value = np.asarray(V, np.float64)
    if not (beta > 0 and kappa > 0 and np.isfinite([beta, gamma, kappa]).all()):
        raise UsageError(
            f"The HyperScore is not defined for β = {beta}, γ = {gamma}, κ = {kappa}.",
            hint="β and κ must be positive, and all of them finite.",
        )
    wrong = ~((value >= 0) & (value <= 1))
    if wrong.any():
        raise UsageError(
            f"{int(wrong.sum())} of {value.size} values are not in [0, 1] (the first: {value[wrong].flat[0]}).",
            hint="V is a weighted mean of components in [0, 1]: check the components.",
        )
    with np.errstate(divide="ignore"):  # ln 0 = −∞, σ(−∞) = 0: the limit at V = 0
        squashed = expit(beta * np.log(value) + gamma)
    return np.asarray(100.0 * (1.0 + squashed**kappa), np.float64)
