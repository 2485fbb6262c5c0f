"""What others have published of TransE on well-known benchmarks, to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PublishedResult:
    """A published figure on a benchmark's test triples: filtered, both sides, ties at their mean rank.

    Attributes:
        benchmark: Name of the benchmark.
        fingerprint: Of its triples (`embeddings.benchmark_files.TripleFolder.fingerprint`).
        model: What was trained, with what.
        source: Where it stands.
        mrr: Mean reciprocal rank.
        hits_at_1, hits_at_10: Shares of the ranks up to 1 and 10.
    """

    benchmark: str
    fingerprint: str
    model: str
    source: str
    mrr: float
    hits_at_1: float
    hits_at_10: float


_CODEX: Final = "Safavi & Koutra 2020, CoDEx (EMNLP); results table of github.com/tsafavi/codex"

_PUBLISHED: Final = (
    PublishedResult(
        "CoDEx-S", "76d8a0c47645e6335899be3bb0f4adc2ff3ad5cad2d7d4fe0534c988c9064157",
        "TransE, LibKGE", _CODEX, 0.354, 0.219, 0.634,
    ),
)  # fmt: skip


def published(fingerprint: str) -> tuple[PublishedResult, ...]:
    """The published figures of a benchmark; none where its triples are not those of one that is known here."""
    return tuple(each for each in _PUBLISHED if each.fingerprint == fingerprint)
