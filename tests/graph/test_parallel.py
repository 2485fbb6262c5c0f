from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from graph.parallel import in_order


def test_results_come_in_the_order_of_the_items_however_long_each_takes() -> None:
    second_is_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_is_done.wait(timeout=30)  # the first can only end after the second: they run side by side
        elif item == 1:
            second_is_done.set()
        return item * item

    assert list(in_order(work, range(7))) == [0, 1, 4, 9, 16, 25, 36]
    assert list(in_order(work, [])) == []


def test_no_more_items_are_drawn_than_are_needed() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            drawn.append(item)
            yield item

    results = in_order(lambda item: item, items())
    assert not drawn
    for taken in range(1, 6):
        assert next(results) == taken - 1
        assert len(drawn) <= taken + 2


def test_what_goes_wrong_is_raised_where_the_result_is_asked_for() -> None:
    def work(item: int) -> float:
        return 1 / (item - 2)

    results = in_order(work, range(5))
    assert next(results) == -0.5
    assert next(results) == -1.0
    with pytest.raises(ZeroDivisionError):
        next(results)
