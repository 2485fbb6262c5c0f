"""What others have published of TransE on well-known benchmarks, to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from embeddings.benchmark_files import TripleFolder

#: Sizes by which a benchmark is known: entities, relations, triples of training, validation and test.
Sizes = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class PublishedResult:
    """A published figure on a benchmark's test triples: filtered, both sides, ties at their mean rank.

    Attributes:
        benchmark: Name of the benchmark.
        sizes: Of the benchmark.
        fingerprint: Of its triples (`embeddings.benchmark_files.TripleFolder.fingerprint`); None where they were not at
            hand, and the sizes alone tell.
        model: What was trained, with what.
        source: Where it stands.
        mrr: Mean reciprocal rank.
        hits_at_1, hits_at_3, hits_at_10: Shares of the ranks up to 1, 3 and 10.
    """

    benchmark: str
    sizes: Sizes
    fingerprint: str | None
    model: str
    source: str
    mrr: float
    hits_at_1: float
    hits_at_3: float
    hits_at_10: float

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "benchmark": self.benchmark,
            "model": self.model,
            "source": self.source,
            "recognised_by": "sizes" if self.fingerprint is None else "triples",
            "mrr": self.mrr,
            "hits@1": self.hits_at_1,
            "hits@3": self.hits_at_3,
            "hits@10": self.hits_at_10,
        }


_MODEL: Final = "TransE, LibKGE"
_CODEX: Final = "Safavi & Koutra 2020, CoDEx (EMNLP), and the results of github.com/uma-pi1/kge"
_LIBKGE: Final = "Ruffinelli, Broscheit & Gemulla 2020 (ICLR), and the results of github.com/uma-pi1/kge"

_PUBLISHED: Final = (
    PublishedResult(
        "CoDEx-S", (2_034, 42, 32_888, 1_827, 1_828),
        "76d8a0c47645e6335899be3bb0f4adc2ff3ad5cad2d7d4fe0534c988c9064157",
        _MODEL, _CODEX, 0.354, 0.219, 0.4218, 0.634,
    ),
    PublishedResult(
        "CoDEx-M", (17_050, 51, 185_584, 10_310, 10_311),
        "2a7e4015e0fdb304b8359f608fe82f06582c760f7527dc563d25cd73b8fa3fec",
        _MODEL, _CODEX, 0.303, 0.223, 0.3363, 0.454,
    ),
    PublishedResult(
        "CoDEx-L", (77_951, 69, 551_193, 30_622, 30_622), None, _MODEL, _CODEX, 0.187, 0.116, 0.2188, 0.317,
    ),
    PublishedResult(
        "FB15k-237", (14_541, 237, 272_115, 17_535, 20_466), None, _MODEL, _LIBKGE, 0.313, 0.221, 0.347, 0.497,
    ),
    PublishedResult(
        "WN18RR", (40_943, 11, 86_835, 3_034, 3_134),
        "81d9d5c6cc8a7ff4ed60a9189547eb7cc55145ceeae560f0949f11c8d4e83a21",
        _MODEL, _LIBKGE, 0.228, 0.053, 0.368, 0.520,
    ),
    PublishedResult(
        "FB15k", (14_951, 1_345, 483_142, 50_000, 59_071), None, _MODEL, _LIBKGE, 0.676, 0.542, 0.787, 0.875,
    ),
    PublishedResult(
        "WN18", (40_943, 18, 141_442, 5_000, 5_000), None, _MODEL, _LIBKGE, 0.553, 0.315, 0.764, 0.924,
    ),
)  # fmt: skip


def published(folder: TripleFolder) -> tuple[PublishedResult, ...]:
    """The published figures of a benchmark; none where its triples are not those of one that is known here."""
    sizes = (
        len(folder.entities), len(folder.relations), len(folder.train), len(folder.valid), len(folder.test)
    )  # fmt: skip
    return tuple(each for each in _PUBLISHED if each.sizes == sizes and each.fingerprint in (None, folder.fingerprint))
