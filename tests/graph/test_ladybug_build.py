from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cypher
from graph import ladybug_layout
from graph.change_files import LoadChanges
from graph.fingerprint import content_fingerprint
from graph.ladybug_layout import constants, node_groups, spread, without_columns
from graph.ladybug_query import rows_of, run
from graph.ladybug_store import LadybugStore
from graph.model import INTERACTIONS
from graph.store import no_progress
from graph.tables import GraphTables
from tests.graph.staged import FACTS, Loader, amounts, line, staged

GROUP = 131_072


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lays four rows out as if they were millions: products over two node groups."""

    def lay_out() -> None:
        monkeypatch.setattr(ladybug_layout, "_ROWS_IN_GROUP", 2)
        monkeypatch.setattr(ladybug_layout, "_MOST_GROUPS", 2)
        monkeypatch.setattr(ladybug_layout, "_LARGE", 1)

    return lay_out


def first_load(loader: Loader) -> None:
    """Two parts, with columns that are null throughout and one that is null in a part only."""
    loader.sequence = 1
    lines = [line("1", "ann", "p1", 1.0), line("2", "bob", "p2", 2.0, channel="web"), line("3", "ann", "p3", 3.0)]
    one = loader.changes([("ann", "tier", "gold")], PURCHASED=lines, RETURNED=[line("4", "bob", "p2", 2.0)])
    loader.folder = loader.folder / "second"
    two = loader.changes(PURCHASED=[line("5", "cleo", "p1", 5.0, order_id="o5"), line("6", "bob", "p1", 6.0)])
    changes = LoadChanges(
        nodes=replace(one.nodes, added=replace(one.nodes.added, customers=pa.table({"id": ["ann", "bob", "cleo"]}))),
        parts=one.parts + two.parts,
        added=one.added + two.added,
        corrected=one.corrected,
        unchanged=one.unchanged,
    )
    loader.store.apply(changes, [loader.record()], FACTS, no_progress)


def test_the_layout_of_a_large_load_changes_nothing_that_is_read(tmp_path: Path, wide: Callable[[], None]) -> None:
    def stages(name: str) -> list[str]:
        folder = tmp_path / name
        folder.mkdir()
        loader = Loader(LadybugStore(folder / "graph"), folder)
        found = []
        first_load(loader)
        found.append(content_fingerprint(loader.store).digest)
        loader.load(PURCHASED=[line("2", "bob", "p2", 2.5), line("7", "dan", "p9", 7.0, rating=4.0)])  # corrects 2
        found.append(content_fingerprint(loader.store).digest)
        loader.store.merge(no_progress)
        found.append(content_fingerprint(loader.store).digest)
        loader.store.erase(["ann"], FACTS, no_progress)
        assert amounts(loader.store) == {"2": 2.5, "5": 5.0, "6": 6.0, "7": 7.0}
        loader.store.purge(no_progress)
        found.append(content_fingerprint(loader.store).digest)
        loader.store.close()
        return found

    usual = stages("usual")
    wide()
    assert stages("wide") == usual


def test_nodes_put_between_products_are_gone_and_the_columns_all_there(
    tmp_path: Path, wide: Callable[[], None]
) -> None:
    wide()
    loader = Loader(LadybugStore(tmp_path / "graph"), tmp_path)
    first_load(loader)
    connection = loader.store.connection()

    def rows(text: str) -> list[list[Any]]:
        return rows_of(run(connection, text))

    found = rows("MATCH (p:Product) RETURN p.id, offset(id(p)) ORDER BY p.id")
    assert [each[0] for each in found] == ["p1", "p2", "p3"]
    assert {each[1] // GROUP for each in found} == {0, 1}
    assert rows("MATCH (n) RETURN count(n)") == [[3 + 3 + 1 + 1 + 1]]  # customers, products, value, Dataset, Load
    assert rows("MATCH (p:Product {id: 'p1'})<-[r:PURCHASED]-() RETURN count(r), sum(r.amount), sum(r.load)") == [
        [3, 12.0, 3]
    ]
    assert rows("MATCH ()-[r:PURCHASED]->() RETURN count(r.rating), count(r.channel), count(r.order_id)") == [[0, 1, 1]]
    declared = {each[1]: each[2] for each in rows("CALL table_info('VIEWED') RETURN *")}
    assert {each[1]: each[2] for each in rows("CALL table_info('PURCHASED') RETURN *")} == declared


def test_groups_follow_the_largest_type_of_each_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladybug_layout, "_ROWS_IN_GROUP", 10)
    files = {name: [_file(tmp_path / f"{name}-{part}.parquet", rows) for part in range(2)]
             for name, rows in (("PURCHASED", 20), ("VIEWED", 15), ("CONTACTED", 3))}  # fmt: skip
    assert node_groups(files) == {"Product": 4, "Campaign": 1}
    assert node_groups({name: [] for name in INTERACTIONS}) == {"Product": 1, "Campaign": 1}


def test_spreading_deals_nodes_out_to_groups() -> None:
    products = pa.table({"id": ["a", "b", "c"], "price": [1.0, None, 3.0]})
    wide = spread(products, 2)
    assert wide is not None
    ids = wide.nodes["id"].to_pylist()
    assert [ids.index(each) for each in "abc"] == [0, GROUP, 1]
    assert len(set(ids)) == len(ids) == GROUP + 1  # none behind the last of them
    assert all(each.startswith(wide.prefix) for each in ids if each not in "abc")
    assert wide.nodes["price"].drop_null().to_pylist() == [1.0, 3.0]
    assert spread(products, 1) is None
    assert spread(products.slice(0, 0), 2) is None
    assert spread(pa.table({"id": [str(each) for each in range(GROUP + 1)]}), 2) is None  # they fill two by themselves
    three = spread(pa.table({"id": [str(each) for each in range(10)]}), 3)
    assert three is not None
    places = {each: place for place, each in enumerate(three.nodes["id"].to_pylist()) if len(each) == 1}
    assert [places[str(each)] // GROUP for each in range(10)] == [each % 3 for each in range(10)]


def test_columns_that_say_the_same_throughout_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladybug_layout, "_LARGE", 3)

    def file(name: str, load: int, lines: list[dict[str, object]]) -> Path:
        path = tmp_path / f"{name}.parquet"
        pq.write_table(staged(load, PURCHASED=lines).interactions["PURCHASED"], path)
        return path

    one = file("one", 1, [line("1", "ann", "p1", 1.0), line("2", "bob", "p2", 2.0, channel="web")])
    same = file("same", 1, [line("3", "ann", "p1", 1.0, rating=5.0)])
    later = file("later", 2, [line("4", "ann", "p1", 1.0)])
    always = {"known_at": None, "quantity": None, "discount": None, "order_id": None, "treatment": None}
    assert constants([one, same]) == {**always, "load": 1}
    assert constants([one, later]) == {**always, "rating": None}
    assert constants([one]) == {}  # too few rows to be worth it


def test_columns_are_left_out_of_the_statement_that_makes_a_table() -> None:
    text = cypher.statement("schema/20_purchased", "ladybug").text
    short, declarations = without_columns(text, {"discount": None, "load": 7})
    assert declarations == ["discount DOUBLE", "load INT64 DEFAULT 7"]
    assert "discount" not in short
    assert short.rstrip().endswith("treatment STRING)")
    with pytest.raises(ValueError, match="colour"):
        without_columns(text, {"colour": None})


def _file(path: Path, rows: int) -> Path:
    empty = GraphTables.empty().interactions["PURCHASED"]
    pq.write_table(pa.table({field.name: pa.nulls(rows, field.type) for field in empty.schema}), path)
    return path
