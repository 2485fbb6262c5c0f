"""Trains TransE against all entities at once, for benchmark graphs of thousands to some ten thousand entities.

A query is a head with a relation, and its answers are the tails known of it; heads are asked for through inverse
relations, which have vectors of their own (Lacroix et al. 2018, "reciprocal relations"). Every query's distances to
all entities are one row of a matrix product, and the gradients are two more products. Triples that share a query share
its row, so that a pass costs as many rows as there are queries, and not as there are triples: on CoDEx-S 11,867 for
65,776.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from embeddings.softmax_settings import SoftmaxSettings

_TINY = 1e-12

#: Share of the first step's learning rate that the last step has.
_LAST_RATE = 0.05


@dataclass(frozen=True, eq=False)
class Queries:
    """Distinct (head, relation) pairs, and what is known to answer them; q pairs with n answers together.

    Attributes:
        head: int64 [q].
        relation: int64 [q].
        answers: int64 [n]: tails, query by query; within a query distinct and rising.
        start: int64 [q + 1]: where each query's answers start.
    """

    head: torch.Tensor
    relation: torch.Tensor
    answers: torch.Tensor
    start: torch.Tensor

    @classmethod
    def of(cls, triples: torch.Tensor) -> Queries:
        """The queries of triples, int64 [n, 3]; repeated ones count once."""
        rows = torch.unique(triples, dim=0) if len(triples) else triples
        pairs, counts = torch.unique_consecutive(rows[:, :2], dim=0, return_counts=True)
        start = torch.zeros(len(pairs) + 1, dtype=torch.int64)
        torch.cumsum(counts, 0, out=start[1:])
        return cls(pairs[:, 0].contiguous(), pairs[:, 1].contiguous(), rows[:, 2].contiguous(), start)

    def __len__(self) -> int:
        return len(self.head)

    def answers_of(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Answers of some queries: which of `rows` each belongs to, and its entity; both int64 [n]."""
        counts = self.start[rows + 1] - self.start[rows]
        owner = torch.repeat_interleave(torch.arange(len(rows)), counts)
        within = torch.arange(len(owner)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        return owner, self.answers[self.start[rows][owner] + within]


def with_inverses(triples: torch.Tensor) -> torch.Tensor:
    """Triples [n, 3] and their inverses, [2n, 3], numbered as PyKEEN does: r becomes 2r, and its inverse 2r + 1."""
    head, relation, tail = triples.unbind(-1)
    return torch.cat([torch.stack([head, 2 * relation, tail], 1), torch.stack([tail, 2 * relation + 1, head], 1)])


def initial(entities: int, relations: int, dimension: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors to start from, float32 [N, d] and [R, d]: normal, of length about 1 and about ½."""
    generator = torch.Generator().manual_seed(seed)
    scale = 1 / math.sqrt(dimension)
    entity = torch.randn(entities, dimension, generator=generator) * scale
    return entity, torch.randn(relations, dimension, generator=generator) * (scale / 2)


@dataclass(frozen=True)
class Place:
    """How far a training is, after an update.

    Attributes:
        epoch: Passes done, those of all updates together.
        step, steps: Updates of the pass at hand that are done, and that there are; 0 at the end of a pass.
        loss: Mean loss of an answer in these; at the end of a pass, in that pass.
    """

    epoch: int
    step: int
    steps: int
    loss: float

    @property
    def passes(self) -> float:
        """Passes done, with the share of the one at hand."""
        return self.epoch + self.step / self.steps


def fit(
    entity: torch.Tensor,
    relation: torch.Tensor,
    queries: Queries,
    settings: SoftmaxSettings,
    *,
    seed: int,
) -> Iterator[Place]:
    """Train vectors in place; one item after each update, so that the caller may look at them between, or stop.

    The loss is the cross entropy of each known answer t among the entities, at logits −‖h + r − t‖: the softmax over
    all corruptions of Joulin et al. (2017) and Lacroix et al. (2018). With `settings.known` below 1 the query's other
    answers count less among the wrong ones (see `gradients`).

    Where there are more entities than `settings.candidates`, every batch draws as many of them uniformly, its answers
    besides, and the drawn ones' weights make up for those left out: an unbiased estimate of the softmax's denominator.

    Args:
        entity: float32 [N, d].
        relation: float32 [R, d].
        queries: What is known; inverses are relations like others.
        settings: How to train.
        seed: Same seed, same vectors on the same machine with the same number of threads.

    Yields:
        How far it is. The learning rate falls over all of `settings.epochs`, so that who stops early stops in the
        middle of its fall.
    """
    generator = torch.Generator().manual_seed(seed)
    entities, relations = _Adagrad(entity), _Adagrad(relation)
    steps = math.ceil(len(queries) / settings.batch)
    for epoch in range(settings.epochs):
        order = torch.randperm(len(queries), generator=generator)
        total, answers = 0.0, 0
        for number, rows in enumerate(torch.split(order, settings.batch), start=1):
            done = (epoch + (number - 1) / steps) / settings.epochs
            rate = settings.learning_rate * (1 - (1 - _LAST_RATE) * done)
            total += _step(entities, relations, queries, rows, settings, rate, settings.decay / steps, generator)
            answers += int((queries.start[rows + 1] - queries.start[rows]).sum())
            ended = number == steps
            yield Place(epoch + ended, 0 if ended else number, steps, total / answers)


@dataclass(frozen=True, eq=False)
class Gradients:
    """The loss of a batch, summed over its answers, and its gradients.

    Attributes:
        loss: Of all answers together.
        query: float32 [b, d]: by h + r.
        candidate: float32 [m, d]: by the candidates' vectors.
    """

    loss: float
    query: torch.Tensor
    candidate: torch.Tensor


def gradients(
    query: torch.Tensor,
    candidate: torch.Tensor,
    owner: torch.Tensor,
    answer: torch.Tensor,
    known: float,
    log_weight: torch.Tensor | None = None,
) -> Gradients:
    """The loss and its gradients in closed form.

    With eⱼ = exp(−‖q − cⱼ‖), an answer t of a query with answers A loses −log(eₜ / Dₜ), where
    Dₜ = eₜ + Σ_{j ∉ A} wⱼ eⱼ + known · Σ_{j ∈ A, j ≠ t} eⱼ.

    Args:
        query: float32 [b, d]: h + r.
        candidate: float32 [m, d].
        owner: int64 [n]: query of each answer.
        answer: int64 [n]: place of each answer among the candidates; no query has one twice.
        known: In [0, 1]; 1 is the plain softmax.
        log_weight: float32 [m]: log wⱼ; None where all are 1. It does not hold for a query's own answers.
    """
    squared = torch.addmm(query.square().sum(1)[:, None] + candidate.square().sum(1), query, candidate.T, alpha=-2)
    distance = squared.clamp_(min=_TINY).sqrt_()
    own = distance[owner, answer].neg_()
    logit = distance.neg() if log_weight is None else log_weight - distance
    logit[owner, answer] = own
    highest = logit.amax(1)
    share = logit.sub_(highest[:, None]).exp_()
    right = share[owner, answer]
    all_right = torch.zeros_like(highest).index_add_(0, owner, right)
    others = share.sum(1) - (1 - known) * all_right
    denominator = (others[owner] + (1 - known) * right).clamp_(min=_TINY)
    loss = float((denominator.log() - (own - highest[owner])).sum())
    inverse = denominator.reciprocal()
    per_query = torch.zeros_like(highest).index_add_(0, owner, inverse)
    push = share.mul_(per_query[:, None])
    push[owner, answer] = right * (known * per_query[owner] + (1 - known) * inverse) - 1
    pull = push.div_(distance)  # −∂loss/∂distance ÷ distance
    return Gradients(
        loss=loss,
        query=torch.addmm(pull.sum(1)[:, None] * -query, pull, candidate),
        candidate=torch.addmm(pull.sum(0)[:, None] * -candidate, pull.T, query),
    )


def filtered_ranks(
    entity: torch.Tensor, relation: torch.Tensor, triples: torch.Tensor, known: Queries, *, block: int = 256
) -> torch.Tensor:
    """Realistic rank of each triple's tail among the entities that are not known to answer the same query.

    Args:
        entity: float32 [N, d].
        relation: float32 [R, d].
        triples: int64 [n, 3].
        known: Answers to leave out; must have the query of every triple.
        block: Triples at a time; memory is block · N cells.

    Returns:
        float32 [n], from 1: the mean of the best and the worst rank among equals (Berrendorf et al. 2020).
    """
    width = len(relation)
    keys = known.head * width + known.relation
    ranks = [torch.empty(0)]
    for part in torch.split(triples, block):
        head, number, tail = part.unbind(-1)
        query = entity[head] + relation[number]
        squared = torch.addmm(query.square().sum(1)[:, None] + entity.square().sum(1), query, entity.T, alpha=-2)
        true = squared.gather(1, tail[:, None])
        owner, answer = known.answers_of(torch.searchsorted(keys, head * width + number))
        squared[owner, answer] = math.inf
        nearer, same = (squared < true).sum(1), (squared == true).sum(1)
        ranks.append(1 + nearer + same / 2)
    return torch.cat(ranks)


class _Adagrad:
    """Vectors under Adagrad (Duchi et al. 2011); only the rows that are named are touched."""

    def __init__(self, vectors: torch.Tensor) -> None:
        self.vectors = vectors
        self.accumulated = torch.zeros_like(vectors)

    def update(self, gradient: torch.Tensor, rate: float, rows: torch.Tensor | None = None) -> None:
        """One step against a gradient [m, d] of distinct rows [m], or of all."""
        if rows is None:
            self.accumulated.addcmul_(gradient, gradient)
            self.vectors.addcdiv_(gradient, self.accumulated.sqrt().add_(_TINY), value=-rate)
            return
        accumulated = self.accumulated[rows].addcmul_(gradient, gradient)
        self.accumulated[rows] = accumulated
        self.vectors[rows] = self.vectors[rows].addcdiv_(gradient, accumulated.sqrt_().add_(_TINY), value=-rate)


def _step(
    entity: _Adagrad,
    relation: _Adagrad,
    queries: Queries,
    rows: torch.Tensor,
    settings: SoftmaxSettings,
    rate: float,
    decay: float,
    generator: torch.Generator,
) -> float:
    """One update from a batch of queries; returns its loss."""
    head, number = queries.head[rows], queries.relation[rows]
    owner, answer = queries.answers_of(rows)
    query = entity.vectors[head] + relation.vectors[number]
    count = len(entity.vectors)
    if count <= settings.candidates:
        found = gradients(query, entity.vectors, owner, answer, settings.known)
        gradient = found.candidate.index_add_(0, head, found.query)
        entity.update(gradient.add_(entity.vectors, alpha=decay), rate)
    else:
        drawn = torch.randint(count, (settings.candidates,), generator=generator)
        candidates, place = torch.unique(torch.cat([drawn, answer]), return_inverse=True)
        times = torch.bincount(place[: len(drawn)], minlength=len(candidates))
        # An entity that no draw met is there as another query's answer: it stands for nobody else.
        log_weight = (times * (count / len(drawn))).clamp_(min=_TINY).log_()
        vectors = entity.vectors[candidates]
        found = gradients(query, vectors, owner, place[len(drawn) :], settings.known, log_weight)
        touched, where = torch.unique(torch.cat([candidates, head]), return_inverse=True)
        gradient = torch.zeros(len(touched), vectors.shape[1])
        gradient.index_add_(0, where, torch.cat([found.candidate, found.query]))
        share = decay * count / len(touched)  # a row met in some of the steps decays more in each of them
        entity.update(gradient.add_(entity.vectors[touched], alpha=share), rate, touched)
    relation.update(torch.zeros_like(relation.vectors).index_add_(0, number, found.query), rate)
    return found.loss
