"""All that Habitué's forecaster has learnt, and what each of its parts foretells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from gnn.baselines.lightgbm_forecaster import ChurnTrees, LightGBM
from gnn.baselines.random_forest import ChurnForest
from gnn.blend import BlendWeights, PartForecast, PartForecasts
from gnn.calibration import PlattCalibration, logit
from gnn.features import Features
from gnn.forecast import Examples
from gnn.graph_features import GraphFeatures, extended_in_parts
from gnn.hurdle import Amounts
from gnn.linear_half import LinearHalf
from gnn.network_half import EmbeddingFeatures, NetworkHalf
from gnn.paced_value import PacedValue
from gnn.shared_work import SharedWork
from gnn.value_intervals import ValueIntervals
from graph.parallel import cores, in_order
from graph.snapshot import FloatArray

#: A tree's risk is kept within this before its logit is taken: a forest may say 0 where it has seen no churner.
_RISK_RANGE: Final = (1e-3, 1.0 - 1e-3)
#: The parts of the blend that foretell churn.
PARTS: Final = ("network", "trees", "graph_trees", "forest", "linear", "rfm")


@dataclass(frozen=True, eq=False)
class FittedForecaster:
    """All that was learnt: what a model directory holds.

    Attributes:
        network: Convolutional where there is a graph.
        trees: On the tabular features alone, whose contributions are the reasons.
        graph_trees, forest, linear: On the tabular and the graph features; on the tabular ones alone without graph.
        rfm: On recency, frequency, tenure and spend.
        amounts: Of those who buy, the second step of a mean value in two.
        paced: Value from the customer's own pace of spending, on the features of `graph_trees`.
        graph: How examples are given their graph features; None without graph.
        weights: The parts' shares in each prediction.
        calibration: Of the blended churn logit.
        constant_risk: Churn risk of everybody where the training labels were all alike; else None.
        value_intervals: How far buyers' value lay from what was expected of them; None where that is not known.
    """

    network: NetworkHalf
    trees: ChurnTrees
    graph_trees: ChurnTrees
    forest: ChurnForest
    linear: LinearHalf
    rfm: LinearHalf
    amounts: Amounts
    paced: PacedValue
    graph: GraphFeatures | None
    weights: BlendWeights
    calibration: PlattCalibration
    constant_risk: float | None
    value_intervals: ValueIntervals | None = None

    @property
    def uses_graph(self) -> bool:
        """Whether any part sees the graph."""
        return self.graph is not None or self.network.uses_graph

    def parts(
        self, examples: Examples, shared: SharedWork, embedding_features: EmbeddingFeatures | None
    ) -> PartForecasts:
        """What each part foretells."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            told = None if self.graph is None else pool.submit(self.graph.told, examples, shared)
            network = self.network.predict(examples, shared, embedding_features)
        blocks = extended_in_parts(examples, () if told is None else told.result())
        foretold = in_order(lambda block: self._of_tables(*block), blocks, threads=cores())
        others = PartForecasts.one_after_another(list(foretold))
        return PartForecasts(
            {
                "network": PartForecast(
                    network.churn_logit, np.median(network.value_median, axis=0), network.value_mean.mean(axis=0)
                ),
                **others.parts,
            }
        )

    def _of_tables(self, examples: Examples, extended: Examples) -> PartForecasts:
        """What the parts that need nothing but features foretell; `extended` with those of the graph."""
        boosted = _churn_logit(self.graph_trees, extended.features)
        forest = _churn_logit(self.forest, extended.features)
        churn_risk = expit((boosted + forest) / 2.0)
        return PartForecasts(
            {
                "trees": PartForecast(_churn_logit(self.trees, examples.features)[None]),
                "graph_trees": PartForecast(boosted[None]),
                "forest": PartForecast(forest[None]),
                "linear": PartForecast(self.linear.churn_logit(extended.features)[None]),
                "rfm": PartForecast(self.rfm.churn_logit(examples.features)[None]),
                "hurdle": PartForecast(value_mean=self.amounts.expected_value(churn_risk, extended.features)),
                "paced": PartForecast(
                    value_median=self.paced.predict_target("value_median", extended.features),
                    value_mean=self.paced.predict_target("value_mean", extended.features),
                ),
            }
        )


def _churn_logit(trees: LightGBM, features: Features) -> FloatArray:
    """The churn logits of trees (n)."""
    return logit(np.clip(trees.predict_target("churn", features), *_RISK_RANGE))
