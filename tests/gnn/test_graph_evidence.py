from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from gnn.forecast import Examples, examples_of
from gnn.graph_evidence import evidence, largest_groups, left_out
from gnn.task import Task, population
from graph.snapshot import FloatArray, Snapshot
from tests.support import history_of

LINES = [
    ("anna", "cola", "2024-01-01"),
    ("anna", "cola", "2024-01-05"),
    ("anna", "juice", "2024-01-09"),
    ("anna", "soap", "2024-01-09"),
    ("ben", "cola", "2024-01-02"),
    ("cleo", "juice", "2024-01-03"),
    ("cleo", "cola", "2024-01-04"),
    ("cleo", "bread", "2024-01-04"),
    ("dora", "soap", "2024-01-06"),
]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    frame = pd.DataFrame(LINES, columns=["customer", "target", "at"]).assign(amount=1.0)
    frame["at"] = pd.to_datetime(frame["at"])
    products = pd.DataFrame(
        {
            "id": ["bread", "cola", "juice", "soap"],
            "category": ["FOOD", "FOOD/DRINKS/FIZZY", "FOOD/DRINKS", "HOME/CARE"],
            "brand": None,
        }
    )
    categories = pd.DataFrame(
        {
            "id": ["FOOD", "FOOD/DRINKS", "FOOD/DRINKS/FIZZY", "HOME", "HOME/CARE"],
            "parent": [None, "FOOD", "FOOD/DRINKS", None, "HOME"],
        }
    )
    history = history_of(
        {"PURCHASED": frame}, products=products, categories=categories, complete_until=datetime(2024, 2, 1)
    )
    return history.at(datetime(2024, 2, 1))


def ids(snapshot: Snapshot, products: np.ndarray) -> list[str]:
    return [each for each, inside in zip(snapshot.products.to_pylist(), products, strict=True) if inside]


def test_groups_are_the_second_level_or_what_is_above_it(snapshot: Snapshot) -> None:
    found = {name: ids(snapshot, products) for name, products in largest_groups(snapshot, 9)}
    assert found == {"FOOD/DRINKS": ["cola", "juice"], "HOME/CARE": ["soap"], "FOOD": ["bread"]}
    assert [name for name, _ in largest_groups(snapshot, 1)] == ["FOOD/DRINKS"]  # six of nine lines


def lines_in_graph(examples: Examples) -> FloatArray:
    """A score that is the number of the customer's lines that the graph still sees."""
    purchases = examples.snapshot.purchases
    count = np.bincount(purchases.customer[purchases.target >= 0], minlength=len(examples.snapshot.customers))
    return count[examples.rows].astype(float)


def test_what_is_left_out_is_what_the_group_carried(snapshot: Snapshot) -> None:
    examples = examples_of(snapshot, population(snapshot, Task(30, None)))
    found = left_out(lines_in_graph, examples, lines_in_graph(examples))
    carried = {group.name: group.contribution.tolist() for group in found}
    assert carried == {"FOOD/DRINKS": [3, 1, 2, 0], "HOME/CARE": [1, 0, 0, 1], "FOOD": [0, 0, 1, 0]}
    nothing = left_out(lambda each: np.zeros(4), examples, np.zeros(4))  # a model that does not look
    assert not any(group.contribution.any() for group in nothing)


def test_evidence_names_what_was_bought_and_by_how_many_others(snapshot: Snapshot) -> None:
    examples = examples_of(snapshot, population(snapshot, Task(30, None)))
    drinks = next(
        each for each in left_out(lines_in_graph, examples, lines_in_graph(examples)) if each.name == "FOOD/DRINKS"
    )
    anna, ben, _, dora = evidence(snapshot, drinks, np.arange(4))
    assert anna == {"category": "FOOD/DRINKS", "lines": 3, "products": ["cola", "juice"], "others": 2}
    assert ben == {"category": "FOOD/DRINKS", "lines": 1, "products": ["cola"], "others": 2}
    assert dora == {"category": "FOOD/DRINKS", "lines": 0, "products": [], "others": 0}
