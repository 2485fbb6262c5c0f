"""The trainings of a benchmark: short ones to choose settings on validation triples, and the one proper."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch

from embeddings.benchmark_parts import Parts
from embeddings.full_softmax import Queries, fit, initial, with_inverses
from embeddings.softmax_settings import SoftmaxSettings
from embeddings.training_plan import (
    CHOOSING,
    DECAY_STEP,
    DECAYS,
    FIRST_KNOWN,
    KNOWN,
    MORE_DECAYS,
    TRIALS,
    plan,
)
from embeddings.validation import Look, Validation

if TYPE_CHECKING:
    from graph.store import Progress

#: Looks at the validation triples in the training proper.
_LOOKS: Final = 8
#: Of the progress told: what comes after the trainings takes the rest.
_TRAININGS: Final = 0.9


@dataclass(frozen=True)
class Chosen:
    """What a user has chosen himself; None is left to the validation triples, or to the graph's size.

    Attributes:
        dimension, epochs, decay, known: See `SoftmaxSettings`.
    """

    dimension: int | None = None
    epochs: int | None = None
    decay: float | None = None
    known: float | None = None


@dataclass(frozen=True)
class Trial:
    """A short training, to choose settings by: what it was and what it found on the validation triples."""

    settings: SoftmaxSettings
    look: Look

    def to_json(self) -> dict[str, float]:
        """As plain values."""
        of = self.settings
        return {"decay": of.decay, "known": of.known, "epochs": of.epochs, **self.look.to_json()}


class BenchmarkTraining:
    """Chooses settings and trains, within one time limit.

    Attributes:
        trials: What was tried.
        looks: Passes done and what the validation triples then said, in the training proper.
        epochs: Passes after which its vectors were the best.
        stopped: Whether the time ran out, so that trials or passes that were planned are missing.
    """

    def __init__(self, parts: Parts, chosen: Chosen, minutes: float, seed: int, tell: Progress) -> None:
        """Plan it; see `embeddings.evaluation.evaluate`."""
        self.parts, self.chosen, self.seed, self.tell = parts, chosen, seed, tell
        self.trials: list[Trial] = []
        self.looks: list[tuple[int, Look]] = []
        self.epochs = 0
        self.stopped = False
        self._begin = time.monotonic()
        self._end = self._begin + 60 * minutes
        self._end_of_trials = self._begin + 60 * minutes * CHOOSING
        self._queries = Queries.of(with_inverses(parts.train))
        self._validation = Validation(parts, seed)
        self._plan = plan(
            len(parts.entities), len(self._queries), minutes, dimension=chosen.dimension, epochs=chosen.epochs
        )
        self._tries = bool(self._plan.trial_epochs) and self._validation.possible
        self._passes: float = TRIALS * self._plan.trial_epochs * self._tries + self._plan.settings.epochs
        self._done = 0.0

    def choose(self) -> SoftmaxSettings:
        """The settings of the training proper: those given, and the rest by trials, one after the other."""
        given = self.chosen
        best = replace(self._plan.settings, known=FIRST_KNOWN if given.known is None else given.known)
        best = best if given.decay is None else replace(best, decay=given.decay)
        if not self._tries:
            return best
        if given.decay is None:
            best = replace(best, decay=self._best_decay(best))
        if given.known is None:
            options = [replace(best, known=known) for known in (FIRST_KNOWN, *KNOWN)]
            best = max(options, key=self._value)
        if given.epochs is not None or not self._done:
            return best
        return replace(best, epochs=self._passes_in_time(best.epochs))

    def _passes_in_time(self, planned: int) -> int:
        """The passes planned, or as many as there is time for by the pace of the trials: the rate must fall in time."""
        now = time.monotonic()
        each = (now - self._begin) / self._done
        possible = max(1, int(0.9 * (self._end - now) / each))
        self.stopped = self.stopped or possible < planned
        return min(planned, possible)

    def _best_decay(self, settings: SoftmaxSettings) -> float:
        """The decay that a short training finds best; the search goes on beyond the end where the best one is."""
        values = {decay: self._value(replace(settings, decay=decay)) for decay in DECAYS}
        for _ in range(MORE_DECAYS):
            best = max(values, key=lambda decay: values[decay])
            if min(values) < best < max(values):
                break
            further = best * DECAY_STEP if best == max(values) else best / DECAY_STEP
            values[further] = self._value(replace(settings, decay=further))
        return max(values, key=lambda decay: values[decay])

    def _value(self, settings: SoftmaxSettings) -> float:
        """What a short training with some settings finds; what was tried is not tried again."""
        short = replace(settings, epochs=self._plan.trial_epochs)
        for trial in self.trials:
            if trial.settings == short:
                return trial.look.value
        if time.monotonic() > self._end_of_trials:
            self.stopped = True
            return float("-inf")
        entity, relation = self._start(short)
        what = f"decay {short.decay:g}, known {short.known:g}"
        for _ in self._passes_of(entity, relation, short, what, self._end_of_trials):
            pass
        trial = Trial(short, self._validation.look(entity, relation))
        self.trials.append(trial)
        return trial.look.value

    def train(self, settings: SoftmaxSettings) -> tuple[torch.Tensor, torch.Tensor]:
        """The vectors [N, d] and [2R, d] that are best on the validation triples; the last where there are none."""
        self._passes = self._done + settings.epochs
        entity, relation = self._start(settings)
        best, highest = (entity, relation), float("-inf")
        every = max(1, settings.epochs // _LOOKS)
        for epoch in self._passes_of(entity, relation, settings, "training", self._end):
            if not self._validation.possible:
                self.epochs = epoch
            elif epoch % every == 0 or epoch == settings.epochs or time.monotonic() > self._end:
                look = self._validation.look(entity, relation)
                self.looks.append((epoch, look))
                if look.value > highest:
                    highest, self.epochs = look.value, epoch
                    best = (entity.clone(), relation.clone())
        return best

    def _start(self, settings: SoftmaxSettings) -> tuple[torch.Tensor, torch.Tensor]:
        return initial(len(self.parts.entities), 2 * len(self.parts.relations), settings.dimension, self.seed)

    def _passes_of(
        self, entity: torch.Tensor, relation: torch.Tensor, settings: SoftmaxSettings, what: str, end: float
    ) -> Iterator[int]:
        """Train in place; yields the passes done after each of them, and ends early when the time is over."""
        before = self._done
        for place in fit(entity, relation, self._queries, settings, seed=self.seed):
            self._done = before + place.passes
            share = _TRAININGS * self._done / self._passes
            self.tell(f"{what}: pass {place.epoch + 1} of {settings.epochs}, loss {place.loss:.3f}", share)
            if place.step == 0:
                yield place.epoch
            if time.monotonic() > end:
                self.stopped = self.stopped or place.passes < settings.epochs
                break
