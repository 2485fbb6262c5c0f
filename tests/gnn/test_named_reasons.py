from __future__ import annotations

import numpy as np

from gnn.reasons import named_columns

#: Three features, then the whole graph, then two categories.
CONTRIBUTIONS = np.array(
    [
        [0.9, -0.5, 0.3, 0.02, 0.015, -0.05],  # the larger category takes the last place
        [0.9, -0.5, 0.3, -0.02, 0.001, 0.0],  # no category of note: the whole graph does
        [0.9, -0.5, 0.3, 0.0, 0.001, 0.0],  # nor the whole: the features keep it
        [0.1, 0.2, 0.0, -0.4, 0.0, 0.0],  # the graph is among the first by itself
        [0.005, 0.0, 0.0, 0.0, 0.0, 0.0],  # nothing is large enough
    ]
)


def test_the_largest_are_named_and_the_last_place_is_the_graphs_where_it_says_anything() -> None:
    assert named_columns(CONTRIBUTIONS, 3, 3) == [[0, 1, 5], [0, 1, 3], [0, 1, 2], [3, 1, 0], []]


def test_without_a_graph_the_features_have_all_places() -> None:
    assert named_columns(CONTRIBUTIONS[:, :3], 3, 2) == [[0, 1], [0, 1], [0, 1], [1, 0], []]
    assert named_columns(CONTRIBUTIONS[:1, :3], 3, 9) == [[0, 1, 2]]
