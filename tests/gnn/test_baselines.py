from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.baselines.recency import Recency
from gnn.baselines.registry import baselines
from gnn.baselines.rfm import RfmLogistic
from gnn.features import align
from gnn.forecast import Examples, ExampleSource, Forecast, Forecaster
from gnn.metrics import measure
from gnn.task import Outcome, Task
from habitue.errors import NotTrainedError
from tests.gnn.shops import DAYS, START, fading_shop

TASK = Task(horizon_days=30, active_window_days=None)
SUPERVISED = [RfmLogistic, LightGBM]


def examples(amounts: bool = True) -> tuple[list[Examples], Examples]:
    source = ExampleSource(fading_shop(amounts=amounts), TASK)
    latest = START + timedelta(days=DAYS - 30)
    return [source.labelled(latest - timedelta(days=days)) for days in (90, 60, 30)], source.labelled(latest)


def relabelled(training: list[Examples], churned: bool, value: float) -> list[Examples]:
    def same(each: Examples) -> Outcome:
        count = len(each.rows)
        return Outcome(np.full(count, churned), np.full(count, value), np.zeros(count, np.int64))

    return [Examples(each.snapshot, each.rows, each.features, same(each)) for each in training]


def predictions(forecast: Forecast) -> dict[str, np.ndarray]:
    found = {name: getattr(forecast, name) for name in ("churn_risk", "value_median", "value_mean")}
    assert all(values is not None for values in found.values())
    return found


def test_the_registry_names_the_baselines_in_the_order_of_the_report() -> None:
    assert [make().name for make in baselines(TASK)] == ["recency", "rfm_logistic", "bg_nbd_gamma_gamma", "lightgbm"]


def test_recency_is_the_days_since_the_last_purchase() -> None:
    _, test = examples()
    forecast = Recency().predict(test)
    last = np.zeros(len(test.rows))
    purchases = test.snapshot.purchases
    last[np.searchsorted(test.rows, purchases.customer)] = (test.snapshot.as_of_ms - purchases.at) / 86_400_000
    np.testing.assert_allclose(forecast.churn_score, last)
    assert forecast.churn_risk is None


@pytest.mark.parametrize("make", SUPERVISED)
def test_learns_what_there_is_to_learn(make: type[Forecaster]) -> None:
    training, test = examples()
    model = make()
    model.fit(training, seed=0)
    found = predictions(model.predict(test))
    assert test.outcome is not None
    figures = measure(test.outcome, model.predict(test))
    # The shop is made so that silence means loss: better than chance, and than foretelling nothing or the mean.
    assert figures["churn_auc"] > 0.7
    assert figures["churn_brier"] < test.outcome.churned.mean() * (1 - test.outcome.churned.mean())
    assert figures["value_mae"] < np.abs(test.outcome.value - test.outcome.value.mean()).mean()
    assert ((found["churn_risk"] >= 0) & (found["churn_risk"] <= 1)).all()
    assert all((found[name] >= 0).all() for name in ("value_median", "value_mean"))


@pytest.mark.parametrize("make", SUPERVISED)
def test_the_seed_decides(make: type[Forecaster]) -> None:
    training, test = examples()
    first, second = make(), make()
    first.fit(training, seed=3)
    second.fit(training, seed=3)
    one, other = predictions(first.predict(test)), predictions(second.predict(test))
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])


@pytest.mark.parametrize("make", SUPERVISED)
@pytest.mark.parametrize("churned", [True, False])
def test_outcomes_without_variety_are_foretold_as_they_were(make: type[Forecaster], churned: bool) -> None:
    training, test = examples()
    model = make()
    model.fit(relabelled(training, churned, 0.0 if churned else 12.0), seed=0)
    found = predictions(model.predict(test))
    np.testing.assert_allclose(found["churn_risk"], float(churned))
    np.testing.assert_allclose(found["value_mean"], 0.0 if churned else 12.0, atol=1e-6)


@pytest.mark.parametrize("make", SUPERVISED)
def test_a_source_without_amounts_and_a_single_cutoff_are_enough(make: type[Forecaster]) -> None:
    training, test = examples(amounts=False)
    model = make()
    model.fit(training[-1:], seed=0)
    assert np.isfinite(predictions(model.predict(test))["churn_risk"]).all()


def test_amounts_that_begin_later_are_regressors_all_the_same() -> None:
    (_, unpriced, _), _ = examples(amounts=False)
    (_, _, priced), test = examples()
    assert "spend" not in unpriced.features.names
    model = RfmLogistic()
    model.fit([unpriced, priced], seed=0)
    assert all(np.isfinite(values).all() for values in predictions(model.predict(test)).values())
    # A cutoff without amounts is read as one where nobody has spent anything.
    columns = [name.startswith("spend") for name in priced.features.names]
    nothing = np.where(columns, 0.0, priced.features.values)
    zero = Examples(priced.snapshot, priced.rows, replace(priced.features, values=nothing), priced.outcome)
    kept = [name for name in priced.features.names if not name.startswith("spend")]
    none = Examples(priced.snapshot, priced.rows, align(priced.features, kept), priced.outcome)
    for name, values in predictions(model.predict(none)).items():
        np.testing.assert_array_equal(values, predictions(model.predict(zero))[name])


@pytest.mark.parametrize("make", SUPERVISED)
def test_before_fitting_it_says_so(make: type[Forecaster]) -> None:
    with pytest.raises(NotTrainedError):
        make().predict(examples()[1])
