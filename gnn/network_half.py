"""The neural half of Habitué's forecaster: from examples to tensors, training, and back to figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from gnn.adjacency import GraphSettings
from gnn.forecast import MOST_AT_ONCE, Examples, parts_of
from gnn.gcn import CHURN_LOGIT, VALUE_LOG_MEAN, VALUE_LOG_MEDIAN, VALUE_LOG_RANGE, FirstHop, ForecastNetwork
from gnn.shared_work import SharedWork
from gnn.tabular import TabularTransform
from gnn.training import NetworkInput, NetworkTarget, Progress, TrainingSettings, outputs_of, train
from graph.snapshot import FloatArray, Snapshot

#: Rotation-invariant quantities of a snapshot's embedding, one row per customer of the snapshot.
EmbeddingFeatures = Callable[[Snapshot], FloatArray]


@dataclass(frozen=True)
class NetworkSettings:
    """What the network sees and how it is trained.

    Attributes:
        graph_components: Principal components of the tabular features that make up the customers' H⁽⁰⁾.
        graph: How purchases become edges.
        training: Sizes, steps and rates.
    """

    graph_components: int = 24
    graph: GraphSettings = field(default_factory=GraphSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)


@dataclass(frozen=True, eq=False)
class InputStatistics:
    """All that was learnt of the inputs, from the training cutoffs only.

    Attributes:
        transform: Of the tabular features.
        embedding_centre, embedding_scale: Mean and standard deviation of the embedding's quantities; empty without.
        projection: From tabular features to H⁽⁰⁾ (f×k), whitened principal components; k = 0 without graph.
        value_scale: Mean value over the training examples, in currency: the network's unit of value.
    """

    transform: TabularTransform
    embedding_centre: FloatArray
    embedding_scale: FloatArray
    projection: FloatArray
    value_scale: float


@dataclass(frozen=True, eq=False)
class NetworkForecast:
    """The members' predictions, each m×n: raw churn logits, medians and means of value in currency."""

    churn_logit: FloatArray
    value_median: FloatArray
    value_mean: FloatArray


@dataclass(frozen=True, eq=False)
class NetworkHalf:
    """A trained ensemble with the statistics of its inputs."""

    settings: NetworkSettings
    statistics: InputStatistics
    network: ForecastNetwork

    @property
    def uses_graph(self) -> bool:
        """Whether the graph takes part."""
        return bool(self.statistics.projection.shape[1])

    def predict(
        self, examples: Examples, shared: SharedWork, embedding_features: EmbeddingFeatures | None
    ) -> NetworkForecast:
        """Foretell the examples' population."""
        hop = _hop(examples, self.settings, self.statistics, shared)
        inputs = (_network_input(part, hop, self.statistics, embedding_features) for _, part in parts_of(examples))
        outputs = np.concatenate([outputs_of(self.network, part) for part in inputs], axis=1)
        scale = self.statistics.value_scale
        return NetworkForecast(
            churn_logit=outputs[..., CHURN_LOGIT],
            value_median=np.exp(np.clip(outputs[..., VALUE_LOG_MEDIAN], *VALUE_LOG_RANGE)) * scale,
            value_mean=np.exp(np.clip(outputs[..., VALUE_LOG_MEAN], *VALUE_LOG_RANGE)) * scale,
        )


def fit_network(
    training: list[Examples],
    settings: NetworkSettings,
    *,
    use_graph: bool,
    shared: SharedWork,
    embedding_features: EmbeddingFeatures | None = None,
    seed: int,
    progress: Progress | None = None,
) -> NetworkHalf:
    """Train the ensemble on labelled examples, oldest first.

    Without products in every training snapshot there is no graph, and the network is the one without.
    """
    with_graph = use_graph and all(len(each.snapshot.products) for each in training)
    statistics = _statistics(training, settings.graph_components if with_graph else 0, embedding_features)
    inputs = [
        _network_input(each, _hop(each, settings, statistics, shared), statistics, embedding_features)
        for each in training
    ]
    targets = [
        NetworkTarget(
            _tensor(each.outcome.churned), _tensor(np.maximum(each.outcome.value, 0.0) / statistics.value_scale)
        )
        for each in training
        if each.outcome is not None
    ]
    return NetworkHalf(settings, statistics, train(inputs, targets, settings.training, seed=seed, progress=progress))


def _statistics(
    training: Sequence[Examples], graph_components: int, embedding_features: EmbeddingFeatures | None
) -> InputStatistics:
    transform = TabularTransform.of([each.features for each in training])
    if embedding_features is None:
        embedded = np.zeros((1, 0))
    else:
        embedded = np.concatenate([embedding_features(each.snapshot)[each.rows] for each in training])
    value = np.concatenate([each.outcome.value for each in training if each.outcome is not None])
    tabular = np.concatenate([transform(each.features) for each in training])
    return InputStatistics(
        transform=transform,
        embedding_centre=embedded.mean(axis=0),
        embedding_scale=np.maximum(embedded.std(axis=0), 1e-9),
        projection=_principal_components(tabular, graph_components),
        value_scale=max(float(np.maximum(value, 0.0).mean()), 1e-9),
    )


def _principal_components(rows: FloatArray, count: int) -> FloatArray:
    """The first principal components of the rows, scaled to unit variance (f×k); signs fixed by the largest entry."""
    covariance = np.cov(rows, rowvar=False, ddof=min(1, len(rows) - 1))  # a single row does not vary
    variances, directions = np.linalg.eigh(covariance.reshape(rows.shape[1], rows.shape[1]))
    leading = np.argsort(variances)[::-1][:count]
    leading = leading[variances[leading] > 1e-9]
    chosen = directions[:, leading]
    largest = chosen[np.abs(chosen).argmax(axis=0), np.arange(len(leading))] if len(leading) else np.zeros(0)
    result: FloatArray = chosen * np.sign(largest) / np.sqrt(variances[leading])
    return result


def _network_input(
    examples: Examples,
    hop: FirstHop | None,
    statistics: InputStatistics,
    embedding_features: EmbeddingFeatures | None,
) -> NetworkInput:
    snapshot, rows = examples.snapshot, examples.rows
    parts = [statistics.transform(examples.features)]
    if embedding_features is not None:
        embedded = embedding_features(snapshot)[rows]
        parts.append((embedded - statistics.embedding_centre) / statistics.embedding_scale)
    inputs, at = _tensor(np.concatenate(parts, axis=1)), torch.from_numpy(rows.astype(np.int64))
    if hop is not None and len(snapshot.customers) > MOST_AT_ONCE:  # the others' rows would only cost
        return NetworkInput(inputs, hop.only(at), torch.arange(len(at)))
    return NetworkInput(inputs, hop, at)


def _hop(
    examples: Examples, settings: NetworkSettings, statistics: InputStatistics, shared: SharedWork
) -> FirstHop | None:
    """ÂH⁽⁰⁾ of everybody in the snapshot; None without graph."""
    if not statistics.projection.shape[1]:
        return None
    snapshot = examples.snapshot
    signals_of = np.empty((len(snapshot.customers), statistics.projection.shape[1]), np.float32)
    for rows, features in shared.everybody_in_parts(examples):
        signals_of[rows] = statistics.transform(features) @ statistics.projection
    adjacency = shared.adjacencies.of(snapshot, settings.graph)
    signals = adjacency.product_signals
    # Products carry a constant besides their signals; both are standardised within the snapshot, whose level drifts.
    centred = signals - signals.mean(dim=0)
    if len(centred):  # a snapshot may be older than the first product
        centred = centred / signals.std(dim=0, correction=0).clamp_min(1e-6)
    described = torch.cat([centred, centred.new_ones(len(centred), 1)], dim=1)
    return FirstHop.of(adjacency, torch.from_numpy(signals_of), described)


def _tensor(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
