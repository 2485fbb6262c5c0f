"""Trains PyKEEN's TransE in large batches of plain tensors, without a Python object for any triple.

What makes it fast on a processor: negatives are shared by a chunk of positives, so that all distances of a chunk come
from one matrix product (as in PyTorch-BigGraph, Lerer et al. 2019, and DGL-KE, Zheng et al. 2020); gradients are
written out (they are two more products); and an update touches only the rows that a batch used, so that its cost does
not grow with the graph. The parameters stay those of the PyKEEN model.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from embeddings.checkpoints import Checkpoints, Keeper, State, fingerprint
from embeddings.early_stopping import EarlyStopping
from embeddings.engine_settings import EngineSettings
from embeddings.known import KnownTriples
from embeddings.losses import gradients
from embeddings.row_adagrad import RowAdagrad
from embeddings.sampler import Sampler

if TYPE_CHECKING:
    from pykeen.models import TransE

    from graph.store import Progress

_TINY = 1e-6


def fit(
    model: TransE,
    triples: torch.Tensor,
    weight: torch.Tensor,
    settings: EngineSettings,
    *,
    seed: int,
    progress: Progress | None = None,
    stopping: EarlyStopping | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[float]:
    """Train a PyKEEN TransE with the Euclidean norm in place, on the device it is on.

    Args:
        model: The model; its entities and relations are those of `triples`.
        triples: int64 [n, 3]: head, relation, tail.
        weight: float32 [n]: weight of each triple in the loss.
        settings: How to train, and by which loss (`embeddings.losses`).
        seed: Same seed, same vectors on the same machine with as many threads.
        progress: Told after every update: a line for humans, and the share done.
        stopping: Ends the training when what it watches no longer rises, and gives the model its best vectors back.
        checkpoints: Where the state is kept, now and then and at the end; a training that finds its own there goes on
            from it, and ends with the vectors that it would have had uninterrupted.

    Returns:
        The mean loss of each epoch.

    Raises:
        UsageError: If the checkpoint that is there belongs to another training.
    """
    training = Training(model, triples, weight, settings, seed)
    keeper = None
    state = State()
    if checkpoints is not None:
        mark = fingerprint(triples, weight, settings, seed, len(training.entity))
        keeper = Keeper(checkpoints, mark, training.tensors(), stopping)
        state = keeper.restored()
    watch = _Watch(progress, settings, len(triples))
    while state.epoch < settings.epochs and not (stopping is not None and stopping.ended):
        for loss in training.steps(state.epoch, state.step):
            state.loss += loss
            state.step += 1
            watch.tell(state, training.steps_an_epoch)
            if keeper is not None:
                keeper.keep_in_time(state)
        state.finish_epoch(training.total_weight)
        if stopping is not None:
            stopping.after(state.epoch, model, training.vectors())
        if keeper is not None:
            keeper.keep_after_epoch(state)
    if keeper is not None:
        keeper.keep(state)
    if stopping is not None:
        stopping.restore(training.vectors())
    watch.done()
    return state.losses


def parameters(model: TransE) -> tuple[torch.Tensor, torch.Tensor]:
    """The entity and relation vectors of a PyKEEN model, [N, d] and [R, d]: its own memory, not copies."""
    entity, relation = tables(model)
    return entity.data, relation.data


def tables(model: torch.nn.Module) -> tuple[torch.nn.Parameter, torch.nn.Parameter]:
    """The same as parameters."""
    named = dict(model.named_parameters())
    return (
        named["entity_representations.0._embeddings.weight"],
        named["relation_representations.0._embeddings.weight"],
    )


class Training:
    """A model in training: its vectors, optimiser and batches; `steps` advances it by a pass.

    Attributes:
        entity, relation: The model's vectors, [N, d] and [R, d].
        optimiser: Holds their accumulators.
        steps_an_epoch: Updates in a pass.
        total_weight: Of all triples.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        triples: torch.Tensor,
        weight: torch.Tensor,
        settings: EngineSettings,
        seed: int,
        *,
        optimiser: RowAdagrad | None = None,
    ) -> None:
        self.settings = settings
        self.entity, self.relation = tables(model)
        self.optimiser = optimiser or RowAdagrad([self.entity, self.relation], settings.learning_rate)
        device = self.entity.device
        self.triples, self.weight = triples.to(device), weight.to(device)
        self.total_weight = max(float(weight.sum()), _TINY)
        self.sampler = Sampler(triples, settings, seed)
        self.known = KnownTriples(self.triples, len(self.entity)) if settings.filtered else None
        self._chunks_a_step = settings.batch // settings.chunk
        self.steps_an_epoch = -(-self.sampler.chunks // self._chunks_a_step)

    def vectors(self) -> dict[str, torch.Tensor]:
        """The vectors by name: their own memory."""
        return {"entities": self.entity.data, "relations": self.relation.data}

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that changes in training, by name: its own memory."""
        accumulated = (self.optimiser.accumulated(table) for table in (self.entity, self.relation))
        return {
            **self.vectors(),
            **dict(zip(("entities.accumulated", "relations.accumulated"), accumulated, strict=True)),
        }

    def steps(self, epoch: int, first: int = 0) -> Iterator[float]:
        """Make the updates of a pass from the `first` on; after each, the sum of its triples' weighted losses."""
        if first >= self.steps_an_epoch:
            return
        plan, size = self.sampler.plan(epoch), self._chunks_a_step
        for number in range(first, self.steps_an_epoch):
            done = (epoch + number / self.steps_an_epoch) / self.settings.epochs
            chunks = slice(number * size, (number + 1) * size)
            rate = self.settings.learning_rate * (1 - 0.9 * done)
            yield self._step(
                plan.rows[chunks].to(self.entity.device), plan.pool[:, chunks].to(self.entity.device), rate
            )

    @torch.no_grad()
    def _step(self, rows: torch.Tensor, pool: torch.Tensor, rate: float) -> float:
        """One update from chunks of triple rows, −1 for filling, and their corruptions; returns its loss."""
        shape = (*rows.shape, -1)
        places = rows.flatten().clamp(min=0)
        heads, relations, tails = self.triples.index_select(0, places).unbind(1)
        of_chunk = relations.view(rows.shape)[:, 0]
        corrupting = pool.flatten()
        weight = self.weight.index_select(0, places).view(rows.shape) * (rows >= 0)
        found = gradients(
            self.entity.index_select(0, heads).view(shape),
            self.relation.index_select(0, of_chunk),
            self.entity.index_select(0, tails).view(shape),
            self.entity.index_select(0, corrupting).view(2 * len(rows), pool.shape[2], -1),
            weight,
            self.settings,
            known=self._known(heads.view(rows.shape), of_chunk, tails.view(rows.shape), pool),
        )
        dimension = self.entity.shape[1]
        self.optimiser.update(
            self.entity,
            torch.cat([heads, tails, corrupting]),
            torch.cat([each.reshape(-1, dimension) for each in (found.head, found.tail, found.pool)]),
            rate,
        )
        self.optimiser.update(self.relation, of_chunk, found.relation, rate)
        return float(found.loss)

    def _known(
        self, heads: torch.Tensor, relation: torch.Tensor, tails: torch.Tensor, pool: torch.Tensor
    ) -> torch.Tensor | None:
        """Which corruptions are triples themselves, bool [2 · chunks, chunk, negatives]; None where all may count."""
        if self.known is None:
            return None
        of_chunk, (tail, head) = relation[:, None, None], pool[:, :, None]
        return torch.cat(
            [
                self.known.contains(heads[..., None], of_chunk, tail),
                self.known.contains(head, of_chunk, tails[..., None]),
            ]
        )


class _Watch:
    """Tells how far a training is, its loss and its speed."""

    def __init__(self, progress: Progress | None, settings: EngineSettings, triples: int) -> None:
        self.progress = progress
        self.epochs = settings.epochs
        self.triples = triples
        self._begin = time.perf_counter()
        self._steps = 0

    def tell(self, state: State, steps_an_epoch: int) -> None:
        """After an update."""
        if self.progress is None:
            return
        self._steps += 1
        speed = self._steps / steps_an_epoch * self.triples / max(1e-9, time.perf_counter() - self._begin)
        loss = f", loss {state.losses[-1]:.3f}" if state.losses else ""
        self.progress(
            f"TransE, pass {state.epoch + 1} of {self.epochs}{loss}, {speed:,.0f} triples/s",
            (state.epoch + state.step / steps_an_epoch) / self.epochs,
        )

    def done(self) -> None:
        """At the end."""
        if self.progress is not None:
            self.progress("TransE", 1.0)
