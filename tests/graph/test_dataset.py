"""The data-set description: what it accepts, what it refuses, and what it says then."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from graph.dataset import Dataset, InteractionsSource, Source, read_dataset
from habitue.errors import DatasetError

SMALLEST = """\
name = "shop"
[[interactions]]
type = "PURCHASED"
path = "orders.csv"
customer = "who"
at = "when"
"""


def described(folder: Path, text: str) -> Dataset:
    (folder / "dataset.toml").write_text(text, encoding="utf-8")
    return read_dataset(folder / "dataset.toml")


def refused(folder: Path, text: str) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        described(folder, text)
    return caught.value


def test_smallest_description(tmp_path: Path) -> None:
    dataset = described(tmp_path, SMALLEST)
    assert (dataset.name, dataset.timezone, dataset.currency, dataset.complete_until) == ("shop", "UTC", None, None)
    assert dataset.folder == tmp_path.resolve()
    assert dataset.interactions[0].mapped() == {"customer": "who", "at": "when"}


def test_a_folder_stands_for_the_description_in_it(tmp_path: Path) -> None:
    described(tmp_path, SMALLEST)
    assert read_dataset(tmp_path).name == "shop"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2018-01-01", datetime(2018, 1, 1)),
        ("2018-01-01T06:30:00", datetime(2018, 1, 1, 6, 30)),
        ("2018-01-01T06:30:00+02:00", datetime(2018, 1, 1, 4, 30)),
        ('"2018-01-01"', datetime(2018, 1, 1)),
        ('"2018-01-01T06:30:00Z"', datetime(2018, 1, 1, 6, 30)),
    ],
)
def test_complete_until_is_a_date_a_time_or_text_and_becomes_naive_utc(
    tmp_path: Path, written: str, expected: datetime
) -> None:
    dataset = described(tmp_path, f"complete_until = {written}\n{SMALLEST}")
    assert dataset.complete_until == expected
    assert type(dataset.complete_until) is datetime


def test_complete_until_that_is_no_date_is_refused(tmp_path: Path) -> None:
    assert "complete_until" in refused(tmp_path, f'complete_until = "soon"\n{SMALLEST}').message


def test_one_column_may_stand_for_a_list_of_one(tmp_path: Path) -> None:
    text = SMALLEST + '[products]\npath = "p.csv"\nid = "sku"\ncategory = "aisle"\n'
    products = described(tmp_path, text).products
    assert products is not None
    assert products.mapped() == {"id": "sku", "category 1": "aisle"}


@pytest.mark.parametrize(
    ("line", "wrong", "meant"),
    [
        ('custommer = "x"', "interactions[0].custommer", "customer"),
        ('delimeter = ";"', "interactions[0].delimeter", "delimiter"),
        ('ammount = "x"', "interactions[0].ammount", "amount"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path, line: str, wrong: str, meant: str) -> None:
    error = refused(tmp_path, SMALLEST + line)
    assert f"{wrong}: is not a known setting (did you mean `{meant}`?)" in error.message


def test_every_fault_is_listed_at_once(tmp_path: Path) -> None:
    text = 'currency = "euro"\ntimezone = "Mars/Base"\n' + SMALLEST.replace('name = "shop"', "") + 'colour = "x"'
    message = refused(tmp_path, text).message
    for part in ("currency", "timezone", "Mars/Base", "name", "colour"):
        assert part in message


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        ('type = "BOUGHT"\ncustomer = "a"\nat = "b"', "type"),
        ('type = "VIEWED"\ncustomer = "a"\nat = "b"', "VIEWED needs a `product` column"),
        (
            'type = "PURCHASED"\ncustomer = "a"\nat = "b"\ncampaign = "c"',
            "`campaign` belongs to CONTACTED and REDEEMED",
        ),
        ('type = "CONTACTED"\ncustomer = "a"\nat = "b"', "CONTACTED goes to a campaign"),
        ('type = "CONTACTED"\ncustomer = "a"\nat = "b"\ncampaign = "c"\nproduct = "d"', "no `product`"),
        ('type = "PURCHASED"\ncustomer = "a"', "PURCHASED needs a time"),
        ('type = "PURCHASED"\ncustomer = "a"\nat = "b"\nunit_price = "c"', "needs a `quantity`"),
        (
            'type = "PURCHASED"\ncustomer = "a"\nat = "b"\nunit_price = "c"\nquantity = "d"\namount = "e"',
            "in the place of `amount`",
        ),
        ('type = "CONTACTED"\ncustomer = "a"\ncampaign = "c"', "name `start` in [campaigns]"),
        ('type = "PURCHASED"\ncustomer = "a"\nat = "b"\nat_format = "%Q"', "at_format"),
        ('type = "PURCHASED"\ncustomer = "a"\nat = "b"\nat_format = "iso"', "at_format"),
        ('type = "PURCHASED"\ncustomer = "a"\nat = "b"\ndelimiter = ";;"', "delimiter"),
        ('type = "PURCHASED"\ncustomer = "a"\nat = "b"\ndelimiter = "§"', "delimiter"),
        ('type = "PURCHASED"\ncustomer = "a"\nat = "b"\ndecimal = "."\nencoding = ""', "encoding"),
    ],
)
def test_parts_that_make_no_sense_are_refused(tmp_path: Path, part: str, complaint: str) -> None:
    assert complaint in refused(tmp_path, f'name = "shop"\n[[interactions]]\npath = "x.csv"\n{part}').message


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\\t", " ", "whitespace"])
def test_delimiters_stay_as_they_are_written(tmp_path: Path, delimiter: str) -> None:
    source = described(tmp_path, f'{SMALLEST}delimiter = "{delimiter}"').interactions[0]
    assert source.delimiter == delimiter.replace("\\t", "\t")


@pytest.mark.parametrize("at_format", ["%d/%m/%Y %H:%M", "%Y%m%d%H%M%S%z", "epoch_s", "epoch_ms"])
def test_time_formats_that_exist_are_taken(tmp_path: Path, at_format: str) -> None:
    assert described(tmp_path, f'{SMALLEST}at_format = "{at_format}"').interactions[0].at_format == at_format


def test_sensitive_must_be_properties_or_the_region(tmp_path: Path) -> None:
    customers = '[customers]\npath = "c.csv"\nid = "id"\nregion = "town"\nproperties = ["age"]\n'
    good = described(tmp_path, f'{SMALLEST}{customers}sensitive = ["age", "region"]').customers
    assert good is not None
    assert good.sensitive == ("age", "region")
    error = refused(tmp_path, f'{SMALLEST}{customers}sensitive = ["age", "income"]')
    assert "sensitive names ['income'], which properties does not list" in error.message


def test_a_description_needs_interactions(tmp_path: Path) -> None:
    assert "interactions" in refused(tmp_path, 'name = "shop"\n[customers]\npath = "c.csv"\nid = "id"\n').message


def test_text_that_is_no_toml_is_said_so_with_its_place(tmp_path: Path) -> None:
    message = refused(tmp_path, "name = shop\n").message
    assert "dataset.toml is not valid TOML" in message
    assert "line 1" in message


def test_bytes_that_are_no_text_are_no_toml(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(DatasetError, match="not valid TOML"):
        read_dataset(tmp_path)


def test_a_missing_description_offers_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text(SMALLEST, encoding="utf-8")
    with pytest.raises(DatasetError) as caught:
        read_dataset(tmp_path / "datasets.toml")
    assert str(tmp_path / "datasets.toml") in caught.value.message
    assert caught.value.hint == "Did you mean dataset.toml?"


def test_descriptions_cannot_be_changed() -> None:
    source = InteractionsSource(type="PURCHASED", path="x.csv", customer="a", at="b")
    with pytest.raises(ValueError, match="frozen"):
        source.path = "y.csv"  # type: ignore[misc]


def test_a_plain_source_maps_nothing() -> None:
    assert Source(path="x.csv").mapped() == {}
