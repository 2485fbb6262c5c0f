"""Link prediction as PyKEEN's evaluator has it: filtered, both sides, ties at their mean rank ("realistic")."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from pykeen.evaluation import RankBasedEvaluator
from pykeen.evaluation.rank_based_evaluator import RankBasedMetricResults

if TYPE_CHECKING:
    from pykeen.models import Model

    from graph.store import Progress

#: Of the predictions: both together, that of heads, that of tails.
SIDES: Final = ("both", "head", "tail")

#: Memory for the scores and filters of a batch.
_BATCH_BYTES: Final = 1 << 28


@dataclass(frozen=True)
class RankMetrics:
    """Figures of ranks, as PyKEEN works them out.

    Attributes:
        mrr: Mean reciprocal rank, in (0, 1].
        hits_at_1, hits_at_3, hits_at_10: Shares of the ranks up to 1, 3 and 10.
        mean_rank: From 1.
        adjusted_mean_rank_index: 1 where every rank is 1, 0 for scores at random (Berrendorf et al. 2020): the only one
            of these that can be compared between graphs of different sizes.
    """

    mrr: float
    hits_at_1: float
    hits_at_3: float
    hits_at_10: float
    mean_rank: float
    adjusted_mean_rank_index: float

    def to_json(self) -> dict[str, float]:
        """As plain values, under the field's names."""
        return {
            "mrr": self.mrr,
            "hits@1": self.hits_at_1,
            "hits@3": self.hits_at_3,
            "hits@10": self.hits_at_10,
            "mean_rank": self.mean_rank,
            "adjusted_mean_rank_index": self.adjusted_mean_rank_index,
        }

    def with_missed(self, share: float) -> dict[str, float]:
        """The least that the figures can be when a share of the queries could not be asked: those count as misses."""
        names = ("mrr", "hits@1", "hits@3", "hits@10")
        return {name: value * (1 - share) for name, value in self.to_json().items() if name in names}


def link_prediction(
    model: Model,
    triples: torch.Tensor,
    known: Sequence[torch.Tensor],
    *,
    progress: Progress | None = None,
) -> dict[str, RankMetrics]:
    """Rank the head and the tail of every triple among all entities but those known to be right besides.

    Args:
        model: Any of PyKEEN's models.
        triples: int64 [n, 3], n > 0, distinct; without inverses.
        known: Triples to filter with, int64 [m, 3] each; `triples` are filtered with too.
        progress: Told after every batch.

    Returns:
        Figures by side (`SIDES`).
    """
    filters = sum(len(each) for each in (triples, *known))
    evaluator = _Watched(len(triples), progress)
    with _without_remarks():
        found = evaluator.evaluate(
            model,
            triples,
            batch_size=min(len(triples), max(1, _BATCH_BYTES // (20 * model.num_entities + 3 * filters))),
            additional_filter_triples=list(known),
            use_tqdm=False,
        )
    return {side: _of_side(cast(RankBasedMetricResults, found), side) for side in SIDES}


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Without the warning that batches are not made smaller on a processor when memory is short: ours are small."""
    logger = logging.getLogger("torch_max_mem")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


class _Watched(RankBasedEvaluator):
    """PyKEEN's evaluator; it tells besides how far it is."""

    def __init__(self, triples: int, progress: Progress | None) -> None:
        super().__init__()
        self._queries = 2 * triples
        self._asked = 0
        self._progress = progress

    def process_scores_(self, hrt_batch: torch.Tensor, *arguments: Any, **named: Any) -> None:
        super().process_scores_(hrt_batch, *arguments, **named)
        self._asked += len(hrt_batch)
        if self._progress is not None:
            self._progress("ranking", self._asked / self._queries)


def _of_side(found: RankBasedMetricResults, side: str) -> RankMetrics:
    def metric(name: str) -> float:
        return float(found.get_metric(f"{side}.realistic.{name}"))

    return RankMetrics(
        mrr=metric("inverse_harmonic_mean_rank"),
        hits_at_1=metric("hits_at_1"),
        hits_at_3=metric("hits_at_3"),
        hits_at_10=metric("hits_at_10"),
        mean_rank=metric("arithmetic_mean_rank"),
        adjusted_mean_rank_index=metric("adjusted_arithmetic_mean_rank_index"),
    )
