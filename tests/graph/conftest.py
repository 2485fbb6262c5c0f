"""Places to load data into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.ladybug_store import LadybugStore
from graph.opening import open_store
from habitue.settings import Settings
from tests.conftest import STORES, empty_neo4j
from tests.graph.bench import Bench
from tests.graph.kitchen import Kitchen, fill


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A place to load into, with a store in memory."""
    return Bench(tmp_path)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Bench]:
    """The same over a real embedded store."""
    made = Bench(tmp_path)
    made.store = LadybugStore(made.workspace / "graph")
    yield made
    made.store.close()


@pytest.fixture(scope="module", params=STORES)
def kitchen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    """The cookbook's shop, once in each kind of store for a module whose tests only read it."""
    folder = tmp_path_factory.mktemp("kitchen")
    url = f"ladybug://{folder / 'graph'}"
    if request.param == "neo4j":
        url = request.getfixturevalue("neo4j_url")
        empty_neo4j(url)
    store = open_store(Settings(store=url, workspace=folder))
    yield Kitchen(store, fill(store, folder / "shop"))
    store.close()
