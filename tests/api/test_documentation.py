"""The OpenAPI document is valid and complete: every operation has examples that fit its schema, and its problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api import examples


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/openapi.json").json()
    return told


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def check(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_the_house_is_complete(document: dict[str, Any]) -> None:
    assert set(document["paths"]) >= {
        "/v1/customers/{customer_id}", "/v1/customers/{customer_id}/hyperscore",
        "/v1/customers/{customer_id}/churn-risk", "/v1/customers/{customer_id}/neighbourhood",
        "/v1/customers/{customer_id}/similar", "/v1/customers/{customer_id}/recommendations",
        "/v1/products/{product_id}/similar", "/v1/churn-risk", "/v1/audiences/lookalike",
        "/v1/audiences/{audience_id}", "/v1/audiences/{audience_id}.csv", "/v1/cypher", "/v1/queries",
        "/v1/queries/{name}", "/v1/schema", "/v1/model", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip


def test_every_operation_says_what_it_is_and_gives_an_example_that_fits(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert len(operation["tags"]) == 1, where
        success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        for media_type, content in success["content"].items():
            assert "example" in content, where
            if media_type == "application/json":
                check(content["example"], content["schema"], document)


def test_request_bodies_have_examples_that_fit(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            assert content["examples"], f"{method} {path}"
            for each in content["examples"].values():
                check(each["value"], content["schema"], document)


def test_problems_are_documented_as_problem_documents(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        problems = {status: answer for status, answer in operation["responses"].items() if not status.startswith("2")}
        assert not path.startswith("/v1") or "401" in problems, f"{method} {path}"
        assert "422" in problems or not operation.get("parameters"), f"{method} {path}"
        for status, answer in problems.items():
            content = answer["content"]["application/problem+json"]
            assert content["example"]["status"] == int(status)
            check(content["example"], content["schema"], document)


def test_only_v1_asks_for_the_key(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        assert ("security" in operation) == path.startswith("/v1")


def test_every_parameter_is_described(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), f"{path} {parameter['name']}"


def test_the_example_of_a_hyperscore_follows_its_formula() -> None:
    example = examples.HYPERSCORE
    v = sum(each["value"] * each["weight"] for each in example["components"])
    assert example["v"] == pytest.approx(v)
    # σ(5·ln V − ln 2) = V⁵ / (V⁵ + 2), and σ(5·ln V + 5·ln 2) = (2V)⁵ / ((2V)⁵ + 1)
    assert example["hyperscore"] == pytest.approx(100 * (1 + (v**5 / (v**5 + 2)) ** 2), abs=0.005)
    assert example["hyperscore_centred"] == pytest.approx(
        100 * (1 + ((2 * v) ** 5 / ((2 * v) ** 5 + 1)) ** 2), abs=0.005
    )
