from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import hashes
from graph.hashes import hash_rows, surely_differ

TEXTS = st.lists(st.none() | st.text(max_size=40), max_size=30)


def hashes_of(values: list[Any], kind: pa.DataType) -> list[int]:
    return [int(each) for each in hash_rows(pa.table({"value": pa.array(values, kind)}))]


@given(TEXTS)
@settings(deadline=None)
def test_texts_hash_alike_just_when_they_are_equal(texts: list[str | None]) -> None:
    hashed = hashes_of(texts, pa.string())
    assert len(set(zip(texts, hashed, strict=True))) == len(set(texts)) == len(set(hashed))


@given(TEXTS, st.integers(0, 30))
@settings(deadline=None)
def test_a_hash_does_not_depend_on_how_the_column_lies_in_memory(texts: list[str | None], cut: int) -> None:
    whole = pa.array(texts, pa.string())
    halves = pa.chunked_array([whole[:cut], whole[cut:]], pa.string())
    assert hash_rows(pa.table({"value": halves})).tolist() == hashes_of(texts, pa.string())


def test_zeros_and_nuls_at_the_end_of_a_text_count() -> None:
    texts = ["", "\0", "\0\0", "a", "a\0", "12345678", "12345678\0", "123456781", "é", "e"]
    assert len(set(hashes_of(texts, pa.string()))) == len(texts)


def test_numbers_nulls_and_times() -> None:
    assert len(set(hashes_of([None, 0.0, 1.0, -1.0, 0.5], pa.float64()))) == 5
    assert hashes_of([0.0], pa.float64()) == hashes_of([-0.0], pa.float64())
    times = [None, datetime(1970, 1, 1), datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 0, 0, 1000)]
    assert len(set(hashes_of(times, pa.timestamp("ms")))) == 4


def test_columns_count_in_their_order_and_so_does_the_seed() -> None:
    table = pa.table({"a": ["x", "y"], "b": ["y", "x"]})
    first, second = hash_rows(table)
    assert first != second
    assert hash_rows(table).tolist() == [first, second]
    assert not np.isin(hash_rows(table, seed=1), [first, second]).any()
    assert len(hash_rows(table.slice(0, 0))) == 0


def test_rows_that_differ_in_any_column_differ() -> None:
    assert surely_differ(pa.table({"id": ["a", "b", None, ""]}))
    assert surely_differ(pa.table({"owner": ["a", "a", "b"], "name": ["x", "y", "x"]}))
    assert surely_differ(pa.table({"id": pa.array([], pa.string())}))


def test_equal_rows_are_never_said_to_differ() -> None:
    assert not surely_differ(pa.table({"id": ["a", "b", "a"]}))
    assert not surely_differ(pa.table({"id": pa.array([None, "b", None], pa.string())}))
    assert not surely_differ(pa.table({"owner": ["a", "a"], "at": pa.array([None, None], pa.timestamp("ms"))}))


def test_rows_that_hash_alike_are_not_said_to_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "hash_rows", lambda table: np.zeros(len(table), np.uint64))
    assert not surely_differ(pa.table({"id": ["a", "b"]}))
