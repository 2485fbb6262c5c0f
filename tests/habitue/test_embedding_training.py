"""A run's embedding: killed and asked for again it ends with the same vectors, and a bad checkpoint does no harm."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from graph.store import no_progress
from habitue.embedding_training import train_embedding
from tests.embeddings.toy import AS_OF, two_groups
from tests.support import history_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The vectors' file of a training that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    said = train_embedding(
        two_groups().at(AS_OF), folder / "embedding", folder / "checkpoints", seed=7, progress=no_progress
    )
    assert said is not None
    assert said["triples"] == 350.0  # 320 purchases and the categories of the 30 products
    return (folder / "embedding" / "vectors.safetensors").read_bytes()


def test_a_killed_training_goes_on_and_ends_with_the_same_vectors(whole: bytes, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.habitue.embedding_child", str(tmp_path)]
    killed = subprocess.run([*command, "3"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "embedding").exists()
    again = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert again.stdout.startswith("TransE, pass 3 of 4")
    assert (tmp_path / "embedding" / "vectors.safetensors").read_bytes() == whole


def test_a_damaged_checkpoint_is_not_gone_on_from(whole: bytes, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoints" / "transe-20240101T000000-seed-7.safetensors"
    kept.parent.mkdir()
    kept.write_bytes(b"damaged" * 20)
    train_embedding(two_groups().at(AS_OF), tmp_path / "embedding", kept.parent, seed=7, progress=no_progress)
    assert (tmp_path / "embedding" / "vectors.safetensors").read_bytes() == whole


def test_a_checkpoint_of_other_data_is_not_gone_on_from(whole: bytes, tmp_path: Path) -> None:
    for history in (two_groups(seed=1), two_groups()):
        train_embedding(history.at(AS_OF), tmp_path / "out", tmp_path / "kept", seed=7, progress=no_progress)
    assert (tmp_path / "out" / "vectors.safetensors").read_bytes() == whole


def test_without_purchases_of_products_there_is_no_embedding(tmp_path: Path) -> None:
    lines = pd.DataFrame({"customer": ["a"], "at": [AS_OF - pd.Timedelta(days=1)], "amount": [1.0]})
    snapshot = history_of({"PURCHASED": lines}, complete_until=AS_OF).at(AS_OF)
    assert train_embedding(snapshot, tmp_path / "out", tmp_path / "kept", seed=0, progress=no_progress) is None
    assert not list(tmp_path.iterdir())
