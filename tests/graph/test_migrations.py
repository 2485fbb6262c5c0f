"""A graph of a former release is refused where it would be read wrongly, and migrated without loss."""

from __future__ import annotations

from pathlib import Path

import pytest

import cypher
from graph.dataset import read_dataset
from graph.loading import load
from graph.migrations import MIGRATIONS, check_schema, migrate
from graph.model import SCHEMA_VERSION
from graph.store import DatasetFacts, GraphStore, no_progress
from habitue.errors import NothingLoadedError, StoreError
from tests.graph.shop import SMALL, content


def as_formerly(store: GraphStore) -> None:
    """Give a graph the marks of schema version 1."""
    facts = store.facts()
    assert facts is not None
    if store.dialect == "neo4j":
        with store._connection.session(write=True) as session:  # type: ignore[attr-defined]
            session.run("MATCH (c:Customer) REMOVE c.last_load").consume()
    store.migrate(None, facts.model_copy(update={"schema_version": 1}), no_progress)


def test_every_version_up_to_this_one_has_its_step() -> None:
    assert [each.version for each in MIGRATIONS] == list(range(2, SCHEMA_VERSION + 1))
    for dialect in ("ladybug", "neo4j"):
        known = {each.statement(dialect) for each in MIGRATIONS}
        assert set(cypher.names("migrate", dialect)) <= known


def test_a_migrated_graph_holds_what_it_held(store: GraphStore, tmp_path: Path) -> None:
    SMALL.load(store, tmp_path)
    before, facts = content(store.tables()), store.facts()
    as_formerly(store)
    description = read_dataset(tmp_path / "shop" / "dataset.toml")
    with pytest.raises(StoreError, match="habitue migrate"):
        load(store, description, "shop", tmp_path, no_progress)

    assert [each.name for each in migrate(store, no_progress)] == ["last_load"]

    assert content(store.tables()) == before
    assert store.facts() == facts
    assert not load(store, description, "shop", tmp_path, no_progress).changed
    assert migrate(store, no_progress) == []


def test_a_graph_of_a_later_release_is_left_alone(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(NothingLoadedError):
        migrate(store, no_progress)
    SMALL.load(store, tmp_path)
    facts = store.facts()
    assert facts is not None
    store.migrate(None, facts.model_copy(update={"schema_version": SCHEMA_VERSION + 1}), no_progress)
    with pytest.raises(StoreError, match="later release"):
        migrate(store, no_progress)


def test_this_releases_layout_is_read() -> None:
    check_schema(DatasetFacts(name="shop", schema_version=SCHEMA_VERSION))
