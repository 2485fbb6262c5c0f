from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gnn.lapse import GapModel, GapSummary, fit_gaps, gap_summary
from tests.support import history_of


def summarised(gaps: list[np.ndarray], present: float = 10.0) -> GapSummary:
    logs = [np.log(each) for each in gaps]
    return GapSummary(
        np.array([float(len(each)) for each in logs]),
        np.array([each.mean() if len(each) else 0.0 for each in logs]),
        np.array([((each - each.mean()) ** 2).sum() if len(each) else 0.0 for each in logs]),
        np.full(len(gaps), present),
    )


MODEL = GapModel(centre=2.0, strength=1.5, shape=3.0, scale=0.8)


def test_gaps_by_hand() -> None:
    days = {"anna": ["2024-01-01", "2024-01-03", "2024-01-03", "2024-01-11"], "ben": ["2024-01-05"]}
    rows = [(name, pd.Timestamp(day), 1.0) for name, each in days.items() for day in each]
    frame = pd.DataFrame(rows, columns=["customer", "at", "amount"])
    snapshot = history_of({"PURCHASED": frame}, complete_until=datetime(2024, 1, 21)).at(datetime(2024, 1, 21))
    found = gap_summary(snapshot, np.arange(2, dtype=np.int32))
    assert found.count.tolist() == [2, 0]  # two lines of one day are one
    assert found.mean[0] == pytest.approx((np.log(2) + np.log(8)) / 2)
    assert found.squares[0] == pytest.approx(2 * (np.log(4) / 2) ** 2)
    assert found.present.tolist() == [10, 16]


def test_the_predictive_quantile_is_that_of_draws_from_the_posterior() -> None:
    gaps = np.array([5.0, 7.0, 9.0, 6.0])
    generator = np.random.default_rng(0)
    logs, draws = np.log(gaps), 400_000
    strength = MODEL.strength + 4
    centre = (MODEL.strength * MODEL.centre + logs.sum()) / strength
    scale = MODEL.scale + 0.5 * (
        ((logs - logs.mean()) ** 2).sum() + MODEL.strength * 4 * (logs.mean() - MODEL.centre) ** 2 / strength
    )
    variance = 1.0 / generator.gamma(MODEL.shape + 2.0, 1.0 / scale, draws)
    mean = generator.normal(centre, np.sqrt(variance / strength))
    following = np.exp(generator.normal(mean, np.sqrt(variance)))
    found = MODEL.quantile(summarised([gaps]))[0]
    assert found == pytest.approx(np.quantile(following, 0.95), rel=0.01)


def test_the_likelihood_is_that_of_the_chain_of_predictive_densities() -> None:
    logs, so_far, total = np.log([3.0, 11.0, 4.0]), GapModel(2.0, 1.5, 3.0, 0.8), 0.0
    for each in logs:
        spread = np.sqrt(so_far.scale * (so_far.strength + 1) / (so_far.shape * so_far.strength))
        total += stats.t.logpdf(each, 2 * so_far.shape, so_far.centre, spread)
        strength = so_far.strength + 1
        away = 0.5 * so_far.strength * (each - so_far.centre) ** 2 / strength
        so_far = GapModel(
            (so_far.strength * so_far.centre + each) / strength, strength, so_far.shape + 0.5, so_far.scale + away
        )
    assert MODEL.log_likelihood(summarised([np.exp(logs)]))[0] == pytest.approx(total)


def test_one_next_gap_in_twenty_is_beyond_the_quantile_where_the_model_is_true() -> None:
    generator = np.random.default_rng(1)
    variance = 1.0 / generator.gamma(4.0, 1.0 / 0.9, 3000)
    mean = generator.normal(2.5, np.sqrt(variance / 0.7))
    many = generator.integers(0, 12, 3000)
    gaps = [np.exp(generator.normal(m, np.sqrt(v), n + 1)) for m, v, n in zip(mean, variance, many, strict=True)]
    past = summarised([each[:-1] for each in gaps])
    model = fit_gaps(past)
    assert model is not None
    beyond = np.array([each[-1] for each in gaps]) > model.quantile(past)
    assert beyond.mean() == pytest.approx(0.05, abs=0.012)  # three standard deviations of 3,000 draws
    few = many <= 2
    assert beyond[few].mean() == pytest.approx(0.05, abs=0.025)


def test_regular_customers_lapse_sooner_than_irregular_ones_of_the_same_pace() -> None:
    past = summarised([np.full(20, 10.0), np.tile([2.0, 50.0], 10), np.zeros(0)])
    longest = MODEL.quantile(past)
    assert 10.0 < longest[0] < 20.0 < longest[1]


def test_nobody_with_two_gaps_gives_no_model() -> None:
    assert fit_gaps(summarised([np.zeros(0), np.array([3.0])])) is None
