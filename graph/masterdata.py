"""The customers, products and campaigns tables of a data set: small enough to be held whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.dataset import CampaignsSource, CustomersSource, ProductsSource
from graph.erasure import ErasedCustomers
from graph.hashes import surely_differ
from graph.model import (
    CAMPAIGN_SCHEMA,
    CATEGORY_SCHEMA,
    CUSTOMER_SCHEMA,
    PRODUCT_SCHEMA,
    PROPERTY_OWNERS,
    PROPERTY_SCHEMA,
    TIMESTAMP,
)
from graph.reading import ReadBatch, TableFile, clean_text, read_batches
from graph.store import Progress, no_progress
from graph.validation import Checks, Refusal, parse_numbers, parse_times, refuse_reserved


@dataclass
class MasterData:
    """What the master tables say; ids unique, the last row of an id stands."""

    customers: pa.Table = field(default_factory=CUSTOMER_SCHEMA.empty_table)
    products: pa.Table = field(default_factory=PRODUCT_SCHEMA.empty_table)
    categories: pa.Table = field(default_factory=CATEGORY_SCHEMA.empty_table)
    campaigns: pa.Table = field(default_factory=CAMPAIGN_SCHEMA.empty_table)
    properties: dict[str, pa.Table] = field(
        default_factory=lambda: {label: PROPERTY_SCHEMA.empty_table() for label in PROPERTY_OWNERS}
    )
    rows_read: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    erased: int = 0

    def campaign_starts(self) -> dict[str, int]:
        """Epoch milliseconds at which each campaign with a start begins."""
        starts = self.campaigns["start"].cast(pa.int64()).to_pylist()
        return {
            name: start
            for name, start in zip(self.campaigns["id"].to_pylist(), starts, strict=True)
            if start is not None
        }

    def write(self, directory: Path) -> None:
        """Lay the tables down as Parquet files."""
        for name, table in self._tables().items():
            pq.write_table(table, directory / f"{name}.parquet", compression="lz4")

    @staticmethod
    def read(directory: Path) -> MasterData:
        """The tables that `write` has laid down."""
        found = {
            name: pq.read_table(directory / f"{name}.parquet", partitioning=None).cast(table.schema)
            for name, table in MasterData()._tables().items()
        }
        properties = {label: found.pop(f"properties of {label}") for label in PROPERTY_OWNERS}
        return MasterData(**found, properties=properties)

    def _tables(self) -> dict[str, pa.Table]:
        properties = {f"properties of {label}": table for label, table in self.properties.items()}
        nodes = {name: getattr(self, name) for name in ("customers", "products", "categories", "campaigns")}
        return nodes | properties


def read_masterdata(
    customers: Sequence[TableFile],
    products: Sequence[TableFile],
    campaigns: Sequence[TableFile],
    timezone: str,
    erased: ErasedCustomers,
    progress: Progress = no_progress,
) -> MasterData:
    """Read, check and normalise the master tables; rows of erased customers are left out."""
    data = MasterData()
    reader = _Reader(data, timezone, erased, progress)
    properties = {
        "Customer": _read_customers(customers, reader),
        "Product": _read_products(products, reader),
        "Campaign": _read_campaigns(campaigns, reader),
    }
    data.properties = {label: _property_table(tables) for label, tables in properties.items()}
    return data


@dataclass(frozen=True)
class _Reader:
    """Reads master tables and counts in `data` what became of their rows."""

    data: MasterData
    timezone: str
    erased: ErasedCustomers
    progress: Progress

    def table(
        self,
        files: Sequence[TableFile],
        text: Mapping[str, str],
        times: Mapping[str, str] | None = None,
        numbers: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """All files' rows with parsed columns, keyed by `id`; rows without an id or with a bad value are refused."""
        times, numbers = times or {}, numbers or {}
        schema = pa.schema(
            [(name, pa.string()) for name in text]
            + [(name, TIMESTAMP) for name in times]
            + [(name, pa.float64()) for name in numbers]
        )
        wanted = list(dict.fromkeys([*text.values(), *times.values(), *numbers.values()]))
        tables = [schema.empty_table()]
        for file in files:
            size = max(1, file.path.stat().st_size)
            for batch in read_batches(file, wanted):
                tables.append(self._checked(file, batch, text, times, numbers).cast(schema))
                self.data.rows_read[file.name] += len(batch.table) + len(batch.malformed)
                self.progress(f"reading {file.name}", min(1.0, batch.bytes_read / size))
        return pa.concat_tables(tables)

    def _checked(
        self,
        file: TableFile,
        batch: ReadBatch,
        text: Mapping[str, str],
        times: Mapping[str, str],
        numbers: Mapping[str, str],
    ) -> pa.Table:
        checks = Checks(file.name, batch.rows)
        checks.malformed(batch)
        columns: dict[str, pa.Array | pa.ChunkedArray]
        columns = {name: clean_text(batch.table[column]) for name, column in text.items()}
        if isinstance(file.source, CustomersSource):
            checks.left_out = self.erased.find(columns["id"])
            self.data.erased += int(checks.left_out.sum())
        checks.refuse(pc.is_null(columns["id"]).to_numpy(), text["id"], "the id is empty", None)
        if isinstance(file.source, ProductsSource):
            refuse_reserved(columns["id"], checks, text["id"])
        optional = np.zeros(len(batch.table), bool)
        for name, column in times.items():
            columns[name] = parse_times(batch.table[column], checks, column, self.timezone, required=optional)
        for name, column in numbers.items():
            columns[name] = parse_numbers(batch.table[column], checks, column, file.source.decimal)
        self.data.refusals += checks.refusals
        return pa.table(columns).filter(pa.array(~(checks.bad | checks.left_out)))

    def once(self, table: pa.Table, what: str) -> pa.Table:
        """The last row of each id."""
        found = _last_of_each(table, ["id"])
        if len(found) < len(table):
            self.data.notes[f"{what} rows whose id came again (the last one stands)"] += len(table) - len(found)
        return found


def _last_of_each(table: pa.Table, keys: list[str]) -> pa.Table:
    """The last of the rows that are equal in the keys, in the order of the table."""
    if surely_differ(table.select(keys)):
        return table
    numbered = table.select(keys).append_column("row", pa.array(np.arange(len(table))))
    last = numbered.group_by(keys, use_threads=False).aggregate([("row", "max")])["row_max"]
    return table if len(last) == len(table) else table.take(last.take(pc.sort_indices(last)))


def _read_customers(files: Sequence[TableFile], reader: _Reader) -> list[pa.Table]:
    """Fills in the customers; returns their properties."""
    if not files:
        return []
    source = files[0].source
    if not isinstance(source, CustomersSource):
        raise TypeError(type(source))
    text = {"id": source.id} | {f"property {name}": name for name in source.properties}
    if source.region:
        text["property region"] = source.region
    named = {"valid_from": source.valid_from, "opened": source.opened, "closed": source.closed}
    times = {name: column for name, column in named.items() if column}
    table = reader.table(files, text, times)
    if not source.valid_from:
        table = reader.once(table, "customer")
    properties = [
        _long(
            table, column.removeprefix("property "), table[column], table["valid_from"] if source.valid_from else None
        )
        for column in text
        if column.startswith("property ")
    ]
    for name in ("opened", "closed"):  # these date themselves: each is known from the day it names
        if name in times:
            dated = _long(table, name, _as_text(table[name]), table[name])
            properties.append(_last_of_each(dated, ["owner"]))
    reader.data.customers = pa.table({"id": pc.unique(table["id"])})
    return properties


def _as_text(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times to the second; each that occurs is written once."""
    encoded = pc.floor_temporal(times, unit="second").cast(pa.timestamp("s")).combine_chunks().dictionary_encode()
    written = pc.strftime(encoded.dictionary, format="%Y-%m-%dT%H:%M:%S")
    return pa.chunked_array([written.take(encoded.indices)], pa.string())


def _read_products(files: Sequence[TableFile], reader: _Reader) -> list[pa.Table]:
    """Fills in the products and categories; returns the products' properties."""
    if not files:
        return []
    source = files[0].source
    if not isinstance(source, ProductsSource):
        raise TypeError(type(source))
    text = {"id": source.id} | {f"level {number}": column for number, column in enumerate(source.category)}
    text |= {name: column for name, column in (("name", source.name), ("brand", source.brand)) if column}
    text |= {f"property {name}": name for name in source.properties}
    numbers = {"price": source.price} if source.price else {}
    table = reader.once(reader.table(files, text, numbers=numbers), "product")
    levels = [table[f"level {number}"].to_pandas() for number in range(len(source.category))]
    path, reader.data.categories = _category_paths(levels, pd.RangeIndex(len(table)))
    columns = {name: table[name] for name in ("id", "name", "price", "brand") if name in table.column_names}
    columns |= {"category": pa.array(path, pa.string()), "stub": pa.array(np.zeros(len(table), bool))}
    reader.data.products = _filled_in(columns, PRODUCT_SCHEMA, len(table))
    return [_long(table, name, table[f"property {name}"], None) for name in source.properties]


def _category_paths(levels: list[pd.Series], index: pd.Index) -> tuple[pd.Series, pa.Table]:
    """Each product's innermost category, and all categories with their parents.

    A path joins the levels by `/`; a `/` inside a level's name becomes `%2F`, so that paths stay unambiguous. A
    missing level ends the path.
    """
    path = pd.Series(None, index=index, dtype=object)
    going = pd.Series(True, index=index)
    found: list[pd.DataFrame] = []
    for number, level in enumerate(levels):
        going &= level.notna()
        part = level[going].str.replace("%2F", "%252F", regex=False).str.replace("/", "%2F", regex=False)
        parent = path[going]
        path[going] = part if number == 0 else parent + "/" + part
        found.append(pd.DataFrame({"id": path[going], "name": level[going], "parent": parent}).drop_duplicates("id"))
    if not found:
        return path, CATEGORY_SCHEMA.empty_table()
    table = pa.Table.from_pandas(pd.concat(found).drop_duplicates("id"), schema=CATEGORY_SCHEMA, preserve_index=False)
    return path, table


def _read_campaigns(files: Sequence[TableFile], reader: _Reader) -> list[pa.Table]:
    """Fills in the campaigns; returns their properties."""
    if not files:
        return []
    source = files[0].source
    if not isinstance(source, CampaignsSource):
        raise TypeError(type(source))
    text = {"id": source.id} | {f"property {name}": name for name in source.properties}
    times = {name: column for name, column in (("start", source.start), ("end", source.end)) if column}
    table = reader.once(reader.table(files, text, times), "campaign")
    columns = {name: table[name] for name in ("id", *times)}
    reader.data.campaigns = _filled_in(columns, CAMPAIGN_SCHEMA, len(table))
    start = table["start"] if source.start else None
    return [_long(table, name, table[f"property {name}"], start) for name in source.properties]


def _filled_in(columns: Mapping[str, pa.Array | pa.ChunkedArray], schema: pa.Schema, rows: int) -> pa.Table:
    """Columns as a schema wants them; those that are missing are null."""
    return pa.table({each.name: columns.get(each.name, pa.nulls(rows, each.type)) for each in schema}).cast(schema)


def _long(table: pa.Table, name: str, value: pa.ChunkedArray, valid_from: pa.ChunkedArray | None) -> pa.Table:
    """One row per owner with a value: `PROPERTY_SCHEMA`."""
    dates = pa.nulls(len(table), TIMESTAMP) if valid_from is None else valid_from
    names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(table), np.int32)), pa.array([name])).cast(pa.string())
    found = pa.table([table["id"], names, value, dates], schema=PROPERTY_SCHEMA)
    return found.filter(pc.is_valid(found["value"]))


def _property_table(tables: list[pa.Table]) -> pa.Table:
    """All properties; of those with the same owner, name and date the last one stands."""
    whole = pa.concat_tables([PROPERTY_SCHEMA.empty_table(), *tables])
    return _last_of_each(whole, ["owner", "name", "valid_from"])
