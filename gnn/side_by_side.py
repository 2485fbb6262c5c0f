"""Fits that do not wait for one another, on the processor's other cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from gnn.baselines.lightgbm_forecaster import FEWEST_FOR_THREADS

_Result = TypeVar("_Result")


@contextmanager
def beside(examples: int) -> Iterator[Executor]:
    """Where fits are handed in that may run beside what the caller does; all are done at the end of the block.

    Boosters on few examples take one thread each, and leave the interpreter to others while they grow: several grow at
    once, the same trees as one after another. Those on many examples take all cores by themselves, one at a time.

    Args:
        examples: To learn from.
    """
    cores = os.cpu_count() or 1
    if examples >= FEWEST_FOR_THREADS or cores == 1:
        yield _AtOnce()
        return
    with ThreadPoolExecutor(max_workers=cores) as pool:
        yield pool


def is_beside(pool: Executor) -> bool:
    """Whether what is handed in runs beside the caller, and not at once."""
    return not isinstance(pool, _AtOnce)


class _AtOnce(Executor):
    """Runs what it is handed when it is handed it."""

    def submit(self, fn: Callable[..., _Result], /, *arguments: Any, **keywords: Any) -> Future[_Result]:
        done: Future[_Result] = Future()
        done.set_result(fn(*arguments, **keywords))
        return done
