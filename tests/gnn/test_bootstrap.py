from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gnn.bootstrap import JudgedFold, resample
from gnn.metrics import area_under_roc, brier_score


def fold(customer: list[int] | np.ndarray, churned: np.ndarray, **models: np.ndarray) -> JudgedFold:
    return JudgedFold(
        np.asarray(customer),
        {
            name: {"auc": area_under_roc(churned, score), "brier": brier_score(churned, score)}
            for name, score in models.items()
        },
    )


def noisy(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    good = generator.random(count)
    churned = (generator.random(count) < good).astype(float)
    return churned, good, np.clip(good + generator.normal(0, 0.3, count), 0, 1)


def test_the_figure_is_the_mean_of_the_folds_not_of_the_pooled_rows() -> None:
    # Each fold ranks perfectly; across folds the scores do not compare. Pooled rows would give 0.75.
    first = fold([0, 1], np.array([0.0, 1.0]), m=np.array([0.1, 0.2]))
    second = fold([0, 1], np.array([0.0, 1.0]), m=np.array([0.8, 0.9]))
    interval = resample([first, second], resamples=20, seed=0).interval("m", "auc")
    assert interval is not None
    assert interval.mean == 1.0


def test_each_resample_is_what_repeating_the_drawn_customers_rows_gives() -> None:
    count, draws, seed = 30, 5, 11
    churned, good, _ = noisy(2 * count, 1)
    customer = np.arange(count)
    folds = [
        fold(customer, churned[:count], m=good[:count]),
        fold(customer[::-1], churned[count:], m=good[count:]),
    ]
    found = resample(folds, resamples=draws, seed=seed).resamples[("m", "auc")]
    generator = np.random.default_rng(seed)
    for draw in range(draws):
        drawn = generator.integers(0, count, count)
        # The second fold holds the customers in reverse: customer c is its row count - 1 - c.
        first = roc_auc_score(churned[:count][drawn], good[:count][drawn])
        second = roc_auc_score(churned[count:][count - 1 - drawn], good[count:][count - 1 - drawn])
        assert found[:, draw] == pytest.approx([first, second])


def test_a_model_against_itself_differs_by_nothing() -> None:
    churned, good, _ = noisy(50, 2)
    resampled = resample([fold(np.arange(50), churned, a=good, b=good)], resamples=50, seed=0)
    difference = resampled.difference("a", "b", "auc")
    assert difference is not None
    assert (difference.difference, difference.low, difference.high) == (0.0, 0.0, 0.0)


def test_the_interval_of_a_mean_has_the_width_of_the_central_limit_theorem() -> None:
    churned, good, _ = noisy(400, 4)
    interval = resample([fold(np.arange(400), churned, m=good)], resamples=4000, seed=0).interval("m", "brier")
    assert interval is not None
    squares = (churned - good) ** 2
    half = 1.96 * squares.std() / 20
    assert interval.mean == pytest.approx(squares.mean())
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=0.08)


def test_repeating_the_same_customers_in_more_folds_does_not_narrow_the_interval() -> None:
    churned, good, _ = noisy(200, 5)
    one = fold(np.arange(200), churned, m=good)
    once = resample([one], resamples=200, seed=3).interval("m", "brier")
    often = resample([one] * 4, resamples=200, seed=3).interval("m", "brier")
    assert once is not None
    assert often is not None
    assert (once.low, once.high) == pytest.approx((often.low, often.high))


def test_paired_differences_are_narrower_than_the_models_own_intervals() -> None:
    churned, good, worse = noisy(300, 6)
    resampled = resample([fold(np.arange(300), churned, a=good, b=0.9 * good + 0.1 * worse)], resamples=300, seed=0)
    own, difference = resampled.interval("a", "brier"), resampled.difference("a", "b", "brier")
    assert own is not None
    assert difference is not None
    assert difference.high - difference.low < 0.5 * (own.high - own.low)


def test_differences_are_taken_over_the_folds_that_both_models_are_in() -> None:
    churned, good, worse = noisy(100, 7)
    hard = fold(np.arange(100), 1 - churned, everywhere=good)
    easy = fold(np.arange(100), churned, everywhere=good, once=good)
    difference = resample([hard, easy], resamples=10, seed=0).difference("once", "everywhere", "auc")
    assert difference is not None
    assert difference.difference == 0.0
    assert worse is not None


def test_a_fold_of_one_class_is_left_out() -> None:
    churned, good, _ = noisy(60, 8)
    nobody = fold(np.arange(60), np.zeros(60), m=good)
    both = resample([nobody, fold(np.arange(60), churned, m=good)], resamples=10, seed=0).interval("m", "auc")
    assert both is not None
    assert both.mean == pytest.approx(roc_auc_score(churned, good))
    assert resample([nobody], resamples=10, seed=0).interval("m", "auc") is None


def test_the_seed_decides_and_the_share_done_is_told() -> None:
    churned, good, _ = noisy(40, 9)
    told: list[float] = []
    folds = [fold(np.arange(40), churned, m=good)]
    first = resample(folds, resamples=30, seed=1, progress=told.append).resamples[("m", "auc")]
    np.testing.assert_array_equal(first, resample(folds, resamples=30, seed=1).resamples[("m", "auc")])
    assert not np.array_equal(first, resample(folds, resamples=30, seed=2).resamples[("m", "auc")])
    assert told[-1] == 1.0
