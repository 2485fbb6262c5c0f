import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from audiences.filters import Condition
from audiences.lookalike import LookalikeSettings, as_conditions, lookalike
from embeddings.similarity import centred
from habitue.errors import UsageError

N = 30
IDS = pa.array([f"c{row:02d}" for row in range(N)])
NAMES = IDS.to_pylist()


def clusters() -> np.ndarray:
    """Rows 0 to 9 around (1, 0), 10 to 19 around (0, 1), 20 to 29 around (−1, −1)."""
    centres = np.repeat(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), 10, axis=0)
    return (centres + np.random.default_rng(0).normal(0, 0.05, (N, 2))).astype(np.float32)


def test_members_are_those_of_the_seed_s_cluster_without_the_seed() -> None:
    audience = lookalike(IDS, centred(clusters()), NAMES[:4], LookalikeSettings(size=6))
    assert sorted(audience.members["customer_id"]) == NAMES[4:10]
    assert audience.members["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert audience.members["score"].is_monotonic_decreasing


def test_score_is_the_mean_cosine_of_centred_vectors() -> None:
    vectors = clusters()
    audience = lookalike(IDS, centred(vectors), ["c03", "c12"], LookalikeSettings(size=N))
    moved = vectors.astype(float) - vectors.astype(float).mean(0)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    expected = {name: float(moved[row] @ (moved[3] + moved[12]) / 2) for row, name in enumerate(NAMES)}
    assert len(audience.members) == N - 2
    for name, score in zip(audience.members["customer_id"], audience.members["score"], strict=True):
        assert score == pytest.approx(expected[name], abs=1e-6)


def test_duplicates_count_once_and_the_unknown_are_named() -> None:
    audience = lookalike(
        IDS, centred(clusters()), ["c01", "nobody", " c01 ", "c02", "", "else"], LookalikeSettings(size=3)
    )
    assert audience.seed.as_dict() == {"given": 4, "known": 2, "unknown": ["nobody", "else"]}
    once = lookalike(IDS, centred(clusters()), ["c02", "c01"], LookalikeSettings(size=3))
    pd.testing.assert_frame_equal(audience.members, once.members)


@pytest.mark.parametrize(("seeds", "message"), [([], "empty"), (["", "  "], "empty"), (["x", "y"], "None of")])
def test_an_empty_or_unknown_seed_is_refused(seeds: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        lookalike(IDS, centred(clusters()), seeds)


def test_size_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="audience of 0"):
        lookalike(IDS, centred(clusters()), ["c01"], LookalikeSettings(size=0))


def test_the_holdout_check_finds_a_cluster_and_not_a_random_seed() -> None:
    whole = lookalike(IDS, centred(clusters()), NAMES[:10]).evaluation
    assert (whole.seeds, whole.hidden, whole.candidates, whole.splits) == (10, 5, 25, 5)
    assert whole.auc == 1.0
    assert whole.precision_at_k == 1.0
    assert whole.precision_by_chance == 0.2
    # One from each corner in turn: their mean points nowhere, and hidden ones are not told from the rest.
    spread = lookalike(IDS, centred(clusters()), NAMES[::3]).evaluation
    assert spread.auc is not None
    assert spread.auc < 0.8


def test_a_seed_too_small_to_halve_has_no_evaluation() -> None:
    evaluation = lookalike(IDS, centred(clusters()), NAMES[:3]).evaluation
    assert evaluation.as_dict() == {
        "auc": None,
        "precision_at_k": None,
        "precision_by_chance": None,
        "seeds": 3,
        "hidden": 0,
        "candidates": 27,
        "splits": 0,
    }


def test_the_same_question_gets_the_same_answer() -> None:
    first = lookalike(IDS, centred(clusters()), NAMES[:7]).as_dict()
    assert lookalike(IDS, centred(clusters()), NAMES[6::-1]).as_dict() == first


def test_filters_bound_scores_and_properties() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": NAMES[::-1][5:],  # another order, and c25 to c29 are not in it
            "churn_risk": np.linspace(1, 0, N)[5:],
            "active": [row % 2 == 0 for row in range(N)][::-1][5:],
            "country": "FR",
        }
    )
    settings = LookalikeSettings(
        size=N,
        conditions=as_conditions(
            [{"field": "churn_risk", "min": 0.1, "max": 0.7}, {"field": "active", "equals": True}]
        ),
    )
    members = lookalike(IDS, centred(clusters()), ["c04"], settings, properties=frame).members["customer_id"]
    # Risk of row i is i/29: rows 3 to 20 pass, of those the even ones; the seed itself is left out.
    assert sorted(members) == [f"c{row:02d}" for row in range(6, 21, 2)]


def test_filters_that_cannot_be_applied_are_refused() -> None:
    frame = pd.DataFrame({"customer_id": NAMES, "churn_risk": 0.5, "country": "FR"})

    def ask(condition: Condition, properties: pd.DataFrame | None = frame) -> None:
        lookalike(IDS, centred(clusters()), ["c01"], LookalikeSettings(conditions=[condition]), properties=properties)

    with pytest.raises(UsageError, match="Did you mean `churn_risk`"):
        ask(Condition("churn_rsk", minimum=0.1))
    with pytest.raises(UsageError, match="no order"):
        ask(Condition("country", minimum=0.1))
    with pytest.raises(UsageError, match="nothing to filter on"):
        ask(Condition("churn_risk", minimum=0.1), None)
    with pytest.raises(UsageError, match="not a filter"):
        as_conditions([{"field": "churn_risk", "above": 0.1}])


def test_missing_values_pass_no_filter() -> None:
    frame = pd.DataFrame({"customer_id": NAMES, "churn_risk": [np.nan, *[0.5] * (N - 1)]})
    settings = LookalikeSettings(size=N, conditions=(Condition("churn_risk", minimum=0.0),))
    members = lookalike(IDS, centred(clusters()), ["c01"], settings, properties=frame).members
    assert len(members) == N - 2
    assert "c00" not in set(members["customer_id"])
