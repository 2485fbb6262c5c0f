"""Trains PyKEEN's TransE in large batches of plain tensors, without a Python object for any triple.

What makes it fast on a processor: negatives are shared by a chunk of positives, so that all distances of a chunk come
from one matrix product; gradients are written out (they are two more products); and an update touches only the rows
that a batch used. The parameters stay those of the PyKEEN model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pykeen.models import TransE

#: Told the share of the work done (0 to 1) and a line for humans.
Progress = Callable[[float, str], None]

_TINY = 1e-9


@dataclass(frozen=True)
class EngineSettings:
    """How the engine trains.

    Attributes:
        epochs: Passes over all triples.
        learning_rate: Step of row-wise Adagrad at the first epoch; it falls linearly to a tenth.
        margin: γ of the loss, in units of distance.
        negatives: Corrupted tails, and as many corrupted heads, for each positive.
        popular_share: Share of the negatives drawn as often as they occur (the rest is drawn uniformly from those
            that occur with the relation). Popular negatives make the vectors model taste: what is bought more often
            than its popularity says.
        temperature: α of the self-adversarial weights; 0 weighs all negatives alike.
        chunk: Positives that share their negatives.
        batch: Positives for each update, a multiple of the chunk.
    """

    epochs: int = 10
    learning_rate: float = 0.1
    margin: float = 6.0
    negatives: int = 64
    popular_share: float = 0.5
    temperature: float = 0.5
    chunk: int = 512
    batch: int = 16384


def fit(
    model: TransE,
    triples: torch.Tensor,
    weight: torch.Tensor,
    settings: EngineSettings,
    *,
    seed: int,
    progress: Progress | None = None,
) -> list[float]:
    """Train a PyKEEN TransE (Euclidean norm) in place.

    The loss is that of Sun et al. 2019 (RotatE, "self-adversarial negative sampling"): for a positive with distance
    d = ‖h + r − t‖ and negatives with distances dⱼ, on either side,
    −log σ(γ − d) − Σⱼ pⱼ log σ(dⱼ − γ) with pⱼ = softmax(α (γ − dⱼ)) held constant.

    Args:
        model: The model, on the processor; its entities are those of `triples`.
        triples: int64 [n, 3]: head, relation, tail.
        weight: float32 [n]: weight of each triple in the loss.
        settings: How to train.
        seed: Same seed, same vectors on the same machine.
        progress: Told after every update.

    Returns:
        The mean loss of each epoch.
    """
    entity = model.entity_representations[0]._embeddings.weight.data
    relation = model.relation_representations[0]._embeddings.weight.data
    constrainer = model.entity_representations[0].constrainer
    generator = torch.Generator().manual_seed(seed)
    entity_state = torch.zeros(len(entity))
    relation_state = torch.zeros(len(relation))
    sampler = _Sampler(triples, settings, generator)
    chunks = max(1, settings.batch // settings.chunk)
    losses = []
    for epoch in range(settings.epochs):
        rows = sampler.epoch()
        total = 0.0
        for start in range(0, len(rows), chunks):
            share = (epoch + start / len(rows)) / settings.epochs
            rate = settings.learning_rate * (1 - 0.9 * share)
            block = rows[start : start + chunks]
            total += _step(
                entity, relation, entity_state, relation_state, triples, weight, block, sampler, settings, rate, constrainer
            )
            if progress is not None:
                progress(share, f"TransE: epoch {epoch + 1} of {settings.epochs}")
        losses.append(total / max(1.0, float(weight.sum())))
    return losses


class _Sampler:
    """Cuts shuffled triples into chunks of one relation, and draws the negatives of a chunk from that relation's ends."""

    def __init__(self, triples: torch.Tensor, settings: EngineSettings, generator: torch.Generator) -> None:
        self.triples = triples
        self.settings = settings
        self.generator = generator
        relation_count = int(triples[:, 1].max()) + 1 if len(triples) else 0
        self.members = [torch.nonzero(triples[:, 1] == number).flatten() for number in range(relation_count)]
        self.ends = [
            [torch.unique(triples[member, side]) for member in self.members] for side in (0, 2)
        ]

    def epoch(self) -> torch.Tensor:
        """Rows of triples, int64 [chunks, chunk]; −1 fills the last chunk of a relation."""
        size = self.settings.chunk
        parts = []
        for member in self.members:
            if not len(member):
                continue
            shuffled = member[torch.randperm(len(member), generator=self.generator)]
            padding = -len(shuffled) % size
            parts.append(torch.cat([shuffled, shuffled.new_full((padding,), -1)]).view(-1, size))
        rows = torch.cat(parts)
        return rows[torch.randperm(len(rows), generator=self.generator)]

    def negatives(self, relations: torch.Tensor, side: int) -> torch.Tensor:
        """Entities to corrupt with, int64 [chunks, negatives]; side 0 is the head, 1 the tail."""
        count = self.settings.negatives
        popular = round(count * self.settings.popular_share)
        drawn = torch.empty(len(relations), count, dtype=torch.int64)
        for number in relations.unique().tolist():
            of_relation = torch.nonzero(relations == number).flatten()
            member, ends = self.members[number], self.ends[side][number]
            shape = (len(of_relation), popular)
            occurrence = member[torch.randint(len(member), shape, generator=self.generator)]
            uniform = ends[torch.randint(len(ends), (len(of_relation), count - popular), generator=self.generator)]
            drawn[of_relation] = torch.cat([self.triples[occurrence, 2 * side], uniform], dim=1)
        return drawn


def _step(entity, relation, entity_state, relation_state, triples, weight, block, sampler, settings, rate, constrainer):
    valid = block >= 0
    block = block.clamp(min=0)
    w = weight[block] * valid
    head, rel, tail = triples[block].unbind(-1)
    chunk_relation = rel[:, 0]
    pool_tail = sampler.negatives(chunk_relation, 1)
    pool_head = sampler.negatives(chunk_relation, 0)
    h, t, r = entity[head], entity[tail], relation[chunk_relation][:, None]
    difference = h + r - t
    distance = difference.norm(dim=-1)
    query = torch.cat([h + r, t - r])
    pool_rows = torch.cat([pool_tail, pool_head])
    pool = entity[pool_rows]
    loss, query_gradient, pool_gradient = negative_loss(query, pool, torch.cat([w, w]), settings.margin, settings.temperature)
    pull = 2 * w * torch.sigmoid(distance - settings.margin) / distance.clamp(min=_TINY)
    positive_gradient = difference * pull[..., None]
    loss += float((2 * w * torch.nn.functional.softplus(distance - settings.margin)).sum())
    tail_query, head_query = query_gradient.chunk(2)
    head_gradient = positive_gradient + tail_query
    tail_gradient = head_query - positive_gradient
    relation_gradient = (positive_gradient + tail_query - head_query).sum(1)
    d = entity.shape[1]
    rows = torch.cat([head.flatten(), tail.flatten(), pool_rows.flatten()])
    gradients = torch.cat([head_gradient.view(-1, d), tail_gradient.view(-1, d), pool_gradient.view(-1, d)])
    touched = adagrad(entity, entity_state, rows, gradients, rate)
    if constrainer is not None:
        entity[touched] = constrainer(entity[touched], dim=-1)
    adagrad(relation, relation_state, chunk_relation, relation_gradient, rate)
    return loss / 2


def negative_loss(query, pool, weight, margin, temperature):
    squared = query.square().sum(-1)[..., None] + pool.square().sum(-1)[:, None, :]
    distance = torch.baddbmm(squared, query, pool.transpose(1, 2), alpha=-2).clamp_(min=1e-6).sqrt_()
    logit = margin - distance
    share = torch.softmax(temperature * logit, -1).mul_(weight[..., None])
    loss = float((share * torch.nn.functional.softplus(logit)).sum())
    push = share.mul_(torch.sigmoid_(logit)).div_(distance)
    query_gradient = torch.bmm(push, pool) - push.sum(-1)[..., None] * query
    pool_gradient = torch.bmm(push.transpose(1, 2), query) - push.sum(1)[..., None] * pool
    return loss, query_gradient, pool_gradient


def adagrad(parameter, state, rows, gradients, rate):
    touched, place = torch.unique(rows, return_inverse=True)
    summed = torch.zeros(len(touched), parameter.shape[1]).index_add_(0, place, gradients)
    state[touched] += summed.square().mean(-1)
    parameter[touched] -= rate * summed / (state[touched].sqrt() + _TINY)[:, None]
    return touched
