from __future__ import annotations

import dataclasses
import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from embeddings.checkpoints import Checkpoints, read_manifest
from embeddings.early_stopping import EarlyStopping
from embeddings.engine import fit, parameters
from habitue.errors import HabitueError, UsageError
from tests.embeddings.training_child import SETTINGS, BareModel, triples

ROOT = Path(__file__).parents[2]


class StoppedError(Exception):
    """In the place of a kill."""


def train(
    checkpoints: Checkpoints | None = None,
    *,
    stop_after: int | None = None,
    stopping: EarlyStopping | None = None,
    **changes: object,
) -> tuple[torch.Tensor, list[float]]:
    """Vectors of all, and the losses; raises `StoppedError` after so many updates."""
    count = itertools.count(1)

    def progress(_: str, __: float) -> None:
        if next(count) == stop_after:
            raise StoppedError

    model = BareModel()
    given = {"triples": triples(), "weight": torch.ones(60), "settings": SETTINGS, "seed": 3, **changes}
    losses = fit(model, progress=progress, checkpoints=checkpoints, stopping=stopping, **given)  # type: ignore[arg-type]
    return torch.cat(parameters(model)), losses  # type: ignore[arg-type]


def test_a_training_that_is_killed_again_and_again_ends_with_the_same_vectors(tmp_path: Path) -> None:
    whole, _ = train()
    command = [sys.executable, "-m", "tests.embeddings.training_child", str(tmp_path / "kept"), str(tmp_path / "out")]
    shares = []
    for lines in (3, 14):
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        shares.append([float(line.split()[0]) for line in told])
    assert shares[1][0] >= shares[0][-1]  # it went on where the first was killed
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = load_file(tmp_path / "out")
    assert torch.equal(torch.cat(list(found.values())), whole)


@pytest.mark.parametrize("minutes", [None, 0.0])
def test_stopped_at_any_update_it_goes_on_to_the_same_vectors(tmp_path: Path, minutes: float | None) -> None:
    whole, losses = train()
    for stop in (1, 2, 9, 10, 17, 30):
        checkpoints = Checkpoints(tmp_path / f"{stop}" / "kept", minutes=minutes)
        with pytest.raises(StoppedError):
            train(checkpoints, stop_after=stop)
        found, found_losses = train(checkpoints)
        assert torch.equal(found, whole)
        assert found_losses == losses


def test_it_is_kept_after_the_passes_that_were_asked_for_and_at_the_end(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "kept", epochs=2)
    with pytest.raises(StoppedError):
        train(checkpoints, stop_after=10)  # in the second pass of nine updates
    assert not checkpoints.path.exists()
    with pytest.raises(StoppedError):
        train(checkpoints, stop_after=28)  # in the fourth
    assert read_manifest(checkpoints.path)["state"]["epoch"] == 2
    train(checkpoints)
    assert read_manifest(checkpoints.path)["state"]["epoch"] == 4
    checkpoints.clear()
    assert not list(tmp_path.iterdir())


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "kept")
    first, losses = train(checkpoints)
    again, again_losses = train(checkpoints, stop_after=2)  # it tells only that it is done
    assert torch.equal(first, again)
    assert losses == again_losses


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 4},
        {"triples": triples().flip(0)},
        {"weight": torch.full((60,), 2.0)},
        {"settings": dataclasses.replace(SETTINGS, negatives=5)},
        {"stopping": EarlyStopping(lambda _: 0.0)},
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    checkpoints = Checkpoints(tmp_path / "kept")
    train(checkpoints)
    kept = checkpoints.path.read_bytes()
    with pytest.raises(UsageError, match="other data, settings or seed"):
        train(checkpoints, **changes)  # type: ignore[arg-type]
    assert checkpoints.path.read_bytes() == kept


def test_what_a_kill_left_half_written_does_not_count(tmp_path: Path) -> None:
    whole, _ = train()
    checkpoints = Checkpoints(tmp_path / "kept", minutes=0.0)
    with pytest.raises(StoppedError):
        train(checkpoints, stop_after=5)
    (tmp_path / "kept.part").write_bytes(b"half")
    assert torch.equal(train(checkpoints)[0], whole)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("content", [b"", b"\0" * 100])
def test_a_damaged_file_is_told_from_a_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kept").write_bytes(content)
    with pytest.raises(HabitueError, match="kept"):
        train(Checkpoints(tmp_path / "kept"))


def test_early_stopping_goes_on_as_if_it_had_not_been_interrupted(tmp_path: Path) -> None:
    def falling(model: object) -> float:
        return -float(parameters(model)[0].square().sum())  # type: ignore[arg-type]

    alone = EarlyStopping(falling, patience=2)
    whole, losses = train(stopping=alone)
    for stop in (4, 12, 20):
        checkpoints = Checkpoints(tmp_path / f"{stop}", minutes=0.0)
        with pytest.raises(StoppedError):
            train(checkpoints, stop_after=stop, stopping=EarlyStopping(falling, patience=2))
        resumed = EarlyStopping(falling, patience=2)
        found, found_losses = train(checkpoints, stopping=resumed)
        assert torch.equal(found, whole)
        assert found_losses == losses
        assert resumed.values == alone.values
