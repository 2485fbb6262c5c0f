"""How much training a benchmark gets within some minutes, reckoned from its size and not from a clock.

A pass costs queries × candidates × dimension multiplications and as many additions, three times over (distances and
two gradients). Counting them, and not seconds, keeps the plan, and with it the vectors, the same on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from embeddings.softmax_settings import SoftmaxSettings

#: Multiplications a minute that a plan counts on; two idle cores of an ordinary machine do about twice as many.
MULTIPLICATIONS_A_MINUTE: Final = 4e11
#: Share of the work for choosing settings, at most.
CHOOSING: Final = 0.6
#: Decays that are tried, low to high; from the better end the search goes on, so many steps of such a factor at most.
DECAYS: Final = (0.2, 0.5, 1.25)
MORE_DECAYS: Final = 2
DECAY_STEP: Final = 2.5
#: How much known answers count: first this, and with the best decay these.
FIRST_KNOWN: Final = 0.5
KNOWN: Final = (1.0, 0.25)
#: Trials at most.
TRIALS: Final = len(DECAYS) + MORE_DECAYS + len(KNOWN)
#: Updates that a training needs at least to settle, and passes at most and at least.
_UPDATES, _MOST_PASSES, _FEWEST_PASSES = 2_000, 200, 20
#: Passes of a trial, of those of the training it stands for.
_TRIAL: Final = 0.25
#: What makes a pass of a large graph cheaper, until enough of them fit: dimension and candidates, the best first.
_SIZES: Final = ((256, 8192), (256, 4096), (256, 2048), (128, 2048), (128, 1024), (64, 1024), (64, 512), (32, 512))
#: Numbers that the tables of a training may hold: vectors, accumulators, gradients and the best vectors.
_MOST_NUMBERS: Final = 1 << 27


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained.

    Attributes:
        settings: Of the training proper, but for what trials choose.
        trial_epochs: Passes of each trial; 0 where the work does not suffice for trials.
    """

    settings: SoftmaxSettings
    trial_epochs: int


def plan(
    entities: int, queries: int, minutes: float, *, dimension: int | None = None, epochs: int | None = None
) -> TrainingPlan:
    """A plan for a benchmark.

    Args:
        entities: N.
        queries: Distinct pairs of entity and relation that are asked for, inverses counted.
        minutes: That it may take.
        dimension: Where the caller has chosen it.
        epochs: Where the caller has chosen them.
    """
    batch = min(256, max(16, 2 ** round(math.log2(max(1, queries) / 40))))
    wanted = min(_MOST_PASSES, max(_FEWEST_PASSES * 2, math.ceil(_UPDATES * batch / max(1, queries))))
    affordable = 0.0
    settings = SoftmaxSettings(batch=batch)
    for length, candidates in _SIZES:
        settings = replace(settings, dimension=dimension or length, candidates=candidates)
        cost = max(1, queries) * min(entities, candidates) * settings.dimension
        affordable = minutes * MULTIPLICATIONS_A_MINUTE / cost
        if affordable >= _FEWEST_PASSES and entities * settings.dimension * 5 <= _MOST_NUMBERS:
            break
    trial = min(round(wanted * _TRIAL), int(affordable * CHOOSING / TRIALS))
    trial = trial if trial >= 4 else 0
    passes = epochs or int(max(1, min(wanted, affordable - trial * TRIALS)))
    return TrainingPlan(replace(settings, epochs=passes), trial)
