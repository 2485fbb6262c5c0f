"""Ids made from content: stable, told apart, and blind to how a table was cut into pieces."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.identity import content_ids

SCHEMA = pa.schema([("who", pa.string()), ("at", pa.timestamp("ms")), ("amount", pa.float64())])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "", None]),
        st.sampled_from([datetime(2024, 1, 1), datetime(2024, 1, 2), None]),
        st.sampled_from([0.0, 1.0, 2.5, None]),
    ),
    max_size=30,
)


def ids(rows: list[tuple[Any, ...]], salt: str = "PURCHASED") -> list[str]:
    columns = list(zip(*rows, strict=True)) or [[]] * len(SCHEMA)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return content_ids(pa.table(arrays, schema=SCHEMA), salt).to_pylist()  # type: ignore[no-any-return]


def test_an_id_never_changes_from_release_to_release() -> None:
    # Written down once: another value would load every shop's implicit rows a second time.
    written_down = ["e83d3gf5ek37zt57rmpd", "5w0j6ss3f6wne1jat26e"]
    assert ids([("ann", datetime(2024, 1, 1), 9.5), (None, None, None)]) == written_down


@given(ROWS)
def test_ids_are_unique_and_equal_rows_are_told_apart_by_position(rows: list[tuple[Any, ...]]) -> None:
    found = ids(rows)
    assert len(set(found)) == len(rows)
    seen: dict[tuple[Any, ...], list[str]] = {}
    for row, identifier in zip(rows, found, strict=True):
        seen.setdefault(row, []).append(identifier)
    for repeated in seen.values():
        assert re.fullmatch(r"[0-9a-z]{20}", repeated[0])
        assert repeated[1:] == [f"{repeated[0]}-{k}" for k in range(1, len(repeated))]
    assert len({repeated[0] for repeated in seen.values()}) == len(seen)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[Any, ...]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert sorted(ids(shuffled)) == sorted(ids(rows))


@given(ROWS, st.integers(0, 30))
def test_how_the_table_is_cut_does_not_matter(rows: list[tuple[Any, ...]], cut: int) -> None:
    columns = list(zip(*rows, strict=True)) or [[]] * len(SCHEMA)
    whole = pa.table(
        [pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )
    pieces = pa.concat_tables([whole.slice(0, cut), whole.slice(min(cut, len(whole)))])
    assert content_ids(pieces, "PURCHASED").to_pylist() == ids(rows)


@pytest.mark.parametrize(
    "other",
    [
        ("bob", datetime(2024, 1, 1), 9.5),
        ("ann ", datetime(2024, 1, 1), 9.5),
        ("ann", datetime(2024, 1, 1, 0, 0, 0, 1000), 9.5),
        ("ann", datetime(2024, 1, 1), 9.500000000000002),
        ("ann", datetime(2024, 1, 1), -9.5),
        ("ann", datetime(2024, 1, 1), None),
        ("ann", None, 9.5),
        (None, datetime(2024, 1, 1), 9.5),
    ],
)
def test_every_value_counts(other: tuple[Any, ...]) -> None:
    one, two = ids([("ann", datetime(2024, 1, 1), 9.5), other])
    assert one != two
    assert "-" not in two


def test_null_zero_and_empty_differ_and_minus_zero_does_not() -> None:
    assert len({each.partition("-")[0] for each in ids([("", None, 0.0), (None, None, 0.0), ("", None, None)])}) == 3
    assert ids([("ann", None, 0.0)]) == ids([("ann", None, -0.0)])


def test_columns_do_not_stand_in_for_each_other() -> None:
    schema = pa.schema([("one", pa.string()), ("two", pa.string())])
    table = pa.table([["a", "b"], ["b", "a"]], schema=schema)
    assert len(set(content_ids(table, "x").to_pylist())) == 2


def test_types_do_not_share_ids() -> None:
    row = [("ann", datetime(2024, 1, 1), 9.5)]
    assert ids(row, "PURCHASED") != ids(row, "VIEWED")


def test_a_thousand_rows_of_one_kind() -> None:
    found = ids([("ann", datetime(2024, 1, 1), 9.5)] * 1000)
    assert found[999] == f"{found[0]}-999"
    assert len(set(found)) == 1000
