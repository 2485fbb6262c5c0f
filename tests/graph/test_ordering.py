"""Sorting and renumbering, against Python's own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.ordering import bounds, by_first_appearance, renumbering, sorted_rows, used

WIDE = st.integers(-(2**62), 2**62)
NARROW = st.integers(-1, 2)
SECONDS = st.integers(-3, 3).map(lambda number: number * 1000)
DAYS = st.integers(0, 3).map(lambda number: number * 86_400_000)
NEVER = st.sampled_from([-5, 0, 2**63 - 1])
ROWS = st.lists(st.tuples(st.one_of(WIDE, DAYS), NARROW, SECONDS, NARROW, NEVER), max_size=30)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.integers(1, 4))
def test_rows_are_in_lexical_order(rows, at_once):
    columns = [np.array([row[number] for row in rows], np.int64) for number in range(5)]
    order = sorted_rows(columns[:at_once], [column.__getitem__ for column in columns[at_once:]])
    assert sorted(order.tolist()) == list(range(len(rows)))
    assert [rows[row] for row in order] == sorted(rows)


def test_last_keys_are_asked_only_about_ties():
    asked = []

    def last(rows):
        asked.extend(rows.tolist())
        return -rows

    assert sorted_rows([np.array([3, 1, 3, 0])], [last]).tolist() == [3, 1, 2, 0]
    assert sorted(asked) == [0, 2]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NARROW, NARROW), max_size=20), st.lists(st.tuples(NARROW, NARROW), max_size=6))
def test_bounds_are_those_of_bisection(rows, wanted):
    rows = sorted(rows)
    columns = [np.array([row[number] for row in rows], np.int64) for number in range(2)]
    values = [np.array([row[number] for row in wanted], np.int64) for number in range(2)]
    first, last = bounds([column.__getitem__ for column in columns], len(rows), values)
    assert first.tolist() == [bisect_left(rows, each) for each in wanted]
    assert last.tolist() == [bisect_right(rows, each) for each in wanted]


@pytest.mark.parametrize(
    ("codes", "renumbered", "former"),
    [([], [], []), ([-1, -1], [-1, -1], []), ([4, -1, 2, 4, 0, 2], [0, -1, 1, 0, 2, 1], [4, 2, 0])],
)
def test_codes_by_first_appearance(codes, renumbered, former):
    found = by_first_appearance(np.array(codes, np.int32), 6)
    assert found[0].tolist() == renumbered
    assert found[1].tolist() == former


def test_used_codes_and_their_renumbering():
    rows = used(5, [np.array([3, -1]), np.array([1, 3])])
    assert rows.tolist() == [1, 3]
    assert renumbering(5, rows)[np.array([3, 1, -1, 0])].tolist() == [1, 0, -1, -1]
