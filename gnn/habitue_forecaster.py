"""Habitué's forecaster: an ensemble of graph convolutional networks blended with gradient-boosted trees.

Both halves learn from the same stacked cutoffs. How they are blended and calibrated is learnt out of time: a first
fit on older cutoffs foretells the newest, then both halves are fitted anew on all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gnn.blend import BlendWeights, HalfForecasts, deviation, out_of_time_weights, stacked_logits
from gnn.calibration import PlattCalibration, fit_platt
from gnn.forecast import Examples, Forecast
from gnn.holdout import split_customers
from gnn.network_half import EmbeddingFeatures, NetworkHalf, NetworkSettings, fit_network
from gnn.risk_intervals import risk_interval
from gnn.shared_work import SharedWork
from gnn.task import Task
from gnn.training import Progress
from gnn.value_intervals import ValueIntervals, fit_value_intervals
from graph.snapshot import FloatArray
from habitue.errors import NotTrainedError

if TYPE_CHECKING:
    from gnn.baselines.lightgbm_forecaster import LightGBM

#: A validation cutoff with fewer churners (or stayers) than this says too little to choose by.
_FEWEST_EVENTS: Final = 10


@dataclass(frozen=True)
class ForecasterSettings:
    """How Habitué's forecaster is put together.

    Attributes:
        network: The neural half.
        validate: Whether blend and calibration are learnt out of time where there are cutoffs enough; else the blend
            is equal and the risk as it comes.
        validation_members: Ensemble members of the first fit, which only serves to validate.
    """

    network: NetworkSettings = field(default_factory=NetworkSettings)
    validate: bool = True
    validation_members: int = 2


@dataclass(frozen=True, eq=False)
class FittedForecaster:
    """All that was learnt: what a model directory holds.

    Attributes:
        network, trees: The halves.
        weights: The network's share in each prediction.
        calibration: Of the blended churn logit.
        constant_risk: Churn risk of everybody where the training labels were all alike; else None.
        value_intervals: How far realised value lay from the predicted mean; None where that is not known.
    """

    network: NetworkHalf
    trees: LightGBM
    weights: BlendWeights
    calibration: PlattCalibration
    constant_risk: float | None
    value_intervals: ValueIntervals | None = None

    def halves(
        self, examples: Examples, shared: SharedWork, embedding_features: EmbeddingFeatures | None
    ) -> HalfForecasts:
        """What each half foretells."""
        by_trees = self.trees.predict(examples)
        by_network = self.network.predict(examples, shared, embedding_features)
        if by_trees.churn_risk is None or by_trees.value_median is None or by_trees.value_mean is None:
            raise NotTrainedError("The trees do not foretell churn and value both.")
        return HalfForecasts(
            churn_logits=stacked_logits(by_network.churn_logit, by_trees.churn_risk),
            network_median=np.median(by_network.value_median, axis=0),
            trees_median=by_trees.value_median,
            network_mean=by_network.value_mean.mean(axis=0),
            trees_mean=by_trees.value_mean,
        )


class HabitueForecaster:
    """Graph network and trees, blended; without the graph it is its own control, blend included.

    Args:
        task: What is foretold; its horizon keeps the outcome windows of fit and validation apart.
        use_graph: Whether the network sees the graph. A data set without products has none to see.
        name: Name in reports; by default `habitue`, or `habitue_without_graph`.
        settings: How it is put together.
        shared: Work shared with the other forecasters of a backtest.
        embedding_features: Quantities of every snapshot customer's embedding (customers×k), given to the network.
            They must mean the same at every cutoff: spaces of different trainings are not aligned.
        progress: Called while fitting with what is being done and the share that is done.
    """

    needs_labels: Final = True

    def __init__(
        self,
        task: Task,
        *,
        use_graph: bool = True,
        name: str | None = None,
        settings: ForecasterSettings | None = None,
        shared: SharedWork | None = None,
        embedding_features: EmbeddingFeatures | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.task = task
        self.use_graph = use_graph
        self.name = name or ("habitue" if use_graph else "habitue_without_graph")
        self.settings = settings or ForecasterSettings()
        self.shared = shared or SharedWork()
        self.embedding_features = embedding_features
        self.progress = progress
        self.fitted: FittedForecaster | None = None

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from labelled examples at one or more cutoffs, oldest first.

        Raises:
            NotTrainedError: If none of them has a known outcome.
        """
        labelled = [each for each in training if each.outcome is not None and len(each.rows)]
        if not labelled:
            raise NotTrainedError(
                "There is no cutoff with a known outcome to learn from.",
                hint="Load a longer history, or choose a shorter horizon.",
            )
        weights, calibration = BlendWeights(), PlattCalibration()
        newest, older = labelled[-1], self._before_window_of(labelled[-1], labelled)
        if self.settings.validate and _enough_events([newest]) and _enough_events(older):
            validation = self._fit_halves(older, seed, first=True).halves(newest, self.shared, self.embedding_features)
            churned, value = _churned(newest), _value(newest)
            weights = out_of_time_weights(validation, churned, value)
            calibration = fit_platt(validation.churn_logit(weights.churn), churned)
            intervals = fit_value_intervals(validation.value_mean(weights.value_mean), value)
        else:
            intervals = self._intervals_across_customers(labelled, seed)
        halves = self._fit_halves(labelled, seed, first=False)
        churned = np.concatenate([_churned(each) for each in labelled])
        constant = None
        if churned.min() == churned.max():
            constant = float((churned.sum() + 0.5) / (len(churned) + 1.0))
        self.fitted = FittedForecaster(halves.network, halves.trees, weights, calibration, constant, intervals)

    def predict(self, examples: Examples) -> Forecast:
        """Foretell the population, which may be wider than the one learnt from.

        Raises:
            NotTrainedError: Before `fit`.
        """
        fitted = self.require_fitted()
        halves = fitted.halves(examples, self.shared, self.embedding_features)
        shares = fitted.weights
        score = halves.churn_logit(shares.churn)
        members, member_weights = halves.churn_logits, halves.member_weights(shares.churn)
        calibration = fitted.calibration
        if fitted.constant_risk is not None:
            score = np.full(len(score), np.log(fitted.constant_risk / (1.0 - fitted.constant_risk)))
            members, calibration = np.tile(score, (len(members), 1)), PlattCalibration()
        member_risks = calibration(members)
        value_mean = halves.value_mean(shares.value_mean)
        known = fitted.value_intervals
        value_low, value_high = (None, None) if known is None else known(value_mean)
        low, high = risk_interval(score, deviation(members, member_weights), calibration)
        return Forecast(
            churn_score=score,
            churn_risk=calibration(score),
            churn_risk_low=low,
            churn_risk_high=high,
            value_median=halves.value_median(shares.value_median),
            value_mean=value_mean,
            value_low=value_low,
            value_high=value_high,
            value_level=None if known is None else known.level,
            disagreement=deviation(member_risks, member_weights),
            members_mean=member_weights @ member_risks,
        )

    def require_fitted(self) -> FittedForecaster:
        """What was learnt.

        Raises:
            NotTrainedError: Before `fit`.
        """
        if self.fitted is None:
            raise NotTrainedError("The forecaster has not been fitted.", hint="Run `habitue train` first.")
        return self.fitted

    def _intervals_across_customers(self, labelled: list[Examples], seed: int) -> ValueIntervals | None:
        """Value intervals from half of the customers, foretold by the other half, where there is no earlier cutoff."""
        learn, judge = split_customers(labelled)
        if not self.settings.validate or not _enough_events(learn) or not len(judge[-1].rows):
            return None
        halves = self._fit_halves(learn, seed, first=True).halves(judge[-1], self.shared, self.embedding_features)
        return fit_value_intervals(halves.value_mean(BlendWeights().value_mean), _value(judge[-1]))

    def _before_window_of(self, newest: Examples, labelled: list[Examples]) -> list[Examples]:
        """The examples whose outcome window ends before the newest one's begins.

        An overlap would let a network that remembers customers look better on the newest than it is.
        """
        return [each for each in labelled if each.cutoff + self.task.horizon <= newest.cutoff]

    def _fit_halves(self, training: list[Examples], seed: int, *, first: bool) -> FittedForecaster:
        settings, done = self.settings.network, 0.0 if first else 0.5
        if first:
            members = min(self.settings.validation_members, settings.training.members)
            settings = replace(settings, training=replace(settings.training, members=members))
        if self.progress is not None:
            self.progress("trees", done)
        trees = self.shared.trees(training, seed=seed)
        network = fit_network(
            training,
            settings,
            use_graph=self.use_graph,
            shared=self.shared,
            embedding_features=self.embedding_features,
            seed=seed,
            progress=None if self.progress is None else self._half(done),
        )
        return FittedForecaster(network, trees, BlendWeights(), PlattCalibration(), None)

    def _half(self, done: float) -> Progress:
        def report(what: str, share: float) -> None:
            if self.progress is not None:
                self.progress(what, done + share / 2.0)

        return report


def _churned(examples: Examples) -> FloatArray:
    return examples.outcome.churned.astype(np.float64) if examples.outcome is not None else np.zeros(0)


def _value(examples: Examples) -> FloatArray:
    return np.maximum(examples.outcome.value, 0.0) if examples.outcome is not None else np.zeros(0)


def _enough_events(examples: list[Examples]) -> bool:
    churned = np.concatenate([_churned(each) for each in examples]) if examples else np.zeros(0)
    return bool(min(churned.sum(), (1.0 - churned).sum()) >= _FEWEST_EVENTS)
