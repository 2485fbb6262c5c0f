"""Writing through the API: durable when answered, idempotent, and refused row by row."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.writing import MAXIMUM_WAITING
from habitue.engine import Engine
from habitue.settings import Settings
from tests.graph.shop import SMALL


@pytest.fixture
def app(store_url: str, tmp_path: Path) -> Iterator[FastAPI]:
    settings = Settings(store=store_url, workspace=tmp_path / "workspace")
    with Engine(settings) as writing:
        writing.load(str(SMALL.write(tmp_path / "shop")))
    with Engine(settings, read_only=True) as engine:
        yield create_app(engine, api_key=None, local=True)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as opened:
        yield opened


def line(identifier: str, customer: str = "ann", amount: float = 7.5, **more: Any) -> dict[str, Any]:
    return {"type": "PURCHASED", "id": identifier, "customer": customer, "product": "p1",
            "at": "2024-03-05T09:00:00Z", "quantity": 1, "amount": amount, **more}  # fmt: skip


def add(client: TestClient, *lines: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/interactions", json={"interactions": list(lines)})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def purchases(client: TestClient, customer: str) -> tuple[int, float]:
    """Number of purchase lines and their amount, as the API tells them."""
    activity = client.get(f"/v1/customers/{customer}").json()["activity"]
    (found,) = [each for each in activity if each["type"] == "PURCHASED"]
    return found["events"], found["amount"]


def test_what_is_added_is_served_and_sent_again_changes_nothing(client: TestClient) -> None:
    assert purchases(client, "ann") == (2, 42.75)

    first = add(client, line("n1"), line("n2", amount=2.5))
    again = add(client, line("n1"), line("n2", amount=2.5))

    assert (first["loaded"], first["unchanged"], first["load"]) == ({"PURCHASED": 2}, {}, 2)
    assert (again["loaded"], again["unchanged"], again["load"]) == ({}, {"PURCHASED": 2}, None)
    assert purchases(client, "ann") == (4, 52.75)


def test_another_value_under_a_known_id_is_a_correction(client: TestClient) -> None:
    add(client, line("n1", amount=7.5))
    assert add(client, line("n1", amount=8.5))["corrected"] == {"PURCHASED": 1}
    assert purchases(client, "ann") == (3, 51.25)


def test_a_new_customer_is_known_at_once(client: TestClient) -> None:
    assert client.get("/v1/customers/cleo").status_code == 404
    add(client, line("n1", customer="cleo"))
    assert client.get("/v1/customers/cleo").json()["activity"][0]["events"] == 1


def test_a_row_that_cannot_be_taken_is_named_and_the_others_are_loaded(client: TestClient) -> None:
    told = add(client, line("n1"), {**line("n2"), "product": None, "type": "VIEWED"})
    assert told["loaded"] == {"PURCHASED": 1}
    (refused,) = told["refused"]
    assert refused["row"] == 2


def test_a_malformed_request_writes_nothing(client: TestClient) -> None:
    for body in ({"interactions": []}, {"interactions": [{**line("n1"), "at": "yesterday"}]},
                 {"interactions": [{**line("n1"), "price": 3}]}):  # fmt: skip
        answer = client.post("/v1/interactions", json=body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert purchases(client, "ann") == (2, 42.75)


def test_a_writer_that_dies_is_an_error_and_the_next_request_succeeds(app: FastAPI, client: TestClient) -> None:
    add(client, line("n1"))
    process = app.state.writer._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert add(client, line("n1"))["unchanged"] == {"PURCHASED": 1}


def test_a_customer_is_forgotten(client: TestClient) -> None:
    answer = client.delete("/v1/customers/bob")
    assert answer.status_code == 200
    report = answer.json()
    assert report["complete"]
    assert (report["graph"]["Customer"], report["graph"]["PURCHASED"]) == (1, 1)
    assert client.get("/v1/customers/bob").status_code == 404
    add(client, line("n1", customer="bob"))
    assert client.get("/v1/customers/bob").status_code == 404
    assert client.delete("/v1/customers/nobody").status_code == 404


def test_no_more_wait_for_the_writer_than_threads_can_be_spared(app: FastAPI, client: TestClient) -> None:
    writer = app.state.writer
    for _ in range(MAXIMUM_WAITING):
        assert writer._places.acquire(blocking=False)
    answer = client.post("/v1/interactions", json={"interactions": [line("n1")]})
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/busy")
    for _ in range(MAXIMUM_WAITING):
        writer._places.release()
    assert add(client, line("n1"))["loaded"] == {"PURCHASED": 1}


def test_an_interrupt_from_the_terminal_does_not_end_the_writer(app: FastAPI, client: TestClient) -> None:
    add(client, line("n1"))
    process = app.state.writer._process
    process.send_signal(signal.SIGINT)
    assert add(client, line("n2"))["loaded"] == {"PURCHASED": 1}
    assert app.state.writer._process is process
