"""Trains and saves the embedding of a run; what was interrupted goes on from its last checkpoint."""

from __future__ import annotations

from pathlib import Path

from embeddings import files
from embeddings.settings import TransESettings
from embeddings.transe import Embedding, embeddable, train
from graph.snapshot import Snapshot
from graph.store import Progress
from habitue.errors import HabitueError


def train_embedding(
    snapshot: Snapshot, directory: Path, checkpoints: Path, *, seed: int, progress: Progress
) -> dict[str, object] | None:
    """Train TransE on a snapshot and save it.

    Args:
        snapshot: The graph as of the cutoff.
        directory: Where to save it (`embeddings.files`).
        checkpoints: Directory for the state of the training. A killed one goes on from there when the same is asked
            for again, and ends with the vectors it would have had; to be removed by the caller when the run is whole.
        seed: Of the training.
        progress: Told how far it is.

    Returns:
        What a run's manifest says of it; None where no purchase has a product, and nothing is saved.
    """
    if not embeddable(snapshot):
        return None
    settings = TransESettings()
    checkpoint = checkpoints / f"transe-{snapshot.as_of:%Y%m%dT%H%M%S}-seed-{seed}.safetensors"

    def trained() -> Embedding:
        return train(snapshot, settings, seed=seed, progress=progress, checkpoint=checkpoint)

    try:
        embedding = trained()
    except HabitueError:
        if not checkpoint.exists():
            raise
        checkpoint.unlink()  # damaged, or of other data or settings: nothing to go on from
        embedding = trained()
    files.save(embedding, directory)
    return {"model": "TransE", "dimension": settings.dimension, **embedding.metrics}
