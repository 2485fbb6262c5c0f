"""Row-wise Adagrad: one accumulator for each row, and a step touches only the rows that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim import Optimizer


class RowAdagrad(Optimizer):
    """Adagrad (Duchi et al. 2011) whose accumulator is the mean square of a row's gradient (as in PyTorch-BigGraph).

    Its cost does not grow with the table, and its state is one number for each row. `update` is what the engine calls;
    `step` does the same from sparse (or dense) `.grad`s, as any optimiser of torch.
    """

    def __init__(self, params: Iterable[torch.Tensor], lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})
        for group in self.param_groups:
            for table in group["params"]:
                self.state[table]["accumulated"] = torch.zeros(len(table), dtype=table.dtype, device=table.device)
        # Where a row stands in the batch at hand; what other batches left behind is never read.
        self._place: dict[torch.Tensor, torch.Tensor] = {}

    def accumulated(self, table: torch.Tensor) -> torch.Tensor:
        """Sum of the mean squares of a row's gradients so far, float32 [rows]: its own memory."""
        found: torch.Tensor = self.state[table]["accumulated"]
        return found

    @torch.no_grad()
    def update(self, table: torch.Tensor, rows: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """One step against gradients [n, d] of rows int64 [n]; those of the same row are summed first."""
        touched, place = self._distinct(table, rows)
        summed = torch.zeros((len(touched), gradient.shape[1]), dtype=gradient.dtype, device=gradient.device)
        summed.index_add_(0, place, gradient)
        accumulator = self.accumulated(table)
        accumulated = accumulator.index_select(0, touched) + summed.square().mean(-1)
        accumulator[touched] = accumulated
        summed.mul_((-rate / accumulated.sqrt_().clamp_(min=1e-12))[:, None])
        table.index_add_(0, touched, summed)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter by its gradient; rows without one stay."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is None:
                    continue
                if table.grad.is_sparse:
                    gradient = table.grad.coalesce()
                    self.update(table, gradient.indices()[0], gradient.values(), group["lr"])
                else:
                    rows = torch.nonzero(table.grad.any(1)).flatten()
                    self.update(table, rows, table.grad.index_select(0, rows), group["lr"])
        return loss

    def _distinct(self, table: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The distinct rows, and where each of `rows` stands among them: by a table of places, without sorting."""
        if table not in self._place:
            self._place[table] = torch.empty(len(table), dtype=torch.int64, device=table.device)
        places, numbers = self._place[table], torch.arange(len(rows), device=rows.device)
        places[rows] = numbers
        chosen = places.index_select(0, rows)  # of equal rows, one number of them
        first = chosen == numbers
        compact = first.cumsum(0).sub_(1)
        return rows[first], compact.index_select(0, chosen)
