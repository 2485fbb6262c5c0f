"""A training's state on disk, so that a killed one goes on and ends with the same vectors, bit for bit.

A checkpoint is one safetensors file: vectors, Adagrad's accumulators and, with early stopping, the best vectors so far;
its header holds a JSON manifest with the place in the training. Everything random in a pass follows from the seed and
the pass's number (`embeddings.sampler`), so that the place is all there is to know of the generator. The file is
written under another name, flushed to the disk and renamed: what is there is always whole.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from habitue.errors import HabitueError, UsageError

if TYPE_CHECKING:
    from embeddings.early_stopping import EarlyStopping
    from embeddings.engine_settings import EngineSettings

#: Version of the layout; another one is refused.
FORMAT: Final = 1


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a training's state is kept.

    Attributes:
        path: The file; its directory is made where it is missing.
        epochs: Kept after so many passes; 0 for never.
        minutes: Kept also within a pass, after so many minutes; None for never.
    """

    path: Path
    epochs: int = 1
    minutes: float | None = None

    def clear(self) -> None:
        """Remove what was kept, once the result is safe elsewhere."""
        for path in (self.path, _half_written(self.path)):
            path.unlink(missing_ok=True)


@dataclass
class State:
    """The place in a training.

    Attributes:
        epoch: Passes done.
        step: Updates done in the pass at hand.
        loss: Sum of the losses of these.
        losses: Mean loss of each pass done.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    losses: list[float] = field(default_factory=list)

    def finish_epoch(self, total_weight: float) -> None:
        """Go on to the next pass."""
        self.losses.append(self.loss / total_weight)
        self.epoch, self.step, self.loss = self.epoch + 1, 0, 0.0


class Keeper:
    """Keeps the state of one training, and finds it again."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        training: str,
        tensors: Mapping[str, torch.Tensor],
        stopping: EarlyStopping | None,
    ) -> None:
        """Args: where and when; the training's `fingerprint`; its tensors, by name; what may stop it."""
        self.checkpoints = checkpoints
        self.training = training
        self.tensors = tensors
        self.stopping = stopping
        self._last = time.monotonic()

    def restored(self) -> State:
        """The state that was kept, its tensors copied into the training's; a fresh one where there is none.

        Raises:
            UsageError: If what was kept is of another training.
            HabitueError: If it is damaged or of another format.
        """
        path = self.checkpoints.path
        if not path.is_file():
            return State()
        manifest = read_manifest(path)
        if manifest["training"] != self.training or (manifest["stopping"] is None) != (self.stopping is None):
            raise UsageError(
                f"The checkpoint {path} belongs to a training with other data, settings or seed.",
                hint="Remove it to train from the start, or give another path.",
            )
        _read_into(path, self.tensors)
        if self.stopping is not None:
            best = _read_best(path)
            self.stopping.resume(manifest["stopping"], best)
        return State(**manifest["state"])

    def keep_in_time(self, state: State) -> None:
        """Keep the state within a pass, if it is time."""
        minutes = self.checkpoints.minutes
        if minutes is not None and time.monotonic() - self._last >= 60 * minutes:
            self.keep(state)

    def keep_after_epoch(self, state: State) -> None:
        """Keep the state after a pass, if it is the turn of this one."""
        if self.checkpoints.epochs and state.epoch % self.checkpoints.epochs == 0:
            self.keep(state)

    def keep(self, state: State) -> None:
        """Keep the state."""
        from safetensors.torch import save_file

        manifest = {
            "format": FORMAT,
            "training": self.training,
            "state": dataclasses.asdict(state),
            "stopping": None if self.stopping is None else self.stopping.state(),
        }
        best = {} if self.stopping is None else self.stopping.best
        path, half = self.checkpoints.path, _half_written(self.checkpoints.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = {**self.tensors, **{_BEST + name: vectors for name, vectors in best.items()}}
        save_file(
            {name: tensor.detach() for name, tensor in tensors.items()},
            half,
            metadata={"manifest": json.dumps(manifest)},
        )
        _flush(half)
        half.replace(path)
        _flush(path.parent)
        self._last = time.monotonic()


def fingerprint(triples: torch.Tensor, weight: torch.Tensor, settings: EngineSettings, seed: int, entities: int) -> str:
    """A hash of all that a training's result depends on, but for the machine and the versions of its libraries."""
    hashed = hashlib.sha256(json.dumps([dataclasses.asdict(settings), seed, entities, len(triples)]).encode())
    for tensor in (triples, weight):
        hashed.update(tensor.cpu().contiguous().numpy().data)
    return hashed.hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself: `format`, `training`, `state`, `stopping`.

    Raises:
        HabitueError: If it is damaged or of another format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            manifest: dict[str, Any] = json.loads((file.metadata() or {}).get("manifest", "{}"))
    except SafetensorError as error:
        raise HabitueError(f"The checkpoint {path} is damaged: {error}.", hint="Remove it.") from error
    if manifest.get("format") != FORMAT:
        raise HabitueError(
            f"The checkpoint {path} has format {manifest.get('format')}, and this version reads {FORMAT}.",
            hint="Remove it to train from the start.",
        )
    return manifest


_BEST: Final = "best."


def _read_into(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        for name, tensor in tensors.items():
            tensor.detach().copy_(file.get_tensor(name))


def _read_best(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {
            name.removeprefix(_BEST): file.get_tensor(name) for name in tuple(file.keys()) if name.startswith(_BEST)
        }


def _half_written(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _flush(path: Path) -> None:
    """Have a file or a directory on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
