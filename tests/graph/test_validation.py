"""Parsing and checking rows: what becomes a time or a number, what is refused and why, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.dataset import InteractionsSource
from graph.model import NO_PRODUCT
from graph.reading import ReadBatch
from graph.validation import CheckedInteractions, Checks, check_interactions, parse_numbers, parse_times


def column(values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def times(
    values: Any, kind: pa.DataType | None = None, *, timezone: str = "UTC", at_format: str | None = None
) -> tuple[list[datetime | None], list[tuple[int, str]]]:
    """Parsed times, null where refused, and (row, reason) of the refusals."""
    cells = column(values, kind)
    checks = Checks("f.csv", np.arange(1, len(cells) + 1))
    parsed = parse_times(cells, checks, "at", timezone, at_format, required=np.ones(len(cells), bool)).to_pylist()
    kept = [None if bad else value for value, bad in zip(parsed, checks.bad, strict=True)]
    return kept, [(each.row, each.reason) for each in checks.refusals]


def numbers(values: Any, kind: pa.DataType | None = None, decimal: str = ".") -> tuple[list[float | None], list[int]]:
    cells = column(values, kind)
    checks = Checks("f.csv", np.arange(1, len(cells) + 1))
    parsed = parse_numbers(cells, checks, "amount", decimal).to_pylist()
    kept = [None if bad else value for value, bad in zip(parsed, checks.bad, strict=True)]
    return kept, [each.row for each in checks.refusals]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", datetime(2024, 2, 29)),
        ("2024-02-29T10:20", datetime(2024, 2, 29, 10, 20)),
        ("2024-02-29 10:20:30", datetime(2024, 2, 29, 10, 20, 30)),
        ("2024-02-29T10:20:30.123456", datetime(2024, 2, 29, 10, 20, 30, 123000)),
        (" 2024-02-29 ", datetime(2024, 2, 29)),
        ("20240229", datetime(2024, 2, 29)),
        ("2024-02-29T10:20:30Z", datetime(2024, 2, 29, 10, 20, 30)),
        ("2024-02-29T10:20:30+02:00", datetime(2024, 2, 29, 8, 20, 30)),
        ("2024-02-29T10:20:30-0130", datetime(2024, 2, 29, 11, 50, 30)),
        ("2024-02-29T10:20+02", datetime(2024, 2, 29, 8, 20)),
        ("20240229T102030Z", datetime(2024, 2, 29, 10, 20, 30)),
    ],
)
@pytest.mark.parametrize("beside", ["2024-01-01", "2024-01-01T00:00:00+01:00"])
def test_iso_8601(text: str, expected: datetime, beside: str) -> None:
    assert times([text, beside])[0][0] == expected  # whatever its neighbours look like


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "now",
        "today",
        "NaT",
        "2023-02-29",
        "2024-13-01",
        "10:20",
        "1704067200",
        "-2024-01-01",
        "31/12/2024",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    assert times([text, "2024-01-01"]) == ([None, datetime(2024, 1, 1)], [(1, "not a time")])


def test_an_empty_time_is_refused_as_such() -> None:
    assert times(["", None, "2024-01-01"])[1] == [(1, "the time is empty"), (2, "the time is empty")]


@pytest.mark.parametrize(
    ("text", "good"),
    [("1899-12-31", False), ("1900-01-01", True), ("2199-12-31T23:59:59", True), ("2200-01-01", False)],
)
def test_times_lie_within_1900_to_2199(text: str, good: bool) -> None:
    assert times([text])[1] == ([] if good else [(1, "the time lies outside 1900 to 2199")])


@pytest.mark.parametrize(
    ("kind", "value"),
    [(pa.timestamp("s"), 10**15), (pa.timestamp("ms"), 2**62), (pa.timestamp("us"), 2**62), (pa.date32(), 2**30)],
)
def test_times_that_no_calendar_reaches_are_refused(kind: pa.DataType, value: int) -> None:
    integers = pa.array([value], pa.int32() if kind == pa.date32() else pa.int64())
    assert times(integers.view(kind))[1] == [(1, "the time lies outside 1900 to 2199")]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_native_times_of_every_unit(unit: str) -> None:
    assert times([datetime(2024, 2, 29, 10, 20, 30), datetime(1950, 1, 1)], pa.timestamp(unit)) == (
        [datetime(2024, 2, 29, 10, 20, 30), datetime(1950, 1, 1)],
        [],
    )


def test_finer_than_a_millisecond_is_cut_off() -> None:
    assert times([1_709_202_030_123_999_999], pa.timestamp("ns"))[0] == [datetime(2024, 2, 29, 10, 20, 30, 123000)]


def test_native_times_and_dates_without_a_zone_are_local() -> None:
    paris = [datetime(2024, 1, 1, 12)]
    assert times(paris, pa.timestamp("ms"), timezone="Europe/Paris")[0] == [datetime(2024, 1, 1, 11)]
    assert times(paris, pa.date32(), timezone="Europe/Paris")[0] == [datetime(2023, 12, 31, 23)]
    aware = pa.timestamp("ms", "America/New_York")
    assert times([datetime(2024, 1, 1, 17, tzinfo=UTC)], aware, timezone="Europe/Paris")[0] == [
        datetime(2024, 1, 1, 17)
    ]


def test_text_without_an_offset_is_local_and_with_one_is_not() -> None:
    text = ["2024-07-01T12:00", "2024-07-01T12:00Z", "2024-07-01T12:00-04", "2024-07-01"]
    assert times(text, timezone="Europe/Paris")[0] == [
        datetime(2024, 7, 1, 10), datetime(2024, 7, 1, 12), datetime(2024, 7, 1, 16), datetime(2024, 6, 30, 22),
    ]  # fmt: skip


def test_the_hour_that_occurs_twice_and_the_one_that_is_skipped() -> None:
    twice, skipped = "2024-10-27T02:30", "2024-03-31T02:30"
    assert times([twice, skipped], timezone="Europe/Paris")[0] == [
        datetime(2024, 10, 27, 0, 30),
        datetime(2024, 3, 31, 1),
    ]


@given(
    instant=st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)).map(lambda each: each.replace(microsecond=0)),
    zone=st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    offset=st.integers(-720, 720),
)
def test_local_times_agree_with_the_standard_library(instant: datetime, zone: str, offset: int) -> None:
    local = instant.replace(tzinfo=ZoneInfo(zone))
    utc = local.astimezone(UTC)
    exists = utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == instant  # not in the hour that clocks skip
    aware = instant.replace(tzinfo=timezone(timedelta(minutes=offset)))
    found = times([instant.isoformat(), aware.isoformat()], timezone=zone)[0]
    if exists:
        assert found[0] == utc.replace(tzinfo=None)
    assert found[1] == aware.astimezone(UTC).replace(tzinfo=None)


def test_formats_of_ones_own() -> None:
    assert times(["29/02/2024 10:20", "2024-02-29"], at_format="%d/%m/%Y %H:%M", timezone="Europe/Paris") == (
        [datetime(2024, 2, 29, 9, 20), None],
        [(2, "not a time in the form %d/%m/%Y %H:%M")],
    )
    assert times(["20240229102030+0100", "now"], at_format="%Y%m%d%H%M%S%z", timezone="Asia/Tokyo") == (
        [datetime(2024, 2, 29, 9, 20, 30), None],
        [(2, "not a time in the form %Y%m%d%H%M%S%z")],
    )


@pytest.mark.parametrize("values", [["1704067200.123", "x", "1e400"], [1704067200.123, float("inf"), 1e300]])
def test_epoch_seconds(values: list[Any]) -> None:
    found, refusals = times(values, at_format="epoch_s", timezone="Europe/Paris")
    assert found == [datetime(2024, 1, 1, 0, 0, 0, 123000), None, None]
    assert [row for row, _ in refusals] == [2, 3]


def test_epoch_milliseconds_keep_each_millisecond() -> None:
    milliseconds = [1_704_067_200_000 + number for number in range(1000)]
    expected = [datetime(2024, 1, 1, microsecond=1000 * number) for number in range(1000)]
    assert times(milliseconds, pa.int64(), at_format="epoch_ms")[0] == expected
    assert times([f"{each / 1000:.3f}" for each in milliseconds], at_format="epoch_s")[0] == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.timestamp("us"), pa.null()])
def test_no_rows_and_no_values(kind: pa.DataType) -> None:
    assert times([], kind) == ([], [])
    assert times([None], kind, timezone="Europe/Paris") == ([None], [(1, "the time is empty")])


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5.0), (" -1.5 ", -1.5), ("+2", 2.0), (".5", 0.5), ("1e3", 1000.0), ("9" * 30, 1e30), ("", None)],
)
def test_numbers(text: str, value: float | None) -> None:
    assert numbers([text, "1"]) == ([value, 1.0], [])


@pytest.mark.parametrize(
    "text",
    ["five", "1,5", "1 000", "$5", "0x1A", "1_000", "true", "nan", "NaN", "--1", "1e", "inf", "-Infinity", "1e400"],
)
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    assert numbers([text, "1"]) == ([None, 1.0], [1])


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,5", 1.5), ("1.234,5", 1234.5), ("-1.234.567,89", -1234567.89), ("1.500", 1500.0), ("7", 7.0), (",5", 0.5)],
)
def test_decimal_commas(text: str, value: float) -> None:
    assert numbers([text, ""], decimal=",") == ([value, None], [])


@pytest.mark.parametrize("text", ["1.5", "12.34,5", "1,2,3", "1.2345", "1,234.5"])
def test_a_point_that_groups_no_thousands_is_refused_rather_than_misread(text: str) -> None:
    assert numbers([text], decimal=",") == ([None], [1])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None], pa.int8()),
        ([Decimal("1.00"), None], pa.decimal128(9, 2)),
        ([1.0, None], pa.float32()),
        ([1, None], pa.uint64()),
    ],
)
def test_native_numbers(values: list[Any], kind: pa.DataType) -> None:
    assert numbers(values, kind) == ([1.0, None], [])


def test_native_numbers_that_are_not_finite() -> None:
    assert numbers(np.array([np.inf, -np.inf, np.nan, 1.0])) == ([None, None, None, 1.0], [1, 2])


ORDERS = InteractionsSource(
    type="PURCHASED", path="orders.csv", customer="who", product="what", at="when", quantity="units", amount="total",
    discount=("coupon", "rebate"), id="line", id_prefix="web-", channel="channel",
)  # fmt: skip


def check(
    rows: list[dict[str, Any]],
    source: InteractionsSource = ORDERS,
    malformed: list[tuple[int, str]] | None = None,
    latest_ms: int | None = None,
) -> CheckedInteractions:
    """Rows of text (missing cells empty) through the checks; they are numbered from 1."""
    good = {"who": "ann", "what": "p1", "when": "2024-01-01", "units": "1", "total": "10", "line": "1"}
    names = dict.fromkeys(source.mapped().values())
    table = pa.table({name: pa.array([{**good, **row}.get(name) for row in rows], pa.string()) for name in names})
    batch = ReadBatch(table, np.arange(1, len(rows) + 1), malformed or [])
    return check_interactions(batch, source, "orders.csv", "UTC", {"spring": 1_704_067_200_000}, latest_ms=latest_ms)


def test_a_whole_row() -> None:
    row = {"who": " ann ", "units": "2", "total": "19.5", "coupon": "1.5", "rebate": "", "channel": " web"}
    (found,) = check([row]).by_type["PURCHASED"].to_pylist()
    assert found == {
        "customer": "ann", "target": "p1", "id": "web-1", "at": datetime(2024, 1, 1), "known_at": None,
        "quantity": 2.0, "amount": 19.5,
        "discount": 1.5, "order_id": None, "channel": "web", "rating": None, "treatment": None, "row": 1,
    }  # fmt: skip


def test_what_lies_beyond_the_latest_instant_is_refused() -> None:
    rows = [{"when": "2024-03-01T00:00:00.001"}, {"when": "2024-03-01"}, {"when": "2042-03-01"}, {"when": ""}]
    checked = check(rows, latest_ms=1_709_251_200_000)  # 2024-03-01
    assert [row["row"] for row in checked.by_type["PURCHASED"].to_pylist()] == [2]
    assert [(each.row, each.column, each.reason, each.value) for each in checked.refusals] == [
        (4, "when", "the time is empty", ""),
        (1, "when", "the time lies in the future", "2024-03-01 00:00:00.001000"),
        (3, "when", "the time lies in the future", "2042-03-01 00:00:00"),
    ]


def test_refusals_name_file_row_column_reason_and_value() -> None:
    rows: list[dict[str, Any]] = [
        {}, {"when": "soon"}, {"total": "a lot"}, {"total": "inf"}, {"what": " "}, {"line": ""}, {"what": NO_PRODUCT},
        {"coupon": "1e308", "rebate": "1e308"},
    ]  # fmt: skip
    checked = check(rows, malformed=[(9, "1 columns instead of 8")])
    assert [(each.file, each.row, each.column, each.reason, each.value) for each in checked.refusals] == [
        ("orders.csv", 9, "", "malformed line: 1 columns instead of 8", ""),
        ("orders.csv", 5, "what", "the product id is empty", ""),
        ("orders.csv", 7, "what", "the product id is reserved", NO_PRODUCT),
        ("orders.csv", 2, "when", "not a time", "soon"),
        ("orders.csv", 3, "total", "not a number", "a lot"),
        ("orders.csv", 4, "total", "not finite", "inf"),
        ("orders.csv", 8, "coupon, rebate", "not finite", ""),
        ("orders.csv", 6, "line", "the id is empty", ""),
    ]
    assert checked.by_type["PURCHASED"]["row"].to_pylist() == [1]


def test_a_row_is_refused_once_however_much_is_wrong() -> None:
    checked = check([{"when": "soon", "total": "a lot", "what": None}])
    assert [each.reason for each in checked.refusals] == ["the product id is empty"]


def test_guests_are_counted_and_never_quarantined() -> None:
    checked = check([{"who": ""}, {"who": " ", "when": "soon", "total": "x", "what": "", "line": ""}, {}])
    assert (checked.guests, checked.refusals) == (2, [])
    assert checked.by_type["PURCHASED"]["row"].to_pylist() == [3]


def test_negative_quantity_is_a_return_with_positive_figures() -> None:
    checked = check([
        {"units": "-2", "total": "-19", "coupon": "-1"},
        {"units": "", "total": "-5"},
        {"units": "0", "total": "0"},
        {"units": "1", "total": "-3"},
    ])  # fmt: skip
    figures = [
        (row["row"], row["quantity"], row["amount"], row["discount"]) for row in checked.by_type["RETURNED"].to_pylist()
    ]
    assert figures == [(1, 2.0, 19.0, 1.0), (2, None, 5.0, 0.0)]
    assert checked.by_type["PURCHASED"]["row"].to_pylist() == [3, 4]
    assert checked.notes == {
        "purchase lines with negative quantity, loaded as RETURNED": 2,
        "purchase lines with zero quantity": 1,
        "purchase lines with negative amount": 1,
    }


def test_a_unit_price_makes_the_amount_of_the_line() -> None:
    priced = ORDERS.model_copy(update={"amount": None, "unit_price": "each"})
    checked = check(
        [
            {"units": "3", "each": "2.55"},
            {"units": "-2", "each": "4"},
            {"units": "", "each": "4"},
            {"units": "2", "each": ""},
            {"units": "2", "each": "dear"},
            {"units": "1e200", "each": "1e200"},
        ],
        priced,
    )
    assert [(row["row"], row["amount"]) for row in checked.by_type["PURCHASED"].to_pylist()] == [
        (1, 7.65), (3, None), (4, None),
    ]  # fmt: skip
    assert [(row["quantity"], row["amount"]) for row in checked.by_type["RETURNED"].to_pylist()] == [(2.0, 8.0)]
    assert [(each.row, each.column, each.reason) for each in checked.refusals] == [
        (5, "each", "not a number"), (6, "each", "times the quantity it is not finite"),
    ]  # fmt: skip


def test_returns_of_their_own_table_get_positive_figures_whatever_their_sign() -> None:
    source = ORDERS.model_copy(update={"type": "RETURNED"})
    checked = check([{"units": "-2", "total": "-19"}, {"units": "2", "total": "19"}], source)
    assert list(checked.by_type) == ["RETURNED"]
    assert checked.by_type["RETURNED"]["amount"].to_pylist() == [19.0, 19.0]


def test_contacts_take_the_start_of_their_campaign() -> None:
    source = InteractionsSource(type="CONTACTED", path="contacts.csv", customer="who", campaign="campaign")
    checked = check([{"campaign": "spring"}, {"campaign": "autumn"}, {"campaign": ""}], source)
    (found,) = checked.by_type["CONTACTED"].to_pylist()
    assert (found["target"], found["at"]) == ("spring", datetime(2024, 1, 1))
    assert {each.row: each.reason for each in checked.refusals} == {
        2: "the campaign is not in the campaigns table, so that its start is unknown",
        3: "the campaign id is empty",
    }


def test_a_shop_without_products() -> None:
    source = InteractionsSource(type="PURCHASED", path="orders.csv", customer="who", at="when", amount="total")
    (found,) = check([{}], source).by_type["PURCHASED"].to_pylist()
    assert (found["target"], found["id"]) == (NO_PRODUCT, None)


@given(
    st.lists(
        st.fixed_dictionaries({
            "who": st.sampled_from(["ann", "", None]),
            "what": st.sampled_from(["p1", "", NO_PRODUCT]),
            "when": st.sampled_from(["2024-01-01", "", "soon", "1700-01-01"]),
            "units": st.sampled_from(["1", "-1", "0", "", "x"]),
            "total": st.sampled_from(["1", "-1", "", "inf", "x"]),
            "line": st.sampled_from(["1", ""]),
        }),
        max_size=20,
    )
)  # fmt: skip
def test_every_row_is_loaded_or_refused_or_a_guests(rows: list[dict[str, Any]]) -> None:
    checked = check(rows)
    loaded = [row for table in checked.by_type.values() for row in table["row"].to_pylist()]
    refused = [each.row for each in checked.refusals]
    assert checked.guests == sum(not row["who"] for row in rows)
    assert len(loaded) + len(refused) + checked.guests == len(rows)
    assert not set(loaded) & set(refused)
    for table in checked.by_type.values():
        assert table["at"].null_count == 0
