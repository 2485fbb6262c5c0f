"""What a load changes, over whatever a store may hold: worked out by hand above, as laws below."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.changes import merge
from graph.difference import difference
from graph.model import (
    CAMPAIGN_SCHEMA,
    INTERACTIONS,
    PROPERTY_OWNERS,
    PROPERTY_SCHEMA,
    STORED_INTERACTION_SCHEMA,
    interaction_target,
)
from graph.tables import GraphTables
from tests.graph.shop import content

DAY = datetime(2024, 1, 1)
EMPTY = GraphTables.empty()


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows with the columns they name; the others are null."""
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)


def lines(*rows: dict[str, Any], load: int = 1) -> pa.Table:
    return table(
        [{"customer": "ann", "target": "p", "at": DAY, "load": load, **row} for row in rows], STORED_INTERACTION_SCHEMA
    )


def graph_of(**interactions: pa.Table) -> GraphTables:
    """A graph of these interactions and the nodes they name."""
    tables = {**EMPTY.interactions, **interactions}

    def named(column: str, label: str | None = None) -> list[str]:
        found = [each[column] for name, each in tables.items() if label in (None, interaction_target(name))]
        return sorted({value for column_ in found for value in column_.to_pylist()})

    products = [{"id": each, "stub": True} for each in named("target", "Product")]
    return dataclasses.replace(
        EMPTY,
        customers=table([{"id": each} for each in named("customer")], EMPTY.customers.schema),
        products=table(products, EMPTY.products.schema),
        campaigns=table([{"id": each} for each in named("target", "Campaign")], CAMPAIGN_SCHEMA),
        interactions=tables,
    )


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_equal_values_leave_a_line_unchanged_whatever_load_brings_them() -> None:
    held = graph_of(PURCHASED=lines({"id": "1", "amount": 5.0}))
    changes = difference(held, graph_of(PURCHASED=lines({"id": "1", "amount": 5.0}, load=2)))
    assert changes.empty
    assert changes.unchanged == {"PURCHASED": 1}


def test_other_values_replace_a_line() -> None:
    held = graph_of(PURCHASED=lines({"id": "1", "amount": 5.0}, {"id": "2", "amount": None}))
    staged = graph_of(PURCHASED=lines({"id": "1", "amount": 6.0}, {"id": "2", "amount": 0.0}, load=2))
    changes = difference(held, staged)
    assert changes.removed_interactions["PURCHASED"].to_pylist() == ["1", "2"]
    assert changes.corrected == {"PURCHASED": 2}
    assert not len(changes.added.superseded)
    assert merge(held, changes).interactions["PURCHASED"].to_pydict()["amount"] == [6.0, 0.0]


def test_an_older_version_that_comes_late_goes_to_the_superseded_ones() -> None:
    newer = {"id": "1", "amount": 6.0, "known_at": DAY + timedelta(days=9)}
    older = {"id": "1", "amount": 5.0, "known_at": DAY + timedelta(days=2)}
    held = graph_of(PURCHASED=lines(newer))
    changes = difference(held, graph_of(PURCHASED=lines(older, load=2)))
    whole = merge(held, changes)
    assert whole.interactions["PURCHASED"].to_pydict()["amount"] == [6.0]
    (row,) = whole.superseded.to_pylist()
    assert (row["amount"], row["type"], row["load"]) == (5.0, "PURCHASED", 2)
    assert (row["known_at"], row["superseded_at"]) == (older["known_at"], newer["known_at"])


def test_a_stub_never_replaces_a_product_that_is_known() -> None:
    known = table([{"id": "p", "name": "Pot", "stub": False}], EMPTY.products.schema)
    held = dataclasses.replace(EMPTY, products=known)
    changes = difference(held, graph_of(PURCHASED=lines({"id": "1"})))
    assert not len(changes.added.products)
    assert merge(held, changes).products.equals(known)


def test_a_campaign_that_a_contact_merely_names_keeps_its_dates() -> None:
    known = table([{"id": "spring", "start": DAY}], CAMPAIGN_SCHEMA)
    held = dataclasses.replace(EMPTY, campaigns=known)
    changes = difference(held, graph_of(CONTACTED=lines({"id": "1", "target": "spring"})))
    assert merge(held, changes).campaigns.equals(known)


def test_an_undated_property_is_replaced_and_a_dated_one_stands_beside() -> None:
    def owner(*rows: tuple[str, str, datetime | None]) -> GraphTables:
        found = [{"owner": "ann", "name": name, "value": value, "valid_from": when} for name, value, when in rows]
        return dataclasses.replace(EMPTY, properties={**EMPTY.properties, "Customer": table(found, PROPERTY_SCHEMA)})

    held = owner(("town", "Nice", None), ("tier", "basic", DAY))
    staged = owner(("town", "Porto", None), ("tier", "plus", DAY + timedelta(days=1)))
    whole = merge(held, difference(held, staged)).properties["Customer"]
    assert sorted(zip(whole["name"].to_pylist(), whole["value"].to_pylist(), strict=True)) == [
        ("tier", "basic"),
        ("tier", "plus"),
        ("town", "Porto"),
    ]


# -- laws -------------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn, prefix: str = "", load: int = 1) -> GraphTables:
    """A small graph; ids start with the prefix and are few, so that two graphs of one prefix meet."""
    amounts = st.one_of(st.none(), st.sampled_from([0.0, 1.5, 2.0]))
    when = st.integers(0, 3).map(lambda day: DAY + timedelta(days=day))
    interactions = {}
    for name in INTERACTIONS:
        ids = draw(st.lists(st.integers(0, 4), unique=True, max_size=4))
        rows = [
            {"id": f"{prefix}{name}{each}", "customer": f"{prefix}c{draw(st.integers(0, 2))}",
             "target": f"{prefix}t{draw(st.integers(0, 2))}", "at": draw(when), "amount": draw(amounts), "load": load,
             "known_at": draw(st.one_of(st.none(), when))}
            for each in ids
        ]  # fmt: skip
        interactions[name] = table(rows, STORED_INTERACTION_SCHEMA)
    whole = graph_of(**interactions)
    named = draw(
        st.lists(st.sampled_from(whole.products["id"].to_pylist() or [f"{prefix}t9"]), unique=True, max_size=2)
    )
    known = {each: draw(st.sampled_from(["Pot", "Pan"])) for each in named}
    products = [
        {"id": each, "name": known.get(each), "stub": each not in known}
        for each in sorted({*whole.products["id"].to_pylist(), *named})
    ]
    properties = {}
    for label in PROPERTY_OWNERS:
        keys = draw(st.lists(st.tuples(st.integers(0, 2), st.booleans()), unique=True, max_size=3))
        rows = [
            {"owner": f"{prefix}o{owner}", "name": "kind", "value": draw(st.sampled_from("ab")),
             "valid_from": DAY if dated else None}
            for owner, dated in keys
        ]  # fmt: skip
        properties[label] = table(rows, PROPERTY_SCHEMA)
    return dataclasses.replace(whole, products=table(products, whole.products.schema), properties=properties)


@given(graphs())
@settings(deadline=None, max_examples=40)
def test_loading_into_an_empty_graph_gives_what_was_staged(staged: GraphTables) -> None:
    assert content(merge(EMPTY, difference(EMPTY, staged))) == content(staged)


@given(graphs(), graphs(load=2))
@settings(deadline=None, max_examples=40)
def test_loading_twice_changes_nothing(held: GraphTables, staged: GraphTables) -> None:
    once = merge(held, difference(held, staged))
    again = difference(once, staged)
    assert content(merge(once, again)) == content(once)
    assert again.empty
    assert not again.corrected


@given(graphs(), graphs(load=2))
@settings(deadline=None, max_examples=40)
def test_afterwards_the_graph_holds_what_was_staged_and_loses_no_id(held: GraphTables, staged: GraphTables) -> None:
    whole = merge(held, difference(held, staged))
    for label in ("customers", "products", "categories", "brands", "campaigns"):
        ids = getattr(whole, label)["id"].to_pylist()
        assert len(set(ids)) == len(ids)
        assert set(ids) == {*getattr(held, label)["id"].to_pylist(), *getattr(staged, label)["id"].to_pylist()}
    values = [name for name in STORED_INTERACTION_SCHEMA.names if name not in ("load", "known_at")]
    for name in INTERACTIONS:
        table_ = whole.interactions[name]
        assert len(pc.unique(table_["id"])) == len(table_)
        now = {row["id"]: row for row in table_.to_pylist()}
        kept_aside = {(row["id"], row["type"]): row for row in whole.superseded.to_pylist()}
        for row in staged.interactions[name].to_pylist():
            seen = now[row["id"]]
            if any(seen[each] != row[each] for each in values):  # a version older than the held one
                assert kept_aside[row["id"], name]["known_at"] == row["known_at"]
                assert row["known_at"] is None or seen["known_at"] > row["known_at"]


@given(graphs("a"), graphs("b", load=2))
@settings(deadline=None, max_examples=40)
def test_the_order_of_two_loads_without_a_common_row_does_not_matter(one: GraphTables, other: GraphTables) -> None:
    forth = merge(one, difference(one, other))
    back = merge(other, difference(other, one))
    assert content(forth) == content(back)
