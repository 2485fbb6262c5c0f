from __future__ import annotations

from pathlib import Path

import pytest

from bench.bench_forecaster import measure, table
from bench.direct_history import history_beside
from bench.graph_data import Size, prepared
from bench.real_history import loaded
from bench.synthetic.settings import Settings
from tests.graph.history_source import assert_equal_graphs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("retailers")


def test_a_history_without_a_store_is_the_one_with_it(folder: Path) -> None:
    data = prepared(folder / "1000", Size(Settings(1_000, 20_000), repeats=1, reads=1))
    direct = history_beside(data)
    assert_equal_graphs(direct, loaded(str(data / "dataset.toml"), folder / "workspace"))
    assert history_beside(data).complete_until == direct.complete_until  # read back, not made anew


def test_the_convolution_says_what_torch_geometric_does_for_less(folder: Path) -> None:
    found = measure("smoke", folder, ("convolution",))
    assert found["convolution"]["largest_difference"] < 1e-4
    assert any("times faster" in line for line in table(found))


def test_every_step_is_measured_and_judged_by_the_truth(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.bench_forecaster.CUSTOMERS", {"smoke": (1_000,)})
    found = measure("smoke", folder, ("scale",))
    (each,) = found["scale"]
    assert list(each["steps"]) == ["snapshot", "features", "examples", "training", "scoring"]
    assert 900 < each["customers"] <= 1_000
    assert each["quality"]["judged"] == each["customers"]
    assert each["quality"]["risk_rank"] > 0.5
    assert each["quality"]["log_loss_above_truth"] > 0
    assert len(table(found)) == 3 + 5
