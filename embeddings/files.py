"""An embedding on disk: vectors as safetensors, ids as Parquet, the rest as JSON. Publishing it is the caller's.

`vectors.safetensors` holds `entities` [N, d], `relations` [R, d] and `popularity` [N]; `entities.parquet` has a row for
each vector, with `label` and `id`; `embedding.json` says when, how and from what seed.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from embeddings.engine_settings import EngineSettings
from embeddings.settings import TransESettings
from embeddings.transe import Embedding
from embeddings.triples import LABELS, Vocabulary
from habitue.errors import HabitueError, NotFoundError

#: Version of the layout; another one is refused.
FORMAT: Final = 2

#: What the vectors depend on.
_PACKAGES: Final = ("habitue", "torch", "pykeen", "numpy")

_VECTORS, _ENTITIES, _MANIFEST = "vectors.safetensors", "entities.parquet", "embedding.json"


def save(embedding: Embedding, directory: Path) -> None:
    """Write an embedding into a directory, which is made where it is missing."""
    from safetensors.numpy import save_file

    directory.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            "entities": embedding.vectors,
            "relations": embedding.relation_vectors,
            "popularity": embedding.popularity,
        },
        directory / _VECTORS,
    )
    labels = [label for label, ids in zip(LABELS, embedding.vocabulary.ids, strict=True) for _ in range(len(ids))]
    ids = pa.concat_arrays(list(embedding.vocabulary.ids))
    pq.write_table(pa.table({"label": pa.array(labels, pa.string()), "id": ids}), directory / _ENTITIES)
    manifest = {
        "format": FORMAT,
        "as_of": embedding.as_of.isoformat(),
        "relations": list(embedding.relations),
        "settings": dataclasses.asdict(embedding.settings),
        "seed": embedding.seed,
        "data_fingerprint": embedding.data_fingerprint,
        "metrics": dict(embedding.metrics),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
    (directory / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def load(directory: Path) -> Embedding:
    """Read an embedding back; equal to what was saved, bit for bit.

    Raises:
        NotFoundError: If the directory does not hold an embedding.
        HabitueError: If it is of another format, or its parts do not fit together.
    """
    from safetensors.numpy import load_file

    missing = [name for name in (_VECTORS, _ENTITIES, _MANIFEST) if not (directory / name).is_file()]
    if missing:
        raise NotFoundError(f"{directory} holds no embedding: {', '.join(missing)} is missing.", hint="Train again.")
    manifest: dict[str, Any] = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
    if manifest["format"] != FORMAT:
        raise HabitueError(
            f"The embedding in {directory} has format {manifest['format']}, and this version reads {FORMAT}.",
            hint="Train again.",
        )
    vectors = load_file(directory / _VECTORS)
    table = pq.read_table(directory / _ENTITIES)
    vocabulary = Vocabulary(
        tuple(table.filter(pc.equal(table["label"], label))["id"].combine_chunks() for label in LABELS)
    )
    entities, names = len(vocabulary), manifest["relations"]
    if not entities == len(vectors["entities"]) == len(vectors["popularity"]) or len(names) != len(
        vectors["relations"]
    ):
        raise HabitueError(
            f"The embedding in {directory} is damaged: {len(vectors['entities'])} vectors for {len(vocabulary)} ids.",
            hint="Train again.",
        )
    settings = dict(manifest["settings"])
    return Embedding(
        as_of=datetime.fromisoformat(manifest["as_of"]),
        vocabulary=vocabulary,
        vectors=vectors["entities"],
        relations=tuple(manifest["relations"]),
        relation_vectors=vectors["relations"],
        popularity=vectors["popularity"],
        data_fingerprint=manifest["data_fingerprint"],
        settings=TransESettings(**{**settings, "engine": EngineSettings(**settings["engine"])}),
        seed=manifest["seed"],
        metrics=manifest["metrics"],
    )
