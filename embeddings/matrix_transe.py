"""PyKEEN's TransE, with all distances of a batch of queries as one matrix product.

PyKEEN forms h + r − t for every query and entity, d numbers each. ‖q − t‖² = ‖q‖² + ‖t‖² − 2 q·t needs one, which
makes evaluation on some ten thousand entities a matter of seconds. Parameters, scores (but for rounding) and every
other method are PyKEEN's.
"""

from __future__ import annotations

from typing import Any

import torch
from pykeen.models import TransE
from pykeen.triples import CoreTriplesFactory
from pykeen.utils import NoRandomSeedNecessary


class MatrixTransE(TransE):  # type: ignore[no-untyped-call]
    """TransE with the Euclidean norm, whose `score_t` for all entities is a matrix product."""

    def score_t(self, hr_batch: torch.Tensor, *, tails: torch.Tensor | None = None, **options: Any) -> torch.Tensor:
        """Scores of every entity as tail, [b, N], for pairs of head and relation, [b, 2]; see PyKEEN's `Model`."""
        if tails is not None:
            scores: torch.Tensor = super().score_t(hr_batch, tails=tails, **options)
            return scores
        entity, relation = vectors_of(self)
        query = entity[hr_batch[:, 0]] + relation[hr_batch[:, 1]]
        squared = torch.addmm(query.square().sum(1)[:, None] + entity.square().sum(1), query, entity.T, alpha=-2)
        return squared.clamp(min=0).sqrt().neg()


def pykeen_model(entity: torch.Tensor, relation: torch.Tensor, *, inverses: bool) -> MatrixTransE:
    """A PyKEEN model that holds these vectors.

    Args:
        entity: float32 [N, d].
        relation: float32 [R, d].
        inverses: Whether relation 2r + 1 is the inverse of relation 2r, by which PyKEEN then scores heads.
    """
    size = CoreTriplesFactory(
        torch.zeros((0, 3), dtype=torch.int64),
        num_entities=len(entity),
        num_relations=len(relation) // 2 if inverses else len(relation),
        create_inverse_triples=inverses,
    )
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):  # PyKEEN draws vectors; these replace them
        model = MatrixTransE(
            triples_factory=size,
            embedding_dim=entity.shape[1],
            scoring_fct_norm=2,
            entity_constrainer=None,
            random_seed=NoRandomSeedNecessary,
        ).cpu()
    of_entities, of_relations = vectors_of(model)
    of_entities.data.copy_(entity)
    of_relations.data.copy_(relation)
    return model


def vectors_of(model: TransE) -> tuple[torch.Tensor, torch.Tensor]:
    """The entity and relation parameters of a PyKEEN TransE, [N, d] and [R, d]."""
    named = dict(model.named_parameters())
    return (
        named["entity_representations.0._embeddings.weight"],
        named["relation_representations.0._embeddings.weight"],
    )
