"""TransE on the graph as of a date: every customer, product, category, brand and campaign gets a vector.

TransE (Bordes et al. 2013) reads a triple (h, r, t) as a translation, h + r ≈ t, and scores it by −‖h + r − t‖. Here
the norm is the Euclidean one, the loss is a sampled softmax over corrupted triples (see `embeddings.engine`), and the
trained model is PyKEEN's, so that PyKEEN's evaluation and tools take it as it is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from embeddings.popularity import popularity_term
from embeddings.settings import TransESettings
from embeddings.triples import LABELS, Triples, Vocabulary, triples_of
from graph.snapshot import Snapshot
from habitue.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from pykeen.models import TransE

    from graph.store import Progress

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Embedding:
    """Vectors of a graph as of a date. Those of different trainings do not share a space: never compare across them.

    Attributes:
        as_of: The cutoff T: nothing at or after it was used.
        vocabulary: Which row of `vectors` is which entity.
        vectors: float32 [N, d], one row per entity.
        relations: Names of the relations.
        relation_vectors: float32 [R, d], one row per relation.
        popularity: float32 [N]: what is added to the score of a purchase whose tail the entity is, so that the
            vectors need tell taste only; 0 for entities that are not bought (see `embeddings.ranking`).
        data_fingerprint: Fingerprint of the snapshot it was trained on.
        settings: How it was trained.
        seed: The seed it was trained with.
        metrics: Figures of the training: `triples`, `loss` (of the last epoch, per triple).
    """

    as_of: datetime
    vocabulary: Vocabulary
    vectors: Float32Array
    relations: tuple[str, ...]
    relation_vectors: Float32Array
    popularity: Float32Array
    data_fingerprint: str
    settings: TransESettings
    seed: int
    metrics: Mapping[str, float]

    def of(self, label: str) -> tuple[pa.StringArray, Float32Array]:
        """Ids (sorted) and vectors, float32 [n, d], of the entities with a label (`embeddings.triples.LABELS`)."""
        return self.vocabulary.of(label), self.vectors[self.vocabulary.rows(label)]

    def customers(self) -> tuple[pa.StringArray, Float32Array]:
        """Customer ids (those of the snapshot, in its order) and their vectors, float32 [n, d]."""
        return self.of("Customer")

    def products(self) -> tuple[pa.StringArray, Float32Array]:
        """Product ids (those of the snapshot, in its order) and their vectors, float32 [n, d]."""
        return self.of("Product")

    def frame(self, label: str | None = None) -> pd.DataFrame:
        """The vectors as a data frame: columns v0, v1 and so on.

        Args:
            label: Of the entities (`embeddings.triples.LABELS`), which are then indexed by `id`; by default all are
                there, indexed by `label` and `id`.
        """
        import pandas as pd

        if label is not None:
            ids, vectors = self.of(label)
            index = pd.Index(ids.to_pylist(), name="id", dtype=object)
        else:
            pairs = [(each, name) for each in LABELS for name in self.vocabulary.of(each).to_pylist()]
            index, vectors = pd.MultiIndex.from_tuples(pairs, names=["label", "id"]), self.vectors
        return pd.DataFrame(vectors, index=index, columns=[f"v{number}" for number in range(vectors.shape[1])])

    def model(self) -> TransE:
        """The same vectors as a PyKEEN model, for its evaluators and prediction tools."""
        import torch

        from embeddings.engine import parameters

        model = new_model(len(self.vectors), len(self.relations), self.settings.dimension, self.seed)
        entity, relation = parameters(model)
        entity.copy_(torch.from_numpy(self.vectors))
        relation.copy_(torch.from_numpy(self.relation_vectors))
        return model


def embeddable(snapshot: Snapshot) -> bool:
    """Whether there are purchases of products, from which vectors of customers can be learnt.

    Where purchases name no product, other relationships (contacts by campaigns, say) tell too little of what customers
    are like: standardised features then serve as their vectors.
    """
    return bool((snapshot.purchases.target >= 0).any())


def train(
    snapshot: Snapshot,
    settings: TransESettings | None = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Embedding:
    """Train TransE on the graph as of a date.

    Args:
        snapshot: The graph as of T; nothing else is seen.
        settings: How to train; default: `TransESettings()`.
        seed: Same snapshot, settings and seed give the same vectors on the same machine.
        progress: Called with a line for humans and the share done, 0 to 1.
        checkpoint: A file to keep the state of the training in, after every pass and every minute; a training that
            finds its own there goes on from it and ends with the vectors it would have had uninterrupted.

    Raises:
        UsageError: If no purchase has a product (see `embeddable`), or the checkpoint is of another training.
        HabitueError: If the checkpoint is damaged.
    """
    settings = settings or TransESettings()
    if not embeddable(snapshot):
        raise UsageError(
            f"The graph as of {snapshot.as_of.isoformat()} has no purchases of products to embed.",
            hint="Ask `embeddable` first, and use tabular features as vectors where it says no.",
        )
    triples = triples_of(snapshot, half_life_days=settings.half_life_days)
    return train_triples(
        triples,
        snapshot.as_of,
        settings,
        seed=seed,
        data_fingerprint=snapshot.fingerprint,
        progress=progress,
        checkpoint=checkpoint,
    )


def train_triples(
    triples: Triples,
    as_of: datetime,
    settings: TransESettings,
    *,
    seed: int,
    data_fingerprint: str = "",
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Embedding:
    """Train TransE on triples (see `train`)."""
    import torch

    from embeddings.checkpoints import Checkpoints
    from embeddings.engine import fit, parameters

    model = new_model(len(triples.vocabulary), len(triples.relations), settings.dimension, seed)
    losses = fit(
        model,
        torch.from_numpy(triples.triples),
        torch.from_numpy(loss_weight(triples)),
        settings.engine,
        seed=seed,
        progress=progress,
        checkpoints=None if checkpoint is None else Checkpoints(checkpoint, minutes=1.0),
    )
    entity, relation = parameters(model)
    return Embedding(
        as_of=as_of,
        vocabulary=triples.vocabulary,
        vectors=entity.numpy(),
        relations=triples.relations,
        relation_vectors=relation.numpy(),
        popularity=popularity_term(triples, settings.popularity_weight),
        data_fingerprint=data_fingerprint,
        settings=settings,
        seed=seed,
        metrics={"triples": float(len(triples)), "loss": losses[-1] if losses else float("nan")},
    )


def loss_weight(triples: Triples) -> Float32Array:
    """Weight of each triple in the loss: log(1 + strength), brought to mean 1 within its relation."""
    weight = np.log1p(triples.strength.astype(np.float64))
    relation = triples.triples[:, 1]
    mean = np.bincount(relation, weights=weight) / np.maximum(1, np.bincount(relation))
    return (weight / mean[relation]).astype(np.float32)


def new_model(entities: int, relations: int, dimension: int, seed: int) -> TransE:
    """An untrained PyKEEN TransE with the Euclidean norm and vectors of free length."""
    import torch
    from pykeen.models import TransE
    from pykeen.triples import CoreTriplesFactory

    size = CoreTriplesFactory(torch.zeros((0, 3), dtype=torch.int64), num_entities=entities, num_relations=relations)
    with _generators_kept():
        return TransE(
            triples_factory=size,
            embedding_dim=dimension,
            scoring_fct_norm=2,
            entity_constrainer=None,
            random_seed=seed,
        ).cpu()


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Give the global random generators back as they were: PyKEEN seeds those of Python, NumPy and torch."""
    import torch

    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
