"""TransE vectors as input of the forecaster's network, in one space at every cutoff: what they would bring."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from embeddings.incremental import customer_vectors
from embeddings.settings import TransESettings
from embeddings.transe import Embedding, train
from graph.snapshot import FloatArray, Snapshot


class FrozenTransE:
    """Customers' vectors against products as they were trained at the first cutoff that is asked for.

    Spaces of separate trainings are turned against each other; vectors that are solved for against the same products
    are not, and know nothing of after the snapshot that they are solved from.
    """

    def __init__(self, settings: TransESettings | None = None) -> None:
        self._settings = settings
        self._embedding: Embedding | None = None
        self._found: WeakKeyDictionary[Snapshot, FloatArray] = WeakKeyDictionary()

    def __call__(self, snapshot: Snapshot) -> FloatArray:
        """Vectors of the snapshot's customers (customers×d); of who bought nothing that has one, the mean.

        Raises:
            UsageError: If the snapshot is earlier than the first one that was asked for.
        """
        if self._embedding is None:
            self._embedding = train(snapshot, self._settings)
        if snapshot not in self._found:
            count = len(snapshot.customers)
            rows, solved = customer_vectors(self._embedding, snapshot, np.arange(count))
            vectors = np.tile(self._embedding.customers()[1].mean(axis=0, dtype=np.float64), (count, 1))
            vectors[rows] = solved
            self._found[snapshot] = vectors
        return self._found[snapshot]
