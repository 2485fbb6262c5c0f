"""The training engine as one of PyKEEN's training loops, for its pipelines, stoppers, trackers and callbacks.

from pykeen.pipeline import pipeline
from embeddings.pykeen_loop import ChunkTrainingLoop

result = pipeline(
    dataset="CoDExSmall",
    model="TransE",
    model_kwargs={"embedding_dim": 64, "scoring_fct_norm": 2, "entity_constrainer": None},
    loss="nssa",
    training_loop=ChunkTrainingLoop,
    training_kwargs={"num_epochs": 20},
)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from pykeen.losses import CrossEntropyLoss, NSSALoss
from pykeen.training import TrainingLoop

from embeddings.engine import Training
from embeddings.engine_settings import SELF_ADVERSARIAL, SOFTMAX, EngineSettings
from embeddings.row_adagrad import RowAdagrad
from habitue.errors import UsageError

if TYPE_CHECKING:
    from pykeen.models import Model
    from pykeen.training.callbacks import MultiTrainingCallback
    from pykeen.triples import CoreTriplesFactory


class ChunkTrainingLoop(TrainingLoop[int]):
    """Trains a PyKEEN TransE (Euclidean norm, no constrainer) by `embeddings.engine`.

    Epochs, batch size, callbacks, early stoppers, result trackers and PyKEEN's own checkpoints work as in its other
    loops; the optimiser is always `RowAdagrad`, whose learning rate is the settings'. A batch, as callbacks see it, is
    its number.
    """

    def __init__(
        self,
        model: Model,
        triples_factory: CoreTriplesFactory,
        settings: EngineSettings | None = None,
        weight: torch.Tensor | None = None,
        seed: int = 0,
        **keywords: Any,
    ) -> None:
        """Prepare a loop.

        Args:
            model: The model to train.
            triples_factory: The training triples.
            settings: How to train; by default the engine's, with the loss that the model names. `epochs` and, where
                it is given, `batch` are those of `train`.
            weight: float32 [n], weight of each triple in the loss; by default 1.
            seed: Same seed, same vectors, from the same start.
            keywords: For PyKEEN's `TrainingLoop`; an optimiser among them is not used.

        Raises:
            UsageError: If the engine has not this model, or not this loss.
        """
        _require_euclidean_transe(model)
        settings = settings or _with_loss_of(model)
        for unused in ("optimizer", "optimizer_kwargs", "automatic_memory_optimization"):
            keywords.pop(unused, None)
        super().__init__(
            model=model,
            triples_factory=triples_factory,
            optimizer=RowAdagrad,
            optimizer_kwargs={"lr": settings.learning_rate},
            automatic_memory_optimization=False,
            **keywords,
        )
        self.settings = settings
        self.weight = weight
        self.seed = seed
        self._training: Training | None = None

    def _train(  # type: ignore[override]
        self, triples_factory: CoreTriplesFactory, num_epochs: int = 1, batch_size: int | None = None, **keywords: Any
    ) -> list[float] | None:
        batch = batch_size or self.settings.batch
        chunk = self.settings.chunk if batch % self.settings.chunk == 0 else batch
        self._chosen = dataclasses.replace(self.settings, epochs=num_epochs, batch=batch, chunk=chunk)
        losses: list[float] | None = super()._train(
            triples_factory=triples_factory, num_epochs=num_epochs, batch_size=batch, **keywords
        )
        self._training = None
        return losses

    def _create_training_data_loader(  # type: ignore[override]
        self, triples_factory: CoreTriplesFactory, **_: Any
    ) -> Sequence[int]:
        triples = triples_factory.mapped_triples
        weight = torch.ones(len(triples)) if self.weight is None else self.weight
        self._training = Training(
            self.model, triples, weight, self._chosen, self.seed, optimiser=cast(RowAdagrad, self.optimizer)
        )
        return range(self._training.steps_an_epoch)

    def _train_epoch(  # type: ignore[override]
        self, batches: Sequence[int], callbacks: MultiTrainingCallback, epoch: int, **_: Any
    ) -> float:
        if self._training is None:
            raise RuntimeError("A pass needs the data loader that PyKEEN makes before it.")
        total = 0.0
        for number, loss in zip(batches, self._training.steps(epoch - 1), strict=True):
            callbacks.pre_batch()
            callbacks.on_batch(epoch=epoch, batch=number, batch_loss=loss)
            callbacks.post_batch(epoch=epoch, batch=number)
            total += loss
        return total / self._training.total_weight

    @staticmethod
    def _get_batch_size(batch: Any) -> int:
        raise NotImplementedError("A pass is the engine's, and its batches are not PyKEEN's.")

    def _process_batch(self, *_: Any, **__: Any) -> torch.Tensor:
        raise NotImplementedError("A pass is the engine's, and its batches are not PyKEEN's.")

    def _slice_size_search(self, **_: Any) -> int:
        raise NotImplementedError("The engine does not slice.")


def _require_euclidean_transe(model: Model) -> None:
    interaction = getattr(model, "interaction", None)
    translating = type(interaction).__name__ == "TransEInteraction"
    if not translating or getattr(interaction, "p", None) != 2 or getattr(interaction, "power_norm", False):
        raise UsageError(
            "The engine trains TransE with the Euclidean norm only.",
            hint='Make the model with model="TransE" and model_kwargs={"scoring_fct_norm": 2}.',
        )
    named = [*model.named_modules()]
    if any(getattr(each, "constrainer", None) or getattr(each, "regularizer", None) for _, each in named):
        raise UsageError(
            "The engine leaves vectors their length: it has neither constrainers nor regularisers.",
            hint='Add "entity_constrainer": None to model_kwargs.',
        )


def _with_loss_of(model: Model) -> EngineSettings:
    loss = model.loss
    if isinstance(loss, NSSALoss):
        return EngineSettings(
            loss=SELF_ADVERSARIAL, margin=float(loss.margin), temperature=float(loss.inverse_softmax_temperature)
        )
    if type(loss) is CrossEntropyLoss:
        return EngineSettings(loss=SOFTMAX)
    raise UsageError(
        f"The engine has no {type(loss).__name__}.",
        hint='Give the model loss="crossentropy" or loss="nssa", or the loop its `settings`.',
    )
