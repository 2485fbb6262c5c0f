"""From a description to the tables of one load: read, validate, number, and put what is refused into quarantine.

Every missing file and column is found before anything is written. Interactions pass through Parquet files in the
staging directory, so that reading holds one batch at a time.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.dataset import Dataset, InteractionsSource, Source
from graph.identity import content_ids
from graph.masterdata import MasterData, read_masterdata
from graph.model import (
    INTERACTION_SCHEMA,
    INTERACTIONS,
    NO_PRODUCT,
    STORED_INTERACTION_SCHEMA,
    SUPERSEDED_SCHEMA,
    interaction_target,
)
from graph.reading import TableFile, open_files, read_batches
from graph.store import Progress
from graph.tables import GraphTables
from graph.validation import Refusal, check_interactions

#: What makes up the id of an interaction without one of its own (`known_at` may change from export to export).
_IDENTITY = ("customer", "target", "at", "quantity", "amount", "discount", "order_id", "channel", "rating", "treatment")
_STAGED_SCHEMA = INTERACTION_SCHEMA.append(pa.field("row", pa.int64())).append(pa.field("source", pa.int32())).append(
    pa.field("file", pa.int32())
)  # fmt: skip


@dataclass
class StagingReport:
    """Counts of one staging; every row read is in exactly one of loaded-or-known, repeated, guests, quarantined."""

    rows_read: Counter[str] = field(default_factory=Counter)
    guests: int = 0
    repeated: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    ignored_columns: dict[str, list[str]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class OpenDataset:
    """A description whose files and columns are all there."""

    dataset: Dataset
    customers: tuple[TableFile, ...]
    products: tuple[TableFile, ...]
    campaigns: tuple[TableFile, ...]
    interactions: tuple[tuple[InteractionsSource, tuple[TableFile, ...]], ...]

    @property
    def files(self) -> list[TableFile]:
        """All files, in reading order."""
        return [*self.customers, *self.products, *self.campaigns, *(f for _, files in self.interactions for f in files)]


def open_dataset(dataset: Dataset) -> OpenDataset:
    """Find all files and columns of a description.

    Raises:
        DatasetError: At the first one missing, naming the nearest there is.
    """

    def files(source: Source | None, part: str) -> tuple[TableFile, ...]:
        return tuple(open_files(source, dataset.folder, part)) if source else ()

    return OpenDataset(
        dataset,
        files(dataset.customers, "[customers]"),
        files(dataset.products, "[products]"),
        files(dataset.campaigns, "[campaigns]"),
        tuple((each, files(each, f"[[interactions]] {each.type}")) for each in dataset.interactions),
    )


def ignored_columns(opened: OpenDataset) -> dict[str, list[str]]:
    """Columns that no part of the description names, by file."""
    named: dict[Path, set[str]] = {}
    for file in opened.files:
        named.setdefault(file.path, set()).update(file.source.mapped().values())
    ignored = {}
    for file in opened.files:
        if rest := [name for name in file.columns if name not in named[file.path]]:
            ignored[file.name] = rest
    return ignored


def identities(dataset: Dataset) -> dict[str, str]:
    """By source, what makes up its interactions' ids: a change of it would load everything twice."""
    found: dict[str, str] = {}
    for each in dataset.interactions:
        fields = sorted(f"{field}={column}" for field, column in each.mapped().items() if field != "known_at")
        reading = [dataset.timezone, each.at_format or "ISO 8601", f"decimal {each.decimal}"]
        how = f"id {each.id_prefix}".strip() if each.id else ", ".join([*fields, *reading])
        name = f"{each.type} {each.path}"
        found[name] = f"{found[name]}; {how}" if name in found else how
    return found


class Quarantine:
    """The refused rows of one load, as a CSV file that exists only when there are any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()

    def add(self, refusals: list[Refusal]) -> None:
        """Append refused rows."""
        if not refusals:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if is_new:
                writer.writerow(["file", "row", "column", "reason", "value"])
            for each in refusals:
                writer.writerow([each.file, each.row, each.column, each.reason, each.value])
                self.counts[f"{each.column}: {each.reason}" if each.column else each.reason] += 1


def stage(
    opened: OpenDataset, directory: Path, quarantine: Quarantine, sequence: int, progress: Progress
) -> tuple[GraphTables, StagingReport]:
    """Read and validate everything.

    Args:
        opened: From `open_dataset`.
        directory: An empty directory for intermediate files.
        quarantine: Where refused rows go.
        sequence: The load's number, written on each interaction.
        progress: Called with how far reading is.
    """
    report = StagingReport(ignored_columns=ignored_columns(opened))
    dataset = opened.dataset
    master = read_masterdata(opened.customers, opened.products, opened.campaigns, dataset.timezone)
    report.rows_read.update(master.rows_read)
    report.notes.update(master.notes)
    quarantine.add(master.refusals)
    starts = {} if dataset.campaigns is None else master.campaign_starts()
    writers: dict[str, pq.ParquetWriter] = {}
    total = sum(file.path.stat().st_size for _, files in opened.interactions for file in files) or 1
    done = number = 0
    file_names: list[str] = []
    try:
        for source_number, (source, files) in enumerate(opened.interactions):
            for file in files:
                file_names.append(file.name)
                wanted = list(dict.fromkeys(source.mapped().values()))
                for batch in read_batches(file, wanted):
                    checked = check_interactions(batch, source, file.name, dataset.timezone, starts)
                    report.rows_read[file.name] += len(batch.table) + len(batch.malformed)
                    report.guests += checked.guests
                    report.notes.update(checked.notes)
                    quarantine.add(checked.refusals)
                    for name, table in checked.by_type.items():
                        if len(table):
                            _append(writers, directory, name, _with_origin(table, source_number, number))
                    progress(f"reading {file.name}", min(1.0, (done + batch.bytes_read) / total))
                done += file.path.stat().st_size
                number += 1
    finally:
        for writer in writers.values():
            writer.close()
    settled, superseded = {}, []
    for name in INTERACTIONS:
        table = pq.read_table(directory / f"{name}.parquet") if name in writers else _STAGED_SCHEMA.empty_table()
        settled[name], replaced = _number(name, table, file_names, quarantine, report)
        superseded.append(replaced)
    superseded += _settle_kinds(settled, report)
    interactions = {
        name: table.select(INTERACTION_SCHEMA.names).append_column("load", pa.array(np.full(len(table), sequence)))
        for name, table in settled.items()
    }
    report.quarantined = quarantine.counts
    return _assemble(master, interactions, superseded, sequence, report, dataset), report


def _append(writers: dict[str, pq.ParquetWriter], directory: Path, name: str, table: pa.Table) -> None:
    if name not in writers:
        writers[name] = pq.ParquetWriter(directory / f"{name}.parquet", _STAGED_SCHEMA, compression="lz4")
    writers[name].write_table(table)


def _with_origin(table: pa.Table, source: int, file: int) -> pa.Table:
    table = table.append_column("source", pa.array(np.full(len(table), source), pa.int32()))
    return table.append_column("file", pa.array(np.full(len(table), file), pa.int32()))


def _number(
    name: str, table: pa.Table, file_names: list[str], quarantine: Quarantine, report: StagingReport
) -> tuple[pa.Table, pa.Table]:
    """Give ids to the rows without one, and settle repeated ids: the last version, by `known_at`, stands."""
    without = pc.is_null(table["id"])
    unnumbered = table.filter(without)
    if len(unnumbered):
        ids = content_ids(unnumbered.select(_IDENTITY), name)
        unnumbered = unnumbered.set_column(unnumbered.column_names.index("id"), "id", ids)
    numbered = table.filter(pc.invert(without))
    numbered, superseded = _settle(name, numbered, file_names, quarantine, report)
    return pa.concat_tables([unnumbered, numbered]), superseded


def _settle(
    name: str, table: pa.Table, file_names: list[str], quarantine: Quarantine, report: StagingReport
) -> tuple[pa.Table, pa.Table]:
    repeated_ids = pc.value_counts(table["id"])
    twice = repeated_ids.field("values").filter(pc.greater(repeated_ids.field("counts"), 1))
    if not len(twice):
        return table, SUPERSEDED_SCHEMA.empty_table()
    is_repeated = pc.is_in(table["id"], value_set=twice)
    frame = table.filter(is_repeated).to_pandas(date_as_object=False)
    content = [column for column in INTERACTION_SCHEMA.names if column != "known_at"]
    clash = frame["source"] != frame.groupby("id")["source"].transform("min")
    same_as_first = frame.duplicated(content, keep="first")
    other_source = clash & ~same_as_first
    quarantine.add([
        Refusal(file_names[row.file], int(row.row), "id", "the id is used by another source (give `id_prefix`)", row.id)
        for row in frame[other_source].itertuples()
    ])  # fmt: skip
    frame = frame[~other_source]
    frame["order"] = np.arange(len(frame))
    frame = frame.sort_values(["id", "known_at", "order"], na_position="first", kind="stable")
    report.repeated += int(frame.duplicated("id", keep="last").sum())
    frame = frame[~_says_the_same_again(frame, content)]
    frame["next_known_at"] = frame.groupby("id")["known_at"].shift(-1)
    last = ~frame.duplicated("id", keep="last")
    undated_before = frame["known_at"].isna() & frame["next_known_at"].notna()
    older = frame[~last & ((frame["known_at"] < frame["next_known_at"]) | undated_before)]
    settled = pa.Table.from_pandas(frame[last][_STAGED_SCHEMA.names], schema=_STAGED_SCHEMA, preserve_index=False)
    replaced = older.rename(columns={"next_known_at": "superseded_at"}).assign(type=name, load=0)
    kept = pa.Table.from_pandas(replaced[SUPERSEDED_SCHEMA.names], schema=SUPERSEDED_SCHEMA, preserve_index=False)
    return pa.concat_tables([table.filter(pc.invert(is_repeated)), settled]), kept


def _settle_kinds(settled: dict[str, pa.Table], report: StagingReport) -> list[pa.Table]:
    """A line that one source gives as a purchase and as a return, by its sign, is what its last version says."""
    kinds = ("PURCHASED", "RETURNED")
    frames = []
    for name, other in zip(kinds, kinds[::-1], strict=True):
        met = pc.is_in(settled[name]["id"], value_set=settled[other]["id"].combine_chunks())
        frames.append(settled[name].filter(met).to_pandas(date_as_object=False).assign(type=name))
    if not len(frames[0]):
        return []
    both = pd.concat(frames).sort_values(["known_at", "file", "row"], na_position="first", kind="stable")
    pairs = both.groupby(["id", "source"])
    is_former = (pairs["type"].transform("size") == 2) & (pairs.cumcount() == 0)
    both["superseded_at"] = pairs["known_at"].shift(-1)
    former = both[is_former]
    report.repeated += len(former)
    for name in kinds:
        gone = pa.array(former.loc[former["type"] == name, "id"], pa.string())
        settled[name] = settled[name].filter(pc.invert(pc.is_in(settled[name]["id"], value_set=gone)))
    replaced = former[(former["known_at"] < former["superseded_at"])].assign(load=0)
    return [pa.Table.from_pandas(replaced[SUPERSEDED_SCHEMA.names], schema=SUPERSEDED_SCHEMA, preserve_index=False)]


def _says_the_same_again(frame: pd.DataFrame, content: list[str]) -> pd.Series:
    """Rows that repeat the version just before them, which was known first."""
    before = frame[content].shift(1)
    same = (frame[content] == before) | (frame[content].isna() & before.isna())
    return same.all(axis=1)


def _assemble(
    master: MasterData,
    interactions: Mapping[str, pa.Table],
    superseded: list[pa.Table],
    sequence: int,
    report: StagingReport,
    dataset: Dataset,
) -> GraphTables:
    customers = _union(master.customers["id"], *(table["customer"] for table in interactions.values()))
    met = {
        label: _union(*(t["target"] for n, t in interactions.items() if interaction_target(n) == label))
        for label in ("Product", "Campaign")
    }
    products = _with_stubs(master.products, met["Product"])
    campaigns = _with_stubs(master.campaigns, met["Campaign"])
    if dataset.products is not None:
        stubs = products.filter(products["stub"])["id"].combine_chunks()
        lines = sum(pc.sum(pc.is_in(table["target"], value_set=stubs)).as_py() or 0 for table in interactions.values())
        report.notes["products missing from the products table, made as stubs"] += len(stubs)
        report.notes["lines that name such a product"] += lines
        report.notes = +report.notes
    replaced = pa.concat_tables(superseded)
    loads = pa.array(np.full(len(replaced), sequence), pa.int64())
    replaced = replaced.set_column(replaced.column_names.index("load"), "load", loads)
    return GraphTables(
        customers=pa.table({"id": customers}),
        products=products,
        categories=master.categories,
        brands=pa.table({"id": _union(master.products["brand"])}),
        campaigns=campaigns.select(["id", "start", "end"]),
        properties=master.properties,
        interactions={name: table.cast(STORED_INTERACTION_SCHEMA) for name, table in interactions.items()},
        superseded=replaced,
    )


def _with_stubs(table: pa.Table, met: pa.StringArray) -> pa.Table:
    """The table with a bare row for each id that interactions name and it lacks; the reserved product is no stub."""
    missing = met.filter(pc.invert(pc.is_in(met, value_set=table["id"].combine_chunks())))
    columns = {field.name: pa.nulls(len(missing), field.type) for field in table.schema} | {"id": missing}
    if "stub" in columns:
        columns["stub"] = pc.not_equal(missing, NO_PRODUCT)
    return pa.concat_tables([table, pa.table(columns, schema=table.schema)])


def _union(*columns: pa.ChunkedArray) -> pa.StringArray:
    parts = [pc.unique(column.drop_null()) for column in columns]
    parts = [part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part for part in parts]
    return pc.unique(pa.concat_arrays([part.cast(pa.string()) for part in parts]))
