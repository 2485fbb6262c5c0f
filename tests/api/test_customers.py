"""One customer over HTTP: the figures of the run, the facts of the graph, and ids of every kind."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import RUN, STRANGE, customers

SCORE_OF = {"model": RUN, "as_of": "2025-02-24T00:00:00Z", "horizon_days": 60}


def test_customer_has_facts_of_the_graph_and_scores_of_the_run(client: TestClient, workspace: Path) -> None:
    orders = pd.read_csv(workspace / "sources" / "tiny" / "orders.csv")
    kept = orders[(orders["customer_id"] == "C0042") & (orders["units"] > 0)]
    row = customers().index("C0042")

    told = client.get("/v1/customers/C0042").json()

    purchased = next(each for each in told["activity"] if each["type"] == "PURCHASED")
    assert purchased["events"] == len(kept)
    assert purchased["amount"] == pytest.approx(kept["total"].sum())
    assert purchased["first_at"] == f"{kept['ordered_at'].min()}Z"
    assert purchased["last_at"] == f"{kept['ordered_at'].max()}Z"
    assert {each["name"] for each in told["properties"]} == {"country", "tier"}
    assert told["churn_risk"] == pytest.approx(1 - (row // 10) / 33)
    assert told["active"] == (row % 3 != 0)
    assert told["currency"] == "EUR"
    assert told["score_of"] == SCORE_OF


def test_what_is_not_known_is_null(client: TestClient) -> None:
    name = customers()[5]
    path = f"/v1/customers/{quote(name, safe='')}"
    assert client.get(path).json()["novelty"] is None
    told = client.get(f"{path}/churn-risk").json()
    assert told["high"] is None
    assert told["reasons"][0]["value"] is None
    components = {each["name"]: each for each in client.get(f"{path}/hyperscore").json()["components"]}
    assert components["meta"]["evidence"] == {"previous": None}
    assert components["novelty"]["value"] is None
    assert components["logic"] == {"name": "logic", "value": 1.0, "weight": 0.2, "evidence": {"rules": 6}}


def test_churn_risk_carries_its_interval_and_what_it_is_of(client: TestClient) -> None:
    told = client.get("/v1/customers/C0042/churn-risk").json()
    assert told["low"] == pytest.approx(told["churn_risk"] * 0.9)
    assert told["level"] == 0.8
    assert told["score_of"] == SCORE_OF


def test_neighbourhood_of_one_hop_is_what_the_customer_touched(client: TestClient, workspace: Path) -> None:
    orders = pd.read_csv(workspace / "sources" / "tiny" / "orders.csv")
    bought = orders[(orders["customer_id"] == "C0042") & (orders["units"] > 0)].groupby("sku").size()

    told = client.get("/v1/customers/C0042/neighbourhood", params={"types": "PURCHASED", "limit": 200}).json()

    assert {each["target"]: each["events"] for each in told["links"]} == {f"Product:{k}": n for k, n in bought.items()}
    assert {each["source"] for each in told["links"]} == {"Customer:C0042"}
    assert told["nodes"][0]["scores"]["churn_risk"] == client.get("/v1/customers/C0042").json()["churn_risk"]
    assert told["score_of"] == SCORE_OF
    assert not told["truncated"]


def test_types_may_be_repeated_or_joined_by_commas(client: TestClient) -> None:
    path = "/v1/customers/C0042/neighbourhood"
    joined = client.get(path, params={"types": "PURCHASED,CONTACTED"}).json()
    repeated = client.get(path, params={"types": ["PURCHASED", "CONTACTED"]}).json()
    assert joined == repeated
    assert {each["type"] for each in joined["links"]} <= {"PURCHASED", "CONTACTED"}


def test_similar_customers_are_the_nearest_on_the_circle(client: TestClient) -> None:
    ids = customers()
    place = ids.index("C0042")
    told = client.get("/v1/customers/C0042/similar", params={"limit": 2}).json()
    assert {each["id"] for each in told["items"]} == {ids[place - 1], ids[place + 1]}
    assert [each["rank"] for each in told["items"]] == [1, 2]
    assert told["score_of"] == SCORE_OF


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("suffix", ["", "/churn-risk", "/hyperscore", "/similar", "/neighbourhood"])
def test_any_id_can_be_asked_for_percent_encoded(client: TestClient, name: str, suffix: str) -> None:
    answer = client.get(f"/v1/customers/{quote(name, safe='')}{suffix}")
    assert answer.status_code == 200, answer.text
    assert answer.json().get("id", answer.json().get("customer")) == name


def test_an_encoded_slash_is_part_of_the_id_and_a_bare_one_is_not(client: TestClient) -> None:
    assert client.get("/v1/customers/a%2Fchurn-risk").json()["id"] == "a/churn-risk"
    assert "reasons" not in client.get("/v1/customers/a%2Fchurn-risk").json()
    assert client.get("/v1/customers/a/churn-risk").json()["id"] == "a"
    assert client.get("/v1/customers/a/b").json()["type"] == "/problems/no-such-path"


@pytest.mark.parametrize("name", ["C9999", "%00", "%FF", "%F0%9F%92%A5", "' OR 1=1 //", "x" * 5000])
@pytest.mark.parametrize("suffix", ["", "/churn-risk", "/hyperscore", "/similar", "/neighbourhood"])
def test_unknown_customers_are_not_found(client: TestClient, name: str, suffix: str) -> None:
    answer = client.get(f"/v1/customers/{quote(name, safe='%')}{suffix}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("neighbourhood?depth=0", "depth"), ("neighbourhood?depth=4", "depth"), ("neighbourhood?depth=two", "depth"),
        ("neighbourhood?limit=0", "limit"), ("neighbourhood?limit=201", "limit"), ("similar?limit=0", "limit"),
        ("similar?limit=1001", "limit"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_named(client: TestClient, path: str, name: str) -> None:
    answer = client.get(f"/v1/customers/C0042/{path}")
    assert answer.status_code == 422
    assert [(each["where"], each["name"]) for each in answer.json()["errors"]] == [("query", name)]


def test_an_unknown_relationship_type_is_refused_with_those_there_are(client: TestClient) -> None:
    answer = client.get("/v1/customers/C0042/neighbourhood", params={"types": "OWNS"})
    assert answer.status_code == 422
    assert "PURCHASED" in answer.json()["hint"]
