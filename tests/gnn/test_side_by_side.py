import os
import threading

from gnn.baselines.lightgbm_forecaster import FEWEST_FOR_THREADS
from gnn.side_by_side import beside


def test_few_examples_are_fitted_beside_the_caller(monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    begun, go_on = threading.Event(), threading.Event()

    def fit() -> str:
        begun.set()
        return "fitted" if go_on.wait(10) else "the caller was not let on"

    with beside(FEWEST_FOR_THREADS - 1) as pool:
        waiting = pool.submit(fit)
        assert begun.wait(10)
        go_on.set()
    assert waiting.result() == "fitted"


def test_many_examples_are_fitted_one_after_another(monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    caller = threading.get_ident()
    with beside(FEWEST_FOR_THREADS) as pool:
        assert pool.submit(threading.get_ident).result() == caller


def test_what_a_fit_raises_is_raised_by_its_result() -> None:
    with beside(1) as pool:
        failed = pool.submit(int, "no number")
    assert isinstance(failed.exception(), ValueError)
