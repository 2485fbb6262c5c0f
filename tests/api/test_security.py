"""Who is let in: keys, this machine, host names, sizes, and the headers of every answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.security import MAXIMUM_BODY_BYTES, is_loopback
from habitue.engine import Engine
from habitue.errors import UsageError
from tests.api.conftest import local_client, remote_client

CYPHER = {"query": "MATCH (c:Customer) RETURN count(c) AS n"}


def test_without_a_key_nothing_can_serve_others(engine: Engine) -> None:
    for key in (None, SecretStr("")):
        with pytest.raises(UsageError, match="HABITUE_API_KEY"):
            create_app(engine, api_key=key, local=False)


@pytest.mark.parametrize(
    "path", ["/v1/customers/C0001", "/v1/churn-risk", "/v1/model", "/v1/nothing", "/v1", "/%761/model"]
)
@pytest.mark.parametrize("key", [None, "", "the-ke", "the-key2", "THE-KEY", "clé"])
def test_everything_below_v1_needs_the_key(engine: Engine, path: str, key: str | None) -> None:
    client = remote_client(engine, None)
    headers = {} if key is None else {"Authorization": b"Bearer " + key.encode("latin-1")}
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "/problems/unauthorized"
    assert "the-key" not in answer.text


@pytest.mark.parametrize("authorization", ["Bearer the-key", "bearer the-key", "BEARER  the-key "])
def test_the_key_opens(engine: Engine, authorization: str) -> None:
    client = remote_client(engine, None)
    assert client.get("/v1/model", headers={"Authorization": authorization}).status_code == 200


def test_other_schemes_do_not_open(engine: Engine) -> None:
    client = remote_client(engine, None)
    assert client.get("/v1/model", headers={"Authorization": "Basic the-key"}).status_code == 401
    assert client.get("/v1/model", params={"key": "the-key"}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/problems/busy"])
def test_what_names_no_customer_is_open(engine: Engine, path: str) -> None:
    assert remote_client(engine, None).get(path).status_code == 200


def test_cypher_is_for_this_machine_only_even_with_the_key(engine: Engine) -> None:
    refused = remote_client(engine, "the-key").post("/v1/cypher", json=CYPHER)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
    app = create_app(engine, api_key=SecretStr("the-key"), local=False)
    nearby = TestClient(app, client=("::1", 5000), headers={"Authorization": "Bearer the-key"})
    assert nearby.post("/v1/cypher", json=CYPHER).status_code == 200


def test_without_a_key_a_forwarded_stranger_is_refused(engine: Engine) -> None:
    app = create_app(engine, api_key=None, local=True)
    stranger = TestClient(app, base_url="http://127.0.0.1", client=("203.0.113.7", 5000))
    assert stranger.get("/v1/model").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "10.0.0.1", "[::2]"]
)
def test_without_a_key_a_page_elsewhere_cannot_rebind_its_name_to_this_server(engine: Engine, host: str) -> None:
    client = local_client(engine)
    answer = client.get("/v1/model", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "/problems/wrong-host")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST", "app.localhost"])
def test_names_of_this_machine_are_answered(engine: Engine, host: str) -> None:
    assert local_client(engine).get("/v1/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("::ffff:127.0.0.1", True), ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("127.0.0.1.nip.io", False),
     ("", False), ("shop", False), ("::ffff:10.0.0.1", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_large_bodies_are_refused_with_and_without_a_declared_length(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"query": "'
        for _ in range(MAXIMUM_BODY_BYTES // 65536 + 1):
            yield b"x" * 65536

    for answer in (
        client.post("/v1/cypher", content=b"x" * (MAXIMUM_BODY_BYTES + 1)),
        client.post("/v1/cypher", content=chunks(), headers={"Content-Type": "application/json"}),
        client.post("/v1/cypher", content=b"", headers={"Content-Length": "lots"}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_no_answer_can_be_sniffed_framed_or_shared_across_origins(client: TestClient) -> None:
    for path in ("/", "/docs", "/v1/model", "/v1/nothing", "/static/index.js", "/healthz"):
        headers = client.get(path, headers={"Origin": "https://evil.example"}).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"] or path == "/docs"
        assert "Access-Control-Allow-Origin" not in headers
    assert client.get("/v1/model").headers["Cache-Control"] == "no-store"


def test_a_form_of_another_site_cannot_post_json(client: TestClient) -> None:
    answer = client.post("/v1/cypher", content='{"query": "RETURN 1"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422


def test_logs_name_routes_and_never_ids_statements_or_parameters(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.get("/v1/customers/C0042/churn-risk")
        client.get("/v1/customers/secret-name")
        client.get("/v1/churn-risk?category=secret-category")
        client.post("/v1/cypher", json={"query": "MATCH (secret_query) RETURN 1 AS n", "parameters": {"secret_p": 1}})
        client.post("/v1/cypher", json={"query": "secret_nonsense"})
    logged = "\n".join(f"{each.getMessage()} {each.exc_text or ''}" for each in caplog.records if each.name != "httpx")
    assert "/v1/customers/{customer_id}/churn-risk 200" in logged
    assert "C0042" not in logged
    assert "secret" not in logged
