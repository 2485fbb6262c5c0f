"""Distinct values of integer columns by sorting: NumPy's own `unique` hashes, which costs several times as much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.snapshot import Int64Array


def starts_of(ordered: npt.NDArray[np.integer]) -> Int64Array:
    """Positions at which a sorted array's runs of equal values begin."""
    begins = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def distinct(values: Int64Array) -> Int64Array:
    """The distinct values, ascending."""
    ordered = np.sort(values)
    return ordered[starts_of(ordered)]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Distinct pairs of customer and code, sorted by both.

    Attributes:
        customer, code: Of each pair.
        times: How often it occurs.
    """

    customer: Int64Array
    code: Int64Array
    times: Int64Array

    @staticmethod
    def of(customer: npt.NDArray[np.integer], code: npt.NDArray[np.integer]) -> Pairs:
        """The pairs of two columns; a code below zero is none."""
        known = code >= 0
        if not known.all():
            customer, code = customer[known], code[known]
        width = int(code.max(initial=0)) + 1
        ordered = np.sort(customer.astype(np.int64) * width + code)
        starts = starts_of(ordered)
        pairs = ordered[starts]
        return Pairs(pairs // width, pairs % width, np.diff(starts, append=len(ordered)))
