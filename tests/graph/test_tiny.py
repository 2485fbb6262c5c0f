"""The invented shop: equal seeds give equal files, and it is a data set like any other."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from graph.catalogue import NAMED_DATASETS, resolve_source
from graph.dataset import read_dataset
from graph.loading import load
from graph.store import no_progress
from graph.tiny import write_tiny
from habitue.errors import DatasetError
from tests.graph.memory_store import MemoryStore


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_equal_seeds_give_equal_files_and_others_do_not(tmp_path: Path) -> None:
    write_tiny(tmp_path / "a", customers=40)
    write_tiny(tmp_path / "b", customers=40)
    write_tiny(tmp_path / "c", customers=40, seed=8)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a")["orders.csv"] != files(tmp_path / "c")["orders.csv"]


def test_it_loads_whole_and_agrees_with_its_tables(tmp_path: Path) -> None:
    dataset = read_dataset(write_tiny(tmp_path))
    store = MemoryStore()
    report = load(store, dataset, "tiny", tmp_path / "workspace", no_progress)  # type: ignore[arg-type]
    orders = pd.read_csv(tmp_path / "orders.csv", parse_dates=["ordered_at"])
    assert (report.quarantined, report.guests, report.repeated, report.ignored_columns) == ({}, 0, 0, {})
    assert report.loaded == {
        "PURCHASED": int((orders["units"] > 0).sum()),
        "VIEWED": len(pd.read_csv(tmp_path / "views.csv")),
        "RETURNED": int((orders["units"] < 0).sum()),
        "CONTACTED": len(pd.read_csv(tmp_path / "contacts.csv")),
    }
    assert report.nodes["Customer"] == 320
    purchased = store.tables().interactions["PURCHASED"].to_pandas()
    assert purchased["amount"].sum() == pytest.approx(orders.loc[orders["units"] > 0, "total"].sum())
    assert dataset.complete_until is not None
    assert purchased["at"].max() < dataset.complete_until == datetime(2025, 2, 24)
    assert purchased["at"].min() >= pd.Timestamp("2024-01-01")


def test_some_customers_lapse_and_some_stay(tmp_path: Path) -> None:
    orders = pd.read_csv(write_tiny(tmp_path).parent / "orders.csv", parse_dates=["ordered_at"])
    last = orders.groupby("customer_id")["ordered_at"].max()
    lapsed = (last < pd.Timestamp("2025-02-24") - pd.Timedelta(days=90)).mean()
    assert 0.2 < lapsed < 0.8  # something to learn on both sides


def test_named_data_sets() -> None:
    assert [each.name for each in NAMED_DATASETS] == ["complete-journey", "cdnow", "tiny"]
    assert NAMED_DATASETS[-1].available


def test_tiny_is_made_on_the_spot(tmp_path: Path) -> None:
    assert resolve_source("tiny", lambda: tmp_path / "made").folder == (tmp_path / "made").resolve()


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("complete_journey", "Did you mean 'complete-journey'?"),
        ("tyny", "Did you mean 'tiny'?"),
        ("zzz", "dataset.toml"),
    ],
)
def test_an_unknown_name_offers_the_nearest(tmp_path: Path, source: str, hint: str) -> None:
    with pytest.raises(DatasetError) as caught:
        resolve_source(source, lambda: tmp_path)
    assert "complete-journey, cdnow, tiny" in caught.value.message
    assert hint in caught.value.hint


def test_a_path_is_read_as_a_description(tmp_path: Path) -> None:
    write_tiny(tmp_path / "shop", customers=2)
    assert resolve_source(str(tmp_path / "shop"), lambda: tmp_path).name == "tiny"
    with pytest.raises(DatasetError, match="no data-set description"):
        resolve_source(str(tmp_path / "none.toml"), lambda: tmp_path)
