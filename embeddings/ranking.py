"""How likely tails are for heads under an embedding: translation and, for purchases, popularity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graph.snapshot import Int64Array
from habitue.errors import UsageError

if TYPE_CHECKING:
    from embeddings.transe import Embedding

Float32Array = npt.NDArray[np.float32]

#: The relation whose tails have a popularity term.
PURCHASED = "PURCHASED"


def tail_scores(embedding: Embedding, heads: Int64Array, tails: Int64Array, relation: str = PURCHASED) -> Float32Array:
    """Score of every tail for every head: −‖h + r − t‖, plus the tail's popularity where the relation is a purchase.

    Args:
        embedding: The vectors.
        heads: Rows of the vocabulary, [q].
        tails: Rows of the vocabulary, [m].
        relation: Name of the relation.

    Returns:
        float32 [q, m], higher is likelier. Memory is q · m cells: ask in blocks.
    """
    return query_scores(embedding, embedding.vectors[heads], tails, relation)


def query_scores(
    embedding: Embedding, head_vectors: Float32Array, tails: Int64Array, relation: str = PURCHASED
) -> Float32Array:
    """The same for heads given as vectors, float32 [q, d], which need not be in the vocabulary.

    Raises:
        UsageError: If the embedding has no such relation.
    """
    if relation not in embedding.relations:
        raise UsageError(
            f"The embedding has no relation {relation!r}.", hint=f"Its relations are {', '.join(embedding.relations)}."
        )
    query = head_vectors + embedding.relation_vectors[embedding.relations.index(relation)]
    vectors = embedding.vectors[tails]
    squared = np.square(query).sum(1)[:, None] + np.square(vectors).sum(1) - 2 * query @ vectors.T
    score: Float32Array = -np.sqrt(np.maximum(squared, 0.0))
    return score + embedding.popularity[tails] if relation == PURCHASED else score
