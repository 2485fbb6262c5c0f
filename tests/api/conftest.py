"""A tiny workspace with a run made by hand: every score is known, and nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from embeddings.similarity import centred
from habitue.engine import Engine
from habitue.runs import SCORES, RunManifest, TaskSettings, write_manifest
from habitue.similarity_files import write_similarity
from habitue.workspace import Workspace

RUN = "20250301T081500-3fa9c1"
#: Ids that only work where paths are decoded with care.
STRANGE = ("a/b", "a", "é ü/漢", "50%2F", "x?y#z", "..x", "a/churn-risk")


def customers() -> list[str]:
    return sorted([f"C{number:04d}" for number in range(320)] + list(STRANGE))


def scores(ids: list[str]) -> pd.DataFrame:
    """Risks fall from 1 in steps, with ties: ten customers share each risk."""
    count = len(ids)
    place = np.arange(count)
    risk = 1 - (place // 10) / (count // 10 + 1)
    v = 1 - risk
    reason = {"feature": "recency_days", "label": "days since the last purchase", "value": None, "contribution": 0.5,
              "direction": "raises"}  # fmt: skip
    return pd.DataFrame({
        "customer_id": ids, "active": place % 3 != 0, "churn_risk": risk, "churn_risk_low": risk * 0.9,
        "churn_risk_high": np.where(place == 5, np.nan, risk), "expected_value": 10.0 + place, "value_median": 9.0,
        "logic": 1.0, "novelty": np.where(place == 5, np.nan, 0.25), "impact": v, "reproducibility": 0.5, "meta": 0.5,
        "v": v, "hyperscore": 100 + v, "hyperscore_centred": 110 + v, "hyperscore_percentile": 100 * v,
        "reasons": json.dumps([reason]),
        "evidence": json.dumps({"logic": {"rules": 6}, "meta": {"previous": float("nan")}}),
    })  # fmt: skip


def write_run(workspace: Workspace, name: str, ids: list[str]) -> None:
    directory = workspace.runs / name
    directory.mkdir(parents=True)
    manifest = RunManifest(
        id=name, kind="scored", created_at=datetime(2025, 3, 1, 8, 15), dataset="tiny", currency="EUR",
        as_of=datetime(2025, 2, 24), task=TaskSettings(horizon_days=60, active_window_days=180), seed=0,
        data_fingerprint="0123", weights=dict.fromkeys(("logic", "novelty", "impact", "reproducibility", "meta"), 0.2),
        hyperscore={"preset": "published", "beta": 5.0, "gamma": -0.693147, "kappa": 2.0},
        metrics={"habitue": {"churn_auc": {"mean": 0.8, "low": 0.7, "high": 0.9}}}, publisher="test",
    )  # fmt: skip
    write_manifest(directory, manifest)
    scores(ids).to_parquet(directory / SCORES)
    angle = np.linspace(0, 2 * np.pi, len(ids), endpoint=False)
    vectors = centred(np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32))
    write_similarity(directory, pa.array(ids, pa.string()), vectors)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop, a few customers with strange ids, and the run."""
    path = tmp_path_factory.mktemp("api") / "workspace"
    with Engine.open(path) as engine:
        engine.load("tiny")
        shop = path / "sources" / "tiny"
        lines = pd.read_csv(shop / "orders.csv")
        more = pd.DataFrame([
            {**lines.iloc[0].to_dict(), "line_id": f"S{number}", "order": f"S{number}", "customer_id": name}
            for number, name in enumerate(STRANGE)
        ])  # fmt: skip
        pd.concat([lines, more]).to_csv(shop / "orders.csv", index=False)
        engine.load(str(shop / "dataset.toml"))
    where = Workspace(path)
    write_run(where, RUN, customers())
    where.publish(RUN)
    return path


@pytest.fixture(scope="session")
def engine(workspace: Path) -> Iterator[Engine]:
    with Engine.open(workspace, read_only=True) as opened:
        yield opened


def local_client(engine: Engine, **options: object) -> TestClient:
    """A client on the server's own machine."""
    app = create_app(engine, api_key=None, local=True)
    return TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000), **options)  # type: ignore[arg-type]


def remote_client(engine: Engine, key: str | None) -> TestClient:
    """A client on another machine, before a server with the key `the-key`."""
    app = create_app(engine, api_key=SecretStr("the-key"), local=False)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return TestClient(app, base_url="http://shop.example:8000", client=("203.0.113.7", 50000), headers=headers)


@pytest.fixture(scope="session")
def client(engine: Engine) -> Iterator[TestClient]:
    with local_client(engine) as opened:
        yield opened
