"""Answers kept in memory, the least recently used given up first. For a published version that never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from graph.store import Rows


class RowCache:
    """Rows by key, bounded by the number of rows. Safe to use from several threads.

    Args:
        most_rows: Rows kept at most; an empty answer counts as one.
    """

    def __init__(self, most_rows: int = 100_000) -> None:
        self._most_rows = most_rows
        self._kept: OrderedDict[Hashable, Rows] = OrderedDict()
        self._rows = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Rows | None:
        """The rows kept under a key, which the caller must not change; None when there are none."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, rows: Rows) -> None:
        """Keep rows under a key."""
        with self._lock:
            former = self._kept.pop(key, None)
            self._rows += _size(rows) - (_size(former) if former is not None else 0)
            self._kept[key] = rows
            while self._rows > self._most_rows:
                _, gone = self._kept.popitem(last=False)
                self._rows -= _size(gone)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._rows = 0


def _size(answer: Rows) -> int:
    return max(1, len(answer.rows))
