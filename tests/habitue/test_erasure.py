"""Forgetting: a planted id is in every kind of file before, and in no byte afterwards."""

from __future__ import annotations

import csv
import json
import secrets
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embeddings import files as embedding_files
from graph.catalogue import resolve_source
from graph.staging_directory import pending_loads
from habitue.engine import Engine
from habitue.erasure_files import erase_from_files, find_in_files
from habitue.errors import NotFoundError, StoreError, UsageError
from habitue.settings import Settings
from habitue.similarity_files import read_similarity, write_similarity
from habitue.workspace import Workspace
from tests.graph.shop import SMALL, Shop, order

#: Long and random, so that its bytes stand in a file only where somebody wrote them.
PLANTED = f"planted-{secrets.token_hex(24)}"


def shop_with(customer: str) -> Shop:
    """The small shop, in which one more customer buys, is contacted and has properties."""
    return Shop(
        orders=[*SMALL.orders, order("90", customer, "p1", "2024-02-08T10:00:00", 5.0),
                order("91", customer, "p2", "2024-02-09T10:00:00", -5.0, quantity=-1),
                order("92", customer, "p2", "not a time", 5.0)],
        customers=[*SMALL.customers, {"id": customer, "country": "IT", "tier": "", "valid_from": ""}],
        products=SMALL.products, campaigns=SMALL.campaigns,
        contacts=[*SMALL.contacts, {"customer": customer, "campaign": "spring"}],
    )  # fmt: skip


def files_with(folder: Path, text: str) -> list[str]:
    """Files in which the bytes of a text stand."""
    needle = text.encode()
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()
    )


@pytest.fixture
def engine(store_url: str, tmp_path: Path) -> Engine:
    return Engine(Settings(store=store_url, workspace=tmp_path / "workspace"))


def load(engine: Engine, folder: Path, shop: Shop) -> dict[str, int]:
    report = engine.load(str(shop.write(folder)))
    return dict(report.loaded)


def test_a_customer_is_forgotten_and_stays_so(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path / "source", shop_with(PLANTED))
    assert engine.customer(PLANTED).activity

    report = engine.erase([PLANTED])

    assert report.complete
    assert report.graph["Customer"] == 1
    assert {name: report.graph[name] for name in ("PURCHASED", "RETURNED", "CONTACTED")} == {
        "PURCHASED": 1, "RETURNED": 1, "CONTACTED": 1,
    }  # fmt: skip
    assert PLANTED not in json.dumps(report.to_json())
    with pytest.raises(NotFoundError):
        engine.customer(PLANTED)
    ids = engine.store.nodes().customers["id"].to_pylist()
    assert sorted(ids) == ["ann", "bob"]
    again = engine.load(str(tmp_path / "source" / "dataset.toml"))
    assert sorted(engine.store.nodes().customers["id"].to_pylist()) == ["ann", "bob"]
    assert not again.loaded
    assert again.erased
    engine.close()


def test_everybody_else_keeps_everything(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path / "source", shop_with(PLANTED))
    engine.erase([PLANTED])
    kept = engine.store.tables()
    assert sorted(kept.interactions["PURCHASED"]["id"].to_pylist()) == ["1", "2", "3"]
    assert kept.interactions["RETURNED"]["id"].to_pylist() == ["4"]
    assert sorted(kept.products["id"].to_pylist()) == ["p1", "p2"]
    engine.close()


def test_erasing_again_finishes_what_was_interrupted(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path / "source", shop_with(PLANTED))
    engine.erase([PLANTED])
    again = engine.erase([PLANTED])
    assert again.complete
    assert not again.graph
    engine.close()


def test_nobody_of_that_name(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path / "source", SMALL)
    with pytest.raises(NotFoundError):
        engine.erase(["nobody"])
    facts = engine.store.facts()
    assert facts is not None
    assert not facts.erased
    engine.close()


def test_an_erasure_of_nobody_is_refused_and_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path / "source", SMALL)
    for nobody in ([], [" "]):
        with pytest.raises(UsageError):
            engine.erase(nobody)
    assert not (tmp_path / "workspace" / "erasures.json").exists()
    engine.close()


def test_who_was_unknown_is_counted_and_stays_out_all_the_same(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path / "source", shop_with(PLANTED))
    report = engine.erase([PLANTED, "nobody"])
    assert any(note.startswith("1 of the 2") for note in report.notes)
    assert not any("of the 2" in note for note in engine.erase([PLANTED, "nobody"]).notes)
    engine.close()


def test_who_waits_in_an_interrupted_load_alone_is_forgotten_too(engine: Engine, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(task: str, share: float) -> None:
        if task == "comparing nodes":
            raise Killed

    load(engine, tmp_path / "source", SMALL)
    source = str(shop_with(PLANTED).write(tmp_path / "source"))
    with pytest.raises(Killed):
        engine.load(source, progress=kill)
    assert len(pending_loads(tmp_path / "workspace", engine.store.loads())) == 1
    report = engine.erase([PLANTED])
    assert report.complete
    assert not files_with(tmp_path / "workspace", PLANTED)
    engine.load(source)
    with pytest.raises(NotFoundError):
        engine.customer(PLANTED)
    engine.close()


def test_the_files_of_a_failed_offline_load_go(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path / "source", shop_with(PLANTED))
    left = tmp_path / "workspace" / "neo4j-import" / "customers.csv"
    left.parent.mkdir()
    left.write_text(PLANTED, encoding="utf-8")
    assert engine.erase([PLANTED]).files["neo4j-import"] == 1
    assert not left.parent.exists()
    engine.close()


def test_a_quarantined_row_is_of_whom_its_value_names_not_of_whom_its_number_does(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    path = tmp_path / "quarantine" / "1.csv"
    path.parent.mkdir()
    rows = [["file", "row", "column", "reason", "value"], ["orders.csv", "7", "at", "no time", "noon"],
            ["orders.csv", "8", "customer", "too long", "7"]]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    assert find_in_files(workspace, ["8", "value"]) == []
    assert erase_from_files(workspace, ["7"]) == {"quarantine/1.csv": 1}
    with path.open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == rows[:2]


def test_similarity_between_the_two_steps_of_an_erasure_is_refused(tmp_path: Path) -> None:
    write_similarity(tmp_path, pa.array(["a", "b"]), np.eye(2, dtype=np.float32))
    pq.write_table(pa.table({"customer_id": ["a"]}), tmp_path / "similarity_customers.parquet")
    with pytest.raises(StoreError):
        read_similarity(tmp_path)


def test_a_purge_leaves_no_byte_of_the_id(tmp_path: Path) -> None:
    """A whole workspace: graph, cached history, models, scores, report, audience, quarantine."""
    folder = tmp_path / "workspace"
    source = tmp_path / "source"
    resolve_source("tiny", lambda: source)
    plant(source, "C0001")
    with Engine(Settings(store="", workspace=folder)) as engine:
        engine.load(str(source / "dataset.toml"))
        engine.train()
        engine.score()
        audience = engine.lookalike([PLANTED, "C0002", "C0003", "C0004"], size=50, write_back=True)
        with_planted = engine.lookalike(["C0005", "C0006", "C0007"], size=310)
        assert PLANTED in json.dumps([audience.to_json(), with_planted.to_json()])
        before = files_with(folder, PLANTED)
        kinds = {Path(each).name for each in before}
        assert {"scores.parquet", "seeds.csv"} <= kinds
        assert any(each.startswith("graph/") for each in before)
        assert any(each.startswith("snapshots/") for each in before)

        report = engine.erase([PLANTED], purge=True)

        assert report.complete
        assert report.purged
        assert files_with(folder, PLANTED) == []
        embeddings = [embedding_files.load(path.parent) for path in folder.rglob("embedding.json")]
        assert {len(each.popularity) for each in embeddings} == {len(embeddings[0].vocabulary)}
        assert 0 <= engine.churn_risk("C0002").churn_risk <= 1
        with pytest.raises(NotFoundError):
            engine.churn_risk(PLANTED)
        assert all(each.id != PLANTED for each in engine.similar("C0002", limit=300))


def plant(shop: Path, former: str) -> None:
    """Give a customer of the tables the planted id."""
    for name in ("customers.csv", "orders.csv", "views.csv", "contacts.csv"):
        path = shop / name
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([[PLANTED if cell == former else cell for cell in row] for row in rows])
