"""A customer's weeks read one after another: a gated recurrent unit, or the published recurrence.

The recurrence is X₍ₙ₊₁₎ = tanh(W·Xₙ + U·Iₙ + b) with X₀ = 0 (Elman, 1990); the gated unit is that of Cho and others
(2014). Both read the oldest week first and hand on the state after the latest one.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

Recurrence = Literal["gru", "tanh"]


class TemporalEncoder(nn.Module):
    """From n×w×k weekly series, the latest week first, to n×`state` final states.

    Args:
        inputs: Series k per week.
        state: Length of the state X.
        recurrence: `gru`, or `tanh` for the published rule.
    """

    def __init__(self, inputs: int, state: int, recurrence: Recurrence) -> None:
        super().__init__()
        kind = nn.GRU if recurrence == "gru" else nn.RNN  # RNN's own nonlinearity is tanh, and its two biases sum to b
        self.cells = kind(inputs, state, batch_first=True)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        """The states after the latest week."""
        _, last = self.cells(series.flip(1))
        result: torch.Tensor = last[0]
        return result


class SequenceNetwork(nn.Module):
    """The encoder and an affine head with the outputs of `gnn.gcn.ForecastNetwork`: m = 1, m×n×3."""

    def __init__(self, inputs: int, state: int, recurrence: Recurrence) -> None:
        super().__init__()
        self.encoder = TemporalEncoder(inputs, state, recurrence)
        self.head = nn.Linear(state, 3)
        nn.init.zeros_(self.head.weight)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        """Outputs 1×n×3 for n customers' series n×w×k."""
        result: torch.Tensor = self.head(self.encoder(series))[None]
        return result
