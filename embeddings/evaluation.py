"""Trains TransE on a benchmark folder and evaluates it with PyKEEN, its settings chosen on validation triples.

The model is TransE with the Euclidean norm and a relation of its own for each direction, trained by a softmax over all
entities (`embeddings.full_softmax`). Test triples are read, to number them, and not looked at before the end.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from embeddings.benchmark_files import TripleFolder, read_folder
from embeddings.benchmark_parts import Parts, parts_of
from embeddings.benchmark_training import BenchmarkTraining, Chosen, Trial
from embeddings.published_results import PublishedResult, published
from embeddings.softmax_settings import SoftmaxSettings
from embeddings.validation import Look
from habitue.errors import UsageError

if TYPE_CHECKING:
    from embeddings.link_prediction import RankMetrics
    from embeddings.matrix_transe import MatrixTransE
    from graph.store import Progress

PROTOCOL: Final = "filtered by all known triples, heads and tails, realistic ranks (PyKEEN's RankBasedEvaluator)"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a benchmark gave.

    Attributes:
        folder: The data.
        parts: What of them could be learnt and asked.
        settings: How the vectors were trained.
        seed: With what seed.
        trials: What was tried on the validation triples to choose the settings.
        looks: Passes done and what the validation triples then said, in the training proper.
        epochs: Passes after which the vectors were the best on them: these are evaluated.
        stopped: Whether the time did not suffice for all that was planned; trials then end, the training is shorter,
            and neither is to be had again exactly.
        metrics: By part and side; a part without a triple that can be asked is absent.
        seconds: By what took them.
        entity, relation: float32 [N, d] and [2R, d]: relation 2r, and its inverse 2r + 1.
    """

    folder: TripleFolder
    parts: Parts
    settings: SoftmaxSettings
    seed: int
    trials: tuple[Trial, ...]
    looks: tuple[tuple[int, Look], ...]
    epochs: int
    stopped: bool
    metrics: Mapping[str, Mapping[str, RankMetrics]]
    seconds: Mapping[str, float]
    entity: torch.Tensor
    relation: torch.Tensor

    @property
    def published(self) -> tuple[PublishedResult, ...]:
        """What others have published of the same triples."""
        return published(self.folder)

    def model(self) -> MatrixTransE:
        """The vectors as a PyKEEN model."""
        from embeddings.matrix_transe import pykeen_model

        return pykeen_model(self.entity, self.relation, inverses=True)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        parts, folder = self.parts, self.folder
        metrics = {
            part: {side: found.to_json() for side, found in sides.items()} for part, sides in self.metrics.items()
        }
        for part, missed in parts.left_out.items():
            if missed and part in metrics:
                share = missed / (missed + len(getattr(parts, part)))
                metrics[part]["both_with_left_out_as_misses"] = self.metrics[part]["both"].with_missed(share)
        return {
            "name": folder.name,
            "fingerprint": folder.fingerprint,
            "model": "TransE, Euclidean norm, a relation for each direction",
            "protocol": PROTOCOL,
            "counts": {
                "entities": len(parts.entities),
                "relations": len(parts.relations),
                **{part: len(getattr(parts, part)) for part in ("train", "valid", "test")},
            },
            "left_out": {
                "unseen_entities": folder.unseen[0],
                "unseen_relations": folder.unseen[1],
                "triples_with_unseen": dict(parts.left_out),
                "repeated_lines": dict(folder.repeated),
            },
            "settings": {**dataclasses.asdict(self.settings), "seed": self.seed},
            "chosen_on_valid": {
                "by": "(mrr + hits@10) / 2",
                "trials": [trial.to_json() for trial in self.trials],
                "looks": [{"epochs": epochs, **look.to_json()} for epochs, look in self.looks],
                "epochs": self.epochs,
            },
            "short_of_time": self.stopped,
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "metrics": metrics,
            "published": [each.to_json() for each in self.published],
            "versions": {name: importlib.metadata.version(name) for name in ("habitue", "pykeen", "torch", "numpy")},
            "threads": torch.get_num_threads(),
        }


def evaluate(
    directory: Path,
    *,
    chosen: Chosen | None = None,
    minutes: float = 4.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Train on a folder's `train.txt`, choose on `valid.txt`, evaluate on `valid.txt` and `test.txt`.

    Args:
        directory: The folder (`embeddings.benchmark_files`).
        chosen: Settings that are given.
        minutes: The work is planned for so many minutes on two cores (`embeddings.training_plan`); the training is
            ended where the clock says so many. Reading and evaluating come on top.
        seed: Same folder, settings, minutes and seed give the same vectors on the same machine, with as many threads,
            unless the time ran out.
        progress: Told what is done, and the share of the whole.

    Raises:
        DatasetError: If the folder cannot be read.
        UsageError: If the minutes are not positive, or a setting is impossible.
    """
    if not minutes > 0:
        raise UsageError(f"An evaluation cannot take {minutes} minutes.", hint="Give a positive number.")
    tell = progress or (lambda _task, _share: None)
    clock = _Clock()
    tell("reading triples", 0.0)
    folder = read_folder(directory)
    parts = parts_of(folder)
    clock.lap("reading")
    training = BenchmarkTraining(parts, chosen or Chosen(), minutes, seed, tell)
    settings = training.choose()
    clock.lap("choosing")
    entity, relation = training.train(settings)
    clock.lap("training")
    metrics = _metrics(parts, entity, relation, tell)
    clock.lap("evaluation")
    return Evaluation(
        folder=folder,
        parts=parts,
        settings=settings,
        seed=seed,
        trials=tuple(training.trials),
        looks=tuple(training.looks),
        epochs=training.epochs,
        stopped=training.stopped,
        metrics=metrics,
        seconds=clock.total(),
        entity=entity,
        relation=relation,
    )


@dataclass
class _Clock:
    """Seconds by what took them, and those of the processor."""

    seconds: dict[str, float] = field(default_factory=dict)
    begin: float = field(default_factory=time.monotonic)
    worked: float = field(default_factory=time.process_time)

    def lap(self, name: str) -> None:
        self.seconds[name] = time.monotonic() - self.begin - sum(self.seconds.values())

    def total(self) -> dict[str, float]:
        passed = {"total": time.monotonic() - self.begin, "processor": time.process_time() - self.worked}
        return {**self.seconds, **passed}


def _metrics(
    parts: Parts, entity: torch.Tensor, relation: torch.Tensor, tell: Progress
) -> dict[str, dict[str, RankMetrics]]:
    """PyKEEN's figures of validation triples, filtered without those of the test, and of test triples."""
    from embeddings.link_prediction import link_prediction
    from embeddings.matrix_transe import pykeen_model

    model = pykeen_model(entity, relation, inverses=True)

    def ranked(name: str, triples: torch.Tensor, known: list[torch.Tensor], begin: float) -> dict[str, RankMetrics]:
        return link_prediction(
            model, triples, known, progress=lambda task, share: tell(f"{task} {name}", begin + 0.05 * share)
        )

    found = {}
    if len(parts.valid):
        found["valid"] = ranked("valid", parts.valid, [parts.train], 0.9)
    if len(parts.test):
        found["test"] = ranked("test", parts.test, [parts.train, parts.valid], 0.95)
    return found
