from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.blend import BlendWeights, PartForecast, PartForecasts, best_shares, deviation, sound
from graph.snapshot import FloatArray

EQUAL: dict[str, float] = {}


def parts() -> PartForecasts:
    return PartForecasts(
        {
            "network": PartForecast(np.array([[0.0, 2.0], [2.0, 4.0]]), np.array([0.0, 3.0]), np.array([10.0, 0.0])),
            "trees": PartForecast(np.array([[5.0, -1.0]]), np.array([8.0, 3.0]), np.array([20.0, 4.0])),
            "linear": PartForecast(np.array([[3.0, 1.0]])),
            "hurdle": PartForecast(value_mean=np.array([30.0, 8.0])),
        }
    )


def test_the_blend_by_hand() -> None:
    shares = {"network": 0.5, "trees": 0.25, "linear": 0.25}
    np.testing.assert_allclose(parts().member_weights(shares), [0.25, 0.25, 0.25, 0.25])
    np.testing.assert_allclose(parts().churn_logit(shares), [10 / 4, 6 / 4])
    np.testing.assert_allclose(parts().churn_logit({"trees": 1.0}), [5.0, -1.0])
    np.testing.assert_allclose(parts().churn_logit(EQUAL), [(1 + 5 + 3) / 3, (3 - 1 + 1) / 3])


def test_a_part_without_values_leaves_them_to_the_others() -> None:
    np.testing.assert_allclose(parts().value_median(EQUAL), [2.0, 3.0])  # sqrt(1 · 9) - 1
    np.testing.assert_allclose(parts().value_mean({"network": 0.25, "trees": 0.75}), [17.5, 3.0])
    np.testing.assert_allclose(parts().value_mean(EQUAL), [20.0, 4.0])


def test_the_deviation_by_hand() -> None:
    np.testing.assert_allclose(deviation(np.array([[0.0], [4.0]]), np.array([0.25, 0.75])), [np.sqrt(3.0)])


def test_the_best_shares_go_half_the_way() -> None:
    def loss(shares: FloatArray) -> tuple[float, FloatArray]:
        target = np.array([0.7, 0.3, 0.0])
        return float(((shares - target) ** 2).sum() + 1.0), 2 * (shares - target)

    found = best_shares(["a", "b", "c"], loss)
    assert found == pytest.approx({"a": (0.7 + 1 / 3) / 2, "b": (0.3 + 1 / 3) / 2, "c": 1 / 6}, abs=1e-4)
    alone = best_shares(["a", "b", "c"], loss, shrinkage=0.0)
    assert alone == pytest.approx({"a": 0.7, "b": 0.3, "c": 0.0}, abs=1e-3)
    some = best_shares(["a", "b", "c"], loss, np.array([False, True, True]))
    assert some == pytest.approx({"a": 0.35, "b": 0.15 + 0.25, "c": 0.25}, abs=1e-4)


def test_a_part_that_is_surely_worse_is_not_drawn_to() -> None:
    # Paired differences from the first: 1 ± 0 (surely worse), 1 ± 2 over four customers (one standard error), 0.
    losses = np.array([[1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0], [4.0, 1.0, 6.0, 3.0], [1.0, 2.0, 3.0, 4.0]])
    assert sound(losses).tolist() == [True, False, True, True]
    assert sound(losses, standard_errors=0.9).tolist() == [True, False, False, True]


def test_the_better_part_gets_the_larger_share_and_all_where_the_other_is_surely_worse() -> None:
    value, churned = np.array([5.0, 50.0, 0.0, 20.0]), np.array([0.0, 0.0, 1.0, 0.0])
    right, wrong = np.where(churned > 0, 3.0, -3.0), np.where(churned > 0, -3.0, 3.0)
    found = PartForecasts(
        {
            "a": PartForecast(np.stack([right, right]), value, value + 9),
            "b": PartForecast(wrong[None], value + 9, value),
        }
    ).out_of_time_weights(churned, value)
    expected = BlendWeights({"a": 1.0, "b": 0.0}, {"a": 0.75, "b": 0.25}, {"a": 0.25, "b": 0.75})
    for name in ("churn", "value_median", "value_mean"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-3), name


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 1000))
def test_shares_are_never_negative_and_sum_to_one(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    made = {str(k): PartForecast(*(generator.gamma(1.0, 20.0, (1, 30)),), *generator.gamma(1.0, 20.0, (2, 30)))
            for k in range(count)}  # fmt: skip
    found = PartForecasts(made).out_of_time_weights(generator.integers(0, 2, 30) * 1.0, generator.gamma(1.0, 20.0, 30))
    for shares in (found.churn, found.value_median, found.value_mean):
        assert min(shares.values()) >= 0.5 / count - 1e-9
        assert sum(shares.values()) == pytest.approx(1.0)
