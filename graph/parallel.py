"""Work for a few threads, with the results in order and no more than a few of them waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int = 2, ahead: int = 2
) -> Iterator[_Result]:
    """The function's results in the order of the items, which are taken one after the other in the calling thread.

    Args:
        function: Called in other threads; worth it where it spends its time outside of Python.
        items: Taken only as fast as results are.
        threads: How many work at the same time.
        ahead: How many results may be under way while the first one is waited for; bounds the memory.
    """
    pool = ThreadPoolExecutor(threads)
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
