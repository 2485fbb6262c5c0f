"""Where a new row lies, with all other vectors held still.

A new row x should lie near the points that its relationships name: a customer who bought t near t − r, a product that
h bought near h + r, and near c − r of its category or brand c. As in training (`embeddings.losses`), x is where a
sampled softmax of these points beside corrupted ones is least:

    L(x) = Σₑ wₑ log(1 + K · meanⱼ exp(‖x − yₑ‖ − ‖x − zⱼ‖)) + ½ λ ‖x − m‖²

with the relationship's point yₑ, its strength wₑ (the decayed count of its events), a fixed pool zⱼ of points drawn as
training draws its corruptions, K the corruptions of training, m the mean of the trained vectors of that label, and λ
the shrinkage, in events of today: who has few events stays near the mean. Only the side on which x competes with
corruptions of the other end is used: the other side pulls towards every point alike, and cost a third of the gain.

Each step divides the gradient by the curvature of the majorising quadratic, Σₑ cₑ / dₑ + λ (Weiszfeld's step for
weighted medians), with momentum. All rows of a block step together, so that the pool costs one matrix product; a single
row takes the same steps in plain vectors, where the calls themselves would cost most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graph.snapshot import Int64Array
from habitue.errors import UsageError

if TYPE_CHECKING:
    import torch

Float32Array = npt.NDArray[np.float32]

#: Relationships looked at together, which bounds memory: each costs two rows of d numbers.
_BLOCK_POINTS = 200_000
#: Rows solved together.
_BLOCK_ROWS = 4096
_TINY = 1e-6


@dataclass(frozen=True)
class IncrementalSettings:
    """How rows are solved for.

    Attributes:
        shrinkage: λ: how many events of today the mean of the label counts for.
        steps: Steps from the mean.
        momentum: Share of the last step that goes on.
        pool: Corrupted points, drawn once for all rows.
        seed: Of the pool.
    """

    shrinkage: float = 3.0
    steps: int = 12
    momentum: float = 0.5
    pool: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if self.shrinkage <= 0 or self.steps < 1 or not 0 <= self.momentum < 1 or self.pool < 1:
            raise UsageError(
                f"These settings cannot solve for a vector: {self}.",
                hint="All must be positive, and `momentum` below 1.",
            )


@dataclass(frozen=True, eq=False)
class Points:
    """What rows should lie near, in one role: p points, sorted by row.

    Attributes:
        row: int64 [p]: which of the rows that are solved for.
        entity: int64 [p]: the other end, a row of the embedding's vocabulary.
        strength: float32 [p], positive.
        shift: float32 [d]: what the other end's vector is moved by; −r where the row is a head, +r where it is a tail.
        pool: float32 [k, d]: the corrupted points, moved by the shift too.
    """

    row: Int64Array
    entity: Int64Array
    strength: Float32Array
    shift: Float32Array
    pool: Float32Array


def solve(
    vectors: Float32Array,
    mean: Float32Array,
    rows: int,
    parts: list[Points],
    corruptions: int,
    settings: IncrementalSettings,
) -> Float32Array:
    """Where L is least, for `rows` rows at once, float32 [rows, d] (see the module's text).

    Args:
        vectors: Of all entities, float32 [N, d]; frozen.
        mean: m, float32 [d].
        rows: How many are solved for.
        parts: What they should lie near, by role.
        corruptions: K.
        settings: How.
    """  # fmt: skip
    parts = [part for part in parts if len(part.row) and len(part.pool)]
    if rows == 1:
        told = [(vectors[part.entity] + part.shift, part.strength, part.pool) for part in parts]
        return _descend_alone(told, mean, corruptions, settings)[None]
    import torch

    table, centre = torch.from_numpy(vectors), torch.from_numpy(np.ascontiguousarray(mean))
    roles = [(part, torch.from_numpy(part.shift), torch.from_numpy(part.pool)) for part in parts]
    result = np.empty((rows, vectors.shape[1]), np.float32)
    for start, stop in _blocks(rows, [part.row for part in parts]):
        pieces = []
        for part, shift, pool in roles:
            first, last = np.searchsorted(part.row, [start, stop])
            if first < last:
                row = torch.from_numpy(part.row[first:last] - start)
                points = table[torch.from_numpy(part.entity[first:last])] + shift
                pieces.append((row, points, torch.from_numpy(part.strength[first:last]), pool))
        result[start:stop] = _descend(stop - start, pieces, centre, corruptions, settings).numpy()
    return result


def _descend_alone(
    pieces: list[tuple[Float32Array, Float32Array, Float32Array]],
    centre: Float32Array,
    corruptions: int,
    settings: IncrementalSettings,
) -> Float32Array:
    """The steps of one row: points, strengths and pool of each role."""
    shrinkage = np.float32(settings.shrinkage)
    x, move = centre.copy(), np.zeros_like(centre)
    told = [(points, strength, pool, np.einsum("kd,kd->k", pool, pool)) for points, strength, pool in pieces]
    for _ in range(settings.steps):
        gradient = shrinkage * (x - centre)
        curvature = shrinkage
        for points, strength, pool, squared in told:
            difference = x - points
            distance = np.sqrt(np.einsum("pd,pd->p", difference, difference))
            np.maximum(distance, _TINY, out=distance)
            apart = pool @ x
            apart *= -2.0
            apart += squared
            apart += x @ x
            np.maximum(apart, _TINY**2, out=apart)
            np.sqrt(apart, out=apart)
            # Corrupted points nearer than others weigh more: a softmax of their nearness, and its logarithm's level.
            nearest = apart.min()
            share = np.exp(nearest - apart)
            total = share.sum()
            level = np.log(total * (corruptions / len(pool))) - nearest
            pull = strength / (1.0 + np.exp(-(distance + level)))
            share *= pull.sum() / total
            share /= apart
            pull /= distance
            gradient += pull @ difference
            gradient -= share.sum() * x
            gradient += share @ pool
            curvature += pull.sum()
        move *= np.float32(settings.momentum)
        move -= gradient / curvature
        x += move
    return x


_Piece = tuple["torch.Tensor", "torch.Tensor", "torch.Tensor", "torch.Tensor"]


def _descend(
    rows: int, pieces: list[_Piece], centre: torch.Tensor, corruptions: int, settings: IncrementalSettings
) -> torch.Tensor:
    """Steps from the mean: rows of points, points, strengths and pool of each role."""
    import torch

    x = centre.repeat(rows, 1)
    move = torch.zeros_like(x)
    for _ in range(settings.steps):
        gradient = settings.shrinkage * (x - centre)
        curvature = torch.full((rows,), settings.shrinkage)
        for row, points, strength, pool in pieces:
            difference = x[row].sub_(points)
            distance = difference.square().sum(1).sqrt_().clamp_(min=_TINY)
            apart = torch.addmm(pool.square().sum(1), x, pool.T, alpha=-2)
            apart = apart.add_(x.square().sum(1, keepdim=True)).clamp_(min=_TINY**2).sqrt_()
            nearness = torch.logsumexp(-apart, 1) + float(np.log(corruptions / len(pool)))
            pull = strength * torch.sigmoid(distance + nearness[row])
            pushed = torch.zeros(rows).index_add_(0, row, pull)
            push = torch.softmax(-apart, 1).mul_(pushed[:, None]).div_(apart)
            pull.div_(distance)
            gradient.index_add_(0, row, difference.mul_(pull[:, None]))
            gradient.sub_(push.sum(1, keepdim=True) * x).addmm_(push, pool)
            curvature.index_add_(0, row, pull)
        move.mul_(settings.momentum).sub_(gradient / curvature[:, None])
        x.add_(move)
    return x


def _blocks(rows: int, of_points: list[Int64Array]) -> Iterator[tuple[int, int]]:
    """Rows cut into blocks of bounded numbers of rows and points; a single row with more points is a block."""
    points = np.zeros(rows, np.int64)
    for row in of_points:
        points += np.bincount(row, minlength=rows)
    total = np.concatenate([[0], np.cumsum(points)])
    start = 0
    while start < rows:
        upto = int(np.searchsorted(total, total[start] + _BLOCK_POINTS, "right")) - 1
        stop = min(rows, start + _BLOCK_ROWS, max(upto, start + 1))
        yield start, stop
        start = stop
