"""The list of churn risks: order, filters, and pages that neither repeat nor miss anybody."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from habitue.answers import SORT_KEYS
from habitue.engine import Engine
from habitue.workspace import Workspace
from tests.api.conftest import RUN, customers, local_client, scores, write_run


def pages(client: TestClient, **parameters: Any) -> list[dict[str, Any]]:
    found = [client.get("/v1/churn-risk", params=parameters).json()]
    while found[-1]["next_cursor"]:
        found.append(client.get("/v1/churn-risk", params={**parameters, "cursor": found[-1]["next_cursor"]}).json())
        assert len(found) < 1000
    return found


@pytest.mark.parametrize(
    ("sort", "limit"), [("-churn_risk", 3), *((sort, limit) for sort in SORT_KEYS for limit in (109, 1000))]
)
def test_all_pages_together_are_everybody_once_and_in_order(client: TestClient, sort: str, limit: int) -> None:
    found = pages(client, sort=sort, limit=limit)
    items = [each for page in found for each in page["items"]]
    assert sorted(each["id"] for each in items) == customers()
    assert all(len(page["items"]) == limit for page in found[:-1])
    assert {page["total"] for page in found} == {len(customers())}
    column, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    assert all((sign * a[column], a["id"]) < (sign * b[column], b["id"]) for a, b in pairwise(items))


def test_bounds_are_included_and_filters_hold_on_every_page(client: TestClient) -> None:
    frame = scores(customers())
    low, high = frame["churn_risk"].quantile([0.25, 0.75])
    expected = frame[(frame["churn_risk"] >= low) & (frame["churn_risk"] <= high) & frame["active"]]
    found = pages(client, min=repr(low), max=repr(high), active="true", limit=20)
    assert {each["id"] for page in found for each in page["items"]} == set(expected["customer_id"])
    assert low in set(expected["churn_risk"])


def test_a_category_counts_with_all_below_it(client: TestClient, workspace: Path) -> None:
    shop = workspace / "sources" / "tiny"
    orders = pd.read_csv(shop / "orders.csv").merge(pd.read_csv(shop / "products.csv"), on="sku")
    orders = orders[orders["units"] > 0]
    for category, mask in {
        "KITCHEN": orders["department"] == "KITCHEN",
        "KITCHEN/POTS": (orders["department"] == "KITCHEN") & (orders["aisle"] == "POTS"),
    }.items():
        found = pages(client, category=category, limit=1000)
        assert {each["id"] for page in found for each in page["items"]} == set(orders[mask]["customer_id"])
    for unknown in ("KITCH", "KITCHEN/", "kitchen", "%"):
        answer = client.get("/v1/churn-risk", params={"category": unknown})
        assert answer.status_code == 422
        assert answer.json()["detail"] == f"There is no category {unknown!r}."


@pytest.mark.parametrize(
    "query",
    ["min=-0.1", "max=1.1", "min=0.9&max=0.1", "sort=name", "limit=0", "limit=1001", "cursor=abc", "cursor=é",
     "active=perhaps", "min=nan"],
)  # fmt: skip
def test_bad_parameters_are_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/v1/churn-risk?{query}")
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid-parameter"


def test_a_cursor_ends_with_its_run_and_a_new_run_is_served_at_once(workspace: Path, tmp_path: Path) -> None:
    other = Workspace(tmp_path)
    (tmp_path / "graph").symlink_to(workspace / "graph")
    write_run(other, RUN, customers())
    other.publish(RUN)
    with Engine.open(tmp_path, read_only=True) as engine, local_client(engine) as client:
        first = client.get("/v1/churn-risk", params={"limit": 5}).json()
        write_run(other, "20250401T000000-000000", customers()[:50])
        other.publish("20250401T000000-000000")
        stale = client.get("/v1/churn-risk", params={"cursor": first["next_cursor"]})
        assert stale.status_code == 422
        fresh = client.get("/v1/churn-risk").json()
        assert fresh["total"] == 50
        assert fresh["score_of"]["model"] == "20250401T000000-000000"
