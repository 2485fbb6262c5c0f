"""How the forecaster's parts become one prediction, and how far its members disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from gnn.calibration import fit_platt, logit
from graph.snapshot import FloatArray

BoolArray = npt.NDArray[np.bool_]

#: Shares found out of time are drawn so far to equal ones …
SHRINKAGE: Final = 0.5
#: … of the parts that are not worse than the best by more than so many standard errors.
STANDARD_ERRORS: Final = 3.0


@dataclass(frozen=True)
class BlendWeights:
    """Shares of the parts in each blended prediction, by part, none negative, summing to 1; empty for equal shares.

    Attributes:
        churn: Of the churn logit.
        value_median: Of the logarithm of 1 + median value.
        value_mean: Of the mean value.
    """

    churn: Mapping[str, float] = field(default_factory=dict)
    value_median: Mapping[str, float] = field(default_factory=dict)
    value_mean: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PartForecast:
    """What one part foretells for n customers.

    Attributes:
        churn_logits: Raw churn logits of its m members (m×n).
        value_median, value_mean: Of value, in currency (n).

    Each is None where the part foretells none.
    """

    churn_logits: FloatArray | None = None
    value_median: FloatArray | None = None
    value_mean: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class PartForecasts:
    """What all parts foretell for the same n customers, by part."""

    parts: Mapping[str, PartForecast]

    @staticmethod
    def one_after_another(blocks: Sequence[PartForecasts]) -> PartForecasts:
        """Those of several blocks of customers, which the same parts foretold, at least one."""
        names = blocks[0].parts
        return PartForecasts({name: _joined([block.parts[name] for block in blocks]) for name in names})

    @property
    def churn_logits(self) -> FloatArray:
        """The members' raw logits, part after part."""
        return np.concatenate(list(self._logits().values()))

    def member_weights(self, shares: Mapping[str, float]) -> FloatArray:
        """Weight of each row of `churn_logits`, summing to 1: a part's members share its share equally."""
        logits = self._logits()
        given = _filled(shares, list(logits))
        members = [len(each) for each in logits.values()]
        return np.concatenate([np.full(many, share / many) for many, share in zip(members, given, strict=True)])

    def churn_logit(self, shares: Mapping[str, float]) -> FloatArray:
        """The blended churn logit."""
        result: FloatArray = self.member_weights(shares) @ self.churn_logits
        return result

    def value_median(self, shares: Mapping[str, float]) -> FloatArray:
        """The blended median, a mean on the scale of log(1 + value)."""
        names, stacked = self._medians()
        result: FloatArray = np.expm1(_filled(shares, names) @ np.log1p(stacked))
        return np.maximum(result, 0.0)

    def value_mean(self, shares: Mapping[str, float]) -> FloatArray:
        """The blended mean."""
        names, stacked = self._means()
        result: FloatArray = _filled(shares, names) @ stacked
        return result

    def out_of_time_weights(self, churned: FloatArray, value: FloatArray) -> BlendWeights:
        """The shares that serve best at a cutoff that no part learnt from, drawn to equal ones.

        Those of churn are drawn to equal ones of the sound parts, and are judged by logarithmic loss.
        """
        logits = self._logits()
        churn = np.stack([each.mean(axis=0) for each in logits.values()])
        # What a part says of the order counts, not its level: that of the blend is calibrated afterwards.
        levelled = np.stack([logit(fit_platt(each, churned)(each)) for each in churn])
        sound_churn = sound(np.logaddexp(0.0, levelled) - churned * levelled)
        shares = best_shares(list(logits), lambda w: _logarithmic_loss(w @ churn, churned, churn), sound_churn)
        return replace(self.value_weights(value), churn=shares)

    def value_weights(self, value: FloatArray) -> BlendWeights:
        """The shares in value that serve best where no part learnt from, drawn to equal ones.

        Judged by absolute error (median) and squared error (mean). Those of churn are left equal.
        """
        (median_names, medians), (mean_names, means) = self._medians(), self._means()
        logs = np.log1p(medians)
        return BlendWeights(
            value_median=best_shares(median_names, lambda w: _absolute_loss(w @ logs, value, logs)),
            value_mean=best_shares(mean_names, lambda w: _squared_loss(w @ means, value, means)),
        )

    def _logits(self) -> dict[str, FloatArray]:
        return {name: part.churn_logits for name, part in self.parts.items() if part.churn_logits is not None}

    def _medians(self) -> tuple[list[str], FloatArray]:
        found = {name: part.value_median for name, part in self.parts.items() if part.value_median is not None}
        return list(found), np.stack(list(found.values()))

    def _means(self) -> tuple[list[str], FloatArray]:
        found = {name: part.value_mean for name, part in self.parts.items() if part.value_mean is not None}
        return list(found), np.stack(list(found.values()))


def _joined(blocks: Sequence[PartForecast]) -> PartForecast:
    def along(pieces: Sequence[FloatArray | None]) -> FloatArray | None:
        known = [piece for piece in pieces if piece is not None]
        return np.concatenate(known, axis=-1) if known else None

    return PartForecast(
        along([block.churn_logits for block in blocks]),
        along([block.value_median for block in blocks]),
        along([block.value_mean for block in blocks]),
    )


def deviation(members: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted standard deviation over members (k×n, weights of length k summing to 1), length n."""
    centre = weights @ members
    result: FloatArray = np.sqrt(weights @ (members - centre) ** 2)
    return result


def sound(losses: FloatArray, standard_errors: float = STANDARD_ERRORS) -> BoolArray:
    """Which parts are not worse than the best by more than so many standard errors of the difference.

    Args:
        losses: Of k parts for n customers (k×n).
        standard_errors: Of the mean of the customers' paired differences.
    """
    worse = losses - losses[losses.mean(axis=1).argmin()]
    error = worse.std(axis=1) / np.sqrt(losses.shape[1])
    result: BoolArray = worse.mean(axis=1) <= standard_errors * error
    return result


def best_shares(
    names: Sequence[str],
    loss: Callable[[FloatArray], tuple[float, FloatArray]],
    trusted: BoolArray | None = None,
    shrinkage: float = SHRINKAGE,
) -> dict[str, float]:
    """The shares with the least loss among those that sum to 1, drawn to equal ones of the parts that are trusted.

    One cutoff says which part is better, less surely by how much; and the loss of a blend is flat around its best
    shares, so that half the way keeps most of what there is to gain and risks little. A part that is surely worse than
    another has no such claim: on data where a few figures say little, as reviews in the place of purchases, equal
    shares of a regression on them cost more than they insure.

    Args:
        names: The parts.
        loss: Of shares, with its gradient.
        trusted: Which parts the shares are drawn to, at least one; all by default. Those that foretell value see the
            same and are close to each other: with only the sound ones, absolute errors were larger on Complete Journey.
        shrinkage: How far they are drawn: 0 not at all, 1 all the way.
    """
    from scipy.optimize import Bounds, LinearConstraint, minimize

    equal = np.full(len(names), 1.0 / len(names))
    scale = max(abs(loss(equal)[0]), 1e-12)
    found = minimize(  # type: ignore[call-overload]  # the stubs want a tuple of floats and lose the array's type
        lambda shares: loss(shares)[0] / scale,
        equal,
        jac=lambda shares: loss(shares)[1] / scale,
        method="SLSQP",
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(np.ones((1, len(names))), 1.0, 1.0),
    )
    best = np.clip(found.x, 0.0, None) if np.isfinite(found.x).all() and found.x.sum() > 0 else equal
    anchor = equal if trusted is None else trusted / trusted.sum()
    shares = (1.0 - shrinkage) * best / best.sum() + shrinkage * anchor
    return {name: float(share) for name, share in zip(names, shares, strict=True)}


def _filled(shares: Mapping[str, float], names: Sequence[str]) -> FloatArray:
    """Shares of the named parts, summing to 1; equal ones where none is given."""
    given = np.array([shares.get(name, 0.0) for name in names])
    return given / given.sum() if given.sum() > 0 else np.full(len(names), 1.0 / len(names))


def _logarithmic_loss(z: FloatArray, churned: FloatArray, parts: FloatArray) -> tuple[float, FloatArray]:
    return float(np.mean(np.logaddexp(0.0, z) - churned * z)), parts @ (expit(z) - churned) / len(z)


def _absolute_loss(z: FloatArray, value: FloatArray, parts: FloatArray) -> tuple[float, FloatArray]:
    difference = np.expm1(z) - value
    return float(np.mean(np.abs(difference))), parts @ (np.sign(difference) * np.exp(z)) / len(z)


def _squared_loss(z: FloatArray, value: FloatArray, parts: FloatArray) -> tuple[float, FloatArray]:
    difference = z - value
    return float(np.mean(difference**2)), 2.0 * parts @ difference / len(z)
