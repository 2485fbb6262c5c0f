import os
import subprocess
import sys
import threading
from pathlib import Path

from gnn.baselines.lightgbm_forecaster import FEWEST_FOR_THREADS
from gnn.side_by_side import beside

ROOT = Path(__file__).parents[2]


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


def test_predictions_do_not_disturb_fits_beside_them() -> None:
    # LightGBM's number of threads is the whole process's: predicting by all cores crashed this within a second.
    code = """
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from gnn.baselines.lightgbm_forecaster import TARGETS, binned_inputs, booster_parameters, booster_values, train_booster

generator = np.random.default_rng(0)
inputs = generator.normal(size=(1500, 60)) * (generator.random((1500, 60)) < 0.1)
target = (inputs[:, 0] > 0).astype(float)
parameters = {**booster_parameters(len(inputs), TARGETS["churn"], 0), "rounds": 1}
fit = lambda: train_booster(binned_inputs(inputs, parameters), target, parameters)
booster = fit()
with ThreadPoolExecutor(2) as pool:
    fits = [pool.submit(fit) for _ in range(150)]
    while not all(each.done() for each in fits):
        booster_values(booster, inputs)
print(len(fits))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "150\n"), done.stderr
