from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from gnn import metrics
from gnn.forecast import Forecast
from gnn.metrics import Prepared, measure
from gnn.task import Outcome


def outcome(churned: list[bool], value: list[float] | None = None) -> Outcome:
    count = len(churned)
    return Outcome(np.array(churned), np.array(value if value else [0.0] * count), np.zeros(count, np.int64))


def plain(figure: Prepared, count: int) -> float:
    return float(figure(np.ones((1, count)))[0])


def test_churn_figures_by_hand() -> None:
    truth = outcome([True, False, True, False])
    found = measure(truth, Forecast(churn_risk=np.array([0.9, 0.8, 0.6, 0.1])))
    assert found["churn_auc"] == pytest.approx(3 / 4)  # of four pairs, only (0.6, 0.8) is the wrong way round
    assert found["churn_average_precision"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert found["churn_brier"] == pytest.approx((0.01 + 0.64 + 0.16 + 0.01) / 4)


def test_value_figures_by_hand() -> None:
    value = [0.0, 10.0, 20.0, 70.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    predicted = np.array([5.0, 10.0, 90.0, 30.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.0])
    found = measure(outcome([False] * 10, value), Forecast(value_median=predicted, value_mean=predicted))
    assert found["value_mae"] == pytest.approx((5 + 0 + 70 + 40 + 4 + 3 + 2 + 1 + 0.5) / 10)
    assert found["value_rmse"] == pytest.approx(np.sqrt((25 + 4900 + 1600 + 16 + 9 + 4 + 1 + 0.25) / 10))
    assert found["value_top_decile_capture"] == pytest.approx(20 / 100)  # one customer in ten: the one with 20
    assert found["value_spearman"] == pytest.approx(spearmanr(value, predicted).statistic)


def test_calibration_error_by_hand() -> None:
    # Two risks, 100 customers each: 20 % foretold and 30 % happened, 70 % foretold and 65 % happened.
    risk = np.repeat([0.2, 0.7], 100)
    churned = np.concatenate([np.arange(100) < 30, np.arange(100) < 65])
    figure = metrics.expected_calibration_error(churned.astype(float), risk)
    assert plain(figure, 200) == pytest.approx(0.5 * 0.1 + 0.5 * 0.05)


def test_calibration_error_uses_ten_bins_of_equally_many() -> None:
    generator = np.random.default_rng(3)
    risk = generator.permutation(np.linspace(0.01, 0.99, 1000))
    churned = (generator.random(1000) < risk**2).astype(float)
    by_risk = np.argsort(risk).reshape(10, 100)
    expected = np.mean([abs(risk[rows].mean() - churned[rows].mean()) for rows in by_risk])
    assert plain(metrics.expected_calibration_error(churned, risk), 1000) == pytest.approx(expected)


def test_ties_at_the_border_of_the_top_decile_count_in_proportion() -> None:
    value = np.arange(20.0)
    assert plain(metrics.top_decile_capture(value, np.ones(20)), 20) == pytest.approx(0.1)


def test_what_is_not_foretold_or_not_defined_is_absent() -> None:
    score_only = measure(outcome([True, False], [0.0, 3.0]), Forecast(churn_score=np.array([40.0, 2.0])))
    assert set(score_only) == {"churn_auc", "churn_average_precision"}
    nobody_churned = measure(outcome([False, False], [1.0, 3.0]), Forecast(churn_risk=np.array([0.1, 0.2])))
    assert set(nobody_churned) == {"churn_brier", "churn_ece", "churn_log_loss"}


def test_without_any_realised_value_there_are_no_figures_of_value() -> None:
    forecast = Forecast(churn_risk=np.array([0.9, 0.1]), value_median=np.zeros(2), value_mean=np.zeros(2))
    assert not [name for name in measure(outcome([True, False], [0.0, 0.0]), forecast) if name.startswith("value")]
    assert measure(outcome([True, False], [0.0, 4.0]), forecast)["value_mae"] == 2.0


@pytest.mark.filterwarnings("error")
def test_a_resample_that_draws_nobody_has_no_figures_and_no_warnings() -> None:
    truth, prediction = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.1, 0.7])
    weights = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    for metric in metrics.METRICS.values():
        nobody, everybody = metric.prepare(truth, prediction)(weights)
        assert np.isnan(nobody), metric.name
        assert np.isfinite(everybody), metric.name


def test_a_churn_score_goes_before_the_risk_for_ranking() -> None:
    forecast = Forecast(churn_score=np.array([1.0, 2.0]), churn_risk=np.array([0.9, 0.1]))
    assert measure(outcome([False, True]), forecast)["churn_auc"] == 1.0


@st.composite
def weighted_samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    count = draw(st.integers(4, 40))
    score = draw(arrays(np.float64, count, elements=st.integers(0, 12).map(lambda n: n / 12)))
    churned = draw(arrays(np.float64, count, elements=st.sampled_from([0.0, 1.0])))
    value = draw(arrays(np.float64, count, elements=st.integers(0, 9).map(float)))
    weights = draw(arrays(np.int64, count, elements=st.integers(0, 3)))
    churned[:2], value[:2], score[:2], weights[:2] = [0.0, 1.0], [1.0, 2.0], [0.25, 0.5], [1, 2]
    return score, churned, value, weights


@settings(max_examples=60, deadline=None)
@given(weighted_samples())
def test_weights_are_repetitions_and_figures_are_those_of_the_libraries(
    sample: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    score, churned, value, weights = sample
    drawn = np.repeat(np.arange(len(score)), weights)
    libraries = {
        metrics.area_under_roc: (churned, roc_auc_score(churned[drawn], score[drawn])),
        metrics.average_precision: (churned, average_precision_score(churned[drawn], score[drawn])),
        metrics.brier_score: (churned, brier_score_loss(churned[drawn], score[drawn])),
        metrics.mean_absolute_error: (value, np.mean(np.abs(value[drawn] - score[drawn]))),
        metrics.root_mean_squared_error: (value, np.sqrt(np.mean((value[drawn] - score[drawn]) ** 2))),
        metrics.spearman_correlation: (value, spearmanr(value[drawn], score[drawn]).statistic),
    }
    for figure, (truth, expected) in libraries.items():
        found = figure(truth, score)(weights[None, :].astype(float))[0]
        assert found == pytest.approx(expected, abs=1e-12), figure.__name__
    repeated = metrics.top_decile_capture(value[drawn], score[drawn])(np.ones((1, len(drawn))))[0]
    assert metrics.top_decile_capture(value, score)(weights[None, :].astype(float))[0] == pytest.approx(repeated)


def test_many_weightings_at_once_are_the_same_one_by_one() -> None:
    generator = np.random.default_rng(0)
    score, churned = generator.random(50), (generator.random(50) < 0.4).astype(float)
    weights = generator.multinomial(50, np.full(50, 0.02), size=7).astype(float)
    for metric in metrics.METRICS.values():
        figure = metric.prepare(churned, score)
        np.testing.assert_allclose(figure(weights), [figure(row[None, :])[0] for row in weights], rtol=1e-12)


def test_log_loss_is_that_of_scikit_learn_and_its_skill_by_hand() -> None:
    generator = np.random.default_rng(0)
    risk = generator.random(200)
    churned = (generator.random(200) < risk).astype(float)
    found = measure(outcome(list(churned > 0)), Forecast(churn_risk=risk))
    assert found["churn_log_loss"] == pytest.approx(sklearn_log_loss(churned, risk))
    constant = sklearn_log_loss(churned, np.full(200, churned.mean()))
    assert found["churn_log_loss_skill"] == pytest.approx(1.0 - found["churn_log_loss"] / constant)
    # The rate itself has no skill; half sure and right of one in two saves ln 2 - ln 4/3 of ln 2.
    assert plain(metrics.log_loss_skill(np.array([1.0, 0.0]), np.array([0.5, 0.5])), 2) == pytest.approx(0.0)
    assert plain(metrics.log_loss_skill(np.array([1.0, 0.0]), np.array([0.75, 0.25])), 2) == pytest.approx(
        1.0 - np.log(4 / 3) / np.log(2)
    )


def test_capture_at_any_share_by_hand() -> None:
    happened, score = np.array([1.0, 0.0, 1.0, 1.0]), np.array([4.0, 3.0, 2.0, 1.0])
    assert plain(metrics.capture(happened, score, 0.5), 4) == pytest.approx(1 / 3)
    assert plain(metrics.capture(happened, score, 0.625), 4) == pytest.approx(1.5 / 3)  # half of the third
