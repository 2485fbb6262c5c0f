"""Trains PyKEEN's TransE in large batches of plain tensors, without a Python object for any triple.

What makes it fast on a processor: negatives are shared by a chunk of positives, so that all distances of a chunk come
from one matrix product; gradients are written out (they are two more products); and an update touches only the rows
that a batch used, so that its cost does not grow with the graph. The parameters stay those of the PyKEEN model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from embeddings.engine_settings import EngineSettings

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
) -> list[float]:
    """Train a PyKEEN TransE with the Euclidean norm in place.

    The loss is the sampled softmax over a positive triple and its corruptions, on either side: with d = ‖h + r − t‖
    of the positive and dⱼ of its negatives, ½ Σ_sides log(1 + Σⱼ exp(d − dⱼ)), weighted per triple. It is the
    self-adversarial loss's idea (Sun et al. 2019, RotatE: near negatives count most) in its exact form, and reached
    the same neighbour quality in far fewer passes here. Where negatives are drawn as often as they occur, the model
    learns how much more often than its popularity says a tail goes with a head (Yi et al. 2019, sampling-bias
    correction): taste, not popularity.

    Args:
        model: The model, on the processor; its entities and relations are those of `triples`.
        triples: int64 [n, 3]: head, relation, tail.
        weight: float32 [n]: weight of each triple in the loss.
        settings: How to train.
        seed: Same seed, same vectors on the same machine.
        progress: Told after every update: a line for humans, and the share done.

    Returns:
        The mean loss of each epoch.
    """
    entity, relation = (_Table(vectors) for vectors in parameters(model))
    sampler = _Sampler(triples, settings, torch.Generator().manual_seed(seed))
    total_weight = max(float(weight.sum()), _TINY)
    losses = []
    for epoch in range(settings.epochs):
        rows = sampler.epoch()
        steps = torch.split(rows, max(1, settings.batch // settings.chunk))
        total = 0.0
        for number, block in enumerate(steps):
            done = (epoch + number / len(steps)) / settings.epochs
            total += _step(entity, relation, triples, weight, block, sampler, settings.learning_rate * (1 - 0.9 * done))
            if progress is not None:
                progress(f"TransE, pass {epoch + 1} of {settings.epochs}", done)
        losses.append(total / total_weight)
    if progress is not None:
        progress("TransE", 1.0)
    return losses


def parameters(model: TransE) -> tuple[torch.Tensor, torch.Tensor]:
    """The entity and relation vectors of a PyKEEN model, [N, d] and [R, d]: its own memory, not copies."""
    named = dict(model.named_parameters())
    return (
        named["entity_representations.0._embeddings.weight"].data,
        named["relation_representations.0._embeddings.weight"].data,
    )


@dataclass(frozen=True, eq=False)
class Gradients:
    """Loss of a batch of chunks, and its gradients by the vectors that went into it.

    Attributes:
        loss: Weighted sum over the batch's triples.
        head, tail: float32 [chunks, chunk, d].
        relation: float32 [chunks, d].
        pool: float32 [2 · chunks, negatives, d]: corrupted tails, then corrupted heads.
    """

    loss: float
    head: torch.Tensor
    tail: torch.Tensor
    relation: torch.Tensor
    pool: torch.Tensor


def gradients(
    head: torch.Tensor, relation: torch.Tensor, tail: torch.Tensor, pool: torch.Tensor, weight: torch.Tensor
) -> Gradients:
    """The loss of `fit` and its gradients in closed form.

    Args:
        head: float32 [chunks, chunk, d].
        relation: float32 [chunks, d]; a chunk has one relation.
        tail: float32 [chunks, chunk, d].
        pool: float32 [2 · chunks, negatives, d]: corrupted tails of each chunk, then corrupted heads.
        weight: float32 [chunks, chunk]; 0 for filling.
    """
    moved = relation[:, None]
    difference = head + moved - tail
    positive = difference.norm(dim=-1).clamp_(min=_TINY)
    # ‖(h + r) − t'‖ and ‖h' − (t − r)‖: either corruption is a distance between a query and a pooled vector.
    query = torch.cat([head + moved, tail - moved])
    squared = torch.baddbmm(
        query.square().sum(-1)[..., None] + pool.square().sum(-1)[:, None], query, pool.transpose(1, 2), alpha=-2
    )
    distance = squared.clamp_(min=_TINY**2).sqrt_()
    both = positive.repeat(2, 1)
    share = (both[..., None] - distance).exp_()
    total = 1 + share.sum(-1)
    half_weight = weight.repeat(2, 1) / 2
    loss = float((half_weight * total.log()).sum())
    push = share.mul_((half_weight / total)[..., None])
    pull = (push.sum(-1) / both).view(2, *positive.shape).sum(0)
    push.div_(distance)
    query_gradient = torch.baddbmm(push.sum(-1)[..., None] * query, push, pool, beta=-1)
    pool_gradient = torch.baddbmm(push.sum(1)[..., None] * pool, push.transpose(1, 2), query, beta=-1)
    tail_query, head_query = query_gradient.chunk(2)
    drawn = difference.mul_(pull[..., None])
    return Gradients(
        loss=loss,
        head=drawn + tail_query,
        tail=head_query - drawn,
        relation=(drawn + tail_query - head_query).sum(1),
        pool=pool_gradient,
    )


class _Table:
    """Vectors under row-wise Adagrad: one accumulator for each row, and only the rows of a batch are touched."""

    def __init__(self, vectors: torch.Tensor) -> None:
        self.vectors = vectors
        self.accumulated = torch.zeros(len(vectors))

    def update(self, rows: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """One step against gradients [n, d] of rows [n]; those of the same row are summed."""
        touched, place = torch.unique(rows, return_inverse=True)
        summed = torch.zeros(len(touched), self.vectors.shape[1]).index_add_(0, place, gradient)
        accumulated = self.accumulated[touched] + summed.square().mean(-1)
        self.accumulated[touched] = accumulated
        self.vectors[touched] -= summed.mul_((rate / accumulated.sqrt().clamp_(min=1e-12))[:, None])


class _Sampler:
    """Cuts shuffled triples into chunks of one relation, and draws a chunk's negatives from that relation's ends."""

    def __init__(self, triples: torch.Tensor, settings: EngineSettings, generator: torch.Generator) -> None:
        self.triples = triples
        self.settings = settings
        self.generator = generator
        count = int(triples[:, 1].max()) + 1 if len(triples) else 0
        self.members = [torch.nonzero(triples[:, 1] == number).flatten() for number in range(count)]
        self.heads = [torch.unique(triples[member, 0]) for member in self.members]
        self.tails = [torch.unique(triples[member, 2]) for member in self.members]

    def epoch(self) -> torch.Tensor:
        """All rows of triples in random order, int64 [chunks, chunk]; −1 fills up the last chunk of a relation."""
        size = self.settings.chunk
        parts = [torch.empty((0, size), dtype=torch.int64)]
        for member in self.members:
            shuffled = member[torch.randperm(len(member), generator=self.generator)]
            filling = shuffled.new_full((-len(shuffled) % size,), -1)
            parts.append(torch.cat([shuffled, filling]).view(-1, size))
        rows = torch.cat(parts)
        return rows[torch.randperm(len(rows), generator=self.generator)]

    def pool(self, relations: torch.Tensor) -> torch.Tensor:
        """Entities to corrupt with, int64 [2 · chunks, negatives]: tails for each chunk's relation, then heads."""
        negatives = self.settings.negatives
        popular = round(negatives * self.settings.popular_tails)
        tails = torch.empty((len(relations), negatives), dtype=torch.int64)
        heads = torch.empty_like(tails)
        for number in sorted(set(relations.tolist())):
            chunks = torch.nonzero(relations == number).flatten()
            tails[chunks, :popular] = self.triples[self._draw(self.members[number], len(chunks), popular), 2]
            tails[chunks, popular:] = self._draw(self.tails[number], len(chunks), negatives - popular)
            heads[chunks] = self._draw(self.heads[number], len(chunks), negatives)
        return torch.cat([tails, heads])

    def _draw(self, values: torch.Tensor, *shape: int) -> torch.Tensor:
        return values[torch.randint(len(values), shape, generator=self.generator)]


def _step(
    entity: _Table,
    relation: _Table,
    triples: torch.Tensor,
    weight: torch.Tensor,
    block: torch.Tensor,
    sampler: _Sampler,
    rate: float,
) -> float:
    """One update from a block of chunks of triple rows; returns its loss."""
    filled = block >= 0
    heads, relations, tails = triples[block.clamp(min=0)].unbind(-1)
    of_chunk = relations[:, 0]
    pool = sampler.pool(of_chunk)
    found = gradients(
        entity.vectors[heads],
        relation.vectors[of_chunk],
        entity.vectors[tails],
        entity.vectors[pool],
        weight[block.clamp(min=0)] * filled,
    )
    dimension = entity.vectors.shape[1]
    rows = torch.cat([heads.flatten(), tails.flatten(), pool.flatten()])
    entity.update(rows, torch.cat([each.view(-1, dimension) for each in (found.head, found.tail, found.pool)]), rate)
    relation.update(of_chunk, found.relation, rate)
    return found.loss
