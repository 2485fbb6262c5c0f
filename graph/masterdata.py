"""The customers, products and campaigns tables of a data set: small enough to be held whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graph.dataset import CampaignsSource, CustomersSource, ProductsSource
from graph.model import (
    CAMPAIGN_SCHEMA,
    CATEGORY_SCHEMA,
    CUSTOMER_SCHEMA,
    PRODUCT_SCHEMA,
    PROPERTY_SCHEMA,
    TIMESTAMP,
)
from graph.reading import TableFile, clean_text, read_batches
from graph.validation import Checks, Refusal, parse_numbers, parse_times, refuse_reserved


@dataclass
class MasterData:
    """What the master tables say; ids unique, the last row of an id stands."""

    customers: pa.Table = field(default_factory=CUSTOMER_SCHEMA.empty_table)
    products: pa.Table = field(default_factory=PRODUCT_SCHEMA.empty_table)
    categories: pa.Table = field(default_factory=CATEGORY_SCHEMA.empty_table)
    campaigns: pa.Table = field(default_factory=CAMPAIGN_SCHEMA.empty_table)
    properties: dict[str, pa.Table] = field(default_factory=dict)
    rows_read: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def campaign_starts(self) -> dict[str, int]:
        """Epoch milliseconds at which each campaign with a start begins."""
        starts = self.campaigns["start"].cast(pa.int64()).to_pylist()
        return {
            name: start
            for name, start in zip(self.campaigns["id"].to_pylist(), starts, strict=True)
            if start is not None
        }


def read_masterdata(
    customers: Sequence[TableFile], products: Sequence[TableFile], campaigns: Sequence[TableFile], timezone: str
) -> MasterData:
    """Read, check and normalise the master tables."""
    data = MasterData()
    properties: dict[str, list[pd.DataFrame]] = {"Customer": [], "Product": [], "Campaign": []}
    _read_customers(customers, timezone, data, properties["Customer"])
    _read_products(products, data, properties["Product"])
    _read_campaigns(campaigns, timezone, data, properties["Campaign"])
    data.properties = {label: _property_table(frames) for label, frames in properties.items()}
    return data


def _frames(
    files: Sequence[TableFile], data: MasterData, text: dict[str, str], times: dict[str, str], numbers: dict[str, str],
    timezone: str = "UTC",
) -> pd.DataFrame:  # fmt: skip
    """All files' rows with parsed columns, keyed by `id`; rows without an id or with a bad value are refused."""
    frames = [_no_rows(text, times, numbers)]
    for file in files:
        wanted = list(dict.fromkeys([*text.values(), *times.values(), *numbers.values()]))
        for batch in read_batches(file, wanted):
            checks = Checks(file.name, batch.rows)
            checks.malformed(batch)
            columns = {name: clean_text(batch.table[column]).to_pandas() for name, column in text.items()}
            checks.refuse(columns["id"].isna().to_numpy(), text["id"], "the id is empty", None)
            if isinstance(file.source, ProductsSource):
                refuse_reserved(pa.chunked_array([pa.array(columns["id"], pa.string())]), checks, text["id"])
            optional = np.zeros(len(batch.table), bool)
            for name, column in times.items():
                parsed = parse_times(batch.table[column], checks, column, timezone, required=optional)
                columns[name] = parsed.to_pandas().astype("datetime64[ms]")
            for name, column in numbers.items():
                columns[name] = parse_numbers(batch.table[column], checks, column, file.source.decimal).to_pandas()
            frames.append(pd.DataFrame(columns)[~checks.bad])
            data.refusals += checks.refusals
            data.rows_read[file.name] += len(batch.table) + len(batch.malformed)
    if not frames:  # files of a header without rows
        kinds = (
            dict.fromkeys(text, "object") | dict.fromkeys(times, "datetime64[ms]") | dict.fromkeys(numbers, "float64")
        )
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    return pd.concat(frames, ignore_index=True)


def _no_rows(text: dict[str, str], times: dict[str, str], numbers: dict[str, str]) -> pd.DataFrame:
    """The columns of a table in which nothing stands."""
    kinds = dict.fromkeys(text, "object") | dict.fromkeys(times, "datetime64[ms]") | dict.fromkeys(numbers, "float64")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _last_of_each(frame: pd.DataFrame, data: MasterData, what: str) -> pd.DataFrame:
    repeated = frame.duplicated("id", keep="last")
    if repeated.any():
        data.notes[f"{what} rows whose id came again (the last one stands)"] += int(repeated.sum())
    return frame[~repeated]


def _read_customers(
    files: Sequence[TableFile], timezone: str, data: MasterData, properties: list[pd.DataFrame]
) -> None:
    if not files:
        return
    source = files[0].source
    if not isinstance(source, CustomersSource):
        raise TypeError(type(source))
    text = {"id": source.id} | {f"property {name}": name for name in source.properties}
    if source.region:
        text["property region"] = source.region
    named = {"valid_from": source.valid_from, "opened": source.opened, "closed": source.closed}
    times = {name: column for name, column in named.items() if column}
    frame = _frames(files, data, text, times, {}, timezone)
    valid_from = frame["valid_from"] if source.valid_from else pd.Series(pd.NaT, index=frame.index)
    if not source.valid_from:
        frame = _last_of_each(frame, data, "customer")
    for column in text:
        if column.startswith("property "):
            properties.append(_long(frame, column, column.removeprefix("property "), valid_from))
    for name in ("opened", "closed"):  # these date themselves: each is known from the day it names
        if name in times:
            dated = frame.assign(value=frame[name].dt.strftime("%Y-%m-%dT%H:%M:%S"))
            properties.append(_long(dated, "value", name, frame[name]).drop_duplicates(["owner", "name"], keep="last"))
    data.customers = pa.table({"id": pa.array(frame["id"].unique(), pa.string())})


def _read_products(files: Sequence[TableFile], data: MasterData, properties: list[pd.DataFrame]) -> None:
    if not files:
        return
    source = files[0].source
    if not isinstance(source, ProductsSource):
        raise TypeError(type(source))
    text = {"id": source.id} | {f"level {number}": column for number, column in enumerate(source.category)}
    text |= {name: column for name, column in (("name", source.name), ("brand", source.brand)) if column}
    text |= {f"property {name}": name for name in source.properties}
    frame = _last_of_each(
        _frames(files, data, text, {}, {"price": source.price} if source.price else {}), data, "product"
    )
    for name in source.properties:
        properties.append(_long(frame, f"property {name}", name, pd.Series(pd.NaT, index=frame.index)))
    levels = [frame[f"level {number}"] for number in range(len(source.category))]
    path, data.categories = _category_paths(levels, frame.index)
    columns = {
        "id": frame["id"], "name": frame.get("name"), "price": frame.get("price"), "category": path,
        "brand": frame.get("brand"), "stub": pd.Series(False, index=frame.index),
    }  # fmt: skip
    data.products = pa.table(
        {
            f.name: pa.nulls(len(frame), f.type)
            if columns[f.name] is None
            else pa.Array.from_pandas(columns[f.name], type=f.type)
            for f in PRODUCT_SCHEMA
        }
    )


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


def _read_campaigns(
    files: Sequence[TableFile], timezone: str, data: MasterData, properties: list[pd.DataFrame]
) -> None:
    if not files:
        return
    source = files[0].source
    if not isinstance(source, CampaignsSource):
        raise TypeError(type(source))
    text = {"id": source.id} | {f"property {name}": name for name in source.properties}
    times = {name: column for name, column in (("start", source.start), ("end", source.end)) if column}
    frame = _last_of_each(_frames(files, data, text, times, {}, timezone), data, "campaign")
    start = frame["start"] if source.start else pd.Series(pd.NaT, index=frame.index)
    for name in source.properties:
        properties.append(_long(frame, f"property {name}", name, start))
    columns = {"id": pa.Array.from_pandas(frame["id"], type=pa.string())}
    for name in ("start", "end"):
        columns[name] = (
            pa.Array.from_pandas(frame[name], type=TIMESTAMP) if name in times else pa.nulls(len(frame), TIMESTAMP)
        )
    data.campaigns = pa.table(columns, schema=CAMPAIGN_SCHEMA)


def _long(frame: pd.DataFrame, column: str, name: str, valid_from: pd.Series) -> pd.DataFrame:
    """One row per owner with a value."""
    long = pd.DataFrame(
        {"owner": frame["id"], "name": name, "value": frame[column], "valid_from": valid_from.reindex(frame.index)}
    )
    return long[long["value"].notna()]


def _property_table(frames: list[pd.DataFrame]) -> pa.Table:
    if not frames:
        return PROPERTY_SCHEMA.empty_table()
    whole = pd.concat([each.astype({"valid_from": "datetime64[ms]"}) for each in frames], ignore_index=True)
    whole = whole.drop_duplicates(["owner", "name", "valid_from"], keep="last")
    table = pa.Table.from_pandas(whole, schema=PROPERTY_SCHEMA, preserve_index=False)
    return table.filter(pc.is_valid(table["owner"]))
