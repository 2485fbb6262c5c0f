"""Compressed sparse rows as torch has them."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def csr_tensor(
    starts: torch.Tensor, columns: torch.Tensor, values: torch.Tensor, shape: tuple[int, int]
) -> torch.Tensor:
    """A sparse r×c matrix of rows whose order and bounds the caller vouches for.

    Args:
        starts: Where each row begins, int32 [r + 1].
        columns: Of the values, int32 [n].
        values: float32 [n].
        shape: (r, c).
    """
    import torch

    _warned_already()
    return torch.sparse_csr_tensor(starts, columns, values, size=shape, check_invariants=False)


@cache
def _warned_already() -> None:
    """Have torch say that this layout is in beta state where nobody hears it: it says so once in a process.

    Filters of warnings belong to all threads, and are not touched again.
    """
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state", category=UserWarning)
        torch.sparse_csr_tensor([0, 0], [], [], size=(1, 1), check_invariants=False)
