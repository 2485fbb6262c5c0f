"""Lookalike audiences over HTTP: who comes out, and that they can be read again."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from habitue.engine import Engine
from tests.api.conftest import RUN, customers, local_client, scores


@pytest.fixture(scope="module")
def client(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A workspace of its own, which audiences are written into."""
    path = tmp_path_factory.mktemp("audiences")
    for name in ("graph", "runs"):
        (path / name).symlink_to(workspace / name)
    shutil.copy(workspace / "current", path / "current")
    with Engine.open(path, read_only=True) as engine, local_client(engine) as opened:
        yield opened


def test_the_nearest_on_the_circle_without_the_seed(client: TestClient) -> None:
    ids = customers()
    seeds = ids[40:50]  # an arc, whose middle is between the fifth and the sixth
    answer = client.post("/v1/audiences/lookalike", json={"seeds": [*seeds, seeds[0], "C9999"], "size": 6})
    assert answer.status_code == 201
    told = answer.json()
    assert {each["customer_id"] for each in told["members"]} == {*ids[37:40], *ids[50:53]}
    assert [each["rank"] for each in told["members"]] == [1, 2, 3, 4, 5, 6]
    assert told["seed"] == {"given": 11, "known": 10, "unknown": ["C9999"]}
    assert (told["model"], told["as_of"]) == (RUN, "2025-02-24T00:00:00Z")
    angle = 2 * np.pi / len(ids) * (50 - np.arange(40, 50))
    assert told["members"][0]["score"] == pytest.approx(np.cos(angle).mean(), abs=1e-5)


def test_an_audience_is_read_again_as_it_was_made_also_as_csv(client: TestClient) -> None:
    made = client.post("/v1/audiences/lookalike", json={"seeds": ["C0001", "C0002"], "size": 5, "name": "spring"})
    told = made.json()
    assert made.headers["Location"] == f"/v1/audiences/{told['id']}"
    assert client.get(made.headers["Location"]).json() == told
    assert told["name"] == "spring"

    answer = client.get(f"{made.headers['Location']}.csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.text.splitlines()[0] == "customer_id,rank,score"
    assert [(row["customer_id"], int(row["rank"])) for row in rows] == [
        (each["customer_id"], each["rank"]) for each in told["members"]
    ]
    assert [float(row["score"]) for row in rows] == pytest.approx([each["score"] for each in told["members"]], abs=1e-6)


def test_filters_hold(client: TestClient) -> None:
    frame = scores(customers()).set_index("customer_id")
    body = {"seeds": ["C0100"], "size": 1000, "min_churn_risk": 0.2, "max_churn_risk": 0.4, "active_only": True}
    found = {each["customer_id"] for each in client.post("/v1/audiences/lookalike", json=body).json()["members"]}
    expected = frame[frame["active"] & frame["churn_risk"].between(0.2, 0.4)].index
    assert found == set(expected) - {"C0100"}
    assert found


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e", "..%2F..%2Fruns", "x%00", ".making", "é"])
@pytest.mark.parametrize("suffix", ["", ".csv"])
def test_unknown_audiences_are_not_found(client: TestClient, name: str, suffix: str) -> None:
    assert client.get(f"/v1/audiences/{name}{suffix}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"seeds": []}, {"seeds": "C0001"}, {"seeds": [1]}, {"seeds": ["C0001"], "size": 0}, {"seeds": ["C9999"]},
     {"seeds": ["C0001"], "min_churn_risk": 2}, {"seeds": ["C0001"], "sise": 3},
     {"seeds": ["C0001"], "min_churn_risk": 0.9, "max_churn_risk": 0.1}],
)  # fmt: skip
def test_wrong_requests_are_refused(client: TestClient, body: dict[str, object]) -> None:
    answer = client.post("/v1/audiences/lookalike", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
