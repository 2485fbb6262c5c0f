"""Training of the forecasting network: whole graphs, one cutoff a step, nothing told but by a progress callback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gnn.gcn import (
    CHURN_LOGIT,
    VALUE_LOG_MEAN,
    VALUE_LOG_MEDIAN,
    VALUE_LOG_RANGE,
    FirstHop,
    ForecastNetwork,
    NetworkShape,
)

#: Called with what is being done and the share that is done, in [0, 1].
Progress = Callable[[str, float], None]

#: Customers of a cutoff from which on several threads are used.
_FEWEST_FOR_THREADS = 50_000


@dataclass(frozen=True)
class TrainingSettings:
    """How the network is trained.

    Attributes:
        members: Ensemble members, trained side by side.
        width: Columns of the graph's hidden layers.
        hidden: Units of the head's hidden layers.
        dropout: Share left out in training.
        steps: Steps of the optimiser; each sees customers of one cutoff.
        batch: How many of them at most; a cutoff with more is drawn from at each step.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: Decoupled weight decay (AdamW).
        value_weight: Weight of each of the two value losses beside the churn loss.
    """

    members: int = 4
    width: int = 16
    hidden: int = 32
    dropout: float = 0.5
    steps: int = 120
    batch: int = 32_768
    learning_rate: float = 0.01
    weight_decay: float = 0.05
    value_weight: float = 0.5


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """What the network sees of one cutoff.

    Attributes:
        features: Transformed features n×f.
        hop: ÂH⁽⁰⁾ of the graph as of the cutoff; None without graph.
        rows: Rows of the n customers among the graph's customers.
    """

    features: torch.Tensor
    hop: FirstHop | None
    rows: torch.Tensor

    def only(self, drawn: torch.Tensor) -> NetworkInput:
        """The input of some of the customers; their convolution is exact, see `FirstHop.only`."""
        hop = None if self.hop is None else self.hop.only(self.rows[drawn])
        return NetworkInput(self.features[drawn], hop, torch.arange(len(drawn)))


@dataclass(frozen=True, eq=False)
class NetworkTarget:
    """What came to pass: `churned` 0/1 and `value` in units of the training examples' mean value, both of length n."""

    churned: torch.Tensor
    value: torch.Tensor

    def only(self, drawn: torch.Tensor) -> NetworkTarget:
        """The outcomes of some of the customers."""
        return NetworkTarget(self.churned[drawn], self.value[drawn])


def train(
    inputs: Sequence[NetworkInput],
    targets: Sequence[NetworkTarget],
    settings: TrainingSettings,
    *,
    seed: int,
    progress: Progress | None = None,
) -> ForecastNetwork:
    """Train the ensemble on one or more cutoffs.

    The losses, averaged over customers and summed over members: binary cross-entropy of churn; absolute error of the
    median of value; Poisson deviance of its mean, which any distribution with that mean is consistent with.

    Returns:
        The network in evaluation mode. Equal arguments give equal weights on the same machine and thread count.
    """
    with torch.random.fork_rng(devices=[]), threads_for(max(len(each.rows) for each in inputs)):
        torch.manual_seed(seed)
        network = ForecastNetwork(
            NetworkShape(
                members=settings.members,
                tabular=inputs[0].features.shape[1],
                graph=0 if inputs[0].hop is None else inputs[0].hop.customers.shape[1],
                width=settings.width,
                hidden=settings.hidden,
                dropout=settings.dropout,
            )
        )
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=settings.learning_rate, total_steps=settings.steps, pct_start=0.2
        )
        order = np.random.default_rng(seed)
        network.train()
        for step in range(settings.steps):
            if step % len(inputs) == 0:
                turn = order.permutation(len(inputs))
            which = turn[step % len(inputs)]
            optimiser.zero_grad(set_to_none=True)
            given, target = inputs[which], targets[which]
            if len(given.rows) > settings.batch:
                drawn = torch.from_numpy(order.choice(len(given.rows), settings.batch, replace=False, shuffle=False))
                given, target = given.only(drawn), target.only(drawn)
            outputs = network(given.features, given.hop, given.rows)
            loss_of(outputs, target, settings.value_weight).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if progress is not None and step % 20 == 0:
                progress("network", step / settings.steps)
    return network.eval()


def loss_of(outputs: torch.Tensor, target: NetworkTarget, value_weight: float) -> torch.Tensor:
    """The losses of outputs m×n×3 (see `train`), averaged over customers and summed over members."""
    churn = functional.binary_cross_entropy_with_logits(
        outputs[..., CHURN_LOGIT], target.churned.expand(outputs.shape[:2])
    )
    median = (outputs[..., VALUE_LOG_MEDIAN].clamp(*VALUE_LOG_RANGE).exp() - target.value).abs().mean()
    log_mean = outputs[..., VALUE_LOG_MEAN].clamp(*VALUE_LOG_RANGE)
    mean = (log_mean.exp() - target.value * log_mean).mean()
    return len(outputs) * (churn + value_weight * (median + mean))


@contextmanager
def threads_for(rows: int) -> Iterator[None]:
    """One thread for small work: a second one costs more in waiting than it brings, and would change the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if rows < _FEWEST_FOR_THREADS else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def outputs_of(network: ForecastNetwork, given: NetworkInput) -> npt.NDArray[np.float64]:
    """The members' outputs m×n×3 in float64 (see `gnn.gcn.CHURN_LOGIT` and its fellows)."""
    with torch.no_grad(), threads_for(len(given.rows)):
        result: npt.NDArray[np.float64] = network(given.features, given.hop, given.rows).numpy().astype(np.float64)
    return result
