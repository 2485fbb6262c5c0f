"""Independent pieces of work on all cores, their results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """What `work` makes of each item, in the items' order; several are worked on at once, in threads.

    Items are drawn as they are needed: beyond what is being worked on, one result waits at most, so that memory is
    bounded by the cores. For work that leaves the interpreter to others, as NumPy's sorts and LightGBM's trees do.

    Args:
        work: Of one item; must not depend on which others are done.
        items: Drawn in the caller's thread.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        waiting: deque[Future[_Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
