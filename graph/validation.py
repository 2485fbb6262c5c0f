"""From a batch as read to rows that the graph can hold: text trimmed, numbers and times parsed, the rest refused.

Nothing good is lost with something bad: a refused row is named with its column and reason, and the others go on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graph.dataset import InteractionsSource
from graph.model import CAMPAIGN_INTERACTIONS, INTERACTION_PROPERTIES, INTERACTION_SCHEMA, NO_PRODUCT, TIMESTAMP
from graph.reading import ReadBatch, clean_text
from graph.snapshot import Int64Array

BoolArray = npt.NDArray[np.bool_]

_EARLIEST, _LATEST = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")


@dataclass(frozen=True)
class Refusal:
    """Why a row was refused. `row` counts from 1 after the header; `value` is what stood there."""

    file: str
    row: int
    column: str
    reason: str
    value: str


@dataclass(eq=False)
class Checks:
    """Collects refusals while the columns of one batch are parsed."""

    file: str
    rows: Int64Array
    refusals: list[Refusal] = field(default_factory=list)
    bad: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.rows), bool)

    def refuse(self, where: BoolArray, column: str, reason: str, values: pa.ChunkedArray | None) -> None:
        """Refuse the rows that `where` marks; a row is refused once, for the first reason found."""
        for at in np.flatnonzero(where & ~self.bad):
            value = "" if values is None else values[int(at)].as_py()
            shown = "" if value is None else str(value)[:200]
            self.refusals.append(Refusal(self.file, int(self.rows[at]), column, reason, shown))
        self.bad |= where

    def malformed(self, batch: ReadBatch) -> None:
        """Note the lines that were no rows."""
        self.refusals += [Refusal(self.file, row, "", f"malformed line: {reason}", "") for row, reason in batch.malformed]


@dataclass(frozen=True, eq=False)
class CheckedInteractions:
    """What became of a batch of interactions.

    Attributes:
        by_type: Good rows by relationship type (a purchase line with negative quantity is under `RETURNED`), with
            `INTERACTION_SCHEMA` (ids still null where the source has none) and `row`.
        refusals: The refused rows.
        guests: Rows without a customer, left out.
        notes: Counts of what was loaded but is worth telling.
    """

    by_type: dict[str, pa.Table]
    refusals: list[Refusal]
    guests: int
    notes: Counter[str]


def check_interactions(
    batch: ReadBatch, source: InteractionsSource, file: str, timezone: str, campaign_start: dict[str, int]
) -> CheckedInteractions:
    """Parse and check one batch of interactions.

    Args:
        batch: As read.
        source: What its columns mean.
        file: Name of its file, for refusals.
        timezone: Of times that carry none.
        campaign_start: Epoch milliseconds by campaign id, for contacts without a time of their own.
    """
    table, count = batch.table, len(batch.table)
    checks = Checks(file, batch.rows)
    checks.malformed(batch)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    customer = clean_text(table[source.customer])
    guest = pc.is_null(customer).to_numpy()
    columns["customer"] = customer
    columns["target"] = _target(table, source, checks, guest)
    if source.at:
        columns["at"] = parse_times(table[source.at], checks, source.at, timezone, source.at_format, required=~guest)
    else:
        start = pa.array([campaign_start.get(each) for each in columns["target"].to_pylist()], pa.int64())
        missing = pc.is_null(start).to_numpy(zero_copy_only=False)
        reason = "the campaign is not in the campaigns table, so that its start is unknown"
        checks.refuse(missing & ~guest, source.campaign or "", reason, columns["target"])
        columns["at"] = start.cast(TIMESTAMP)
    if source.known_at:
        columns["known_at"] = parse_times(
            table[source.known_at], checks, source.known_at, timezone, source.at_format, required=np.zeros(count, bool)
        )
    for name in ("quantity", "amount", "rating"):
        if column := getattr(source, name):
            columns[name] = parse_numbers(table[column], checks, column, source.decimal)
    if source.discount:
        parts = [parse_numbers(table[column], checks, column, source.decimal) for column in source.discount]
        total = pc.fill_null(parts[0], 0.0)
        for part in parts[1:]:
            total = pc.add(total, pc.fill_null(part, 0.0))
        columns["discount"] = total
    for name in ("order_id", "channel", "treatment"):
        if column := getattr(source, name):
            columns[name] = clean_text(table[column])
    if source.id:
        given = clean_text(table[source.id])
        checks.refuse(pc.is_null(given).to_numpy() & ~guest, source.id, "the id is empty", None)
        columns["id"] = pc.binary_join_element_wise(pa.scalar(source.id_prefix), given, "")
    for name, kind in INTERACTION_PROPERTIES.items():
        columns.setdefault(name, pa.nulls(count, kind))
    checked = pa.table({name: columns[name] for name in INTERACTION_SCHEMA.names}, schema=INTERACTION_SCHEMA)
    checked = checked.append_column("row", pa.array(batch.rows, pa.int64()))
    good = checked.filter(pa.array(~(checks.bad | guest)))
    by_type, notes = _split_returns(good, source.type)
    return CheckedInteractions(by_type, checks.refusals, int(guest.sum()), notes)


def _target(table: pa.Table, source: InteractionsSource, checks: Checks, guest: BoolArray) -> pa.ChunkedArray:
    if source.target is None:
        return pa.chunked_array([pa.array([NO_PRODUCT] * len(table), pa.string())])
    target = clean_text(table[source.target])
    what = "campaign" if source.type in CAMPAIGN_INTERACTIONS else "product"
    checks.refuse(pc.is_null(target).to_numpy() & ~guest, source.target, f"the {what} id is empty", None)
    return target


def _split_returns(table: pa.Table, relationship: str) -> tuple[dict[str, pa.Table], Counter[str]]:
    """A purchase line with negative quantity (negative amount, where quantity is unknown) is a return."""
    notes: Counter[str] = Counter()
    if relationship not in ("PURCHASED", "RETURNED"):
        return {relationship: table}, notes
    sign = pc.fill_null(pc.coalesce(table["quantity"], table["amount"]), 0.0)
    negative = pc.less(sign, 0.0)
    positive_figures = table
    for name in ("quantity", "amount", "discount"):
        index = positive_figures.column_names.index(name)
        positive_figures = positive_figures.set_column(index, name, pc.abs(table[name]))
    if relationship == "RETURNED":
        return {"RETURNED": positive_figures}, notes
    returned = positive_figures.filter(negative)
    kept = table.filter(pc.invert(negative))
    notes["purchase lines with negative quantity, loaded as RETURNED"] = len(returned)
    notes["purchase lines with zero quantity"] = pc.sum(pc.equal(kept["quantity"], 0.0)).as_py() or 0
    notes["purchase lines with negative amount"] = pc.sum(pc.less(kept["amount"], 0.0)).as_py() or 0
    return {"PURCHASED": kept, "RETURNED": returned}, +notes


def parse_numbers(column: pa.ChunkedArray, checks: Checks, name: str, decimal: str = ".") -> pa.Array:
    """A column as finite numbers; null where it is empty, refused where it is not a number or not finite."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
        present = pc.is_valid(column).to_numpy() & ~np.isnan(values)
        not_a_number = np.zeros(len(values), bool)
    else:
        text = clean_text(column)
        if decimal == ",":
            text = pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")
        present = pc.is_valid(text).to_numpy()
        values = pd.to_numeric(pd.Series(text.to_numpy()), errors="coerce").to_numpy(np.float64)
        not_a_number = present & np.isnan(values)
    checks.refuse(not_a_number, name, "not a number", column)
    checks.refuse(np.isinf(values), name, "not finite", column)
    return pa.array(values, pa.float64(), mask=~present | not_a_number)


def parse_times(
    column: pa.ChunkedArray,
    checks: Checks,
    name: str,
    timezone: str,
    at_format: str | None = None,
    *,
    required: BoolArray,
) -> pa.Array:
    """A column as UTC timestamps of whole milliseconds.

    Text is ISO 8601 unless `at_format` says otherwise; a time with an offset keeps its instant, one without is taken
    in `timezone` (an hour that occurs twice is the earlier, one that is skipped moves forward). Refused: what does
    not parse, what lies outside 1900 to 2199, and, where `required`, what is empty.
    """
    text_like = not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type))
    values = clean_text(column) if text_like else column
    present = pc.is_valid(values).to_numpy()
    if not text_like:
        stamps = pd.Series(pd.to_datetime(column.cast(pa.timestamp("us")) .to_pandas()))
        if pa.types.is_timestamp(column.type) and column.type.tz is not None:
            stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None) if stamps.dt.tz is not None else stamps
        else:
            stamps = _to_utc(stamps, timezone)
    else:
        stamps = _parse_text(pd.Series(values.to_numpy()), timezone, at_format)
    parsed = stamps.notna().to_numpy()
    checks.refuse(required & ~present, name, "the time is empty", None)
    checks.refuse(present & ~parsed, name, "not a time", column)
    outside = parsed & ((stamps < _EARLIEST) | (stamps >= _LATEST)).to_numpy()
    checks.refuse(outside, name, "the time lies outside 1900 to 2199", column)
    milliseconds = stamps.to_numpy().astype("datetime64[ms]").astype(np.int64)
    return pa.array(milliseconds, pa.int64(), mask=~parsed).cast(TIMESTAMP)


def _parse_text(text: pd.Series, timezone: str, at_format: str | None) -> pd.Series:
    if at_format in ("epoch_s", "epoch_ms"):
        number = pd.to_numeric(text, errors="coerce")
        number = number.where(np.isfinite(number) & (number.abs() < 1e14))
        return pd.to_datetime(number * (1000 if at_format == "epoch_s" else 1), unit="ms", errors="coerce")
    wanted = at_format or "ISO8601"
    if at_format is not None and "%z" not in at_format:
        return _to_utc(pd.to_datetime(text, format=wanted, errors="coerce"), timezone)
    offset = text.str.contains(r"(?:[Zz]|[+-]\d\d:?\d\d)$", regex=True, na=False) & text.str.contains(":", na=False)
    local = _to_utc(pd.to_datetime(text.where(~offset), format=wanted, errors="coerce"), timezone)
    if not offset.any():
        return local
    absolute = pd.to_datetime(text.where(offset), format=wanted, errors="coerce", utc=True).dt.tz_localize(None)
    return local.where(~offset, absolute)


def _to_utc(stamps: pd.Series, timezone: str) -> pd.Series:
    if timezone == "UTC" or not len(stamps):
        return stamps
    first = np.ones(len(stamps), bool)  # of an hour that occurs twice, the first: still in summer time
    located = stamps.dt.tz_localize(ZoneInfo(timezone), ambiguous=first, nonexistent="shift_forward")
    return located.dt.tz_convert("UTC").dt.tz_localize(None)
