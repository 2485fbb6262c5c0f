"""Vectors of customers at several cutoffs, in the space of the first."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from bench.transe_features import FrozenTransE
from embeddings.engine_settings import EngineSettings
from embeddings.settings import TransESettings
from embeddings.transe import train
from habitue.errors import UsageError
from tests.embeddings.toy import AS_OF, two_groups

SETTINGS = TransESettings(dimension=8, engine=EngineSettings(epochs=20, chunk=32, batch=64, negatives=16))


def test_later_vectors_lie_in_the_space_of_the_first_cutoff() -> None:
    history = two_groups()
    vectors = FrozenTransE(SETTINGS)
    early = history.at(AS_OF - timedelta(days=30))
    first = vectors(early)
    assert first.shape == (len(early.customers), 8)

    late = history.at(AS_OF)
    second = vectors(late)
    names = np.array(late.customers.to_pylist())
    group_a = np.char.startswith(names, "a")
    centres = [train(early, SETTINGS).customers()[1][group].mean(axis=0)
               for group in (_of(early, "a"), _of(early, "b"))]  # fmt: skip
    nearer_a = np.linalg.norm(second - centres[0], axis=1) < np.linalg.norm(second - centres[1], axis=1)
    assert (nearer_a == group_a).mean() > 0.9
    assert vectors(early) is first, "made once"


def test_an_earlier_cutoff_than_the_first_is_refused() -> None:
    history = two_groups()
    vectors = FrozenTransE(SETTINGS)
    vectors(history.at(AS_OF))
    with pytest.raises(UsageError, match="cannot update"):
        vectors(history.at(AS_OF - timedelta(days=30)))


def _of(snapshot, group):  # type: ignore[no-untyped-def]
    return np.char.startswith(np.array(snapshot.customers.to_pylist()), group)
