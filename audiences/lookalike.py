"""Lookalike audiences: customers who resemble a seed, ranked, with a check of how well that finds hidden seed members.

A customer's score is the mean cosine, of centred vectors, to the seed's customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from audiences.filters import Condition, passing
from embeddings.similarity import Float32Array
from graph.snapshot import FloatArray, Int64Array
from habitue.errors import UsageError

#: Fewer known seeds than this cannot be halved and checked.
_FEWEST_FOR_EVALUATION = 4


@dataclass(frozen=True)
class Seed:
    """What became of the customers that were given.

    Attributes:
        given: How many different ids were given.
        known: How many of them the model knows.
        unknown: The ids it does not know, in the order given.
    """

    given: int
    known: int
    unknown: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON that other programs read."""
        return {"given": self.given, "known": self.known, "unknown": list(self.unknown)}


@dataclass(frozen=True)
class Evaluation:
    """The holdout check: half of the known seed is hidden, and looked for among all customers not in the other half.

    It says how well the seed hangs together under this similarity. A seed chosen by what the vectors were made from
    (everybody who bought X) is found again more easily than people who will do something in future.

    Attributes:
        auc: Area under the ROC curve of telling the hidden from the rest, mean over the splits; None where the seed
            is too small to be halved.
        precision_at_k: Share of hidden ones among the best k, k their number; None likewise.
        precision_by_chance: What a random order would get; None likewise.
        seeds: Known seeds.
        hidden: How many were hidden in each split: k.
        candidates: Customers among whom they were looked for.
        splits: How many random splits.
    """

    auc: float | None
    precision_at_k: float | None
    precision_by_chance: float | None
    seeds: int
    hidden: int
    candidates: int
    splits: int

    def as_dict(self) -> dict[str, Any]:
        """The JSON that other programs read."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Audience:
    """A ranked lookalike audience.

    Attributes:
        members: `customer_id`, `rank` (from 1), `score` (mean cosine to the seed, in [−1, 1]), best first.
        evaluation: The holdout check, over all customers whatever the filters.
        seed: What became of the customers that were given.
    """

    members: pd.DataFrame
    evaluation: Evaluation
    seed: Seed

    def as_dict(self) -> dict[str, Any]:
        """The JSON that other programs read (DESIGN section 8, "Answers")."""
        members = [
            {"customer_id": customer, "rank": int(rank), "score": float(score)}
            for customer, rank, score in self.members.itertuples(index=False)
        ]
        return {"members": members, "evaluation": self.evaluation.as_dict(), "seed": self.seed.as_dict()}


@dataclass(frozen=True)
class LookalikeSettings:
    """What is asked for.

    Attributes:
        size: At most how many members.
        conditions: What members must satisfy (see `audiences.filters`).
        splits: Random halvings of the seed in the holdout check; 0 leaves it out.
        random_seed: Seed of the halvings.
    """

    size: int = 1000
    conditions: Sequence[Condition] = field(default=())
    splits: int = 5
    random_seed: int = 0


def lookalike(
    ids: pa.StringArray,
    unit: Float32Array,
    seeds: Sequence[str],
    settings: LookalikeSettings | None = None,
    *,
    properties: pd.DataFrame | None = None,
) -> Audience:
    """The customers outside the seed who resemble it most.

    Args:
        ids: Customer ids, [n].
        unit: Their vectors from `embeddings.similarity.centred`, [n, d], in the same order: of TransE, or of
            standardised features.
        seeds: Customer ids to resemble; one that comes twice counts once.
        settings: Size, filters, check; default: `LookalikeSettings()`.
        properties: What filters look at: a frame with `customer_id` and the columns that they name, such as the table
            of scores; a customer who is not in it passes no filter.

    Raises:
        UsageError: If the seed is empty or wholly unknown, the size is below 1, or a filter cannot be applied.
    """
    settings = settings or LookalikeSettings()
    if settings.size < 1:
        raise UsageError(f"An audience of {settings.size} was asked for.", hint="Ask for at least 1 customer.")
    rows, seed = resolve(ids, seeds)
    similarity = similarity_to(unit, rows)
    eligible = passing(ids, settings.conditions, properties)
    eligible[rows] = False
    candidates = np.flatnonzero(eligible)
    best = candidates[np.argsort(-similarity[candidates], kind="stable")[: settings.size]]
    members = pd.DataFrame(
        {
            "customer_id": ids.take(pa.array(best)).to_numpy(zero_copy_only=False).astype(object),
            "rank": np.arange(1, len(best) + 1),
            "score": similarity[best],
        }
    )
    return Audience(members, holdout(unit, rows, splits=settings.splits, random_seed=settings.random_seed), seed)


def resolve(ids: pa.StringArray, seeds: Sequence[str]) -> tuple[Int64Array, Seed]:
    """Rows of the known seeds, ascending, and what became of all.

    Raises:
        UsageError: If there is no seed, or none is known.
    """
    distinct = list(dict.fromkeys(text.strip() for text in seeds))
    distinct = [text for text in distinct if text]
    if not distinct:
        raise UsageError("The seed is empty.", hint="Give at least one customer id.")
    found = pc.index_in(pa.array(distinct, pa.string()), value_set=ids)
    unknown = tuple(text for text, row in zip(distinct, found.to_pylist(), strict=True) if row is None)
    if len(unknown) == len(distinct):
        raise UsageError(
            f"None of the seed's {len(distinct)} customers is known to the model.",
            hint="Check that these are ids as they were loaded, of customers with an event before the model's date.",
        )
    rows = np.sort(found.drop_null().to_numpy(zero_copy_only=False).astype(np.int64))
    return rows, Seed(len(distinct), len(rows), unknown)


def similarity_to(unit: Float32Array, rows: Int64Array) -> FloatArray:
    """Mean cosine of every customer to those at `rows`, float64 [n]; `unit` comes from `centred`."""
    mean: FloatArray = unit[rows].mean(axis=0, dtype=np.float64)
    return np.asarray(unit @ mean, np.float64)


def holdout(unit: Float32Array, rows: Int64Array, *, splits: int = 5, random_seed: int = 0) -> Evaluation:
    """Hide half of a seed, rank everybody outside the other half by similarity to it, and look where the hidden are.

    Args:
        unit: [n, d] from `centred`.
        rows: Rows of the known seeds, ascending.
        splits: Random halvings to average over.
        random_seed: Seed of the halvings.
    """
    hidden = len(rows) // 2
    candidates = len(unit) - (len(rows) - hidden)
    if splits < 1 or len(rows) < _FEWEST_FOR_EVALUATION or candidates <= hidden:
        return Evaluation(None, None, None, len(rows), 0, len(unit) - len(rows), 0)
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(random_seed)
    areas, precisions = [], []
    for _ in range(splits):
        shuffled = generator.permutation(rows)
        wanted = np.zeros(len(unit), bool)
        wanted[shuffled[:hidden]] = True
        among = np.ones(len(unit), bool)
        among[shuffled[hidden:]] = False
        similarity = similarity_to(unit, shuffled[hidden:])[among]
        best = np.argsort(-similarity, kind="stable")[:hidden]
        areas.append(float(roc_auc_score(wanted[among], similarity)))
        precisions.append(float(wanted[among][best].mean()))
    return Evaluation(
        auc=float(np.mean(areas)),
        precision_at_k=float(np.mean(precisions)),
        precision_by_chance=hidden / candidates,
        seeds=len(rows),
        hidden=hidden,
        candidates=candidates,
        splits=splits,
    )


def as_conditions(filters: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Conditions from their JSON form, `{"field": …, "min": …, "max": …, "equals": …}`."""
    return tuple(Condition.from_dict(each) for each in filters)
