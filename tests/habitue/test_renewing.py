"""New events move their customer's vector, and what is served from it, and nothing else."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from embeddings import files as embedding_files
from embeddings.engine_settings import EngineSettings
from embeddings.incremental import customer_vectors, rows_of
from embeddings.recommendation import Recommender
from embeddings.settings import TransESettings
from embeddings.similarity import centred
from embeddings.transe import Embedding, train
from graph.store import no_progress
from habitue.engine import Engine
from habitue.errors import NotFoundError
from habitue.histories import current_history
from habitue.recommendation_files import write_recommender
from habitue.renewed_files import PRODUCTS, read_renewed, renewed_directory
from habitue.runs import EMBEDDING, SCORES, RunManifest, TaskSettings, write_manifest
from habitue.similarity_files import write_product_vectors, write_similarity

RUN = "20250301T081500-aaaaaa"
#: The run is of two weeks before the end of the data, so that a load, too, brings events of later.
AS_OF = datetime(2025, 2, 10)
NEXT = AS_OF + timedelta(days=30)
SETTINGS = TransESettings(dimension=16, engine=EngineSettings(epochs=3, chunk=128, batch=512, negatives=16))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop with a published run that has an embedding, and scores that nobody asks for."""
    path = tmp_path_factory.mktemp("renewing") / "workspace"
    with Engine.open(path) as engine:
        engine.load("tiny")
        snapshot = current_history(engine.store, engine.workspace, no_progress).at(AS_OF)
        embedding = train(snapshot, SETTINGS)
        directory = engine.workspace.runs / RUN
        directory.mkdir(parents=True)
        embedding_files.save(embedding, directory / EMBEDDING)
        ids, vectors = embedding.customers()
        write_similarity(directory, ids, centred(vectors))
        write_recommender(directory, Recommender.of(snapshot, SETTINGS.half_life_days))
        products, of_products = embedding.products()
        write_product_vectors(directory, products[:-1], centred(of_products[:-1]))
        scores = pd.DataFrame({"customer_id": ids.to_pylist(), "churn_risk": 0.5, "hyperscore": 100.0,
                               "expected_value": 1.0})  # fmt: skip
        scores.to_parquet(directory / SCORES)
        write_manifest(
            directory,
            RunManifest(
                id=RUN, kind="scored", created_at=AS_OF, dataset="tiny", currency="EUR", as_of=AS_OF,
                task=TaskSettings(horizon_days=60, active_window_days=180), seed=0, data_fingerprint="0",
            ),
        )  # fmt: skip
        engine.workspace.publish(RUN)
    return path


@pytest.fixture
def engine(prepared: Path, tmp_path: Path) -> Any:
    shutil.copytree(prepared, tmp_path / "workspace")
    with Engine.open(tmp_path / "workspace") as opened:
        yield opened


def line(identifier: str, customer: str, product: str, at: datetime = NEXT) -> dict[str, Any]:
    return {"type": "PURCHASED", "id": identifier, "customer": customer, "product": product, "at": at.isoformat(),
            "quantity": 1, "amount": 5.0}  # fmt: skip


def embedding_of(engine: Engine) -> Embedding:
    found = engine.publication.current().vectors.embedding
    assert found is not None
    return found


def test_a_purchase_moves_its_customer_alone(engine: Engine) -> None:
    ids, before = engine.publication.current().similarity
    embedding = embedding_of(engine)
    customer, product = ids[3].as_py(), embedding.products()[0][0].as_py()
    assert engine.add_interactions([line("n1", customer, product)]).vectors_renewed == 1

    names, after = engine.publication.current().similarity
    assert names.equals(ids)
    others = np.arange(len(ids)) != 3
    np.testing.assert_array_equal(after[others], before[others])
    assert not np.array_equal(after[3], before[3])

    # The same vector as from a snapshot of the moment after the purchase.
    history = current_history(engine.store, engine.workspace, no_progress)
    snapshot = dataclasses.replace(history, complete_until=NEXT + timedelta(days=1)).at(
        NEXT + timedelta(milliseconds=1)
    )
    row = snapshot.customers.to_pylist().index(customer)
    _, vectors = customer_vectors(embedding, snapshot, np.array([row]))
    renewed = read_renewed(renewed_directory(engine.workspace, RUN))
    assert renewed.ids.to_pylist() == [customer]
    np.testing.assert_allclose(renewed.vectors[0], vectors[0], atol=1e-4)
    assert renewed.as_of[0] == np.datetime64(NEXT + timedelta(milliseconds=1), "ms")
    assert renewed.moved[0] > 0

    # The same event again changes nothing, and so renews nothing.
    assert engine.add_interactions([line("n1", customer, product)]).vectors_renewed == 0


def test_a_newcomer_is_served_from_the_first_purchase_and_erased_with_it(engine: Engine) -> None:
    newcomer = "newcomer-7c0ffee7"
    with pytest.raises(NotFoundError):
        engine.similar(newcomer)
    product = engine.publication.current().vectors.embedding.products()[0][2].as_py()  # type: ignore[union-attr]
    engine.add_interactions([line("n1", newcomer, product), line("n2", newcomer, product, NEXT + timedelta(days=1))])

    assert len(engine.similar(newcomer, limit=5)) == 5
    assert newcomer in {each.id for each in engine.similar(engine.similar(newcomer, limit=1)[0].id, limit=1000)}
    told = engine.recommend(newcomer, limit=1000)
    assert told.events_until == NEXT + timedelta(days=1, milliseconds=1)
    assert [each.id for each in told.items if each.bought_before] == [product]
    assert told.items[0].id == product
    fresh = engine.recommend(newcomer, limit=1000, new_only=True)
    assert {each.id for each in told.items} - {each.id for each in fresh.items} == {product}
    assert [each.rank for each in fresh.items] == list(range(1, len(fresh.items) + 1))

    drift = engine.status(statistics=False).drift
    assert drift is not None
    trained = len(embedding_of(engine).vocabulary.of("Customer"))
    assert drift.new_customers == round(1 / (trained + 1), 4)
    assert (drift.changed_customers, drift.movement, drift.due) == (0.0, 0.0, ())

    engine.erase([newcomer])
    assert not len(read_renewed(renewed_directory(engine.workspace, RUN)))
    with pytest.raises(NotFoundError):
        engine.similar(newcomer)
    with pytest.raises(NotFoundError):
        engine.recommend(newcomer)
    for path in (engine.workspace.path / "vectors").rglob("*"):
        assert not path.is_file() or newcomer.encode() not in path.read_bytes()


def test_a_load_renews_everybody_with_later_events_and_new_products(engine: Engine) -> None:
    shop = engine.workspace.path / "sources" / "tiny"
    orders = pd.read_csv(shop / "orders.csv")
    bought = orders.iloc[[0] * 6].assign(
        line_id=[f"N{number}" for number in range(6)], customer_id=[f"C000{number}" for number in range(6)],
        sku="BRAND-NEW", ordered_at="2025-02-20T10:00:00",
    )  # fmt: skip
    pd.concat([orders, bought]).to_csv(shop / "orders.csv", index=False)
    engine.load(str(shop / "dataset.toml"))

    history = current_history(engine.store, engine.workspace, no_progress)
    snapshot = history.at(history.complete_until)
    later = {
        snapshot.customers[int(row)].as_py()
        for events in snapshot.events.values()
        for row in np.unique(events.customer[events.at >= np.datetime64(AS_OF, "ms").astype(np.int64)])
    }
    renewed = read_renewed(renewed_directory(engine.workspace, RUN))
    embedding = embedding_of(engine)
    assert set(renewed.ids.to_pylist()) == later
    assert (renewed.as_of == np.datetime64(history.complete_until, "ms")).all()
    known = rows_of(embedding, "Customer", renewed.ids) >= 0
    assert (np.isfinite(renewed.moved) == known).all()
    products = read_renewed(renewed_directory(engine.workspace, RUN), PRODUCTS)
    assert "BRAND-NEW" in products.ids.to_pylist()
    assert np.isfinite(products.vectors).all()

    # A purchase after the load's date is kept by the next load, which knows nothing of it.
    customer = renewed.ids[0].as_py()
    engine.add_interactions([line("n1", customer, embedding.products()[0][0].as_py())])
    posted = read_renewed(renewed_directory(engine.workspace, RUN))
    pd.concat([orders, bought, bought.iloc[:1].assign(line_id="N9")]).to_csv(shop / "orders.csv", index=False)
    engine.load(str(shop / "dataset.toml"))
    again = read_renewed(renewed_directory(engine.workspace, RUN))
    assert again.as_of[again.row(customer)] == posted.as_of[posted.row(customer)]
    np.testing.assert_allclose(again.vectors[again.row(customer)], posted.vectors[posted.row(customer)], atol=1e-6)


def test_similar_products_are_the_closest_by_cosine(engine: Engine) -> None:
    ids, vectors = embedding_of(engine).products()
    kept = vectors[:-1].astype(np.float64)
    direction = kept - kept.mean(axis=0)
    cosine = direction @ direction[3] / np.linalg.norm(direction, axis=1) / np.linalg.norm(direction[3])
    cosine[3] = -np.inf
    expected = np.argsort(-cosine)[:7]
    found = engine.similar_products(ids[3].as_py(), limit=7)
    assert [each.id for each in found] == ids.take(pa.array(expected)).to_pylist()
    np.testing.assert_allclose([each.score for each in found], cosine[expected], atol=1e-5)
    assert [each.rank for each in found] == list(range(1, 8))
    assert len(engine.similar_products(ids[0].as_py(), limit=1000)) == len(kept) - 1
    with pytest.raises(NotFoundError, match="no product"):
        engine.similar_products("nothing")
    with pytest.raises(NotFoundError, match="no vector"):
        engine.similar_products(ids[-1].as_py())
