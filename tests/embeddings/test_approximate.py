import numpy as np
import pytest

from embeddings import approximate
from embeddings.approximate import approximate_all, neighbours_of_all, recall_of
from embeddings.similarity import Neighbours, centred, nearest, nearest_all
from habitue.errors import UsageError


def groups(seed: int = 0) -> np.ndarray:
    """600 rows around 12 centres."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(12, 8))
    return centred(centres[generator.integers(0, 12, 600)] + 0.2 * generator.normal(size=(600, 8)))


@pytest.fixture
def faiss() -> None:
    pytest.importorskip("faiss")


@pytest.mark.usefixtures("faiss")
def test_looking_into_every_cell_finds_exactly_the_nearest() -> None:
    unit = groups()
    found, exact = approximate_all(unit, 5, cells=600), nearest_all(unit, 5)
    assert found.rows.tolist() == exact.rows.tolist()
    assert found.similarity.tolist() == exact.similarity.tolist()


@pytest.mark.usefixtures("faiss")
def test_only_allowed_rows_are_found_and_fewer_where_there_are_fewer() -> None:
    unit = groups()
    allowed = np.zeros(600, bool)
    allowed[[3, 70, 500]] = True
    found = approximate_all(unit, 4, cells=600, allowed=allowed)
    exact = nearest(unit, np.arange(600), 4, allowed=allowed)
    assert found.rows.tolist() == exact.rows.tolist()
    assert found.rows[3].tolist().count(-1) == 2


@pytest.mark.usefixtures("faiss")
def test_the_same_seed_finds_the_same() -> None:
    unit = groups()
    first, second = (approximate_all(unit, 3, cells=2) for _ in range(2))
    assert first.rows.tolist() == second.rows.tolist()


@pytest.mark.usefixtures("faiss")
def test_it_is_used_from_the_size_on_where_it_pays_and_says_what_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = groups()
    found, search = neighbours_of_all(unit, 5)
    assert (search.method, search.recall) == ("exact", 1.0)
    assert found.rows.tolist() == nearest_all(unit, 5).rows.tolist()
    monkeypatch.setattr(approximate, "FROM_ROWS", 600)
    told: list[float] = []
    found, search = neighbours_of_all(unit, 5, progress=lambda _, share: told.append(share))
    assert (search.method, search.sample) == ("inverted file", 500)
    assert 0.5 < search.recall <= 1.0
    assert told[-1] == 1.0


def test_without_the_library_all_pairs_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate, "available", lambda: False)
    monkeypatch.setattr(approximate, "FROM_ROWS", 1)
    assert neighbours_of_all(groups(), 5)[1].method == "exact"
    with pytest.raises(UsageError, match="needs faiss"):
        approximate_all(groups(), 5)


def test_recall_by_hand() -> None:
    unit = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], np.float32)
    # Of row 0 the nearest are 1 and 2, of row 3 they are 2 and 1.
    found = Neighbours(np.array([[1, 3], [0, 2], [1, 0], [2, 1]]), np.zeros((4, 2), np.float32))
    assert recall_of(unit, found, np.array([0, 3])) == 0.75
