"""Which of many triples are known ones: exact, and without a Python object for any of them."""

from __future__ import annotations

import torch

from habitue.errors import UsageError

_ODD = 0x9E3779B97F4A7C15 - 2**64  # 2^64 over the golden ratio, as a signed number (Knuth's multiplicative hashing)
_SPARSE = 16  # cells of the table for each triple, at least


class KnownTriples:
    """A set of triples that answers in bulk whether it holds others.

    A table of hashes, one byte for each of at least sixteen cells a triple, turns away nearly all that are not in it;
    what passes is looked up in the sorted triples.
    """

    def __init__(self, triples: torch.Tensor, entities: int) -> None:
        relations = int(triples[:, 1].max()) + 1 if len(triples) else 1
        if relations * entities**2 >= 2**63:
            raise UsageError(
                f"{entities:,} entities and {relations:,} relations are too many to number every possible triple.",
                hint="Train without `filtered`.",
            )
        self.entities = entities
        self._keys = self.key(*triples.unbind(1)).sort().values
        self._shift = 64 - max(10, (len(triples) * _SPARSE).bit_length())
        self._table = torch.zeros(1 << (64 - self._shift), dtype=torch.bool, device=triples.device)
        self._table[self._hash(self._keys)] = True

    def key(self, head: torch.Tensor, relation: torch.Tensor, tail: torch.Tensor) -> torch.Tensor:
        """A number of its own for every triple; the arguments broadcast."""
        return (relation * self.entities + head) * self.entities + tail

    def contains(self, head: torch.Tensor, relation: torch.Tensor, tail: torch.Tensor) -> torch.Tensor:
        """Which triples are in it: bool, of the shape to which the arguments broadcast."""
        keys = self.key(head, relation, tail)
        found = self._table[self._hash(keys)]
        candidates = keys[found]
        place = torch.searchsorted(self._keys, candidates).clamp_(max=max(0, len(self._keys) - 1))
        return found.masked_scatter(found, self._keys[place] == candidates)

    def _hash(self, keys: torch.Tensor) -> torch.Tensor:
        return ((keys * _ODD) >> self._shift) & ((1 << (64 - self._shift)) - 1)
