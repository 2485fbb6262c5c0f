from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from bench.bench_reasons import of_features, removed, score
from gnn.baselines.lightgbm_forecaster import LightGBM
from gnn.calibration import logit
from gnn.features import Features
from gnn.forecast import Examples, ExampleSource
from gnn.habitue_forecaster import HabitueForecaster
from gnn.reasons import (
    all_contributions,
    churn_contributions,
    churn_reasons,
    network_contributions,
    network_share,
)
from habitue.errors import NotTrainedError
from tests.gnn.shops import fading_shop
from tests.gnn.test_forecaster import QUICK, TASK, examples


@pytest.fixture(scope="module")
def learnt() -> tuple[HabitueForecaster, Examples]:
    training, test = examples(ExampleSource(fading_shop(), TASK))
    model = HabitueForecaster(TASK, settings=QUICK)
    model.fit(training, seed=0)
    return model, test


def test_contributions_add_up_to_the_trees_logit(learnt: tuple[HabitueForecaster, Examples]) -> None:
    model, test = learnt
    trees = model.require_fitted().trees
    contributions = churn_contributions(trees, test.features)
    assert contributions.shape == (len(test.rows), len(trees.names) + 1)
    risk = trees.predict_target("churn", test.features)
    np.testing.assert_allclose(contributions.sum(axis=1), logit(risk), rtol=1e-6, atol=1e-8)


def test_gradient_times_input_is_the_change_that_a_small_step_to_the_average_makes(
    learnt: tuple[HabitueForecaster, Examples],
) -> None:
    """Moving every input a thousandth of its way to the average customer: the parts add up to that change."""
    model, test = learnt
    by_feature = network_contributions(model, test)
    half = model.require_fitted().network
    given: list[tuple[torch.Tensor, ...]] = []
    hook = half.network.register_forward_pre_hook(lambda _module, inputs: given.append(inputs))
    half.predict(test, model.shared, None)
    hook.remove()
    tabular, *rest = given[0]
    with torch.no_grad():
        double = half.network.double()
        now = double(tabular.double(), *rest)[..., 0].mean(dim=0)
        moved = double(tabular.double() * (1 - 1e-3), *rest)[..., 0].mean(dim=0)
        half.network.float()
    expected = ((now - moved) * 1e3).numpy()
    # A ReLU may switch within the step: hence the tolerance, for a few customers.
    close = np.isclose(by_feature.sum(axis=1), expected, atol=0.02, rtol=0.05)
    assert close.mean() > 0.9


def test_reasons_are_the_largest_contributions_in_order(learnt: tuple[HabitueForecaster, Examples]) -> None:
    model, test = learnt
    trees, share = model.require_fitted().trees, network_share(model)
    by_feature = network_contributions(model, test)
    contributions, groups = all_contributions(model, test)
    assert not groups  # a shop without products has no graph
    blended = (1 - share) * churn_contributions(trees, test.features)[:, :-1] + share * by_feature
    np.testing.assert_allclose(contributions, blended)
    for row, reasons in enumerate(churn_reasons(model, test, most=3)):
        named = [trees.names.index(reason["feature"]) for reason in reasons]
        assert len(named) <= 3
        sizes = [abs(reason["contribution"]) for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)
        others = np.delete(np.abs(contributions[row]), named)
        assert not sizes or others.max() <= sizes[-1]
        for reason, column in zip(reasons, named, strict=True):
            assert reason["contribution"] == contributions[row, column]
            assert reason["direction"] == ("raises" if contributions[row, column] > 0 else "lowers")
            assert reason["kind"] == "feature"
            assert reason["label"] == test.features.labels[reason["feature"]]


def test_reasons_are_plain_json_and_an_undefined_value_is_null(learnt: tuple[HabitueForecaster, Examples]) -> None:
    model, test = learnt
    text = json.dumps(churn_reasons(model, test, most=200), allow_nan=False)
    values = [
        (reason["feature"], reason["value"], row) for row, reasons in enumerate(json.loads(text)) for reason in reasons
    ]
    assert values
    for name, value, row in values:
        given = test.features.column(name)[row]
        assert (value is None) == bool(np.isnan(given))
        assert value is None or value == given


def test_removing_what_is_named_moves_the_score_more_than_removing_as_many_others(
    learnt: tuple[HabitueForecaster, Examples],
) -> None:
    model, test = learnt
    contributions = all_contributions(model, test)[0]
    found = of_features(model, [test], test, score(model, test), contributions)
    assert found["mean_move_named"] > 1.5 * found["mean_move_random"] > 0.0
    assert found["share_named_moves_more"] > 0.7
    # Nothing named, nothing moved: with the features of nobody the score stays.
    none = np.zeros((len(test.rows), 0), np.int64)
    names = model.require_fitted().trees.names
    same = removed(test, names, none, np.zeros(len(names)))
    np.testing.assert_array_equal(score(model, same), score(model, test))


def test_trees_that_learnt_one_class_give_no_reasons() -> None:
    trees = LightGBM()
    trees.names, trees.constants = ("a",), {"churn": 0.0}
    assert not churn_contributions(trees, Features(("a",), np.ones((4, 1)), {"a": "a"})).any()


def test_without_a_model_there_are_no_reasons(learnt: tuple[HabitueForecaster, Examples]) -> None:
    with pytest.raises(NotTrainedError):
        churn_reasons(HabitueForecaster(TASK), learnt[1])
