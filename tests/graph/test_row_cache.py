from __future__ import annotations

from graph.row_cache import RowCache
from graph.store import Rows


def rows(count: int) -> Rows:
    return Rows(("row",), [(number,) for number in range(count)])


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = RowCache(most_rows=6)
    cache.put("a", rows(2))
    cache.put("b", rows(2))
    cache.put("c", rows(2))
    assert cache.get("a") == rows(2)  # now b is the one not used for longest
    cache.put("d", rows(1))
    assert cache.get("b") is None
    assert [cache.get(key) is not None for key in "acd"] == [True, True, True]


def test_an_empty_answer_is_an_answer_and_takes_a_place() -> None:
    cache = RowCache(most_rows=2)
    cache.put("a", rows(0))
    assert cache.get("a") == rows(0)
    cache.put("b", rows(0))
    cache.put("c", rows(0))
    assert cache.get("a") is None


def test_replacing_an_answer_counts_it_once() -> None:
    cache = RowCache(most_rows=4)
    cache.put("a", rows(3))
    cache.put("a", rows(1))
    cache.put("b", rows(3))
    assert cache.get("a") == rows(1)
    assert cache.get("b") == rows(3)


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    cache = RowCache(most_rows=2)
    cache.put("a", rows(3))
    assert cache.get("a") is None
    cache.put("b", rows(2))
    assert cache.get("b") == rows(2)


def test_clearing_forgets_everything() -> None:
    cache = RowCache()
    cache.put("a", rows(1))
    cache.clear()
    assert cache.get("a") is None
