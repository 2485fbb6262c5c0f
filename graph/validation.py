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

from graph.dataset import EPOCH_FORMATS, InteractionsSource
from graph.erasure import ErasedCustomers
from graph.model import CAMPAIGN_INTERACTIONS, INTERACTION_PROPERTIES, INTERACTION_SCHEMA, NO_PRODUCT, TIMESTAMP
from graph.reading import ReadBatch, clean_text
from graph.snapshot import Int64Array

BoolArray = npt.NDArray[np.bool_]

_EARLIEST, _LATEST = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")
# Epoch milliseconds in the years 1653 and 2286: outside the bounds, yet within any calendar.
_FAR_PAST, _FAR_FUTURE = -(10**13), 10**13
#: An amount made of quantity and price is kept to so many decimals: 3 × 2.55 is 7.65 and not 7.6499999999999995.
_DECIMALS = 6
_OFFSET = r"(?:Z|z|\+\d\d(?::?\d\d)?|(?:[T ]\d\d.*|\d{4}-\d\d-\d\d)-\d\d(?::?\d\d)?)$"
_DECIMAL_COMMA = r"^[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)?(?:,\d*)?(?:[eE][+-]?\d+)?$"


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
    left_out: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.rows), bool)
        self.left_out = np.zeros(len(self.rows), bool)

    def refuse(self, where: BoolArray, column: str, reason: str, values: pa.ChunkedArray | None) -> None:
        """Refuse the rows that `where` marks and that are not left out, each once, for the first reason found."""
        where = where & ~self.left_out
        for at in np.flatnonzero(where & ~self.bad):
            shown = "" if values is None else _shown(values[int(at)])
            self.refusals.append(Refusal(self.file, int(self.rows[at]), column, reason, shown))
        self.bad |= where

    def malformed(self, batch: ReadBatch) -> None:
        """Note the lines that were no rows."""
        self.refusals += [
            Refusal(self.file, row, "", f"malformed line: {reason}", "") for row, reason in batch.malformed
        ]


def _shown(value: pa.Scalar) -> str:
    try:
        plain = value.as_py()
    except (OverflowError, ValueError):  # a time that no calendar reaches
        plain = value.value
    return "" if plain is None else str(plain)[:200]


@dataclass(frozen=True, eq=False)
class CheckedInteractions:
    """What became of a batch of interactions.

    Attributes:
        by_type: Good rows by relationship type (a purchase line with negative quantity is under `RETURNED`), with
            `INTERACTION_SCHEMA` (ids still null where the source has none) and `row`.
        refusals: The refused rows.
        guests: Rows without a customer, left out.
        erased: Rows of erased customers, left out.
        notes: Counts of what was loaded but is worth telling.
    """

    by_type: dict[str, pa.Table]
    refusals: list[Refusal]
    guests: int
    erased: int
    notes: Counter[str]


def check_interactions(
    batch: ReadBatch,
    source: InteractionsSource,
    file: str,
    timezone: str,
    campaign_start: dict[str, int],
    erased: ErasedCustomers | None = None,
    latest_ms: int | None = None,
) -> CheckedInteractions:
    """Parse and check one batch of interactions.

    Args:
        batch: As read.
        source: What its columns mean.
        file: Name of its file, for refusals.
        timezone: Of times that carry none.
        campaign_start: Epoch milliseconds by campaign id, for contacts without a time of their own.
        erased: Whose rows are left out unseen.
        latest_ms: Epoch milliseconds after which no event can be: one mistyped year would end the history decades
            after all others. None for no bound.
    """
    table, count = batch.table, len(batch.table)
    checks = Checks(file, batch.rows)
    checks.malformed(batch)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    customer = clean_text(table[source.customer])
    guest = pc.is_null(customer).to_numpy()
    forgotten = np.zeros(count, bool) if erased is None else erased.find(customer)
    # Whatever else is wrong with such a line, it is counted once, and nothing of it is kept in quarantine.
    checks.left_out = guest | forgotten
    columns["customer"] = customer
    columns["target"] = _target(table, source, checks)
    if source.at:
        columns["at"] = parse_times(
            table[source.at], checks, source.at, timezone, source.at_format, required=np.ones(count, bool)
        )
    else:
        start = pa.array([campaign_start.get(each) for each in columns["target"].to_pylist()], pa.int64())
        missing = pc.is_null(start).to_numpy(zero_copy_only=False)
        reason = "the campaign is not in the campaigns table, so that its start is unknown"
        checks.refuse(missing, source.campaign or "", reason, columns["target"])
        columns["at"] = start.cast(TIMESTAMP)
    if latest_ms is not None:
        at = pa.chunked_array([columns["at"]])
        later = pc.fill_null(pc.greater(at.cast(pa.int64()), latest_ms), False).to_numpy()
        checks.refuse(later, source.at or source.campaign or "", "the time lies in the future", at)
    if source.known_at:
        columns["known_at"] = parse_times(
            table[source.known_at], checks, source.known_at, timezone, source.at_format, required=np.zeros(count, bool)
        )
    for name in ("quantity", "amount", "rating"):
        if column := getattr(source, name):
            columns[name] = parse_numbers(table[column], checks, column, source.decimal)
    if source.unit_price:
        price = parse_numbers(table[source.unit_price], checks, source.unit_price, source.decimal)
        columns["amount"] = pc.round(pc.multiply(columns["quantity"], price), _DECIMALS)
        infinite = pc.fill_null(pc.is_inf(columns["amount"]), False).to_numpy(zero_copy_only=False)
        checks.refuse(infinite, source.unit_price, "times the quantity it is not finite", None)
    if source.discount:
        parts = [parse_numbers(table[column], checks, column, source.decimal) for column in source.discount]
        total = pc.fill_null(parts[0], 0.0)
        for part in parts[1:]:
            total = pc.add(total, pc.fill_null(part, 0.0))
        checks.refuse(np.isinf(total.to_numpy()), ", ".join(source.discount), "not finite", None)
        columns["discount"] = total
    for name in ("order_id", "channel", "treatment"):
        if column := getattr(source, name):
            columns[name] = clean_text(table[column])
    if source.id:
        given = clean_text(table[source.id])
        checks.refuse(pc.is_null(given).to_numpy(), source.id, "the id is empty", None)
        columns["id"] = pc.binary_join_element_wise(pa.scalar(source.id_prefix), given, "")
    for name, kind in INTERACTION_PROPERTIES.items():
        columns.setdefault(name, pa.nulls(count, kind))
    checked = pa.table({name: columns[name] for name in INTERACTION_SCHEMA.names}, schema=INTERACTION_SCHEMA)
    checked = checked.append_column("row", pa.array(batch.rows, pa.int64()))
    good = checked.filter(pa.array(~(checks.bad | checks.left_out)))
    by_type, notes = _split_returns(good, source.type)
    return CheckedInteractions(by_type, checks.refusals, int(guest.sum()), int(forgotten.sum()), notes)


def _target(table: pa.Table, source: InteractionsSource, checks: Checks) -> pa.ChunkedArray:
    if source.target is None:
        return pa.chunked_array([pa.array([NO_PRODUCT] * len(table), pa.string())])
    target = clean_text(table[source.target])
    what = "campaign" if source.type in CAMPAIGN_INTERACTIONS else "product"
    checks.refuse(pc.is_null(target).to_numpy(), source.target, f"the {what} id is empty", None)
    if what == "product":
        refuse_reserved(target, checks, source.target)
    return target


def refuse_reserved(product: pa.ChunkedArray, checks: Checks, name: str) -> None:
    """Refuse rows that name a product by the id which stands for "no product"."""
    reserved = pc.fill_null(pc.equal(product, NO_PRODUCT), False).to_numpy()
    checks.refuse(reserved, name, "the product id is reserved", product)


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
        present = pc.is_valid(text).to_numpy()
        if decimal == ",":
            # A point that groups no thousands is no number here: `1.5` must not become 15.
            text = pc.if_else(pc.match_substring_regex(text, _DECIMAL_COMMA), text, pa.scalar("", pa.string()))
            text = pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")
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
    if text_like:
        stamps = _parse_text(pd.Series(values.to_numpy()), timezone, at_format)
    else:
        is_absolute = pa.types.is_timestamp(column.type) and column.type.tz is not None
        stamps = _native(column) if is_absolute else _to_utc(_native(column), timezone)
    parsed = stamps.notna().to_numpy()
    checks.refuse(required & ~present, name, "the time is empty", None)
    wanted = f"not a time in the form {at_format}" if text_like and at_format else "not a time"
    checks.refuse(present & ~parsed, name, wanted, column)
    outside = parsed & ((stamps < _EARLIEST) | (stamps >= _LATEST)).to_numpy()
    checks.refuse(outside, name, "the time lies outside 1900 to 2199", column)
    milliseconds = stamps.to_numpy().astype("datetime64[ms]").astype(np.int64)
    return pa.array(milliseconds, pa.int64(), mask=~parsed).cast(TIMESTAMP)


def _native(column: pa.ChunkedArray) -> pd.Series:
    """Timestamps and dates of any unit as they stand; what no calendar reaches is brought just outside the bounds."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s")).cast(pa.timestamp("ms"))
    per_millisecond = {"s": 0.001, "ms": 1, "us": 1_000, "ns": 1_000_000}[column.type.unit]
    number = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    if per_millisecond < 1:
        milliseconds = np.clip(number, -(10**12), 10**12) * 1_000
    else:
        milliseconds = number // int(per_millisecond)
    stamps = pd.Series(np.clip(milliseconds, _FAR_PAST, _FAR_FUTURE).astype("datetime64[ms]"))
    return stamps.where(pc.is_valid(column).to_numpy())


def _parse_text(text: pd.Series, timezone: str, at_format: str | None) -> pd.Series:
    if at_format in EPOCH_FORMATS:
        number = pd.to_numeric(text, errors="coerce") * (1_000 if at_format == "epoch_s" else 1)
        return pd.to_datetime(number.where(number.abs() < _FAR_FUTURE).round(), unit="ms", errors="coerce")
    # Words such as `now` and `today` mean another time on each day: only what begins with a year, or holds a digit.
    text = text.where(text.str.contains(r"^\d{4}" if at_format is None else r"\d", regex=True, na=False))
    # What carries no offset comes out as if it were UTC, and is then taken in its own time zone.
    stamps = pd.to_datetime(text, format=at_format or "ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    if at_format is None:
        absolute = text.str.contains(_OFFSET, regex=True, na=False)
    else:
        absolute = pd.Series("%z" in at_format or "%Z" in at_format, index=text.index)
    return stamps.where(absolute, _to_utc(stamps, timezone))


def _to_utc(stamps: pd.Series, timezone: str) -> pd.Series:
    if timezone == "UTC" or not len(stamps):
        return stamps
    within = stamps.where((stamps >= _EARLIEST) & (stamps < _LATEST))  # no zone's rules reach beyond
    first = np.ones(len(stamps), bool)  # of an hour that occurs twice, the first: still in summer time
    located = within.dt.tz_localize(ZoneInfo(timezone), ambiguous=first, nonexistent="shift_forward")
    utc: pd.Series = located.dt.tz_convert("UTC").dt.tz_localize(None).where(within.notna(), stamps)
    return utc
