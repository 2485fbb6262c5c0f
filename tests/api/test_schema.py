"""What the graph holds, over HTTP."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_the_schema(client: TestClient) -> None:
    answer = client.get("/v1/schema")
    assert answer.status_code == 200
    told = answer.json()
    assert told["dataset"] == "tiny"
    links = {each["type"]: each for each in told["relationships"]}
    assert (links["PURCHASED"]["source"], links["PURCHASED"]["target"]) == ("Customer", "Product")
    assert links["PURCHASED"]["first_at"].endswith("Z")
    assert links["CHILD_OF"]["first_at"] is None
    counts = client.post("/v1/cypher", json={"query": "MATCH (p:Product) RETURN count(p)"}).json()["rows"]
    assert [each["count"] for each in told["labels"] if each["label"] == "Product"] == counts[0]
