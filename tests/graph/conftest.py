"""Places to load data into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.ladybug_store import LadybugStore
from tests.graph.bench import Bench


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
