"""What OpenAPI says beyond the types: groups of operations, problem answers, and the application that tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.examples import PROBLEMS
from api.problems import MEDIA_TYPE, Problem

DESCRIPTION = """\
Customers of a shop as a graph: who is at risk of leaving, what they are worth, whom they are like, and why.

Every score names the `model` that made it and the instant it is true `as_of`. Times are UTC. Errors are
`application/problem+json` (RFC 9457). Ids in paths are percent-encoded. With a key set on the server, everything below
`/v1` needs it: `Authorization: Bearer …`.
"""
TAGS = [
    {"name": "Customers", "description": "One customer: facts, scores, neighbourhood, similar customers."},
    {"name": "Products", "description": "Which products are like one."},
    {"name": "Interactions", "description": "New interactions, as they happen."},
    {"name": "Churn risk", "description": "Customers by the probability of not purchasing again within the horizon."},
    {"name": "Audiences", "description": "Customers like those of a seed list."},
    {"name": "Exploration", "description": "Cypher, read-only, and the cookbook of ready statements."},
    {"name": "Model", "description": "The published run."},
    {"name": "Operations", "description": "Is the server alive, ready, and how busy?"},
]

Responses = dict[int | str, dict[str, Any]]


def answers(example: Any, *problems: int, status: int = 200, media_type: str = "application/json") -> Responses:
    """The documented answers of an operation: an example of success, and the problems it may meet."""
    documented: Responses = {status: {"content": {media_type: {"example": example}}}}
    for problem in problems:
        documented[problem] = {
            "description": PROBLEMS[problem]["title"],
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": PROBLEMS[problem]}
            },
        }  # fmt: skip
    return documented


class Application(FastAPI):
    """FastAPI, with the problem document among its schemas and the key where one is needed."""

    #: Routers whose examples are given in full.
    documented: Sequence[APIRouter] = ()

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, summary=self.summary, description=self.description,
                routes=self.routes, tags=self.openapi_tags,
            )  # fmt: skip
            schemas = document["components"]["schemas"]
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
            document["components"]["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": "The server's `HABITUE_API_KEY`."}
            }
            for path, operations in document["paths"].items():
                if path.startswith("/v1"):
                    for operation in operations.values():
                        operation["security"] = [{"key": []}, {}]
            for router in self.documented:
                for route in router.routes:
                    if isinstance(route, APIRoute) and route.include_in_schema:
                        _restore_examples(document["paths"][route.path], route)
            self.openapi_schema = document
        return self.openapi_schema


def _restore_examples(path: dict[str, Any], route: APIRoute) -> None:
    """Put examples back as they were given: FastAPI drops what is null in them."""
    for method in route.methods or ():
        for status, answer in route.responses.items():
            for media_type, content in answer["content"].items():
                path[method.lower()]["responses"][str(status)]["content"][media_type]["example"] = content["example"]
