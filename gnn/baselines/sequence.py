"""A sequence model: a recurrent network on the customers' weeks, without any other feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gnn.forecast import Examples, Forecast
from gnn.weekly import SERIES, weekly_activity
from graph.snapshot import FloatArray
from habitue.errors import NotTrainedError

if TYPE_CHECKING:
    import torch

    from gnn.temporal import Recurrence, SequenceNetwork

_WEEKS: Final = 26
_STATE: Final = 16
_STEPS: Final = 120
_RATE: Final = 0.02


class Sequence:
    """Orders, spend and lines of each of the last 26 weeks, read by a recurrent network.

    Args:
        recurrence: `gru`, or `tanh` for the published X₍ₙ₊₁₎ = tanh(W·Xₙ + U·Iₙ + b).
    """

    needs_labels: Final = True

    def __init__(self, recurrence: Recurrence = "gru") -> None:
        self.name = "sequence" if recurrence == "gru" else f"sequence_{recurrence}"
        self.recurrence = recurrence
        self._network: SequenceNetwork | None = None
        self._scale = 1.0
        self._spread: FloatArray = np.ones(SERIES)

    def fit(self, training: list[Examples], *, seed: int) -> None:
        """Learn from all training cutoffs, one of them a step."""
        import torch

        from gnn.temporal import SequenceNetwork
        from gnn.training import NetworkTarget, loss_of, threads_for

        labelled = [(each, each.outcome) for each in training if each.outcome is not None]
        series = [_series(each) for each, _ in labelled]
        self._spread = np.maximum(np.concatenate(series).reshape(-1, SERIES).std(axis=0), 1e-9)
        self._scale = max(float(np.mean([np.maximum(o.value, 0.0).mean() for _, o in labelled])), 1e-9)
        targets = [
            NetworkTarget(_tensor(outcome.churned), _tensor(np.maximum(outcome.value, 0.0) / self._scale))
            for _, outcome in labelled
        ]
        inputs = [_tensor(each / self._spread) for each in series]
        order = np.random.default_rng(seed)
        with torch.random.fork_rng(devices=[]), threads_for(max(len(each) for each in inputs)):
            torch.manual_seed(seed)
            network = SequenceNetwork(SERIES, _STATE, self.recurrence)
            optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=_RATE, total_steps=_STEPS, pct_start=0.2)
            for step in range(_STEPS):
                if step % len(inputs) == 0:
                    turn = order.permutation(len(inputs))
                which = turn[step % len(inputs)]
                optimiser.zero_grad(set_to_none=True)
                loss_of(network(inputs[which]), targets[which], 0.5).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
        self._network = network.eval()

    def predict(self, examples: Examples) -> Forecast:
        """Churn risk and both values."""
        import torch

        from gnn.gcn import CHURN_LOGIT, VALUE_LOG_MEAN, VALUE_LOG_MEDIAN, VALUE_LOG_RANGE
        from gnn.training import threads_for

        if self._network is None:
            raise NotTrainedError("The sequence model has not been fitted.")
        series = _tensor(_series(examples) / self._spread)
        with torch.no_grad(), threads_for(len(series)):
            found = self._network(series)[0].numpy().astype(np.float64)
        risk = 1.0 / (1.0 + np.exp(-found[:, CHURN_LOGIT]))
        median, mean = (
            np.exp(np.clip(found[:, column], *VALUE_LOG_RANGE)) * self._scale
            for column in (VALUE_LOG_MEDIAN, VALUE_LOG_MEAN)
        )
        return Forecast(churn_score=risk, churn_risk=risk, value_median=median, value_mean=mean)


def _series(examples: Examples) -> FloatArray:
    return weekly_activity(examples.snapshot, examples.rows, _WEEKS)


def _tensor(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
