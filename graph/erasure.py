"""Tombstones: how a graph remembers whom it has forgotten without knowing them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.hashes import hash_rows


def tombstone(salt: str, customer: str) -> str:
    """The mark of an erased customer: hexadecimal SHA-256 of the salt and the id.

    Args:
        salt: Of the data set, random; without it ids could be tried out one by one.
        customer: The id.
    """
    return hashlib.sha256((salt + customer).encode()).hexdigest()


class ErasedCustomers:
    """Recognises rows of erased customers, batch after batch, from several threads.

    An id is hashed for comparison with the tombstones when it first occurs; whether it has occurred is kept as a 64-bit
    word, so that a second customer with the same word as an earlier one would not be looked at: among a million
    customers that happens once in ten million data sets.
    """

    def __init__(self, salt: str, tombstones: Collection[str]) -> None:
        self._salt = salt
        self._tombstones = frozenset(tombstones)
        self._seen = np.empty(0, np.uint64)  # sorted
        self._erased: list[str] = []
        self._lock = threading.Lock()

    def find(self, customers: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
        """Which of these ids are of erased customers; an empty id is not."""
        if not self._tombstones:
            return np.zeros(len(customers), bool)
        met = pc.unique(customers.drop_null())
        words = hash_rows(pa.table({"id": met}))
        with self._lock:
            place = np.minimum(np.searchsorted(self._seen, words), max(0, len(self._seen) - 1))
            new = self._seen[place] != words if len(self._seen) else np.ones(len(words), bool)
            for customer in met.filter(pa.array(new)).to_pylist():
                if tombstone(self._salt, customer) in self._tombstones:
                    self._erased.append(customer)
            if new.any():
                self._seen = np.union1d(self._seen, words[new])
            value_set = pa.array(self._erased, pa.string())
        found: npt.NDArray[np.bool_] = pc.is_in(customers, value_set=value_set).to_numpy()
        return found
