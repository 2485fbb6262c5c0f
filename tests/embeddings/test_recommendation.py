"""Recommendations by hand: who bought both, what goes with it, and what is bought again."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from embeddings.recommendation import RecommendationSettings, Recommender, partners
from habitue.errors import UsageError
from tests.embeddings.toy import AS_OF, two_groups

#: Customers × products: the first two are bought together by two customers, the third by one of them.
BOUGHT = sparse.csr_array(np.array([[1, 1, 0], [2, 1, 1], [0, 0, 3]], np.float32))


def test_cosines_are_of_the_sets_of_buyers() -> None:
    partner, cosine = partners(BOUGHT, 2)
    # Products 0 and 1 have the same two buyers; product 2 shares one of its two with each.
    np.testing.assert_array_equal(partner, [[1, 2], [0, 2], [0, 1]])
    np.testing.assert_allclose(cosine, [[1, 0.5], [1, 0.5], [0.5, 0.5]], atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
@settings(deadline=None, max_examples=40)
def test_partners_are_those_that_a_full_table_gives(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    bought = (generator.random((12, 9)) < 0.4).astype(np.float32)
    bought[0] = 1
    partner, cosine = partners(sparse.csr_array(bought), count)
    table = cosine_similarity(bought.T)
    np.fill_diagonal(table, -1)
    np.testing.assert_allclose(cosine, np.maximum(0, -np.sort(-table, axis=1)[:, :count]), atol=1e-5)
    np.testing.assert_allclose(np.maximum(0, np.take_along_axis(table, partner, axis=1)), cosine, atol=1e-5)


def recommender(**settings: float) -> Recommender:
    partner, cosine = partners(BOUGHT, 2)
    popularity = np.array([4, 2, 6], np.float32)
    return Recommender(np.arange(3), popularity, partner, cosine, RecommendationSettings(**settings))  # type: ignore[arg-type]


def test_the_score_is_what_the_text_says() -> None:
    own = sparse.csr_array(np.array([[3, 0, 0]], np.float32))
    distance = np.array([[1.0, 2.0, 4.0]], np.float32)
    scores = recommender(translation=0.5, repeat=2.0, floor=0.01).combined(distance, own)[0]
    # k = log 4 · (0, 1, ½): the product itself is no partner of its own; their mean is log 4 / 2.
    expected = np.log(np.array([0, 2, 1]) + 0.01) - 0.5 * distance[0] + np.array([2 * np.log(4), 0, 0])
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_who_bought_nothing_gets_what_is_popular() -> None:
    scores = recommender(translation=0.0).combined(np.zeros((1, 3), np.float32), sparse.csr_array((1, 3)))[0]
    assert np.argsort(-scores).tolist() == [2, 0, 1]


def test_only_products_with_enough_buyers_are_recommended_and_in_a_tiny_shop_the_most_bought() -> None:
    snapshot = two_groups().at(AS_OF)
    buyers = np.bincount(
        np.unique(np.column_stack([snapshot.purchases.customer, snapshot.purchases.target]), axis=0)[:, 1]
    )
    some = Recommender.of(snapshot, 90.0, RecommendationSettings(least_buyers=11))
    np.testing.assert_array_equal(some.products, np.flatnonzero(buyers >= 11))
    few = Recommender.of(snapshot, 90.0, RecommendationSettings(least_buyers=1000))
    np.testing.assert_array_equal(few.products, np.flatnonzero(buyers == buyers.max()))


def test_senseless_settings_are_refused() -> None:
    for wrong in ({"partners": 0}, {"floor": 0.0}, {"translation": -1.0}):
        with pytest.raises(UsageError):
            RecommendationSettings(**wrong)  # type: ignore[arg-type]
