import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from embeddings.novelty import Novelty, combine
from gnn.forecast import Forecast
from gnn.task import Task
from graph.snapshot import Snapshot
from habitue.errors import UsageError
from scoring.fusion import COMPONENTS, Weights
from scoring.hyperscore import CENTRED, hyperscore
from scoring.score import COLUMNS, ScoreSettings, score
from tests.embeddings.toy import AS_OF, two_groups

N = 40
TASK = Task(horizon_days=30, active_window_days=10)


def inputs(seed: int = 0) -> tuple[Snapshot, np.ndarray, Forecast, Novelty]:
    generator = np.random.default_rng(seed)
    risk = generator.uniform(0.05, 0.95, N)
    forecast = Forecast(
        churn_score=risk,
        churn_risk=risk,
        churn_risk_low=risk / 2,
        churn_risk_high=(1 + risk) / 2,
        value_median=np.full(N, 3.0),
        value_mean=generator.gamma(2, 10, N),
        disagreement=generator.uniform(0, 0.05, N),
    )
    novelty = combine({"independence": generator.random(N)})
    return two_groups().at(AS_OF), np.arange(N, dtype=np.int32), forecast, novelty


def test_columns_ranges_and_consistency() -> None:
    frame = score(*inputs(), TASK)
    assert tuple(frame.columns) == COLUMNS
    assert frame["customer_id"].tolist() == [f"{group}{number:02d}" for group in "ab" for number in range(20)]
    for name in ("logic", "novelty", "impact", "reproducibility", "v"):
        assert frame[name].between(0, 1).all()
    mean = frame[["logic", "novelty", "impact", "reproducibility"]].mean(axis=1)
    assert frame["v"].tolist() == pytest.approx(mean.tolist())  # equal weights, meta missing
    assert frame["hyperscore"].tolist() == hyperscore(frame["v"].to_numpy()).tolist()
    assert frame["hyperscore_percentile"].rank().tolist() == frame["v"].rank().tolist()
    assert 0 < frame["active"].sum() < N


def test_active_customers_are_those_of_the_task() -> None:
    snapshot, rows, forecast, novelty = inputs()
    frame = score(snapshot, rows, forecast, novelty, Task(30, None))
    assert frame["active"].all()
    last = pd.Series(snapshot.purchases.at).groupby(snapshot.purchases.customer).max().to_numpy()
    expected = last >= snapshot.as_of_ms - 10 * 86_400_000
    assert score(snapshot, rows, forecast, novelty, TASK)["active"].tolist() == expected.tolist()


def test_meta_comes_from_the_previous_scores() -> None:
    first = score(*inputs(0), TASK)
    snapshot, rows, forecast, novelty = inputs(0)
    same = score(snapshot, rows, forecast, novelty, TASK, previous=first.sample(frac=1, random_state=3))
    assert same["meta"].tolist() == pytest.approx([1.0] * N)
    fewer = score(snapshot, rows, forecast, novelty, TASK, previous=first.iloc[5:])
    assert fewer["meta"].isna().tolist() == [True] * 5 + [False] * (N - 5)
    evidence = json.loads(fewer["evidence"][0])
    assert evidence["missing"] == ["meta"]
    assert evidence["weights"] == {**dict.fromkeys(COMPONENTS, 0.25), "meta": 0.0}
    assert json.loads(fewer["evidence"][9])["weights"] == dict.fromkeys(COMPONENTS, 0.2)


def test_evidence_and_reasons_are_json_with_the_facts() -> None:
    snapshot, rows, forecast, novelty = inputs()
    reason = {
        "feature": "recency_days",
        "label": "Days since",
        "value": 3.0,
        "contribution": 0.2,
        "direction": "raises",
    }
    frame = score(snapshot, rows, forecast, novelty, TASK, reasons=[[reason]] + [[]] * (N - 1))
    assert json.loads(frame["reasons"][0]) == [reason]
    assert json.loads(frame["reasons"][1]) == []
    evidence = json.loads(frame["evidence"][3])
    assert forecast.churn_risk is not None
    assert forecast.value_mean is not None
    assert evidence["impact"]["at_stake"] == pytest.approx(forecast.churn_risk[3] * forecast.value_mean[3], rel=1e-5)
    assert evidence["novelty"]["independence"]["value"] == pytest.approx(novelty.parts["independence"][3], rel=1e-5)
    assert evidence["logic"]["broken"] == {}


def test_preset_and_weights_are_applied() -> None:
    only_impact = Weights(logic=0, novelty=0, impact=1, reproducibility=0, meta=0)
    frame = score(*inputs(), TASK, settings=ScoreSettings(only_impact, CENTRED))
    assert frame["v"].tolist() == frame["impact"].tolist()
    assert frame["hyperscore"].tolist() == frame["hyperscore_centred"].tolist()


def test_a_forecast_without_risk_or_value_cannot_be_scored() -> None:
    snapshot, rows, forecast, novelty = inputs()
    with pytest.raises(UsageError, match="probability of churn"):
        score(snapshot, rows, replace(forecast, churn_risk=None), novelty, TASK)
    with pytest.raises(UsageError, match="one entry per customer"):
        score(snapshot, rows[:-1], forecast, novelty, TASK)


def test_without_an_ensemble_reproducibility_is_missing() -> None:
    snapshot, rows, forecast, novelty = inputs()
    frame = score(snapshot, rows, replace(forecast, disagreement=None, churn_risk_low=None), novelty, TASK)
    assert frame["reproducibility"].isna().all()
    assert frame["churn_risk_low"].isna().all()
    assert json.loads(frame["evidence"][0])["missing"] == ["reproducibility", "meta"]


def test_reproducibility_is_about_the_mean_of_the_members() -> None:
    snapshot, rows, forecast, novelty = inputs()
    # Members that say 0.1 and 0.9 with equal weights: mean 0.5, deviation 0.4, hence 1 - 0.4 / 0.5, whatever the risk.
    members = replace(forecast, members_mean=np.full(N, 0.5), disagreement=np.full(N, 0.4))
    found = score(snapshot, rows, members, novelty, TASK)
    assert found["reproducibility"].tolist() == pytest.approx([0.2] * N)
    assert found["churn_risk"].tolist() == pytest.approx(forecast.churn_risk)


def test_without_any_amount_impact_counts_orders() -> None:
    snapshot, rows, forecast, novelty = inputs()
    unpriced = replace(snapshot.purchases, amount=np.full(len(snapshot.purchases), np.nan))
    snapshot = replace(snapshot, events={**snapshot.events, "PURCHASED": unpriced})
    orders = np.linspace(0.1, 3.0, N)
    frame = score(snapshot, rows, forecast, novelty, TASK, expected_orders=orders)
    assert forecast.churn_risk is not None
    stake = forecast.churn_risk * orders
    assert frame["impact"].rank().tolist() == pd.Series(stake).rank().tolist()
    assert frame["expected_value"].isna().all()
    evidence = json.loads(frame["evidence"][0])
    assert evidence["missing"] == ["meta"]
    assert evidence["impact"] == {"orders_at_stake": pytest.approx(stake[0], rel=1e-5)}
    # Where there are amounts, they are what counts.
    assert forecast.value_mean is not None
    priced = score(*inputs(), TASK, expected_orders=orders)
    assert priced["impact"].tolist() == score(*inputs(), TASK)["impact"].tolist()


def test_without_any_amount_nor_orders_impact_is_missing() -> None:
    snapshot, rows, forecast, novelty = inputs()
    unpriced = replace(snapshot.purchases, amount=np.full(len(snapshot.purchases), np.nan))
    snapshot = replace(snapshot, events={**snapshot.events, "PURCHASED": unpriced})
    frame = score(snapshot, rows, forecast, novelty, TASK)
    assert frame[["impact", "expected_value", "value_median"]].isna().all(axis=None)
    evidence = json.loads(frame["evidence"][0])
    assert evidence["missing"] == ["impact", "meta"]
    assert evidence["impact"] == {"orders_at_stake": None}
    mean = frame[["logic", "novelty", "reproducibility"]].mean(axis=1)
    assert frame["v"].tolist() == pytest.approx(mean.tolist())
