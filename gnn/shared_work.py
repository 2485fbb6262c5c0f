"""Work that several forecasters of a backtest have in common, done once: adjacencies, features, trees."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from gnn.adjacency import AdjacencyCache
from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.features import BLOCK_CUSTOMERS, Features, align, feature_blocks
from gnn.forecast import Examples, examples_of
from graph.snapshot import Int32Array, Snapshot

#: Fitted trees kept: all of one fold, which are five kinds in two stages with the graph, and as many without. Which of
#: them is fitted first is up to the threads: with fewer places, what the control takes over could be gone by then.
_KEPT_TREES = 20
_Trees = TypeVar("_Trees", bound=LightGBM)


class SharedWork:
    """Share one among the forecasters of a backtest; without it each forecaster makes its own.

    Attributes:
        adjacencies: Normalised adjacencies by snapshot.
    """

    def __init__(self) -> None:
        self.adjacencies = AdjacencyCache()
        self._everybody: WeakKeyDictionary[Snapshot, Features] = WeakKeyDictionary()
        self._keeping = Lock()
        self._making = Lock()
        self._trees: OrderedDict[tuple[str, tuple[str, ...], int], LightGBM] = OrderedDict()
        self._identities: WeakKeyDictionary[Examples, str] = WeakKeyDictionary()
        self._once: WeakKeyDictionary[Snapshot, dict[tuple[bytes, str], tuple[Features, object]]] = WeakKeyDictionary()

    def once(self, examples: Examples, what: str, make: Callable[[], Features], keep: object = None) -> Features:
        """Features of these customers as of the snapshot, made when first asked for.

        Args:
            examples: Whose features they are.
            what: Which they are, `keep` being alive.
            make: Makes them.
            keep: Kept alive with them.
        """
        held = self._once.setdefault(examples.snapshot, {})
        key = (hashlib.sha256(np.ascontiguousarray(examples.rows).tobytes()).digest(), what)
        if key not in held:
            held[key] = (make(), keep)
        return held[key][0]

    def everybody(self, examples: Examples) -> Features:
        """Features of every customer of the snapshot, in its rows: the graph has no holes where the task looks away."""
        snapshot = examples.snapshot
        count = len(snapshot.customers)
        if len(examples.rows) == count:
            return examples.features
        with self._making:
            if snapshot not in self._everybody:
                others = np.setdiff1d(np.arange(count, dtype=np.int32), examples.rows)
                values = np.full((count, len(examples.features.names)), np.nan)
                values[examples.rows] = examples.features.values
                found = examples_of(snapshot, others, examples.properties).features
                values[others] = align(found, examples.features.names).values
                self._everybody[snapshot] = Features(examples.features.names, values, examples.features.labels)
            return self._everybody[snapshot]

    def everybody_in_parts(self, examples: Examples) -> Iterator[tuple[Int32Array, Features]]:
        """The same with the rows, some customers at a time; what is not at hand is computed and not kept.

        Only a snapshot of one block is kept whole: of a large one, all features would fill the memory.
        """
        snapshot, names = examples.snapshot, examples.features.names
        count = len(snapshot.customers)
        if count <= BLOCK_CUSTOMERS:
            yield np.arange(count, dtype=np.int32), self.everybody(examples)
            return
        for first in range(0, len(examples.rows), BLOCK_CUSTOMERS):
            part = slice(first, first + BLOCK_CUSTOMERS)
            yield examples.rows[part], examples.features.rows(part)
        others, allowed = np.setdiff1d(np.arange(count, dtype=np.int32), examples.rows), examples.properties
        done = 0
        for block in feature_blocks(snapshot, others, undated_properties=allowed, allowed_sensitive=allowed):
            yield others[done : done + len(block)], align(block, names)
            done += len(block)

    def fitted(self, kind: type[_Trees], training: list[Examples], *, seed: int) -> _Trees:
        """A model of this kind fitted on the stacked training cutoffs, once for equal examples and seeds."""
        key = (kind.__qualname__, tuple(self._identity(each) for each in training), seed)
        with self._keeping:
            found = self._trees.get(key)
        if not isinstance(found, kind):
            found = kind()
            found.fit(training, seed=seed)
        with self._keeping:
            self._trees[key] = found
            self._trees.move_to_end(key)
            if len(self._trees) > _KEPT_TREES:
                self._trees.popitem(last=False)
        return found

    def _identity(self, examples: Examples) -> str:
        """`_identity`, hashed once for all that is fitted on the same examples."""
        with self._keeping:
            known = self._identities.get(examples)
        if known is None:
            known = _identity(examples)
            with self._keeping:
                self._identities[examples] = known
        return known


def _identity(examples: Examples) -> str:
    """Content of labelled examples, so that equal ones share and a reused address does not."""
    digest = hashlib.sha256(f"{examples.snapshot.dataset}{examples.cutoff}{examples.features.names}".encode())
    digest.update(np.ascontiguousarray(examples.rows).tobytes())
    digest.update(np.ascontiguousarray(examples.features.values).tobytes())
    if examples.outcome is not None:
        digest.update(examples.outcome.churned.tobytes())
        digest.update(examples.outcome.value.tobytes())
    return digest.hexdigest()
