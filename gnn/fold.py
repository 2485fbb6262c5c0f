"""One date of a backtest: who was counted, what was foretold of them, and what came to pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gnn.forecast import Forecast
from gnn.task import Outcome
from graph.snapshot import FloatArray, Int64Array


@dataclass(frozen=True, eq=False)
class Fold:
    """One cutoff of the backtest.

    Attributes:
        cutoff: T.
        training_cutoffs: Where models learnt from, oldest first; empty where no outcome was known by T.
        customers: Ids of the population, sorted; length n.
        outcome: What came to pass.
        forecasts: By model, what was foretold; a supervised model is absent where it had nothing to learn from.
        purchase_days: Each customer's days with a purchase before the cutoff: its frequency as of then.
        recency_days: Days from its last purchase to the cutoff.
    """

    cutoff: datetime
    training_cutoffs: tuple[datetime, ...]
    customers: pa.StringArray
    outcome: Outcome
    forecasts: Mapping[str, Forecast]
    purchase_days: FloatArray
    recency_days: FloatArray


def customer_numbers(folds: Sequence[Fold]) -> list[Int64Array]:
    """For each fold, a number of each of its customers that is the same in all folds, from 0 up."""
    everybody = pa.chunked_array([fold.customers for fold in folds], pa.string()).unique()
    found = (pc.index_in(fold.customers, value_set=everybody) for fold in folds)
    return [each.to_numpy(zero_copy_only=False).astype(np.int64) for each in found]
