"""Drift by hand: shares, movement in spacings, and what makes a training due."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from embeddings.settings import TransESettings
from embeddings.transe import Embedding
from embeddings.triples import Vocabulary
from habitue.drift import drift_of, read_drift, write_drift
from habitue.renewed_files import RenewedVectors

AS_OF = datetime(2024, 1, 1)


def embedding() -> Embedding:
    """Customers at 0 and 2 on a line, ten of each, and nine products."""
    names = [f"c{number:02d}" for number in range(20)]
    empty = pa.array([], pa.string())
    vectors = np.concatenate([np.repeat([[0.0], [2.0]], 10, axis=0), np.zeros((9, 1))]).astype(np.float32)
    return Embedding(
        as_of=AS_OF,
        vocabulary=Vocabulary((pa.array(names), pa.array([f"p{number}" for number in range(9)]), empty, empty, empty)),
        vectors=vectors,
        relations=("PURCHASED",),
        relation_vectors=np.zeros((1, 1), np.float32),
        popularity=np.zeros(29, np.float32),
        data_fingerprint="",
        settings=TransESettings(dimension=1),
        seed=0,
        metrics={},
    )


def renewed(ids: list[str], moved: list[float], until: str) -> RenewedVectors:
    count = len(ids)
    return RenewedVectors(
        pa.array(ids, pa.string()), np.full(count, np.datetime64(until, "ms")), np.array(moved, np.float32),
        np.zeros((count, 1), np.float32),
    )  # fmt: skip


def test_shares_and_movement(tmp_path: Path) -> None:
    # Of pairs drawn, a little more than half lie 2 apart or none: the median is 0 or 2; 0 counts as 1.
    found = drift_of(embedding(), renewed(["c00", "c01", "new"], [0.5, 1.5, np.nan], "2024-01-09"),
                     renewed(["px"], [np.nan], "2024-01-09"))  # fmt: skip
    assert found.changed_customers == 0.1
    assert found.new_customers == round(1 / 21, 4)
    assert found.new_products == 0.1
    assert found.known_until == "2024-01-09T00:00:00"
    assert found.movement == pytest.approx(10 * found.movement_of_all, abs=1e-3)
    assert found.due == ()
    write_drift(tmp_path, found)
    assert read_drift(tmp_path) == found
    assert read_drift(tmp_path / "nowhere") is None


def test_what_makes_a_training_due() -> None:
    nobody = RenewedVectors.none(1)
    several = renewed([f"n{number}" for number in range(6)], [np.nan] * 6, "2024-01-09")
    assert ["customers came" in each for each in drift_of(embedding(), several, nobody).due] == [True]
    products = renewed(["x", "y"], [np.nan] * 2, "2024-01-09")
    assert ["products came" in each for each in drift_of(embedding(), nobody, products).due] == [True]
    moved = renewed([f"c{number:02d}" for number in range(20)], [3.0] * 20, "2024-01-09")
    assert ["moved" in each for each in drift_of(embedding(), moved, nobody).due] == [True]
    assert drift_of(embedding(), renewed(["c00"], [0.1], "2024-02-26"), nobody).due == ()
    assert ["57 days" in each for each in drift_of(embedding(), renewed(["c00"], [0.1], "2024-02-27"), nobody).due] == [
        True
    ]


def test_newer_vectors_take_the_place_of_older_ones() -> None:
    older, newer = renewed(["a", "c"], [1, 1], "2024-01-02"), renewed(["b", "c"], [2, 2], "2024-01-03")
    joined = older.replaced(newer)
    assert joined.ids.to_pylist() == ["a", "b", "c"]
    assert joined.moved.tolist() == [1, 2, 2]
    assert (joined.row("c"), joined.row("z")) == (2, -1)
    assert RenewedVectors.none().replaced(newer).ids.equals(newer.ids)
