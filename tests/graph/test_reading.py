"""Reading tables as they are on disk: every way to write a CSV, row numbers, and what cannot be read."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph import reading
from graph.dataset import InteractionsSource, Source
from graph.reading import clean_text, open_files, read_batches
from habitue.errors import DatasetError

Row = tuple[Any, ...]


def read(path: Path, *columns: str, **options: Any) -> tuple[list[Row], list[tuple[int, str]]]:
    """Good rows as (row number, values…), and malformed ones, of a whole file."""
    file = open_files(Source(path=path.name, **options), path.parent, "[part]")[0]
    rows: list[Row] = []
    malformed: list[tuple[int, str]] = []
    for batch in read_batches(file, columns):
        assert len(batch.rows) == len(batch.table)
        rows += zip(batch.rows.tolist(), *(batch.table[name].to_pylist() for name in columns), strict=True)
        malformed += batch.malformed
    return rows, malformed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x\n2,y\n",
        b"a,b\n1,x\n2,y",
        b"a,b\r\n1,x\r\n2,y\r\n",
        b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
        b'\xef\xbb\xbf"a","b"\n"1","x"\n2,"y"\n',
        b"b,ignored,a\nx,?,1\ny,?,2\n",
        b"\na,b\n1,x\n\n2,y\n",
    ],
    ids=["plain", "no last line end", "crlf", "byte order mark", "quoted", "other order", "blank lines"],
)
def test_ways_to_write_the_same_table(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert read(file, "a", "b") == ([(1, "1", "x"), (2, "2", "y")], [])


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("a;b\n1;x\n2;y\n", {"delimiter": ";"}),
        ("a\tb\n1\tx\n2\ty\n", {"delimiter": "\t"}),
        ("a b\n1   x\n 2 y \n", {"delimiter": "whitespace"}),
        ("\ufeffa b\n1 x\n2 y\n", {"delimiter": "whitespace"}),
        ("a,b\n1,x\n2,y\n", {"encoding": "utf-16"}),
    ],
)
def test_other_delimiters_and_encodings(file: Path, content: str, options: dict[str, str]) -> None:
    file.write_bytes(content.encode(options.get("encoding", "utf-8")))
    assert read(file, "a", "b", **options) == ([(1, "1", "x"), (2, "2", "y")], [])


def test_compressed_tables(tmp_path: Path) -> None:
    file = tmp_path / "table.csv.gz"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbfa,b\n1,x\n2,y\n"))
    assert read(file, "a", "b") == ([(1, "1", "x"), (2, "2", "y")], [])


def test_values_hold_delimiters_quotes_and_line_ends(file: Path) -> None:
    file.write_bytes('a,b\n"1,5","say ""hé"""\r\n"two\nlines",z\n'.encode())
    assert read(file, "a", "b") == ([(1, "1,5", 'say "hé"'), (2, "two\nlines", "z")], [])


def test_empty_cells_are_null_and_numbers_stay_text(file: Path) -> None:
    file.write_bytes(b'a,b\n007,\n1.50,""\n')
    assert read(file, "a", "b")[0] == [(1, "007", None), (2, "1.50", None)]


@pytest.mark.parametrize("content", [b"a,b\n", b"a,b", b"a,b\r\n"])
def test_a_table_without_rows(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert read(file, "a", "b") == ([], [])


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=r"table\.csv is empty: its first line should name the columns"):
        read(file, "a")


def test_malformed_lines_are_numbered_and_the_rest_is_read(file: Path) -> None:
    file.write_bytes(b'a,b\nshort\n1,x\n"in\ntwo",y\n2,y,long\n3,z\nend')
    good, malformed = read(file, "a", "b")
    assert good == [(2, "1", "x"), (3, "in\ntwo", "y"), (5, "3", "z")]
    assert malformed == [
        (1, "1 columns instead of 2"),
        (4, "3 columns instead of 2"),
        (6, "1 columns instead of 2"),
    ]


def test_malformed_lines_of_blank_separated_text(file: Path) -> None:
    file.write_bytes(b"a b\n1 x\nalone\n2 y\n3 z too many\n")
    good, malformed = read(file, "a", "b", delimiter="whitespace")
    assert good == [(1, "1", "x"), (3, "2", "y")]
    assert malformed == [(2, "1 columns instead of 2"), (4, "4 columns instead of 2")]


@given(
    kinds=st.lists(st.sampled_from(["good", "short", "long", "quoted", "undecodable"]), max_size=60),
    block=st.sampled_from([64, 200, 1 << 20]),
)
def test_row_numbers_hold_across_blocks(tmp_path_factory: pytest.TempPathFactory, kinds: list[str], block: int) -> None:
    lines = {"good": b"%d,x", "short": b"%d", "long": b"%d,x,y", "quoted": b'"%d","x\ny"', "undecodable": b"%d,\xff"}
    file = tmp_path_factory.mktemp("blocks") / "table.csv"
    file.write_bytes(b"a,b\n" + b"".join(lines[kind] % number + b"\n" for number, kind in enumerate(kinds, 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BLOCK_BYTES", block)
        good, malformed = read(file, "a", "b")
    assert good == [
        (number, str(number), "x" if kind == "good" else "x\ny")
        for number, kind in enumerate(kinds, 1)
        if kind in ("good", "quoted")
    ]
    bad = [number for number, kind in enumerate(kinds, 1) if kind in ("short", "long", "undecodable")]
    assert sorted(number for number, _ in malformed) == bad


def test_latin_1_in_its_own_encoding(file: Path) -> None:
    file.write_bytes("a,prénom\n1,André\n".encode("latin-1"))
    assert read(file, "prénom", encoding="latin-1")[0] == [(1, "André")]


def test_rows_that_are_not_in_the_encoding_are_malformed(file: Path) -> None:
    file.write_bytes(b"a,b\n1,Andr\xe9\n2,y\n")
    assert read(file, "a", "b") == ([(2, "2", "y")], [(1, "not valid text in the file's encoding")])


def test_column_names_that_are_not_in_the_encoding_are_refused(file: Path) -> None:
    file.write_bytes("a,prénom\n1,André\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="not valid utf-8 text") as caught:
        read(file, "a")
    assert "latin-1" in caught.value.hint


@pytest.mark.parametrize("encoding", ["no-such", "rot13", "base64"])
def test_an_unknown_encoding_is_refused(file: Path, encoding: str) -> None:
    file.write_bytes(b"a,b\n1,x\n")
    with pytest.raises(DatasetError, match=r"table\.csv cannot be read"):
        read(file, "a", encoding=encoding)


def test_bytes_outside_a_narrow_encoding_are_refused_not_a_crash(file: Path) -> None:
    file.write_bytes(b"a,b\n1,\x81\n")
    with pytest.raises(DatasetError, match=r"table\.csv cannot be read"):
        read(file, "a", "b", encoding="cp1252")


def test_a_compressed_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n" + b"1,x\n" * 50_000)[:-30])
    with pytest.raises(DatasetError, match=r"table\.csv\.gz cannot be read"):
        read(file, "a")


@pytest.mark.parametrize("name", ["table.parquet", "table.csv.gz"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"a,b\n1,x\n")
    with pytest.raises(DatasetError, match="cannot be read"):
        read(tmp_path / name, "a")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(DatasetError, match=r"table\.csv"):
        read(tmp_path / "table.csv", "a")


def test_columns_named_twice_are_refused(file: Path) -> None:
    file.write_bytes(b"a,b,a\n1,x,2\n")
    with pytest.raises(DatasetError, match="names the columns a more than once"):
        read(file, "a")


def test_parquet_keeps_types_and_counts_rows(tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    table = pa.table({"b": ["x", "y", "z"], "a": pa.array([1, None, 3], pa.int64())})
    pq.write_table(table, file, row_group_size=2)
    assert read(file, "a", "b") == ([(1, 1, "x"), (2, None, "y"), (3, 3, "z")], [])


def test_parquet_without_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "table.parquet")
    assert read(tmp_path / "table.parquet", "a") == ([], [])


def test_parquet_that_keeps_text_as_bytes(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [b"x", b"\xff", b"z"]}), tmp_path / "table.parquet")
    good, malformed = read(tmp_path / "table.parquet", "a")
    assert good == [(1, "x"), (3, "z")]
    assert malformed == [(2, "not valid text in the file's encoding")]


def test_parquet_columns_of_lists_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"who": [["a", "b"]], "when": ["2024-01-01"]}), tmp_path / "table.parquet")
    source = InteractionsSource(type="PURCHASED", path="table.parquet", customer="who", at="when")
    with pytest.raises(DatasetError, match=r"'who'.*customer.*list"):
        open_files(source, tmp_path, "[[interactions]]")


def test_a_pattern_names_files_in_alphabetical_order(tmp_path: Path) -> None:
    for name in ("orders-2.csv", "orders-1.csv", "other.csv"):
        (tmp_path / name).write_bytes(b"a\n1\n")
    assert [f.name for f in open_files(Source(path="orders-*.csv"), tmp_path, "[x]")] == [
        "orders-1.csv",
        "orders-2.csv",
    ]


SOURCE = InteractionsSource(
    type="PURCHASED", path="orders*.csv", customer="customer_id", at="ordered_at", amount="total"
)


def test_a_missing_column_is_named_with_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "orders-1.csv").write_bytes(b"customer_id,ordered_at,total\n")
    (tmp_path / "orders-2.csv").write_bytes(b"customer_id,order_at,total\n")
    with pytest.raises(DatasetError) as caught:
        open_files(SOURCE, tmp_path, "[[interactions]] PURCHASED")
    assert caught.value.message == (
        f"{tmp_path / 'orders-2.csv'} has no column 'ordered_at', which [[interactions]] PURCHASED names as at. "
        "It has: customer_id, order_at, total."
    )
    assert caught.value.hint == "Did you mean 'order_at'?"


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "order.csv").write_bytes(b"a\n")
    with pytest.raises(DatasetError) as caught:
        open_files(Source(path="orders.csv"), tmp_path, "[x]")
    assert "'orders.csv'" in caught.value.message
    assert caught.value.hint == "Did you mean 'order.csv'?"


@pytest.mark.parametrize("path", ["package:no_such_package/a.csv", "package:no_such.part/a.csv", "package:"])
def test_a_package_that_is_not_installed(tmp_path: Path, path: str) -> None:
    with pytest.raises(DatasetError, match="not installed"):
        open_files(Source(path=path), tmp_path, "[x]")


def clean(values: Any, kind: pa.DataType | None = None) -> list[str | None]:
    return clean_text(pa.chunked_array([pa.array(values, kind)])).to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([" a ", "", "  ", None, "\u00a0b"], pa.string(), ["a", None, None, None, "b"]),
        ([17, None, -3], pa.int64(), ["17", None, "-3"]),
        ([17.0, None, 17.5], pa.float64(), ["17", None, "17.5"]),
        ([float(2**53), 1e22], pa.float64(), ["9007199254740992", "1e+22"]),
        ([16777216.0], pa.float32(), ["16777216"]),
        ([True], pa.bool_(), ["true"]),
        ([None, None], pa.null(), [None, None]),
        (["a", "a", None], pa.dictionary(pa.int32(), pa.string()), ["a", "a", None]),
    ],
)
def test_values_as_text(values: list[Any], kind: pa.DataType, expected: list[str | None]) -> None:
    assert clean(values, kind) == expected


def test_a_number_that_is_none_is_no_text() -> None:
    assert clean(np.array([17.0, np.nan])) == ["17", None]


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1))
def test_an_id_is_the_same_whether_its_column_came_as_integers_or_floats(ids: list[int]) -> None:
    assert clean([float(each) for each in ids] + [0.5], pa.float64())[:-1] == clean(ids, pa.int64())
