"""The small shop with more of everything: views, a correction, a dated property, a line without product, a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graph.dataset import read_dataset
from graph.loading import load
from graph.opening import open_store
from graph.store import GraphStore, no_progress
from habitue.settings import Settings
from tests.conftest import STORES
from tests.graph.shop import Shop, order

#: ann buys p1 (o1) and p2, bob buys p1 twice; line 3 is corrected from 12.5 to 20 by what was learnt on 10 February.
FIRST = Shop(
    customers=[
        {"id": "ann", "country": "FR", "tier": "basic", "valid_from": "2024-01-01"},
        {"id": "bob", "country": "PT", "tier": "", "valid_from": ""},
        {"id": "idle", "country": "PT", "tier": "", "valid_from": ""},
    ],
    products=[
        {"id": "p1", "name": "Knife <&> \"sharp\"", "price": 12.5, "department": "KITCHEN", "aisle": "KNIVES",
         "brand": "Sharp", "colour": "red"},
        {"id": "p2", "name": "Pot", "department": "KITCHEN", "aisle": "POTS", "brand": "", "colour": "blue"},
        {"id": "p3", "name": "Rug", "department": "FLOOR", "aisle": "RUGS", "brand": "Soft", "colour": "red"},
    ],
    campaigns=[{"id": "spring", "start": "2024-03-01", "end": "2024-03-31", "kind": "letter"}],
    orders=[
        order("1", "ann", "p1", "2024-02-01T10:00:00.123", 12.5, channel="web", order="o1"),
        order("2", "ann", "p2", "2024-02-03T10:00:00", 30.25),
        order("3", "bob", "p1", "2024-02-05T10:00:00", 12.5, known_at="2024-02-06T00:00:00"),
        order("4", "bob", "p1", "2024-02-07T10:00:00", 8.0),
        order("5", "cyd", "p3", "2024-02-20T10:00:00", 99.0, known_at="2024-03-05T00:00:00"),
    ],
    contacts=[{"customer": "ann", "campaign": "spring"}],
)  # fmt: skip
SECOND = Shop(
    customers=[{"id": "ann", "country": "FR", "tier": "gold", "valid_from": "2024-02-15"}],
    orders=[order("3", "bob", "p1", "2024-02-05T10:00:00", 20.0, known_at="2024-02-10T00:00:00")],
    campaigns=FIRST.campaigns,
    products=FIRST.products,
    contacts=FIRST.contacts,
)

SCORED_AT = datetime(2024, 3, 2)


def fill(store: GraphStore, folder: Path) -> None:
    """Both loads, then signals of a run on ann and bob, who are alike, and an audience of bob."""
    for number, shop in enumerate((FIRST, SECOND)):
        path = shop.write(folder / f"shop-{number}")
        load(store, read_dataset(path), "shop", folder / "workspace", no_progress)
    scores = pa.table({
        "id": ["ann", "bob"], "churn_risk": [0.25, 0.5], "expected_value": [10.0, 5.0], "novelty": [0.5, 0.5],
        "hyperscore": [101.0, 100.5], "hyperscore_percentile": [100.0, 50.0],
        "scored_at": pa.array([SCORED_AT] * 2, pa.timestamp("ms")), "model": ["run-1"] * 2,
    })  # fmt: skip
    store.write_scores(scores, no_progress)
    pairs = pa.table({"source": ["ann", "bob"], "target": ["bob", "ann"], "score": [0.9, 0.9]})
    store.write_similar(pairs, "run-1", no_progress)
    audience = {"id": "a1", "name": "likely", "created_at": datetime(2024, 3, 3)}
    store.write_audience(audience, [{"id": "bob", "score": 0.8, "rank": 1, "run": "run-1"}])


@pytest.fixture(scope="module", params=STORES)
def shop_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """The shop in a store of each kind; for reading only."""
    folder = tmp_path_factory.mktemp("shop")
    url = f"ladybug://{folder / 'graph'}"
    if request.param == "neo4j":
        url = request.getfixturevalue("neo4j_url")
        _empty(url)
    store = open_store(Settings(store=url, workspace=folder))
    fill(store, folder)
    yield store
    store.close()


def _empty(url: str) -> None:
    import neo4j

    with neo4j.GraphDatabase.driver(url, notifications_min_severity="OFF") as driver, driver.session() as session:
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS").consume()
