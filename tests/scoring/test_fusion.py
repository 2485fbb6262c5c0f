import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue.errors import UsageError
from scoring.fusion import COMPONENTS, Weights, fuse, percentile

NAN = float("nan")
HALF_LOGIC = Weights(logic=0.5, novelty=0.2, impact=0.2, reproducibility=0.1, meta=0.0)


def components(*rows: tuple[float, ...]) -> dict[str, np.ndarray]:
    return dict(zip(COMPONENTS, np.array(rows, float).T, strict=True))


def test_weighted_sum_by_hand() -> None:
    fused = fuse(components((1.0, 0.5, 0.0, 1.0, 0.3)), HALF_LOGIC)
    assert fused.value.tolist() == pytest.approx([0.5 + 0.1 + 0.1])
    assert fused.weights.tolist() == [pytest.approx([0.5, 0.2, 0.2, 0.1, 0.0])]


def test_the_weight_of_a_missing_component_is_shared() -> None:
    fused = fuse(components((NAN, 0.5, 1.0, 0.0, 0.3)), HALF_LOGIC)
    # .2, .2 and .1 remain: .4, .4 and .2.
    assert fused.weights.tolist() == [pytest.approx([0.0, 0.4, 0.4, 0.2, 0.0])]
    assert fused.value.tolist() == pytest.approx([0.2 + 0.4])


def test_a_component_left_out_is_missing_for_everybody() -> None:
    known = components((1.0, 0.0, 1.0, 0.0, 0.9))
    del known["meta"]
    fused = fuse(known, Weights())
    assert fused.value.tolist() == pytest.approx([0.5])
    assert fused.weights[0].tolist() == pytest.approx([0.25] * 4 + [0.0])


def test_without_any_component_the_value_is_neutral() -> None:
    fused = fuse(components((NAN,) * 5), Weights())
    assert fused.value.tolist() == [0.5]
    assert fused.weights.tolist() == [[0.0] * 5]


@given(st.lists(st.tuples(*[st.floats(0, 1) | st.just(NAN)] * 5), min_size=1, max_size=8))
def test_value_lies_between_the_least_and_the_greatest_component(rows: list[tuple[float, ...]]) -> None:
    fused = fuse(components(*rows), Weights())
    for row, value, weights in zip(rows, fused.value, fused.weights, strict=True):
        known = [each for each in row if each == each]
        if known:
            assert min(known) - 1e-9 <= value <= max(known) + 1e-9
            assert weights.sum() == pytest.approx(1.0)


def test_wrong_weights_and_components_are_refused() -> None:
    with pytest.raises(UsageError, match="sum to 1"):
        Weights(logic=0.5)
    with pytest.raises(UsageError, match="sum to 1"):
        Weights(logic=-0.2, novelty=0.6)
    with pytest.raises(UsageError, match="outside"):
        fuse(components((1.2, 0, 0, 0, 0)), Weights())
    with pytest.raises(UsageError, match="Not components"):
        fuse({"magic": np.array([0.5])}, Weights())


def test_percentile_by_hand() -> None:
    assert percentile([0.2, 0.9, 0.2, 0.5]).tolist() == [25.0, 87.5, 25.0, 62.5]
