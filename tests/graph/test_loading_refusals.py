"""What a load refuses before anything is written, and what it says then."""

from __future__ import annotations

import pytest

from graph.dataset import read_dataset
from graph.sources import identities
from tests.graph.bench import ORDERS, PRODUCTS, TOP, Bench, numbered, orders


@pytest.mark.parametrize(
    ("description", "tables", "parts"),
    [
        (ORDERS, {"order.csv": orders()}, ["'orders.csv'", "Did you mean 'order.csv'"]),
        (ORDERS, {"orders.csv": "who,thing,when,units,total\n"}, ["orders.csv", "'what'", "who, thing, when, units"]),
        (ORDERS, {"orders.csv": "who,what,when,units,totals\n"}, ["'total'", "Did you mean 'totals'"]),
        (ORDERS, {"orders.csv": ""}, ["orders.csv is empty"]),
        (
            ORDERS.replace("orders.csv", "orders-*.csv"),
            {"orders-1.csv": orders(), "orders-2.csv": "who,what,when,units\n"},
            ["orders-2.csv", "'total'"],
        ),
        (PRODUCTS + ORDERS, {"orders.csv": orders(), "products.csv": "id\n"}, ["products.csv", "'sku'"]),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_before_anything_is_written(
    bench: Bench, description: str, tables: dict[str, str], parts: list[str]
) -> None:
    bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1")}).load()
    (bench.folder / "orders.csv").unlink()
    version = bench.store.version()
    error = bench.write(TOP + description, tables).refused()
    for part in parts:
        assert part in str(error)
    assert bench.store.version() == version
    assert [path.name for path in (bench.workspace / "staging").iterdir()] == []


def test_a_first_load_that_is_refused_leaves_nothing(bench: Bench) -> None:
    bench.write(TOP + ORDERS, {}).refused()
    assert not bench.workspace.exists()


def test_another_data_set_is_refused(bench: Bench) -> None:
    bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1")}).load()
    error = bench.write('name = "other"\n' + ORDERS, {}).refused()
    assert error.message == "The graph holds the data set 'shop'; 'other' is another one."
    assert "--workspace" in error.hint


def test_another_currency_is_refused_and_a_first_one_taken(bench: Bench) -> None:
    bench.write(TOP + ORDERS, {"orders.csv": orders("ann,p1,2024-01-01,1,1")}).load()
    assert bench.write('currency = "EUR"\n' + TOP + ORDERS, {}).load().changed
    facts = bench.store.facts()
    assert facts is not None
    assert facts.currency == "EUR"
    assert "EUR" in bench.write('currency = "USD"\n' + TOP + ORDERS, {}).refused().message


@pytest.mark.parametrize(
    "change",
    [
        ('amount = "total"\n', ""),
        ('amount = "total"\n', 'amount = "units"\n'),
        ('at = "when"\n', 'at = "when"\nchannel = "what"\n'),
        ('at = "when"\n', 'at = "when"\nid = "line"\n'),
        ('at = "when"\n', 'at = "when"\nat_format = "%Y-%m-%d"\n'),
        ("name = ", 'timezone = "Europe/Paris"\nname = '),
    ],
)
def test_what_would_give_every_row_another_id_is_refused(bench: Bench, change: tuple[str, str]) -> None:
    bench.write(TOP + ORDERS, {"orders.csv": numbered("1,ann,p1,2024-01-01,1,1")}).load()
    error = bench.write((TOP + ORDERS).replace(*change, 1), {}).refused()
    assert "PURCHASED orders.csv" in error.message
    assert "second time" in error.message
    assert bench.write(TOP + ORDERS + 'known_at = "when"\n', {}).load().changed is False


def test_sources_that_share_a_file_each_have_their_identity(bench: Bench) -> None:
    other = ORDERS.replace('product = "what"', 'product = "who"')
    description = read_dataset(bench.write(TOP + ORDERS + other, {}).folder)
    (found,) = identities(description).values()
    assert "product=what" in found
    assert "product=who" in found
