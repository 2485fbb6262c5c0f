"""Ends a training when what is watched on later data no longer rises, and keeps the best vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from habitue.errors import UsageError

if TYPE_CHECKING:
    from pykeen.models import TransE

_BLOCK_CELLS = 1 << 22


class EarlyStopping:
    """Watches a figure after passes over the data; higher is better.

    Attributes:
        best: The best vectors so far by name, copies; empty before the first look.
        ended: Whether the training should end.
        values: What was found at each look.
    """

    def __init__(
        self,
        evaluate: Callable[[TransE], float],
        *,
        patience: int = 2,
        every: int = 1,
        minimum_gain: float = 0.0,
    ) -> None:
        """Watch a figure.

        Args:
            evaluate: The figure of a model, on data that are later than those of the training (`TailRanks`, say).
            patience: Looks in a row without a gain after which the training ends.
            every: Passes between looks.
            minimum_gain: What counts as a gain, relative to the best so far.
        """
        if patience < 1 or every < 1 or minimum_gain < 0:
            raise UsageError(
                f"Early stopping cannot work with patience {patience}, every {every} passes, gain {minimum_gain}.",
                hint="Patience and passes must be positive, and the gain at least 0.",
            )
        self.evaluate = evaluate
        self.patience = patience
        self.every = every
        self.minimum_gain = minimum_gain
        self.values: list[float] = []
        self.best: dict[str, torch.Tensor] = {}
        self._best_value = float("-inf")
        self._waited = 0

    @property
    def ended(self) -> bool:
        return self._waited >= self.patience

    def after(self, epoch: int, model: TransE, vectors: Mapping[str, torch.Tensor]) -> None:
        """Look at the model after so many passes, if it is time."""
        if epoch % self.every:
            return
        value = float(self.evaluate(model))
        self.values.append(value)
        if self.best and not value > self._best_value + self.minimum_gain * abs(self._best_value):
            self._waited += 1
            return
        self._best_value, self._waited = value, 0
        for name, tensor in vectors.items():
            if name in self.best:
                self.best[name].copy_(tensor.detach())
            else:
                self.best[name] = tensor.detach().clone()

    def restore(self, vectors: Mapping[str, torch.Tensor]) -> None:
        """Put the best vectors back, if there was a look."""
        for name, tensor in self.best.items():
            vectors[name].detach().copy_(tensor)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, beside the best vectors."""
        return {"values": self.values, "best_value": self._best_value if self.best else None, "waited": self._waited}

    def resume(self, state: Mapping[str, Any], best: Mapping[str, torch.Tensor]) -> None:
        """Go on from what a checkpoint kept."""
        self.values = list(state["values"])
        self._best_value = float("-inf") if state["best_value"] is None else state["best_value"]
        self._waited = state["waited"]
        self.best = dict(best)


class TailRanks:
    """Mean reciprocal rank of the tails of later triples among all tails that the training knows for the relation.

    Ranks are realistic (ties share the mean rank); other known tails of the same head are not filtered. Triples whose
    tail the training does not know for the relation are left out.
    """

    def __init__(self, later: torch.Tensor, training: torch.Tensor, *, bonus: torch.Tensor | None = None) -> None:
        """Args: later triples int64 [v, 3]; the training's, int64 [n, 3]; float32 [N] added to each tail's score."""
        self.bonus = bonus
        self._groups: list[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor]] = []
        for relation in torch.unique(later[:, 1]).tolist():
            tails = torch.unique(training[training[:, 1] == relation, 2])
            asked = later[later[:, 1] == relation]
            asked = asked[torch.isin(asked[:, 2], tails)]
            if len(asked):
                self._groups.append((relation, asked[:, 0], torch.searchsorted(tails, asked[:, 2]), tails))
        if not self._groups:
            raise UsageError(
                "No later triple has a tail that the training knows.", hint="Give later triples of the same entities."
            )

    @torch.no_grad()
    def __call__(self, model: TransE) -> float:
        from embeddings.engine import parameters

        entity, relations = parameters(model)
        total, count = 0.0, 0
        for relation, heads, places, tails in self._groups:
            candidates = entity[tails.to(entity.device)]
            bonus = None if self.bonus is None else self.bonus.to(entity.device)[tails.to(entity.device)]
            size = max(1, _BLOCK_CELLS // len(tails))
            for head, place in zip(torch.split(heads, size), torch.split(places, size), strict=True):
                query = entity[head.to(entity.device)] + relations[relation]
                score = -torch.cdist(query, candidates)
                if bonus is not None:
                    score += bonus
                own = score.gather(1, place.to(entity.device)[:, None])
                above, ties = (score > own).sum(1), (score == own).sum(1)
                total += float((1 / (above + (ties + 1) / 2)).sum())
            count += len(heads)
        return total / count
