from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
import torch

from gnn.examples import PastExamples, SharedExamples
from gnn.forecast import parts_of
from gnn.gcn import FirstHop
from gnn.habitue_forecaster import ForecasterSettings, HabitueForecaster
from gnn.network_half import NetworkSettings, fit_network
from gnn.shared_work import SharedWork
from gnn.task import Task
from gnn.training import NetworkInput, NetworkTarget, TrainingSettings, train
from tests.gnn.shops import DAYS, START
from tests.gnn.test_forecaster import shop_with_products
from tests.gnn.test_gcn import CUSTOMERS, inputs, random_graph

TASK = Task(horizon_days=30, active_window_days=120)
CUTOFF = START + timedelta(days=DAYS - 60)
QUICK = NetworkSettings(graph_components=6, training=TrainingSettings(members=2, width=4, hidden=8, steps=12))


def past(most: int) -> PastExamples:
    return PastExamples(SharedExamples(shop_with_products(), TASK), START + timedelta(days=DAYS), most=most)


def test_a_large_population_is_learnt_from_by_an_even_sample_that_is_always_the_same() -> None:
    whole, some, again = past(10_000).labelled(CUTOFF), past(20).labelled(CUTOFF), past(20).labelled(CUTOFF)
    assert len(whole.rows) > len(some.rows) == 20
    np.testing.assert_array_equal(some.rows, again.rows)
    assert (np.diff(some.rows) > 0).all()
    place = np.searchsorted(whole.rows, some.rows)
    np.testing.assert_array_equal(whole.rows[place], some.rows)
    np.testing.assert_array_equal(whole.features.values[place], some.features.values)
    assert whole.outcome is not None
    assert some.outcome is not None
    np.testing.assert_array_equal(whole.outcome.churned[place], some.outcome.churned)
    np.testing.assert_array_equal(whole.outcome.value[place], some.outcome.value)


def test_a_sample_of_what_is_at_hand_is_the_sample_of_what_is_not() -> None:
    shared = SharedExamples(shop_with_products(), TASK)
    shared.at(CUTOFF)
    at_hand, afresh = shared.sampled(CUTOFF, 20), past(20).labelled(CUTOFF)
    np.testing.assert_array_equal(at_hand.rows, afresh.rows)
    np.testing.assert_array_equal(at_hand.features.values, afresh.features.values)
    assert shared.sampled(CUTOFF, 20) is at_hand
    assert shared.sampled(CUTOFF, 10_000) is shared.labelled(CUTOFF)


def test_what_is_drawn_says_nothing_of_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[list[int]] = []
    for churned in (True, False):
        shared = SharedExamples(shop_with_products(), TASK)
        monkeypatch.setattr(
            "gnn.forecast.outcome", lambda *_, value=churned: type("Outcome", (), {"churned": value, "value": 0.0})()
        )
        drawn.append(shared.sampled(CUTOFF, 20).rows.tolist())
    assert drawn[0] == drawn[1]


def test_the_network_says_the_same_in_parts_and_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    training = past(10_000).labelled(CUTOFF)
    network = fit_network([training], QUICK, use_graph=True, shared=SharedWork(), seed=0)
    assert network.uses_graph
    whole = network.predict(training, SharedWork(), None)
    # Everybody's features in blocks, the network's inputs in parts, and the convolution of each part alone.
    monkeypatch.setattr("gnn.shared_work.BLOCK_CUSTOMERS", 16)
    monkeypatch.setattr("gnn.network_half.MOST_AT_ONCE", 16)
    monkeypatch.setattr("gnn.forecast.MOST_AT_ONCE", 16)
    parts = network.predict(training, SharedWork(), None)
    for name in ("churn_logit", "value_median", "value_mean"):
        assert np.ptp(getattr(whole, name)) > 0
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("use_graph", [True, False])
def test_the_blend_says_the_same_in_parts(monkeypatch: pytest.MonkeyPatch, use_graph: bool) -> None:
    training = past(10_000).labelled(CUTOFF)
    model = HabitueForecaster(TASK, use_graph=use_graph, settings=ForecasterSettings(network=QUICK))
    model.fit([training], seed=0)
    assert (model.require_fitted().graph is not None) == use_graph
    whole = model.predict(training)
    monkeypatch.setattr("gnn.forecast.MOST_AT_ONCE", 16)
    parts = model.predict(training)
    for name in ("churn_score", "churn_risk", "churn_risk_low", "value_median", "value_mean", "disagreement"):
        assert np.ptp(getattr(whole, name)) > 0
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-4, atol=1e-5)


def test_parts_are_all_customers_once_and_know_no_outcome() -> None:
    whole = past(10_000).labelled(CUTOFF)
    cut = parts_of(whole, 7)
    parts = [part for _, part in cut]
    assert max(len(part.rows) for part in parts) == 7
    np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), whole.rows)
    np.testing.assert_array_equal(np.concatenate([whole.rows[rows] for rows, _ in cut]), whole.rows)
    np.testing.assert_array_equal(np.concatenate([part.features.values for part in parts]), whole.features.values)
    assert {part.outcome for part in parts} == {None}
    [(rows, same)] = parts_of(whole, len(whole.rows))
    assert same is whole
    assert rows == slice(0, len(whole.rows))


def test_training_sees_no_more_than_a_batch_at_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    data = random_graph()
    adjacency, features, _ = inputs(data)
    given = NetworkInput(features, FirstHop.of(adjacency, features, data["product"].x), torch.arange(CUSTOMERS))
    target = NetworkTarget(torch.arange(CUSTOMERS).remainder(2).float(), torch.ones(CUSTOMERS))
    seen: list[int] = []
    convolve = FirstHop.only

    def only(hop: FirstHop, rows: torch.Tensor) -> FirstHop:
        seen.append(len(rows.unique()))
        return convolve(hop, rows)

    monkeypatch.setattr(FirstHop, "only", only)
    settings = TrainingSettings(members=1, width=4, hidden=8, steps=10, batch=3)
    networks = [train([given], [target], settings, seed=4) for _ in range(2)]
    assert seen == [3] * 20
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_snapshot_that_nobody_holds_is_let_go_and_one_that_is_held_is_handed_out_again() -> None:
    class Source:
        complete_until = START + timedelta(days=DAYS)

        def __init__(self) -> None:
            self.asked: list[datetime] = []

        def at(self, as_of: datetime) -> object:
            self.asked.append(as_of)
            return shop_with_products().at(as_of)

    source = Source()
    shared = SharedExamples(source, TASK)  # type: ignore[arg-type]
    shared.labelled(CUTOFF)
    after = CUTOFF + TASK.horizon
    assert source.asked == [CUTOFF, after]
    shared.at(CUTOFF)
    shared.at(after)
    assert source.asked == [CUTOFF, after, after]
    shared.labelled(after - TASK.horizon)
    assert source.asked == [CUTOFF, after, after]
