"""The benchmark of the embeddings runs from end to end on very little, and its ratios are of what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.bench_embeddings import measure, table


@pytest.mark.slow
def test_ratios_are_those_of_the_figures(tmp_path: Path) -> None:
    found = measure(tmp_path, smoke=True)
    ours, default = (found[side]["triples_per_cpu_second"] for side in ("ours", "pykeen-256"))
    assert found["ratios"]["over_pykeen_default"] == pytest.approx(ours / default, abs=0.001)
    assert {found[side]["triples"] for side in ("ours", "pykeen-256", "pykeen-16k")} == {3000}
    assert [each["ours"]["entities"] for each in found["entities"].values()] == [500, 2000]
    assert len(table(found)) == 4 + 7
