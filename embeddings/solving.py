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
weighted medians), and goes twice that far, with momentum. Where the gradient then points back along the way that a row
came, it went too far (few points, of great strength or far away): from there on it takes half the stride, and its
momentum is gone (O'Donoghue & Candès 2015). All rows of a block step together, so that the pool costs one matrix
product; a single row takes the same steps in plain vectors, where the calls themselves would cost most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from embeddings.csr import csr_tensor
from graph.snapshot import Int64Array
from habitue.errors import UsageError

if TYPE_CHECKING:
    import torch

Float32Array = npt.NDArray[np.float32]

#: Relationships looked at together, which bounds memory: each costs some numbers, and each distinct entity a row of d.
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
        stride: Length of a step in Weiszfeld's, to begin with.
        momentum: Share of the last step that goes on.
        pool: Corrupted points, drawn once for all rows.
        seed: Of the pool.
    """

    shrinkage: float = 3.0
    steps: int = 8
    stride: float = 2.0
    momentum: float = 0.3
    pool: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        positive = min(self.shrinkage, self.steps, self.stride, self.pool) > 0  # not where one is not a number
        if not (positive and math.isfinite(self.shrinkage + self.stride) and 0 <= self.momentum < 1):
            raise UsageError(
                f"These settings cannot solve for a vector: {self}.",
                hint="All must be positive and finite, but for `momentum`, which may be 0 and must be below 1.",
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

    centre = torch.from_numpy(np.ascontiguousarray(mean))
    result = np.empty((rows, vectors.shape[1]), np.float32)
    for start, stop in _blocks(rows, [part.row for part in parts]):
        roles = [role for part in parts if (role := _Role.of(part, vectors, start, stop)) is not None]
        result[start:stop] = _descend(stop - start, roles, centre, corruptions, settings).numpy()
    return result


def _descend_alone(
    pieces: list[tuple[Float32Array, Float32Array, Float32Array]],
    centre: Float32Array,
    corruptions: int,
    settings: IncrementalSettings,
) -> Float32Array:
    """The steps of one row: points, strengths and pool of each role."""
    shrinkage, stride = np.float32(settings.shrinkage), np.float32(settings.stride)
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
        if gradient @ move > 0:
            stride /= 2
            move[:] = 0
        move *= np.float32(settings.momentum)
        move -= gradient * (stride / curvature)
        x += move
    return x


@dataclass(frozen=True, eq=False)
class _Role:
    """The points of one role of a block of rows, p of them at u distinct entities.

    A point costs an inner product and a share in a sum: no vector is copied for it.

    Attributes:
        rows: int64 [r]: the rows that have points.
        count: int64 [r]: how many points each of them has.
        starts: int64 [r]: the first of them.
        place: int64 [p]: the point's row of `vectors`.
        pattern: Sparse r×u matrix of the points; its values are the squared lengths of their vectors.
        strength: float32 [p].
        vectors: float32 [u, d].
        shift: float32 [d].
        pool: float32 [k, d + 1], the corrupted points and a column of ones.
        pool_squared: float32 [k], their squared lengths.
    """

    rows: torch.Tensor
    count: Int64Array
    starts: Int64Array
    place: torch.Tensor
    pattern: torch.Tensor
    strength: Float32Array
    vectors: torch.Tensor
    shift: torch.Tensor
    pool: torch.Tensor
    pool_squared: torch.Tensor

    @staticmethod
    def of(part: Points, vectors: Float32Array, start: int, stop: int) -> _Role | None:
        """What rows `start` to `stop` are told; None if nothing."""
        import torch

        first, last = np.searchsorted(part.row, [start, stop])
        if first == last:
            return None
        row = part.row[first:last] - start
        starts = np.flatnonzero(np.diff(row, prepend=-1))  # sorted: a row's points follow each other
        entities = pa.array(part.entity[first:last]).dictionary_encode()
        place = np.array(entities.indices)
        vector, pool = torch.from_numpy(vectors[entities.dictionary.to_numpy()]), torch.from_numpy(part.pool)
        pattern = csr_tensor(
            torch.from_numpy(np.append(starts, len(row)).astype(np.int32)),
            torch.from_numpy(place),
            vector.square().sum(1)[place],
            (len(starts), len(vector)),
        )
        return _Role(
            rows=torch.from_numpy(row[starts]),
            count=np.diff(starts, append=len(row)),
            starts=starts,
            place=torch.from_numpy(place.astype(np.int64)),
            pattern=pattern,
            strength=part.strength[first:last],
            vectors=vector,
            shift=torch.from_numpy(part.shift),
            pool=torch.cat([pool, torch.ones(len(pool), 1)], 1),
            pool_squared=pool.square().sum(1),
        )


def _descend(
    rows: int, roles: list[_Role], centre: torch.Tensor, corruptions: int, settings: IncrementalSettings
) -> torch.Tensor:
    """Steps from the mean, of all rows together."""
    import torch

    x = centre.repeat(rows, 1)
    move = torch.zeros_like(x)
    stride = torch.full((rows, 1), settings.stride, dtype=torch.float32)
    for _ in range(settings.steps):
        gradient = settings.shrinkage * (x - centre)
        curvature = torch.full((rows, 1), settings.shrinkage, dtype=torch.float32)
        for role in roles:
            pull, weight = _forces(x[role.rows], role, corruptions)
            gradient.index_add_(0, role.rows, pull)
            curvature.index_add_(0, role.rows, weight)
        too_far = torch.linalg.vecdot(gradient, move)[:, None] > 0
        stride[too_far] /= 2
        move.masked_fill_(too_far, 0).mul_(settings.momentum).sub_(gradient.mul_(stride / curvature))
        x.add_(move)
    return x


def _forces(x: torch.Tensor, role: _Role, corruptions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A role's part in the gradient (r×d) and in the curvature (r×1) at the rows x (r×d) that it has points of."""
    import torch
    from torch.nn.functional import embedding_bag

    def to_points(of_rows: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.repeat(of_rows.numpy(), role.count))

    def sums(of_points: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.add.reduceat(of_points.numpy(), role.starts))[:, None]

    near = x - role.shift
    squared = torch.sparse.sampled_addmm(role.pattern, near, role.vectors.T, alpha=-2).values()
    distance = squared.add_(to_points(near.square().sum(1))).clamp_(min=_TINY**2).sqrt_()
    corrupted = role.pool[:, :-1]
    apart = torch.addmm(role.pool_squared, x, corrupted.T, alpha=-2).add_(x.square().sum(1, keepdim=True))
    apart.clamp_(min=_TINY**2).sqrt_()
    # Corrupted points nearer than others weigh more: a softmax of their nearness, and its logarithm's level.
    nearest = apart.amin(1, keepdim=True)
    share = (nearest - apart).exp_()
    total = share.sum(1, keepdim=True)
    level = (total * (corruptions / len(corrupted))).log_().sub_(nearest)
    pull = to_points(level[:, 0]).add_(distance).sigmoid_().mul_(torch.from_numpy(role.strength))
    pushed = sums(pull)
    pulled = sums(pull.div_(distance))
    starts = torch.from_numpy(role.starts)
    towards = embedding_bag(role.place, role.vectors, starts, mode="sum", per_sample_weights=pull)
    away = (share.div_(apart) @ role.pool).mul_(pushed / total)
    return pulled * near - towards - away[:, -1:] * x + away[:, :-1], pulled


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
