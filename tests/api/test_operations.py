"""What operators ask: life, readiness, metrics, the model; and the pages for people."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from habitue.engine import Engine
from tests.api.conftest import RUN, local_client


def test_life_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_the_model_is_the_manifest_with_its_metrics(client: TestClient) -> None:
    told = client.get("/v1/model").json()
    assert told["id"] == RUN
    assert told["as_of"] == "2025-02-24T00:00:00Z"
    assert told["created_at"] == "2025-03-01T08:15:00Z"
    assert told["task"] == {"horizon_days": 60, "active_window_days": 180}
    assert told["metrics"]["habitue"]["churn_auc"] == {"mean": 0.8, "low": 0.7, "high": 0.9}


def samples(client: TestClient, name: str) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    return {
        tuple(sample.labels.get(label, "") for label in ("method", "route", "status", "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_metrics_count_requests_by_route_and_status(engine: Engine) -> None:
    client = local_client(engine)
    for name in ("C0001", "C0002", "C9999"):
        client.get(f"/v1/customers/{name}")
    client.get("/v1/a/path/that/nobody/made")
    client.request("BREW", "/v1/model")

    counted = samples(client, "habitue_http_requests_total")

    assert counted["GET", "/v1/customers/{customer_id}", "200", ""] == 2
    assert counted["GET", "/v1/customers/{customer_id}", "404", ""] == 1
    assert counted["GET", "unmatched", "404", ""] == 1
    assert sum(number for labels, number in counted.items() if labels[0] == "other") == 1
    assert not any("C0001" in label for labels in counted for label in labels)
    timed = samples(client, "habitue_http_request_seconds_count")
    assert timed["GET", "/v1/customers/{customer_id}", "", ""] == 3


def test_applications_count_for_themselves(engine: Engine) -> None:
    first, second = local_client(engine), local_client(engine)
    first.get("/healthz")
    assert not samples(second, "habitue_http_requests_total")


class _Sources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "link", "img", "a"):
            self.found += [value for name in ("src", "href") if (value := given.get(name))]
        self.inline |= tag == "style" or (tag == "script" and "src" not in given)
        self.inline |= any(name == "style" or name.startswith("on") for name in given)


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_pages_load_nothing_from_elsewhere_and_everything_they_name_is_there(client: TestClient, page: str) -> None:
    answer = client.get(page)
    assert answer.headers["Content-Type"].startswith("text/html")
    parser = _Sources()
    parser.feed(answer.text)
    assert len(parser.found) > 2
    assert not parser.inline  # the content security policy would refuse it
    for path in parser.found:
        assert path.startswith("/")
        assert client.get(path).status_code == 200, path


def test_the_landing_page_asks_only_for_paths_there_are(client: TestClient) -> None:
    script = client.get("/static/index.js").text
    asked = re.findall(r'ask\("([^"]+)"\)', script)
    assert len(asked) == 2
    for path in asked:
        assert client.get(path).status_code == 200
    assert "innerHTML" not in script


def test_a_new_server_reads_the_run_before_it_is_asked(engine: Engine, workspace: Path) -> None:
    with Engine.open(workspace, read_only=True) as fresh, local_client(fresh):
        assert "similarity" in fresh.publication.current().__dict__
