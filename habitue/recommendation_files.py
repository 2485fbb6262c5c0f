"""What recommendations are made from, in a run's directory: arrays as safetensors, the weights as JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from embeddings.recommendation import RecommendationSettings, Recommender

RECOMMENDER = "recommendation.safetensors"
SETTINGS = "recommendation.json"


def write_recommender(directory: Path, recommender: Recommender) -> None:
    """Write it; none of its files names a customer."""
    arrays = {name: getattr(recommender, name) for name in ("products", "popularity", "partner", "cosine")}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, directory / RECOMMENDER)
    text = json.dumps(dataclasses.asdict(recommender.settings), indent=2) + "\n"
    (directory / SETTINGS).write_text(text, encoding="utf-8")


def read_recommender(directory: Path) -> Recommender | None:
    """Read it back; None where the run has none."""
    if not (directory / RECOMMENDER).is_file():
        return None
    settings = RecommendationSettings(**json.loads((directory / SETTINGS).read_text(encoding="utf-8")))
    return Recommender(**load_file(directory / RECOMMENDER), settings=settings)
