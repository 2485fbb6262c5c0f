"""What the graph says of a customer, as features beside the tabular ones; docs/features.md is their catalogue.

Taste vectors in one basis, the cycles of the usual categories, the state of the shops' other customers and the momentum
of products: figures that need other customers' purchases. The control without the graph sees none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from gnn.feature_input import FeatureInput
from gnn.features import Features
from gnn.forecast import Examples, parts_of
from gnn.neighbour_features import SIGNALS, buyers, product_momentum, product_visits, shops
from gnn.replenishment_features import replenishment
from gnn.shared_work import SharedWork
from gnn.taste_vectors import TasteBasis, taste_basis
from graph.snapshot import FloatArray


@dataclass(frozen=True, eq=False)
class GraphFeatures:
    """How examples are given their graph features.

    Attributes:
        basis: Of the taste vectors; None where the assortment is too small for one.
    """

    basis: TasteBasis | None

    @staticmethod
    def of(training: Sequence[Examples], directions: int) -> GraphFeatures | None:
        """Learnt as of the earliest training cutoff; None without products in every training snapshot.

        Args:
            training: At one or more cutoffs.
            directions: Length of the taste vectors, at most; 0 for none.
        """
        if not all(len(each.snapshot.products) for each in training):
            return None
        earliest = min(training, key=lambda each: each.cutoff)
        return GraphFeatures(taste_basis(earliest.snapshot, directions) if directions else None)

    def extend(self, examples: Examples, shared: SharedWork) -> Examples:
        """The examples with graph features after the tabular ones."""
        return replace(examples, features=_side_by_side([examples.features, *self.told(examples, shared)]))

    def told(self, examples: Examples, shared: SharedWork) -> list[Features]:
        """The graph features alone, by group."""
        told = [shared.once(examples, "graph features", lambda: graph_features(examples, shared))]
        if self.basis is not None:
            basis = self.basis
            told.append(shared.once(examples, f"taste {id(basis)}", lambda: _taste(examples, basis), keep=basis))
        return told


def extended_in_parts(examples: Examples, told: Sequence[Features]) -> Iterator[tuple[Examples, Examples]]:
    """The examples and the same with what they are told besides, some customers at a time.

    All that a million customers are told, side by side, would fill the memory.
    """
    for rows, part in parts_of(examples):
        groups = [part.features, *(each.rows(rows) for each in told)]
        yield part, replace(part, features=_side_by_side(groups)) if told else part


def graph_features(examples: Examples, shared: SharedWork) -> Features:
    """Those that need no basis: replenishment, shops, buyers, momentum."""
    given = FeatureInput.of(examples.snapshot, examples.rows)
    signals, bought = _signals(examples, shared), product_visits(examples.snapshot)
    columns = list(
        chain(
            replenishment(given),
            shops(examples.snapshot, signals, examples.rows),
            buyers(bought, signals, examples.rows),
            product_momentum(bought, examples.rows),
        )
    )
    return Features(
        names=tuple(column.name for column in columns),
        values=np.stack([column.values for column in columns], axis=1) if columns else np.zeros((given.count, 0)),
        labels={column.name: column.label for column in columns},
    )


def _signals(examples: Examples, shared: SharedWork) -> dict[str, FloatArray]:
    """Those of `SIGNALS` that there are, of every customer of the snapshot; all other features are let go."""
    names: list[str] = [name for name in SIGNALS if name in examples.features.names]
    signals: dict[str, FloatArray] = {name: np.full(len(examples.snapshot.customers), np.nan) for name in names}
    for rows, features in shared.everybody_in_parts(examples):
        for name, values in signals.items():
            values[rows] = features.column(name)
    return signals


def _taste(examples: Examples, basis: TasteBasis) -> Features:
    values = basis(examples.snapshot)[examples.rows]
    names = (*(f"taste_{number}" for number in range(values.shape[1] - 1)), "taste_drift")
    labels = {name: f"Taste, direction {name.removeprefix('taste_')}" for name in names}
    return Features(names, values, labels | {"taste_drift": "Distance of the recent taste from the usual one"})


def _side_by_side(parts: Sequence[Features]) -> Features:
    return Features(
        names=tuple(chain.from_iterable(part.names for part in parts)),
        values=np.concatenate([part.values for part in parts], axis=1),
        labels={name: label for part in parts for name, label in part.labels.items()},
    )
