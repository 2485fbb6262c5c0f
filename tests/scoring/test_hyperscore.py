from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue.errors import UsageError
from scoring.hyperscore import CENTRED, PUBLISHED, hyperscore

unit_interval = st.floats(0, 1)
parameters = st.tuples(st.floats(0.1, 20), st.floats(-10, 10), st.floats(0.1, 5))


def test_published_values() -> None:
    assert hyperscore(0.0) == 100.0  # exactly, not nearly
    assert float(hyperscore(1.0)) == pytest.approx(100 * (1 + 1 / 9), abs=1e-12)
    assert round(float(hyperscore(0.95)), 2) == 107.78
    assert round(float(hyperscore(1.0)), 2) == 111.11


def test_the_literature_s_worked_value_is_not_reproduced() -> None:
    # The published example gives 137.2 for V = .95; the formula with its own parameters does not reach 112.
    assert float(hyperscore(1.0)) < 112


def test_equals_the_formula_in_decimal_arithmetic() -> None:
    getcontext().prec = 40
    beta, gamma = Decimal(5), -Decimal(2).ln()
    for text in ("0.001", "0.25", "0.5", "0.95", "1"):
        inner = beta * Decimal(text).ln() + gamma
        expected = 100 * (1 + (1 / (1 + (-inner).exp())) ** 2)
        assert float(hyperscore(float(text))) == pytest.approx(float(expected), rel=1e-12)


def test_centred_has_its_midpoint_at_one_half() -> None:
    assert float(hyperscore(0.5, CENTRED.beta, CENTRED.gamma, 1.0)) == pytest.approx(150.0)
    assert float(hyperscore(0.5, CENTRED.beta, CENTRED.gamma, CENTRED.kappa)) == pytest.approx(125.0)
    assert float(hyperscore(0.5, PUBLISHED.beta, PUBLISHED.gamma, 1.0)) < 102


@given(unit_interval, unit_interval, parameters)
def test_order_is_kept_whatever_the_parameters(first: float, second: float, chosen: tuple[float, float, float]) -> None:
    low, high = sorted((first, second))
    assert hyperscore(low, *chosen) <= hyperscore(high, *chosen)


@given(st.lists(unit_interval, max_size=20), parameters)
def test_range_and_shape(values: list[float], chosen: tuple[float, float, float]) -> None:
    found = hyperscore(values, *chosen)
    assert found.shape == (len(values),)
    assert ((found >= 100) & (found <= 200)).all()


@given(st.floats(0.05, 0.94))
def test_strictly_rising_where_it_can_be_told_apart(value: float) -> None:
    assert hyperscore(value) < hyperscore(value + 0.05)


@pytest.mark.parametrize("wrong", [float("nan"), -0.01, 1.0001, float("inf"), [0.5, -1.0]])
def test_values_outside_are_refused(wrong: object) -> None:
    with pytest.raises(UsageError, match=r"not in \[0, 1\]"):
        hyperscore(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("beta", "gamma", "kappa"), [(0, 0, 1), (1, 0, 0), (-1, 0, 1), (1, np.inf, 1), (np.nan, 0, 1)])
def test_parameters_out_of_range_are_refused(beta: float, gamma: float, kappa: float) -> None:
    with pytest.raises(UsageError, match="not defined"):
        hyperscore(0.5, beta, gamma, kappa)
