"""Work for a few threads, with the results in order and no more than a few of them waiting."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

#: Each thread holds a block of the data: with more of them, memory would grow with the cores.
_MOST_BLOCKS: Final = 4
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def cores() -> int:
    """How many threads work through blocks that may take all cores: as many as there are, within bounds of memory."""
    return min(os.cpu_count() or 1, _MOST_BLOCKS)


def in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int = 2, ahead: int | None = None
) -> Iterator[_Result]:
    """The function's results in the order of the items, which are taken one after the other in the calling thread.

    Args:
        function: Called in other threads; worth it where it spends its time outside of Python.
        items: Taken only as fast as results are.
        threads: How many work at the same time.
        ahead: How many results may be under way while the first one is waited for; bounds the memory. By default as
            many as there are threads.
    """
    pool, ahead = ThreadPoolExecutor(threads), threads if ahead is None else ahead
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
