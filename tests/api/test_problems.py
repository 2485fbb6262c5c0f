"""Every error is a problem document that says what to do, and none tells of the inside."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.problems import kinds_of_problem
from habitue.engine import Engine
from habitue.errors import HabitueError, LockedError, StoreError
from habitue.workspace import Workspace
from tests.api.conftest import local_client


def problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["type"] == f"/problems/{slug}"
    assert told["request_id"] == answer.headers["X-Request-ID"]
    assert told["title"]
    assert told["detail"]
    return told


def test_unknown_customer(client: TestClient) -> None:
    told = problem(client.get("/v1/customers/C%209999"), 404, "not-found")
    assert "C 9999" in told["detail"]
    assert told["instance"] == "/v1/customers/C%209999"


@pytest.mark.parametrize("part", ["", "/hyperscore", "/churn-risk", "/similar", "/recommendations", "/neighbourhood"])
def test_an_unknown_customer_is_told_from_one_without_a_score(client: TestClient, part: str) -> None:
    told = problem(client.get(f"/v1/customers/nobody{part}"), 404, "not-found")
    if part != "/recommendations":  # the run made by hand has none
        assert told["detail"] == "There is no customer 'nobody'."


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("/v1/churn-risk?minimum=0.9", "minimum", "There is no such parameter; did you mean min?"),
        ("/v1/churn-risk?Limit=5", "Limit", "There is no such parameter; did you mean limit?"),
        ("/v1/customers/C0001?depth=2", "depth", "There is no such parameter; this path takes none"),
        ("/v1/customers/C0001/similar?limit=2&q=", "q", "There is no such parameter; there are limit"),
        ("/v1/model?x", "x", "There is no such parameter; this path takes none"),
    ],
)
def test_a_parameter_that_a_path_does_not_know_is_refused(
    client: TestClient, path: str, name: str, message: str
) -> None:
    told = problem(client.get(path), 422, "invalid-parameter")
    assert told["errors"] == [{"where": "query", "name": name, "message": message}]


def test_probes_may_ask_as_they_like(client: TestClient) -> None:
    assert client.get("/healthz?verbose=1").status_code == 200


def test_unknown_path_and_method(client: TestClient) -> None:
    problem(client.get("/v1/nothing"), 404, "no-such-path")
    problem(client.get("/nothing"), 404, "no-such-path")
    problem(client.get("/static/../app.py"), 404, "no-such-path")
    problem(client.get("/static/%2e%2e/app.py"), 404, "no-such-path")
    answer = client.delete("/v1/model")
    problem(answer, 405, "wrong-method")
    assert answer.headers["Allow"] == "GET"


def test_every_fault_of_a_request_is_listed_and_what_was_sent_is_not_repeated(client: TestClient) -> None:
    told = problem(client.get("/v1/churn-risk?limit=secret&min=7"), 422, "invalid-parameter")
    assert {(each["where"], each["name"]) for each in told["errors"]} == {("query", "limit"), ("query", "min")}
    assert "secret" not in str(told["errors"])
    assert "secret" not in told["detail"]


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"{}", b'{"query": 1}', b'{"query": "RETURN 1", "more": 1}', b"\xff", b""]
)
def test_malformed_bodies(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/cypher", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_before_anything_is_loaded_or_trained(tmp_path: Path) -> None:
    with Engine.open(tmp_path, read_only=True) as engine, local_client(engine) as client:
        assert problem(client.get("/v1/customers/C0001"), 409, "nothing-loaded")["hint"]
        assert problem(client.post("/v1/cypher", json={"query": "RETURN 1"}), 409, "nothing-loaded")["hint"]
        for path in ("/v1/churn-risk", "/v1/model", "/v1/customers/C0001/churn-risk", "/v1/customers/C0001/similar"):
            assert "habitue train" in problem(client.get(path), 409, "not-trained")["hint"]
        problem(client.get("/readyz"), 503, "not-ready")
        assert client.get("/healthz").json() == {"status": "alive"}


def test_loaded_but_not_trained(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "graph").symlink_to(workspace / "graph")
    with Engine.open(tmp_path, read_only=True) as engine, local_client(engine) as client:
        told = client.get("/v1/customers/C0042").json()
        assert (told["scored"], told["churn_risk"], told["score_of"]) == (False, None, None)
        assert client.get("/v1/customers/C0042/neighbourhood").json()["score_of"] is None
        assert "habitue train" in problem(client.get("/readyz"), 503, "not-ready")["hint"]


def test_an_audience_needs_no_lock(client: TestClient, workspace: Path) -> None:
    with Workspace(workspace).writing("training"):
        assert client.post("/v1/audiences/lookalike", json={"seeds": ["C0001"]}).status_code == 201


def test_another_process_is_writing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: Any, **__: Any) -> None:
        raise LockedError("The workspace is in use: training.", hint="Wait until it has finished.")

    monkeypatch.setattr(engine.store, "read", locked)
    told = problem(local_client(engine).get("/v1/customers/C0042"), 409, "locked")
    assert "training" in told["detail"]


def test_an_unreachable_store(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise StoreError("The graph store cannot be reached.", hint="Start it.")

    client = local_client(engine)
    monkeypatch.setattr(engine.store, "read", unreachable)
    monkeypatch.setattr(engine.store, "facts", unreachable)
    answer = client.get("/v1/customers/C0042")
    problem(answer, 503, "store-unavailable")
    assert answer.headers["Retry-After"]
    assert problem(client.get("/readyz"), 503, "not-ready")["hint"] == "Start it."
    assert client.get("/v1/customers/C0042/churn-risk").status_code == 200


def test_what_nobody_foresaw_is_a_problem_without_its_inside(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("secret")

    client = local_client(engine)
    monkeypatch.setattr(engine.store, "read", broken)
    with caplog.at_level(logging.INFO):
        answer = client.get("/v1/customers/C0042")
    told = problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert told["request_id"] in told["hint"]
    assert f"failed request={told['request_id']} KeyError" in caplog.text
    assert "in broken" in caplog.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_every_kind_of_problem_is_described_where_its_type_leads(client: TestClient) -> None:
    kinds = kinds_of_problem()
    assert {"not-found", "not-trained", "locked", "cypher-refused", "internal", "too-large"} <= set(kinds)
    for slug, kind in kinds.items():
        told = client.get(f"/problems/{slug}").json()
        assert told["title"] == kind.title
        assert told["status"] == kind.status
        assert told["description"]
    problem(client.get("/problems/nothing"), 404, "not-found")


def test_kinds_of_problem_have_names_of_their_own() -> None:
    def below(kind: type[HabitueError]) -> list[type[HabitueError]]:
        return [kind, *(each for child in kind.__subclasses__() for each in below(child))]

    slugs = [kind.slug for kind in below(HabitueError)]
    assert len(slugs) == len(set(slugs))
