"""A benchmark folder evaluated: what is learnt, chosen and left out, and that test triples teach nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pykeen.evaluation import RankBasedEvaluator

from embeddings.benchmark_training import Chosen
from embeddings.evaluation import Evaluation, evaluate
from embeddings.full_softmax import Queries, with_inverses
from embeddings.training_plan import plan
from habitue.errors import UsageError

QUICK = Chosen(dimension=16, epochs=30)
GIVEN = Chosen(dimension=16, epochs=6, decay=0.1, known=0.5)


def grid(folder: Path, **parts: str) -> Path:
    """Places of a grid of six by six, each with those right of it, above it and both; some for validation and test."""
    rows = [
        f"n{x}{y}\t{name}\tn{x + right}{y + up}\n"
        for name, right, up in (("right", 1, 0), ("up", 0, 1), ("both", 1, 1))
        for x in range(6 - right)
        for y in range(6 - up)
    ]
    texts = {
        "train": "".join(row for number, row in enumerate(rows) if number % 7 > 1),
        "valid": "".join(rows[::7]),
        "test": "".join(rows[1::7]),
        **parts,
    }
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate(grid(tmp_path_factory.mktemp("data") / "grid"), chosen=QUICK, seed=1)


def test_a_grid_is_learnt(found: Evaluation) -> None:
    # At random among 36 places the index is 0, and hits@10 about 10 / 35.
    for part in ("valid", "test"):
        assert found.metrics[part]["both"].adjusted_mean_rank_index > 0.6
        assert found.metrics[part]["both"].hits_at_10 > 0.8


def test_figures_are_pykeens_of_the_model(found: Evaluation) -> None:
    parts = found.parts
    for part, known in (("valid", [parts.train]), ("test", [parts.train, parts.valid])):
        theirs = RankBasedEvaluator().evaluate(
            found.model(), getattr(parts, part), batch_size=8, additional_filter_triples=known, use_tqdm=False
        )
        expected = theirs.get_metric("both.realistic.inverse_harmonic_mean_rank")
        assert found.metrics[part]["both"].mrr == pytest.approx(expected)


def test_settings_are_the_best_of_what_was_tried(found: Evaluation) -> None:
    best = max(found.trials, key=lambda trial: trial.look.value).settings
    assert (found.settings.decay, found.settings.known) == (best.decay, best.known)
    assert len({(trial.settings.decay, trial.settings.known) for trial in found.trials}) == len(found.trials) > 4
    by_epochs = dict(found.looks)
    assert by_epochs[found.epochs].value == max(look.value for look in by_epochs.values())
    # The sample of the validation triples is all of them here: PyKEEN finds the same of the vectors that were kept.
    assert found.metrics["valid"]["both"].mrr == pytest.approx(by_epochs[found.epochs].mrr, rel=1e-5)


def test_it_is_one_json_object(found: Evaluation) -> None:
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["counts"] == {"entities": 36, "relations": 3, "train": 60, "valid": 13, "test": 12}
    assert set(told["metrics"]["test"]) == {"both", "head", "tail"}
    assert {"mrr", "hits@1", "hits@3", "hits@10", "mean_rank", "adjusted_mean_rank_index"} == set(
        told["metrics"]["test"]["both"]
    )
    assert told["published"] == []
    assert told["short_of_time"] is False
    assert told["settings"]["seed"] == 1
    assert told["seconds"]["total"] >= told["seconds"]["training"]


def test_test_triples_do_not_change_the_vectors(tmp_path: Path) -> None:
    other = "n00\tboth\tn54\nn10\tright\tn55\n"
    first, second = (
        evaluate(grid(tmp_path / name, **parts), chosen=GIVEN)
        for name, parts in (("one", {}), ("two", {"test": other}))
    )
    assert torch.equal(first.entity, second.entity)
    assert torch.equal(first.relation, second.relation)
    assert first.metrics["valid"] == second.metrics["valid"]
    assert first.trials == ()


def test_names_without_training_are_left_out_and_counted(tmp_path: Path) -> None:
    test = "n00\tup\tn01\nn00\tup\tnowhere\nn03\tdown\tn02\nn05\tright\tn15\n"
    found = evaluate(grid(tmp_path / "grid", valid="nowhere\tup\tn01\n", test=test), chosen=GIVEN).to_json()
    assert found["left_out"]["triples_with_unseen"] == {"valid": 1, "test": 2}
    assert (found["left_out"]["unseen_entities"], found["left_out"]["unseen_relations"]) == (1, 1)
    assert found["counts"]["test"] == 2
    assert "valid" not in found["metrics"]
    both = found["metrics"]["test"]["both"]
    assert found["metrics"]["test"]["both_with_left_out_as_misses"]["mrr"] == pytest.approx(both["mrr"] / 2)


def test_without_time_there_is_still_a_result_that_says_so(tmp_path: Path) -> None:
    found = evaluate(grid(tmp_path / "grid"), chosen=Chosen(dimension=8), minutes=1e-9)
    assert found.stopped
    assert set(found.metrics) == {"valid", "test"}


def test_what_is_all_given_is_not_tried_and_gets_all_its_passes(tmp_path: Path) -> None:
    found = evaluate(grid(tmp_path / "grid"), chosen=Chosen(dimension=4, decay=0.1, known=0.5))
    planned = plan(36, len(Queries.of(with_inverses(found.parts.train))), 4.0).settings.epochs
    assert (found.trials, found.stopped, found.settings.epochs) == ((), False, planned)
    assert found.looks[-1][0] == planned


def test_minutes_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="minutes"):
        evaluate(grid(tmp_path / "grid"), minutes=0.0)
