"""Habitué's forecaster: graph convolutional networks, boosted trees, a forest and linear models, blended.

All parts learn from the same stacked cutoffs, most of them from the graph's features besides. How they are blended and
calibrated is learnt out of time: a first fit on older cutoffs foretells the newest, then all are fitted anew on all.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from scipy.special import expit

from gnn.baselines.lightgbm_forecaster import ChurnTrees
from gnn.baselines.random_forest import ChurnForest
from gnn.blend import BlendWeights, deviation
from gnn.calibration import PlattCalibration, fit_platt
from gnn.fitted_forecaster import FittedForecaster
from gnn.forecast import Examples, Forecast
from gnn.graph_features import GraphFeatures
from gnn.holdout import split_customers
from gnn.hurdle import Amounts
from gnn.linear_half import FEW_VARIANCE, RFM_FEATURES, fit_linear
from gnn.network_half import EmbeddingFeatures, NetworkSettings, fit_network
from gnn.paced_value import PacedValue
from gnn.risk_intervals import risk_interval
from gnn.shared_work import SharedWork
from gnn.side_by_side import beside, is_beside
from gnn.task import Task
from gnn.training import Progress
from gnn.value_intervals import ValueIntervals, fit_value_intervals
from graph.snapshot import FloatArray
from habitue.errors import NotTrainedError

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
        taste_directions: Length of the taste vectors among the graph's features; 0 leaves them out.
        value_intervals: Whether half of the customers are set aside to learn value intervals, and the parts' shares in
            value, where there is no earlier cutoff to learn them at; a repetition that is judged by its churn risks
            alone can do without.
    """

    network: NetworkSettings = field(default_factory=NetworkSettings)
    validate: bool = True
    validation_members: int = 2
    taste_directions: int = 24
    value_intervals: bool = True


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
        intervals: ValueIntervals | None = None
        with beside(sum(len(each.rows) for each in labelled)) as pool:
            if self.settings.validate and _enough_events([newest]) and _enough_events(older):
                first = self._begin(older, seed, pool, first=True)
                # What the last fit has to do is handed in while the first goes on, unless either takes all cores.
                last = self._begin(labelled, seed, pool, first=False) if is_beside(pool) else None
                validation = first().parts(newest, self.shared, self.embedding_features)
                del first
                churned, value = _churned(newest), _value(newest)
                weights = validation.out_of_time_weights(churned, value)
                calibration = fit_platt(validation.churn_logit(weights.churn), churned)
                risk = calibration(validation.churn_logit(weights.churn))
                intervals = fit_value_intervals(risk, validation.value_mean(weights.value_mean), value)
                fitted = (last or self._begin(labelled, seed, pool, first=False))()
            else:
                if self.settings.value_intervals:
                    weights, intervals = self._value_across_customers(labelled, seed, pool)
                fitted = self._begin(labelled, seed, pool, first=False)()
        churned = np.concatenate([_churned(each) for each in labelled])
        constant = None
        if churned.min() == churned.max():
            constant = float((churned.sum() + 0.5) / (len(churned) + 1.0))
        self.fitted = replace(
            fitted, weights=weights, calibration=calibration, constant_risk=constant, value_intervals=intervals
        )

    def predict(self, examples: Examples) -> Forecast:
        """Foretell the population, which may be wider than the one learnt from.

        Raises:
            NotTrainedError: Before `fit`.
        """
        fitted = self.require_fitted()
        parts = fitted.parts(examples, self.shared, self.embedding_features)
        shares = fitted.weights
        score = parts.churn_logit(shares.churn)
        members, member_weights = parts.churn_logits, parts.member_weights(shares.churn)
        calibration = fitted.calibration
        if fitted.constant_risk is not None:
            score = np.full(len(score), np.log(fitted.constant_risk / (1.0 - fitted.constant_risk)))
            members, calibration = np.tile(score, (len(members), 1)), PlattCalibration()
        member_risks = calibration(members)
        value_mean = parts.value_mean(shares.value_mean)
        churn_risk, known = calibration(score), fitted.value_intervals
        value_low, value_high = (None, None) if known is None else known(churn_risk, value_mean)
        low, high = risk_interval(score, deviation(members, member_weights), calibration)
        return Forecast(
            churn_score=score,
            churn_risk=churn_risk,
            churn_risk_low=low,
            churn_risk_high=high,
            value_median=parts.value_median(shares.value_median),
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

    def _value_across_customers(
        self, labelled: list[Examples], seed: int, pool: Executor
    ) -> tuple[BlendWeights, ValueIntervals | None]:
        """What is learnt of value where there is no earlier cutoff: half of the customers foretell the other half.

        The shares of churn stay equal: learnt this way they brought nothing.
        """
        learn, judge = split_customers(labelled)
        if not self.settings.validate or not _enough_events(learn) or not len(judge[-1].rows):
            return BlendWeights(), None
        fitted = self._begin(learn, seed, pool, first=True)()
        parts, value = fitted.parts(judge[-1], self.shared, self.embedding_features), _value(judge[-1])
        weights = parts.value_weights(value)
        risk = expit(parts.churn_logit(weights.churn))
        return weights, fit_value_intervals(risk, parts.value_mean(weights.value_mean), value)

    def _before_window_of(self, newest: Examples, labelled: list[Examples]) -> list[Examples]:
        """The examples whose outcome window ends before the newest one's begins.

        An overlap would let a network that remembers customers look better on the newest than it is.
        """
        return [each for each in labelled if each.cutoff + self.task.horizon <= newest.cutoff]

    def _begin(
        self, training: list[Examples], seed: int, pool: Executor, *, first: bool
    ) -> Callable[[], FittedForecaster]:
        """Hand in what can be fitted beside the rest; what is returned does the rest and waits for all."""
        settings, done = self.settings.network, 0.0 if first else 0.5
        if first:
            members = min(self.settings.validation_members, settings.training.members)
            settings = replace(settings, training=replace(settings.training, members=members))
        if self.progress is not None and (first or not is_beside(pool)):
            self.progress("trees", done)
        trees = pool.submit(self.shared.fitted, ChurnTrees, training, seed=seed)
        graph = GraphFeatures.of(training, self.settings.taste_directions) if self.use_graph else None
        extended = training if graph is None else [graph.extend(each, self.shared) for each in training]
        # Another draw: without graph it is not the same trees twice.
        graph_trees = pool.submit(self.shared.fitted, ChurnTrees, extended, seed=seed + 1)
        forest = pool.submit(self.shared.fitted, ChurnForest, extended, seed=seed)
        amounts = pool.submit(self.shared.fitted, Amounts, extended, seed=seed)
        paced = pool.submit(self.shared.fitted, PacedValue, extended, seed=seed)
        linear = pool.submit(fit_linear, extended)

        def rest() -> FittedForecaster:
            network = fit_network(
                training,
                settings,
                use_graph=self.use_graph,
                shared=self.shared,
                embedding_features=self.embedding_features,
                seed=seed,
                progress=None if self.progress is None else self._half(done),
            )
            return FittedForecaster(
                network=network,
                trees=trees.result(),
                graph_trees=graph_trees.result(),
                forest=forest.result(),
                linear=linear.result(),
                amounts=amounts.result(),
                paced=paced.result(),
                rfm=fit_linear(training, RFM_FEATURES, prior_variance=FEW_VARIANCE),
                graph=graph,
                weights=BlendWeights(),
                calibration=PlattCalibration(),
                constant_risk=None,
            )

        return rest

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
