"""What forecasters of a backtest share: the same trees, fitted once, their cost counted."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.forecast import Examples, ExampleSource, FitsElsewhere
from gnn.shared_work import SharedLightGBM, SharedWork
from gnn.task import Task
from habitue.errors import NotTrainedError
from tests.gnn.shops import START, fading_shop


@pytest.fixture(scope="module")
def dated() -> tuple[list[Examples], Examples]:
    source = ExampleSource(fading_shop(), Task(30, 180))
    return [source.labelled(START + timedelta(days=day)) for day in (60, 90)], source.at(START + timedelta(days=120))


def test_the_shared_baseline_is_the_baseline_and_says_what_it_cost(dated: tuple[list[Examples], Examples]) -> None:
    training, asked = dated
    alone, shared = LightGBM(), SharedWork()
    alone.fit(training, seed=3)
    fitted_before = shared.trees(training, seed=3)
    taken = SharedLightGBM(shared)
    assert isinstance(taken, FitsElsewhere)
    with pytest.raises(NotTrainedError):
        taken.predict(asked)
    taken.fit(training, seed=3)
    assert taken.trees is fitted_before
    assert taken.seconds_elsewhere > 0
    for name in ("churn_score", "churn_risk", "value_median", "value_mean"):
        np.testing.assert_array_equal(getattr(taken.predict(asked), name), getattr(alone.predict(asked), name))
    other = SharedLightGBM(shared)
    other.fit(training, seed=4)  # another draw is other trees, fitted now: nothing was done elsewhere
    assert other.trees is not fitted_before
    assert other.seconds_elsewhere == pytest.approx(0.0, abs=0.05)
