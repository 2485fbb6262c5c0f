"""Exported vectors are what PyKEEN and pandas read back, whatever is in a name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pykeen.triples import TriplesFactory

from embeddings.benchmark_training import Chosen
from embeddings.engine_settings import EngineSettings
from embeddings.evaluation import evaluate
from embeddings.pykeen_folder import read_folder, write_embedding, write_evaluation
from embeddings.settings import TransESettings
from embeddings.transe import Embedding, train
from embeddings.triples import triples_of
from habitue.errors import HabitueError, NotFoundError
from tests.embeddings.test_evaluation import grid
from tests.embeddings.toy import AS_OF, two_groups

SETTINGS = TransESettings(dimension=8, engine=EngineSettings(epochs=1, chunk=32, batch=64, negatives=4))


@pytest.fixture(scope="module")
def embedding() -> Embedding:
    return train(two_groups().at(AS_OF), SETTINGS, seed=1)


def test_a_frame_has_a_row_for_every_entity(embedding: Embedding) -> None:
    frame = embedding.frame()
    assert frame.shape == (len(embedding.vocabulary), 8)
    assert frame.loc[("Product", "q03"), "v2"] == embedding.frame("Product").loc["q03", "v2"]
    ids, vectors = embedding.customers()
    customers = embedding.frame("Customer")
    assert customers.index.tolist() == ids.to_pylist()
    assert np.array_equal(customers.to_numpy(), vectors)


def test_an_embedding_comes_back_as_pykeens_model_and_triples(embedding: Embedding, tmp_path: Path) -> None:
    triples = triples_of(two_groups().at(AS_OF)).triples
    write_embedding(embedding, tmp_path, triples)
    model, factory = read_folder(tmp_path)
    assert factory.num_triples == len(triples)
    ours = embedding.model()
    hrt = torch.from_numpy(triples[:5])
    names = [f"{label}/{identifier}" for label, identifier in embedding.frame().index]
    number, relation = factory.entity_to_id, factory.relation_to_id
    theirs = torch.tensor(
        [[number[names[h]], relation[embedding.relations[r]], number[names[t]]] for h, r, t in hrt.tolist()]
    )
    torch.testing.assert_close(model.predict_hrt(theirs), ours.predict_hrt(hrt))
    alone = TriplesFactory.from_path(tmp_path / "triples.tsv")
    assert alone.num_triples == len(triples)
    frame = pd.read_parquet(tmp_path / "vectors.parquet")
    assert frame.columns[:3].tolist() == ["label", "id", "popularity"]
    assert np.array_equal(frame.filter(regex=r"^v\d").to_numpy(np.float32), embedding.vectors)
    about = json.loads((tmp_path / "manifest.json").read_text())
    assert about["training"]["data_fingerprint"] == embedding.data_fingerprint
    assert about["relations"] == list(embedding.relations)


def test_a_benchmark_comes_back_with_a_relation_for_each_direction(tmp_path: Path) -> None:
    strange = "n 00\tup\tn01\nn\\t01\tup\tn02\n"
    folder = grid(tmp_path / "grid")
    with (folder / "train.txt").open("a", encoding="utf-8") as stream:
        stream.write(strange)
    found = evaluate(folder, chosen=Chosen(dimension=8, epochs=2, decay=0.1, known=0.5))
    out = tmp_path / "out"
    out.mkdir()
    write_evaluation(found, out)
    model, factory = read_folder(out)
    assert (model.num_relations, factory.num_relations, factory.num_entities) == (6, 3, len(found.parts.entities))
    rt = torch.tensor([[0, 3], [2, 5]])
    torch.testing.assert_close(model.predict_h(rt), found.model().predict_h(rt))
    assert factory.mapped_triples.shape == found.parts.train.shape


def test_what_is_no_export_is_refused(embedding: Embedding, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"manifest\.json"):
        read_folder(tmp_path)
    write_embedding(embedding, tmp_path)
    assert read_folder(tmp_path)[1].num_triples == 0
    (tmp_path / "manifest.json").write_text('{"format": "another"}')
    with pytest.raises(HabitueError, match="another"):
        read_folder(tmp_path)
