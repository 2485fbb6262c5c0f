"""How a history numbers orders, against a plain dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graph.history_build import order_codes

HASHES = st.one_of(st.just(0), st.integers(1, 3), st.sampled_from([2**63, 2**64 - 1]))


@given(st.lists(HASHES, max_size=40))
def test_orders_are_numbered_as_they_first_appear(hashes: list[int]) -> None:
    numbers: dict[int, int] = {}
    expected = [numbers.setdefault(each, len(numbers)) if each else -1 for each in hashes]

    codes, found = order_codes(np.array(hashes, np.uint64))

    assert codes.tolist() == expected
    assert codes.dtype == np.int32
    assert found.tolist() == list(numbers)
