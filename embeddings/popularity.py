"""How much every product is bought, as a term of a purchase's score beside the translation.

A translation that has to tell popularity spends its vectors on it. Here they are trained against negatives drawn as
often as they are bought, so that they learn how much more often than its popularity says a product goes with a
customer (Yi et al. 2019, sampling-bias correction); this term gives the popularity back when products are ranked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from embeddings.ranking import PURCHASED

if TYPE_CHECKING:
    from embeddings.triples import Triples

Float32Array = npt.NDArray[np.float32]


def popularity_term(triples: Triples, weight: float) -> Float32Array:
    """What is added to the score of a purchase for its tail: weight · log(1 + decayed count of its purchases).

    Args:
        triples: As of T; a tail's decayed count is the sum of its purchases' strengths.
        weight: At 0 no popularity; at 1 what the vectors were corrected for is given back in full.

    Returns:
        float32 [N], in nats, at least 0; 0 for entities that nobody bought.
    """
    if PURCHASED not in triples.relations:
        return np.zeros(len(triples.vocabulary), np.float32)
    bought = triples.triples[:, 1] == triples.relations.index(PURCHASED)
    tails, strength = triples.triples[bought, 2], triples.strength[bought]
    count = np.bincount(tails, weights=strength, minlength=len(triples.vocabulary))
    term: Float32Array = (weight * np.log1p(count)).astype(np.float32)
    return term
