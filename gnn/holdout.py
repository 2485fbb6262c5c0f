"""Customers held out where no cutoff can be: half of them learn, the other half is foretold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from gnn.features import Features
from gnn.forecast import Examples
from gnn.task import Outcome
from graph.snapshot import Int64Array


def split_customers(examples: Sequence[Examples]) -> tuple[list[Examples], list[Examples]]:
    """Two halves of the customers, the same customers at every cutoff; a hash of the id decides."""
    halves = [_half(each) for each in examples]
    return (
        [_part(each, np.flatnonzero(half == 0)) for each, half in zip(examples, halves, strict=True)],
        [_part(each, np.flatnonzero(half == 1)) for each, half in zip(examples, halves, strict=True)],
    )


def _half(examples: Examples) -> Int64Array:
    ids = examples.snapshot.customers.take(pa.array(examples.rows)).to_numpy(zero_copy_only=False)
    hashed = pd.util.hash_array(np.asarray(ids, object), categorize=False)
    return (hashed % np.uint64(2)).astype(np.int64)


def _part(examples: Examples, rows: Int64Array) -> Examples:
    features, outcome = examples.features, examples.outcome
    return replace(
        examples,
        rows=examples.rows[rows],
        features=Features(features.names, features.values[rows], features.labels),
        outcome=outcome and Outcome(outcome.churned[rows], outcome.value[rows], outcome.purchases[rows]),
    )
