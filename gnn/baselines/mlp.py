"""A multi-layer perceptron on the tabular features: the network half without graph."""

from __future__ import annotations

from typing import Final

import numpy as np

from gnn.forecast import Examples, Forecast
from gnn.network_half import NetworkHalf, NetworkSettings, fit_network
from gnn.shared_work import SharedWork
from habitue.errors import NotTrainedError


class Perceptron:
    """Two hidden layers and a linear shortcut, an ensemble of four."""

    name: Final = "mlp"
    needs_labels: Final = True

    def __init__(self) -> None:
        self._network: NetworkHalf | None = None
        self._shared = SharedWork()

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from all training cutoffs."""
        self._network = fit_network(training, NetworkSettings(), use_graph=False, shared=self._shared, seed=seed)

    def predict(self, examples: Examples) -> Forecast:
        """Churn risk and both values: means over the members, of the logit for the risk."""
        if self._network is None:
            raise NotTrainedError("The perceptron has not been fitted.")
        found = self._network.predict(examples, self._shared, None)
        risk = 1.0 / (1.0 + np.exp(-found.churn_logit.mean(axis=0)))
        return Forecast(
            churn_score=risk,
            churn_risk=risk,
            value_median=np.median(found.value_median, axis=0),
            value_mean=found.value_mean.mean(axis=0),
        )
