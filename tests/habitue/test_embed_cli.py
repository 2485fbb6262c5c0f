"""`habitue embed`: benchmarks evaluated and vectors exported, as commands."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from embeddings import files
from embeddings.pykeen_folder import read_folder
from embeddings.triples import triples_of
from graph.store import no_progress
from habitue.embedding_training import train_embedding
from habitue.engine import Engine
from habitue.histories import current_history
from habitue.runs import RunManifest, TaskSettings, write_manifest
from habitue.training import EMBEDDING
from tests.embeddings.test_evaluation import grid
from tests.graph.shop import SMALL
from tests.habitue.test_cli import Shell

GIVEN = ("--dimension", "8", "--epochs", "2", "--decay", "0.1", "--known", "0.5")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("STORE", "WORKSPACE", "DEBUG"):
        monkeypatch.delenv(f"HABITUE_{name}", raising=False)
    return Shell(tmp_path / "workspace", capsys)


def test_evaluate_prints_one_object_and_saves_vectors(shell: Shell, tmp_path: Path) -> None:
    folder, out = grid(tmp_path / "grid"), tmp_path / "out"
    command = ("embed", "evaluate", "--triples", str(folder), *GIVEN, "--seed", "3", "--save", str(out), "--json")
    done = shell(*command, workspace=False)
    assert (done.status, done.err) == (0, "")
    assert (done.json["name"], done.json["settings"]["seed"], done.json["settings"]["dimension"]) == ("grid", 3, 8)
    model, factory = read_folder(out)
    assert (model.num_entities, factory.num_triples) == (36, done.json["counts"]["train"])
    again = shell(*command, workspace=False)
    assert again.status == 2
    assert "is there already" in again.err


def test_evaluate_shows_a_table(shell: Shell, tmp_path: Path) -> None:
    folder = grid(tmp_path / "grid", test="n00\tup\tn01\nn00\tup\tn01\nn00\tup\tnowhere\n")
    done = shell("embed", "evaluate", "--triples", str(folder), *GIVEN, workspace=False)
    assert (done.status, done.err) == (0, "")
    for part in ("36 entities", "adjusted index", "test", "1 triples of test.txt", "1 repeated lines of test.txt"):
        assert part in done.out


def test_a_folder_that_is_none_is_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    done = shell("embed", "evaluate", "--triples", str(tmp_path), "--json", workspace=False)
    assert done.status == 2
    assert "no train.txt and no valid.txt and no test.txt" in done.json["error"]["detail"]


def test_export_needs_a_run_and_then_gives_its_vectors_and_triples(shell: Shell, tmp_path: Path) -> None:
    with Engine.open(shell.workspace) as engine:
        engine.load(str(SMALL.write(tmp_path / "shop")))
        history = current_history(engine.store, engine.workspace, no_progress)
    done = shell("embed", "export", str(tmp_path / "out"))
    assert done.status == 1
    assert "habitue train" in done.err
    assert not (tmp_path / "out").exists()

    run = shell.workspace / "runs" / "20240101T000000-000000"
    snapshot = history.at(history.complete_until)
    run.mkdir(parents=True)
    train_embedding(snapshot, run / EMBEDDING, tmp_path / "checkpoints", seed=0, progress=no_progress)
    task = TaskSettings(horizon_days=60, active_window_days=180)
    write_manifest(
        run,
        RunManifest(
            id=run.name, kind="trained", created_at=datetime(2024, 1, 1), dataset=history.dataset, currency=None,
            as_of=snapshot.as_of, task=task, seed=0, data_fingerprint=snapshot.fingerprint,
        ),
    )  # fmt: skip
    done = shell("embed", "export", str(tmp_path / "out"), "--json")
    assert (done.status, done.err) == (0, "")
    triples = triples_of(snapshot).triples
    assert done.json["counts"]["triples"] == len(triples)
    embedding = files.load(run / EMBEDDING)
    _, factory = read_folder(tmp_path / "out")
    assert (factory.num_triples, factory.num_entities) == (len(triples), len(embedding.vocabulary))
    frame = pd.read_parquet(tmp_path / "out" / "vectors.parquet").set_index(["label", "id"])
    assert frame.drop(columns="popularity").equals(embedding.frame())
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["training"]["metrics"] == embedding.metrics
