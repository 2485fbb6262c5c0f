"""Losses of a positive triple beside its corruptions, with their gradients in closed form.

Both are functions of distances only: d = ‖h + r − t‖ of the positive and dⱼ of its negatives. On each of the two sides
(corrupted tails, corrupted heads) a loss ℓ(d, d₁ … d_k) is worked out, and a triple's loss is weight · ½ Σ_sides ℓ:

- sampled softmax: ℓ = log(1 + Σⱼ exp(d − dⱼ)). Where negatives are drawn as often as they occur, the model learns how
  much more often than its popularity says a tail goes with a head (Yi et al. 2019, sampling-bias-corrected neural
  modelling): taste, not popularity.
- self-adversarial (Sun et al. 2019, RotatE, eq. 5 and 6): ℓ = −log σ(γ − d) − Σⱼ pⱼ log σ(dⱼ − γ) with
  pⱼ = softmax(−α dⱼ), taken as a constant: near negatives count most.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import softplus

from embeddings.engine_settings import SELF_ADVERSARIAL, EngineSettings

#: Distance of corruptions that must not count: no gradient reaches them.
_FAR = 1e9
_TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Gradients:
    """Loss of a batch of chunks, and its gradients by the vectors that went into it.

    Attributes:
        loss: Weighted sum over the batch's triples.
        head, tail: float32 [chunks, chunk, d].
        relation: float32 [chunks, d].
        pool: float32 [2 · chunks, negatives, d]: corrupted tails, then corrupted heads.
    """

    loss: torch.Tensor
    head: torch.Tensor
    tail: torch.Tensor
    relation: torch.Tensor
    pool: torch.Tensor


def gradients(
    head: torch.Tensor,
    relation: torch.Tensor,
    tail: torch.Tensor,
    pool: torch.Tensor,
    weight: torch.Tensor,
    settings: EngineSettings,
    *,
    known: torch.Tensor | None = None,
) -> Gradients:
    """The loss of a batch and its gradients.

    Args:
        head: float32 [chunks, chunk, d].
        relation: float32 [chunks, d]; a chunk has one relation.
        tail: float32 [chunks, chunk, d].
        pool: float32 [2 · chunks, negatives, d]: corrupted tails of each chunk, then corrupted heads.
        weight: float32 [chunks, chunk]; 0 for filling.
        settings: Which loss.
        known: bool [2 · chunks, chunk, negatives]: corruptions that must not count.
    """
    moved = relation[:, None]
    difference = head + moved - tail
    positive = difference.square().sum(-1).sqrt_().clamp_(min=_TINY)
    # ‖(h + r) − t'‖ and ‖h' − (t − r)‖: either corruption is a distance between a query and a pooled vector.
    query = torch.cat([head + moved, tail - moved])
    size = pool.square().sum(-1)[:, None].expand(-1, head.shape[1], -1)
    distance = torch.baddbmm(size, query, pool.transpose(1, 2), alpha=-2)
    distance.add_(query.square().sum(-1, keepdim=True)).clamp_(min=_TINY**2).sqrt_()
    if known is not None:
        distance.masked_fill_(known, _FAR)
    both, half_weight = positive.repeat(2, 1), weight.repeat(2, 1).div_(2)
    loss, pull, push = (_self_adversarial if settings.loss == SELF_ADVERSARIAL else _softmax)(
        both, distance, half_weight, settings
    )
    push.div_(distance)
    query_gradient = torch.baddbmm(push.sum(-1)[..., None] * query, push, pool, beta=-1)
    pool_gradient = torch.baddbmm(push.sum(1)[..., None] * pool, push.transpose(1, 2), query, beta=-1)
    tail_query, head_query = query_gradient.chunk(2)
    drawn = difference.mul_((pull.view(2, *positive.shape).sum(0) / positive)[..., None])
    tail_query.add_(drawn)
    head_query.sub_(drawn)
    return Gradients(
        loss=loss,
        head=tail_query,
        tail=head_query,
        relation=tail_query.sum(1) - (head_query + drawn).sum(1),
        pool=pool_gradient,
    )


_Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def _softmax(positive: torch.Tensor, distance: torch.Tensor, weight: torch.Tensor, _: EngineSettings) -> _Parts:
    """The loss's sum, ∂/∂d [chunks, chunk] and −∂/∂dⱼ [chunks, chunk, negatives]."""
    largest = (positive - distance.amin(-1)).clamp_(min=0)  # of the exponents, that of the positive itself being 0
    share = ((positive - largest)[..., None] - distance).exp_()
    total = share.sum(-1) + (-largest).exp_()
    loss = (weight * (total.log() + largest)).sum()
    push = share.mul_((weight / total)[..., None])
    return loss, push.sum(-1), push


def _self_adversarial(
    positive: torch.Tensor, distance: torch.Tensor, weight: torch.Tensor, settings: EngineSettings
) -> _Parts:
    """The same for the self-adversarial loss."""
    chance = (-settings.temperature * distance).softmax(-1).mul_(weight[..., None])
    nearness = settings.margin - distance
    loss = (weight * softplus(positive - settings.margin)).sum() + (chance * softplus(nearness)).sum()
    return loss, weight * (positive - settings.margin).sigmoid(), chance.mul_(nearness.sigmoid_())
