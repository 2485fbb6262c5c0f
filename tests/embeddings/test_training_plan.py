"""How much training a benchmark gets, by its size alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from embeddings.training_plan import CHOOSING, MULTIPLICATIONS_A_MINUTE, TRIALS, plan


@given(
    entities=st.integers(1, 2_000_000), queries=st.integers(1, 20_000_000), minutes=st.floats(0.01, 60),
)  # fmt: skip
def test_the_work_fits_into_the_minutes_unless_one_pass_does_not(entities: int, queries: int, minutes: float) -> None:
    found = plan(entities, queries, minutes)
    of = found.settings
    a_pass = queries * min(entities, of.candidates) * of.dimension
    allowed = minutes * MULTIPLICATIONS_A_MINUTE
    assert found.trial_epochs * TRIALS * a_pass <= CHOOSING * allowed
    assert of.epochs == 1 or (of.epochs + found.trial_epochs * TRIALS) * a_pass <= allowed
    assert plan(entities, queries, minutes) == found


def test_a_larger_graph_gets_shorter_vectors_and_fewer_candidates() -> None:
    sizes = [plan(entities, 6 * entities, 4.0).settings for entities in (2_000, 20_000, 200_000, 2_000_000)]
    assert [each.dimension for each in sizes] == sorted((each.dimension for each in sizes), reverse=True)
    assert sizes[0].dimension > sizes[-1].dimension
    assert sizes[1].candidates > sizes[-1].candidates


def test_what_is_given_is_kept() -> None:
    found = plan(2_000, 12_000, 4.0, dimension=48, epochs=3).settings
    assert (found.dimension, found.epochs) == (48, 3)


def test_a_small_graph_has_small_batches_and_enough_updates() -> None:
    found = plan(14, 900, 4.0).settings
    assert found.batch <= 32
    assert found.epochs * 900 / found.batch >= 2_000
