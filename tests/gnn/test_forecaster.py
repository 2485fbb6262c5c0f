from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from gnn.blend import BlendWeights
from gnn.forecast import Examples, ExampleSource, Forecast
from gnn.habitue_forecaster import ForecasterSettings, HabitueForecaster
from gnn.model_files import load, save
from gnn.network_half import NetworkSettings, fit_network
from gnn.shared_work import SharedWork
from gnn.tabular import TabularTransform
from gnn.task import Outcome, Task
from gnn.training import TrainingSettings
from gnn.weekly import weekly_activity
from graph.history import History
from graph.snapshot import FloatArray, Snapshot
from habitue.errors import NotTrainedError
from tests.gnn.shops import DAYS, START, fading_shop
from tests.support import history_of

TASK = Task(horizon_days=30, active_window_days=120)
QUICK = ForecasterSettings(
    network=NetworkSettings(graph_components=6, training=TrainingSettings(members=3, width=4, hidden=8, steps=30))
)
FIELDS = (
    "churn_score",
    "churn_risk",
    "churn_risk_low",
    "churn_risk_high",
    "value_median",
    "value_mean",
    "disagreement",
    "members_mean",
)


def shop_with_products(later: list[tuple[str, str, datetime]] | None = None) -> History:
    """The fading shop, where every line has one of forty products; and further lines of 1,000 each."""
    events = fading_shop().events["PURCHASED"]
    names = fading_shop().customers.to_pylist()
    generator = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "customer": [names[row] for row in events.customer],
            "target": [f"p{product:02d}" for product in generator.integers(0, 40, len(events.at))],
            "at": pd.to_datetime(events.at, unit="ms").astype("datetime64[ms]"),
            "amount": events.amount,
        }
    )
    more = pd.DataFrame(later or [], columns=["customer", "target", "at"]).assign(amount=1000.0)
    more["at"] = more["at"].astype("datetime64[ms]")
    return history_of({"PURCHASED": pd.concat([frame, more])}, complete_until=START + timedelta(days=DAYS))


@pytest.fixture(scope="module")
def source() -> ExampleSource:
    return ExampleSource(shop_with_products(), TASK)


def examples(source: ExampleSource, count: int = 3) -> tuple[list[Examples], Examples]:
    latest = START + timedelta(days=DAYS - 30)
    return [source.labelled(latest - timedelta(days=30 * back)) for back in range(count, 0, -1)], source.labelled(
        latest
    )


def fitted(source: ExampleSource, count: int = 3, **options: object) -> tuple[HabitueForecaster, Examples]:
    training, test = examples(source, count)
    model = HabitueForecaster(TASK, settings=QUICK, **options)  # type: ignore[arg-type]
    model.fit(training, seed=1)
    return model, test


def assert_sound(forecast: Forecast, count: int) -> None:
    for name in FIELDS:
        values = getattr(forecast, name)
        assert values.shape == (count,), name
        assert np.isfinite(values).all(), name
    assert forecast.churn_risk is not None
    assert forecast.churn_risk_low is not None
    assert forecast.churn_risk_high is not None
    assert (forecast.churn_risk_low >= 0).all()
    assert (forecast.churn_risk_low <= forecast.churn_risk).all()
    assert (forecast.churn_risk <= forecast.churn_risk_high).all()
    assert (forecast.churn_risk_high <= 1).all()
    for name in ("value_median", "value_mean", "disagreement"):
        assert (getattr(forecast, name) >= 0).all(), name


def assert_equal(first: Forecast, second: Forecast) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def relabelled(each: Examples, outcome: Outcome) -> Examples:
    return Examples(each.snapshot, each.rows, each.features, outcome)


def test_learns_who_falls_silent(source: ExampleSource) -> None:
    model, test = fitted(source)
    forecast = model.predict(test)
    assert_sound(forecast, len(test.rows))
    assert test.outcome is not None
    assert forecast.churn_risk is not None
    gone, stayed = forecast.churn_risk[test.outcome.churned], forecast.churn_risk[~test.outcome.churned]
    assert np.median(gone) > np.median(stayed)
    assert np.corrcoef(forecast.value_mean, test.outcome.value)[0, 1] > 0


def test_equal_seeds_give_equal_figures_and_leave_the_generators_alone(source: ExampleSource) -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, test = fitted(source)
    assert torch.equal(torch.random.get_rng_state(), before)
    second, _ = fitted(source, shared=SharedWork())
    assert_equal(first.predict(test), second.predict(test))
    training, _ = examples(source)
    other = HabitueForecaster(TASK, settings=QUICK)
    other.fit(training, seed=2)
    assert not np.array_equal(other.predict(test).churn_risk, first.predict(test).churn_risk)


def test_the_control_is_the_same_stack_without_the_graph(source: ExampleSource) -> None:
    shared = SharedWork()
    with_graph, test = fitted(source, shared=shared)
    control, _ = fitted(source, shared=shared, use_graph=False)
    assert (with_graph.name, control.name) == ("habitue", "habitue_without_graph")
    assert with_graph.require_fitted().network.uses_graph
    assert not control.require_fitted().network.uses_graph
    assert with_graph.require_fitted().graph is not None
    assert control.require_fitted().graph is None
    assert not any(name.startswith(("taste", "product_due")) for name in control.require_fitted().forest.names)
    assert control.require_fitted().trees is with_graph.require_fitted().trees
    assert not np.array_equal(control.predict(test).churn_score, with_graph.predict(test).churn_score)


def test_a_shop_without_products_falls_back_to_the_control() -> None:
    source = ExampleSource(fading_shop(), TASK)
    with_graph, test = fitted(source)
    control, _ = fitted(source, use_graph=False)
    assert not with_graph.require_fitted().network.uses_graph
    assert_equal(with_graph.predict(test), control.predict(test))


def test_a_customer_gets_the_same_forecast_whoever_else_is_asked_for(source: ExampleSource) -> None:
    model, test = fitted(source)
    everybody = ExampleSource(source.source, Task(horizon_days=30, active_window_days=None)).at(test.cutoff)
    assert len(everybody.rows) > len(test.rows)
    narrow, wide = model.predict(test), model.predict(everybody)
    assert_sound(wide, len(everybody.rows))
    assert narrow.churn_score is not None
    assert wide.churn_score is not None
    place = np.searchsorted(everybody.rows, test.rows)
    np.testing.assert_allclose(wide.churn_score[place], narrow.churn_score, rtol=1e-4, atol=1e-5)


def test_one_training_cutoff_gives_an_equal_uncalibrated_blend_of_churn(source: ExampleSource) -> None:
    model, test = fitted(source, count=1)
    learnt = model.require_fitted()
    assert learnt.weights.churn == {}
    assert (learnt.calibration.slope, learnt.calibration.intercept) == (1.0, 0.0)
    # The parts' shares in value are learnt across customers: half of them foretell the other half.
    for shares, parts in ((learnt.weights.value_median, {"network", "paced"}),
                          (learnt.weights.value_mean, {"network", "paced", "hurdle"})):  # fmt: skip
        assert set(shares) == parts
        assert sum(shares.values()) == pytest.approx(1.0)
        assert len({round(share, 6) for share in shares.values()}) > 1
    assert_sound(model.predict(test), len(test.rows))
    spared = HabitueForecaster(TASK, settings=replace(QUICK, value_intervals=False))
    spared.fit(examples(source, 1)[0], seed=1)
    assert spared.require_fitted().weights == BlendWeights()
    np.testing.assert_array_equal(spared.predict(test).churn_score, model.predict(test).churn_score)


def test_validation_uses_only_outcomes_that_ended_before_its_own_begin(source: ExampleSource) -> None:
    training, _ = examples(source, 3)
    longer = HabitueForecaster(Task(horizon_days=45, active_window_days=120), settings=QUICK)
    assert longer._before_window_of(training[-1], training) == training[:1]
    exact = HabitueForecaster(TASK, settings=QUICK)
    assert exact._before_window_of(training[-1], training) == training[:2]


@pytest.mark.parametrize("churned", [False, True])
def test_labels_all_alike_give_one_risk_for_everybody(source: ExampleSource, churned: bool) -> None:
    training, test = examples(source, 2)
    same = [
        relabelled(each, Outcome(np.full(n, churned), np.full(n, 0.0 if churned else 12.0), np.zeros(n, np.int64)))
        for each in training
        for n in [len(each.rows)]
    ]
    model = HabitueForecaster(TASK, settings=QUICK)
    model.fit(same, seed=0)
    forecast = model.predict(test)
    assert_sound(forecast, len(test.rows))
    rows = sum(len(each.rows) for each in same)
    expected = (rows + 0.5) / (rows + 1) if churned else 0.5 / (rows + 1)
    np.testing.assert_allclose(forecast.churn_risk, expected)
    np.testing.assert_allclose(forecast.disagreement, 0.0, atol=1e-12)


def test_disagreement_and_mean_are_those_of_the_calibrated_members(source: ExampleSource) -> None:
    model, test = fitted(source)
    learnt, forecast = model.require_fitted(), model.predict(test)
    parts = learnt.parts(test, model.shared, None)
    assert set(learnt.weights.churn) == {"network", "trees", "graph_trees", "forest", "linear", "rfm"}
    mean, square = np.zeros(len(test.rows)), np.zeros(len(test.rows))
    for name, share in learnt.weights.churn.items():
        part = parts.parts[name]
        assert part.churn_logits is not None
        risks = 1 / (1 + np.exp(-(learnt.calibration.slope * part.churn_logits + learnt.calibration.intercept)))
        mean += share * risks.mean(axis=0)
        square += share * (risks**2).mean(axis=0)
    np.testing.assert_allclose(forecast.members_mean, mean, rtol=1e-9)
    np.testing.assert_allclose(forecast.disagreement, np.sqrt(square - mean**2), atol=1e-7)
    assert not np.allclose(forecast.members_mean, forecast.churn_risk)


@pytest.mark.filterwarnings("error")
def test_a_single_customer_to_learn_from_and_a_shop_before_its_first_product_warn_of_nothing() -> None:
    first = datetime(2024, 3, 1)
    lines = pd.DataFrame({"customer": ["a", "a"], "target": [None, "p"], "at": [first, first + timedelta(days=30)]})
    lines["target"] = lines["target"].fillna("__no_product__")
    shop = ExampleSource(history_of({"PURCHASED": lines.assign(amount=5.0)}, complete_until=datetime(2025, 1, 1)), TASK)
    shared, only = SharedWork(), shop.labelled(first + timedelta(days=31))
    assert len(only.rows) == 1
    alone = fit_network([only], QUICK.network, use_graph=True, shared=shared, seed=0)
    assert np.isfinite(alone.predict(only, shared, None).churn_logit).all()
    training, _ = examples(ExampleSource(shop_with_products(), TASK), 1)
    network = fit_network(training, QUICK.network, use_graph=True, shared=shared, seed=0)
    before = shop.at(first + timedelta(days=1))
    assert not len(before.snapshot.products)
    assert np.isfinite(network.predict(before, shared, None).churn_logit).all()


def test_nothing_to_learn_from_is_refused(source: ExampleSource) -> None:
    _, test = examples(source)
    unknown = Examples(test.snapshot, test.rows, test.features, None)
    with pytest.raises(NotTrainedError, match="no cutoff with a known outcome"):
        HabitueForecaster(TASK).fit([unknown], seed=0)
    with pytest.raises(NotTrainedError, match="not been fitted"):
        HabitueForecaster(TASK).predict(test)


def test_what_happens_at_or_after_the_cutoff_changes_no_prediction(source: ExampleSource) -> None:
    model, test = fitted(source)
    later = [(f"c{row:03d}", f"p{row % 50:02d}", test.cutoff + timedelta(hours=row)) for row in range(100)]
    again = ExampleSource(shop_with_products(later), TASK).at(test.cutoff)
    assert_equal(model.predict(test), model.predict(again))
    earlier = [(who, what, at - timedelta(days=6)) for who, what, at in later]
    changed = ExampleSource(shop_with_products(earlier), TASK).at(test.cutoff)
    assert not np.array_equal(model.predict(changed).churn_score[:9], model.predict(test).churn_score[:9])


def test_a_directory_brings_back_the_same_figures_to_the_last_bit(source: ExampleSource, tmp_path: Path) -> None:
    model, test = fitted(source)
    save(model, tmp_path / "model")
    loaded = load(tmp_path / "model", TASK)
    assert_equal(model.predict(test), loaded.predict(test))
    assert (loaded.name, loaded.task, loaded.settings) == (model.name, model.task, model.settings)
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {
        "forecaster.json", "network.safetensors", "parts.safetensors", "taste-products.json",
        "trees-churn.txt", "graph_trees-churn.txt", "forest-churn.txt",
        "paced-value_mean.txt", "paced-value_median.txt",
    }  # fmt: skip


def test_a_directory_of_another_kind_is_refused(source: ExampleSource, tmp_path: Path) -> None:
    with pytest.raises(NotTrainedError, match="no trained model"):
        load(tmp_path)
    model, _ = fitted(source, count=1)
    save(model, tmp_path)
    with pytest.raises(NotTrainedError, match="foretells 30 days, not 60"):
        load(tmp_path, Task(horizon_days=60))
    settings = json.loads((tmp_path / "forecaster.json").read_text())
    (tmp_path / "forecaster.json").write_text(json.dumps(settings | {"format": 99}))
    with pytest.raises(NotTrainedError, match="format 99"):
        load(tmp_path)


def test_an_embedding_is_given_to_the_network_and_needed_to_load(source: ExampleSource, tmp_path: Path) -> None:
    def lengths(snapshot: Snapshot) -> FloatArray:
        return np.linspace(0.0, 1.0, 2 * len(snapshot.customers)).reshape(-1, 2)

    model, test = fitted(source, count=1, embedding_features=lengths)
    plain, _ = fitted(source, count=1)
    assert not np.array_equal(model.predict(test).churn_score, plain.predict(test).churn_score)
    save(model, tmp_path)
    with pytest.raises(NotTrainedError, match="embedding"):
        load(tmp_path)
    assert_equal(load(tmp_path, embedding_features=lengths).predict(test), model.predict(test))


def test_progress_rises_from_start_to_end(source: ExampleSource) -> None:
    told: list[float] = []
    fitted(source, progress=lambda what, share: told.append(share))
    assert told[0] == 0.0
    assert told == sorted(told)
    assert 0.5 < told[-1] <= 1.0


def test_the_transform_is_a_standardised_logarithm_with_flags(source: ExampleSource) -> None:
    training, test = examples(source)
    transform = TabularTransform.of([each.features for each in training])
    stacked = np.concatenate([each.features.column("orders") for each in training])
    logs = np.log1p(stacked)
    column = transform.names.index("orders")
    expected = (np.log1p(test.features.column("orders")) - logs.mean()) / logs.std()
    np.testing.assert_allclose(transform(test.features)[:, column], np.clip(expected, -5, 5))
    result = transform(test.features)
    assert result.shape[1] == transform.width
    assert np.isfinite(result).all()
    flags = result[:, len(transform.names) :]
    flagged = [name for name, flag in zip(transform.names, transform.flagged, strict=True) if flag]
    for place, name in enumerate(flagged):
        np.testing.assert_array_equal(flags[:, place], np.isnan(test.features.column(name)))


def test_weekly_activity_by_hand() -> None:
    now = datetime(2024, 3, 1)
    ages = {"a": [1, 1, 6.9, 7.1, 30], "b": [13.0]}
    frame = pd.DataFrame(
        [(who, now - timedelta(days=age), 10.0) for who, days in ages.items() for age in days],
        columns=["customer", "at", "amount"],
    )
    snapshot = history_of({"PURCHASED": frame}, complete_until=now).at(now)
    result = np.expm1(weekly_activity(snapshot, np.array([0, 1], np.int32), 2))
    # a, latest week: one day with two lines and another day; the week before: one. Orders, spend, lines.
    np.testing.assert_allclose(result[0], [[2, 30, 3], [1, 10, 1]])
    np.testing.assert_allclose(result[1], [[0, 0, 0], [1, 10, 1]])
