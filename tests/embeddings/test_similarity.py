import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings import similarity
from embeddings.similarity import centred, mean_of, nearest, nearest_all
from habitue.errors import UsageError


def brute_force(vectors: np.ndarray, query: int, count: int) -> list[int]:
    """Nearest rows by the definition: subtract the mean, cosine, largest first, ties by row."""
    moved = vectors - vectors.mean(0)
    cosine = [
        float(moved[query] @ moved[row] / (np.linalg.norm(moved[query]) * np.linalg.norm(moved[row])))
        for row in range(len(vectors))
    ]
    others = [row for row in range(len(vectors)) if row != query]
    return sorted(others, key=lambda row: (-round(cosine[row], 6), row))[:count]


@pytest.mark.parametrize("block", [1, 70, 10_000])
def test_equals_brute_force_whatever_the_block(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_BLOCK_CELLS", block)
    monkeypatch.setattr(similarity, "_LEAST_QUERIES", 1)
    vectors = np.random.default_rng(0).normal(3.0, 1.0, (30, 6))
    found = nearest_all(centred(vectors), 5)
    assert found.rows.tolist() == [brute_force(vectors, query, 5) for query in range(30)]
    assert (np.diff(found.similarity, axis=1) <= 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 4), st.integers(2, 1600))
def test_ties_go_to_the_lower_row_whatever_the_size(seed: int, count: int, kinds: int, size: int) -> None:
    # Whole numbers of few kinds: products are exact, and ties straddle every boundary between groups and blocks.
    vectors = np.random.default_rng(seed).integers(-1, kinds, (size, 3)).astype(np.float32)
    found = nearest(vectors, np.array([0, size // 2]), count)
    for place, query in enumerate((0, size // 2)):
        product = vectors.astype(int) @ vectors[query].astype(int)
        expected = [row for row in np.argsort(-product, kind="stable") if row != query][:count]
        assert found.rows[place][: len(expected)].tolist() == expected


def test_equal_vectors_are_equally_similar_wherever_they_stand() -> None:
    generator = np.random.default_rng(5)
    unit = centred(generator.normal(size=(3001, 7)))
    unit[[17, 900, 2999, 3000]] = unit[0]
    found = nearest(unit, np.array([0, 2999]), 4)
    assert found.rows.tolist() == [[17, 900, 2999, 3000], [0, 17, 900, 3000]]
    assert len(set(found.similarity.ravel().tolist())) == 1


def test_thousands_of_equal_vectors_are_bounded() -> None:
    found = nearest(np.ones((6000, 2), np.float32) / np.float32(2**0.5), np.array([3]), 5)
    assert found.rows.tolist() == [[0, 1, 2, 4, 5]]


def test_centring_equals_the_definition_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_BLOCK_ROWS", 4)
    vectors = np.random.default_rng(2).normal(5.0, 2.0, (11, 3))
    moved = vectors - vectors.mean(0)
    expected = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    assert np.allclose(centred(vectors), expected, atol=1e-6)
    # Later rows are compared by the mean of the former ones.
    assert np.allclose(centred(vectors[:2], mean_of(vectors)), expected[:2], atol=1e-6)


def test_centring_takes_out_the_common_direction() -> None:
    # Around (10, 0): one row up, one further up, one down. Raw cosines are all near 1.
    unit = centred(np.array([[10.0, 1.0], [10.0, 2.0], [10.0, -3.0]]))
    assert unit.tolist() == [[0.0, 1.0], [0.0, 1.0], [0.0, -1.0]]


def test_ties_go_to_the_lower_row_and_the_query_is_never_returned() -> None:
    unit = np.array([[1, 0], [0, 1], [1, 0], [1, 0], [-1, 0]], np.float32)
    found = nearest(unit, np.array([2, 4]), 3)
    assert found.rows.tolist() == [[0, 3, 1], [1, 0, 2]]
    assert found.similarity.tolist() == [[1, 1, 0], [0, -1, -1]]


def test_allowed_rows_only_and_fewer_than_asked_for() -> None:
    unit = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    found = nearest(unit, np.array([0, 1]), 4, allowed=np.array([True, False, True]))
    assert found.rows.tolist() == [[2, -1, -1, -1], [0, 2, -1, -1]]
    assert np.isnan(found.similarity[0, 1:]).all()


def test_a_row_at_the_mean_is_similar_to_nothing() -> None:
    unit = centred(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]))
    assert unit[2].tolist() == [0.0, 0.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 25), st.integers(1, 8))
def test_whole_result_moves_with_a_permutation(seed: int, size: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(size, 4))
    order = generator.permutation(size)
    found = nearest_all(centred(vectors), count)
    moved = nearest_all(centred(vectors[order]), count)
    assert np.allclose(found.similarity[order], moved.similarity, atol=1e-5, equal_nan=True)


def test_progress_ends_at_one_and_wrong_input_is_refused() -> None:
    told: list[float] = []
    nearest_all(centred(np.eye(5)), 2, progress=lambda _, share: told.append(share))
    assert told[-1] == 1.0
    with pytest.raises(UsageError):
        nearest_all(centred(np.eye(5)), 0)
    with pytest.raises(UsageError):
        centred(np.array([[np.nan]]))
