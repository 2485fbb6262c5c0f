"""Examples of every answer, shown in the documentation. The tests hold them against the schemas."""

from __future__ import annotations

from typing import Any

SCORE_OF = {"model": "20250301T081500-3fa9c1", "as_of": "2025-02-24T00:00:00Z", "horizon_days": 60}

CUSTOMER: dict[str, Any] = {
    "id": "C0042",
    "properties": [{"name": "country", "value": "FR", "valid_from": "2024-03-02T00:00:00Z"}],
    "activity": [
        {"type": "PURCHASED", "events": 31, "amount": 512.4, "first_at": "2024-03-02T09:14:00Z",
         "last_at": "2025-01-11T17:40:12Z"},
    ],
    "scored": True, "active": True, "churn_risk": 0.31, "expected_value": 84.2, "currency": "EUR", "novelty": 0.42,
    "hyperscore": 102.45, "hyperscore_percentile": 88.0, "score_of": SCORE_OF,
}  # fmt: skip

HYPERSCORE: dict[str, Any] = {
    "id": "C0042", "hyperscore": 102.45, "hyperscore_centred": 185.06, "percentile": 88.0, "v": 0.82,
    "preset": "published", "parameters": {"beta": 5.0, "gamma": -0.693147, "kappa": 2.0},
    "components": [
        {"name": "logic", "value": 1.0, "weight": 0.2, "evidence": {"rules": 6, "satisfied": 6}},
        {"name": "novelty", "value": 0.42, "weight": 0.2, "evidence": {"independence": 0.31}},
        {"name": "impact", "value": 0.91, "weight": 0.2, "evidence": {"expected_value": 84.2}},
        {"name": "reproducibility", "value": 0.88, "weight": 0.2, "evidence": {"members": 3}},
        {"name": "meta", "value": 0.89, "weight": 0.2, "evidence": {"previous": 0.86}},
    ],
    "churn_risk": 0.31, "active": True, "score_of": SCORE_OF,
}  # fmt: skip

CHURN_RISK: dict[str, Any] = {
    "id": "C0042", "churn_risk": 0.31, "low": 0.22, "high": 0.41, "level": 0.8, "expected_value": 84.2,
    "currency": "EUR", "active": True,
    "reasons": [
        {"feature": "recency_days", "label": "days since the last purchase", "value": 44.0, "contribution": 0.52,
         "direction": "raises", "kind": "feature", "evidence": {}},
        {"feature": "graph:GROCERY/TEA",
         "label": "Purchases of GROCERY/TEA, as others who bought the same fared (lines)",
         "value": 14.0, "contribution": -0.17, "direction": "lowers", "kind": "graph",
         "evidence": {"category": "GROCERY/TEA", "lines": 14, "products": ["P0007", "P0031"], "others": 212}},
    ],
    "score_of": SCORE_OF,
    "value_interval": {"low": 21.5, "high": 160.0, "level": 0.8}, "p_alive": 0.86,
    "lapse": {"lapsed": True, "days_since_purchase": 44.0, "lapse_after_days": 37.5},
    "at_stake": {"value": 26.1, "low": 18.5, "high": 34.5, "half_horizon": 20.2, "double_horizon": 31.7},
    "discounted_value": {"months_12": 402.0, "months_24": 688.0},
}  # fmt: skip

CHURN_RISKS: dict[str, Any] = {
    "items": [
        {"id": "C0042", "churn_risk": 0.31, "expected_value": 84.2, "hyperscore": 102.45,
         "hyperscore_percentile": 88.0, "active": True},
    ],
    "total": 117, "next_cursor": "MjAyNTAzMDFUMDgxNTAwLTNmYTljMTox", "score_of": SCORE_OF,
}  # fmt: skip

SIMILAR: dict[str, Any] = {
    "id": "C0042",
    "items": [{"id": "C0107", "score": 0.93, "rank": 1, "churn_risk": 0.27, "hyperscore": 102.61}],
    "score_of": SCORE_OF,
}

SIMILAR_PRODUCTS: dict[str, Any] = {
    "id": "P017",
    "items": [{"id": "P021", "name": "Pots 21", "score": 0.88, "rank": 1}],
    "score_of": SCORE_OF,
}

RECOMMENDATIONS: dict[str, Any] = {
    "id": "C0042",
    "items": [{"id": "P017", "name": "Pots 17", "score": 4.21, "rank": 1, "bought_before": True}],
    "events_until": "2025-02-26T09:30:00Z",
    "score_of": SCORE_OF,
}

NEIGHBOURHOOD: dict[str, Any] = {
    "customer": "C0042", "depth": 1, "limit": 10,
    "nodes": [
        {"id": "C0042", "label": "Customer", "name": "C0042", "hops": 0,
         "scores": {"churn_risk": 0.31, "hyperscore": 102.45, "expected_value": 84.2}},
        {"id": "P017", "label": "Product", "name": "Pots 17", "hops": 1, "scores": {}},
    ],
    "links": [
        {"source": "Customer:C0042", "target": "Product:P017", "type": "PURCHASED", "events": 3, "amount": 41.7,
         "first_at": "2024-05-09T10:00:00Z", "last_at": "2025-01-11T17:40:12Z", "score": None},
    ],
    "truncated": False, "score_of": SCORE_OF,
}  # fmt: skip

CYPHER_REQUESTS: dict[str, Any] = {
    "spent": {
        "summary": "Who spent most in a category",
        "value": {
            "query": "MATCH (c:Customer)-[r:PURCHASED]->(:Product)-[:IN_CATEGORY]->(k:Category) WHERE k.id = $category "
            "RETURN c.id AS customer, sum(r.amount) AS spent ORDER BY spent DESC LIMIT 5",
            "parameters": {"category": "KITCHEN/POTS"},
        },
    },
    "risk": {
        "summary": "Valuable customers at risk",
        "value": {
            "query": "MATCH (c:Customer) WHERE c.churn_risk > 0.5 RETURN c.id, c.expected_value "
            "ORDER BY c.expected_value DESC LIMIT 10",
            "parameters": {},
        },
    },
}
ROWS: dict[str, Any] = {"columns": ["customer", "spent"], "rows": [["C0042", 212.9]], "truncated": False}

SCHEMA: dict[str, Any] = {
    "dataset": "tiny",
    "labels": [
        {"label": "Customer", "count": 320,
         "properties": [{"name": "id", "type": "text", "filled": 320, "fill_rate": 1.0}],
         "has_property": [{"name": "country", "filled": 320, "fill_rate": 1.0, "values": 3, "dated": True}]},
        {"label": "Product", "count": 90,
         "properties": [{"name": "price", "type": "number", "filled": 45, "fill_rate": 0.5}], "has_property": []},
    ],
    "relationships": [
        {"type": "PURCHASED", "source": "Customer", "target": "Product", "count": 8500,
         "properties": [{"name": "at", "type": "time", "filled": 8500, "fill_rate": 1.0}],
         "first_at": "2024-01-01T22:33:36.512Z", "last_at": "2025-02-23T19:31:34.018Z"},
    ],
}  # fmt: skip

QUERIES: dict[str, Any] = {
    "items": [
        {"name": "similar-at-risk", "purpose": "the customers most like one customer, with their risk",
         "subject": "one customer",
         "parameters": [{"name": "customer", "type": "text", "default": None, "meaning": "id of the customer"},
                        {"name": "limit", "type": "integer", "default": 20, "meaning": "rows at most"}],
         "columns": ["customer", "score", "churn_risk", "hyperscore"],
         "meanings": {"score": "similarity of the learned vectors, at most 1"},
         "example": "habitue query similar-at-risk -p customer=1228",
         "text": "MATCH (:Customer {id: $customer})-[s:SIMILAR_TO]->(other:Customer) RETURN other.id AS customer, ..."},
    ],
}  # fmt: skip
QUERY_REQUESTS: dict[str, Any] = {
    "defaults": {"summary": "Every parameter has a default", "value": {"parameters": {}}},
    "customer": {"summary": "With parameters", "value": {"parameters": {"customer": "C0042", "limit": 5}}},
}

LOOKALIKE_REQUESTS: dict[str, Any] = {
    "active": {
        "summary": "A hundred active customers like three good ones",
        "value": {"seeds": ["C0042", "C0107", "C0211"], "size": 100, "active_only": True},
    }
}
AUDIENCE: dict[str, Any] = {
    "id": "20250301T090000-77ab12", "name": "lookalike", "model": SCORE_OF["model"], "as_of": SCORE_OF["as_of"],
    "members": [{"customer_id": "C0180", "rank": 1, "score": 0.88}],
    "evaluation": {"auc": 0.79, "precision_at_k": 0.25, "precision_by_chance": 0.02, "seeds": 40, "hidden": 20,
                   "candidates": 300, "splits": 5},
    "seed": {"given": 41, "known": 40, "unknown": ["C9999"]},
}  # fmt: skip
AUDIENCE_CSV = "customer_id,rank,score\nC0180,1,0.88\n"

INTERACTIONS_REQUESTS: dict[str, Any] = {
    "order": {
        "summary": "Two lines of an order",
        "value": {"interactions": [
            {"type": "PURCHASED", "id": "O7001-1", "customer": "C0042", "product": "P012", "order_id": "O7001",
             "at": "2025-03-02T11:20:00Z", "quantity": 1, "amount": 12.5, "channel": "web"},
            {"type": "PURCHASED", "id": "O7001-2", "customer": "C0042", "product": "P031", "order_id": "O7001",
             "at": "2025-03-02T11:20:00Z", "quantity": 2, "amount": 8.0, "channel": "web"},
        ]},
    }
}  # fmt: skip
INTERACTIONS_ADDED: dict[str, Any] = {
    "load": 4, "loaded": {"PURCHASED": 2}, "corrected": {}, "unchanged": {}, "repeated": 0, "erased": 0,
    "refused": [], "seconds": 0.8, "vectors_renewed": 1,
}  # fmt: skip
ERASURE: dict[str, Any] = {
    "customers": 1, "graph": {"Customer": 1, "PURCHASED": 38, "CONTACTED": 3},
    "files": {"runs/20250301T081500-3fa9c1/scores.parquet": 1}, "remaining": [], "absent": True, "purged": False,
    "notes": ["Source tables, backups and exports made before are not Habitué's to change."], "complete": True,
}  # fmt: skip

MODEL: dict[str, Any] = {
    "id": SCORE_OF["model"], "created_at": "2025-03-01T08:15:00Z", "dataset": "tiny", "currency": "EUR",
    "as_of": SCORE_OF["as_of"], "task": {"horizon_days": 60, "active_window_days": 180}, "seed": 0, "settings": {},
    "data_fingerprint": "b1946ac92492d234", "versions": {"habitue": "0.1.0"},
    "weights": {"logic": 0.2, "novelty": 0.2, "impact": 0.2, "reproducibility": 0.2, "meta": 0.2},
    "hyperscore": {"preset": "published", "beta": 5.0, "gamma": -0.693147, "kappa": 2.0},
    "metrics": {"habitue": {"churn_auc": {"mean": 0.86, "low": 0.84, "high": 0.88}}},
    "counts": {"scored": 318}, "seconds": {"score": 1.2}, "publisher": "command line",
    "parent": "20250301T081200-d0c4e7", "reason": "",
}  # fmt: skip

METRICS_TEXT = (
    "# HELP habitue_http_requests_total Requests answered.\n# TYPE habitue_http_requests_total counter\n"
    'habitue_http_requests_total{method="GET",route="/v1/customers/{customer_id}",status="200"} 12.0\n'
)
PROBLEM_KIND: dict[str, Any] = {
    "type": "/problems/not-found", "title": "Not found", "status": 404,
    "description": "A named thing does not exist: a customer, an audience, a statement.",
}  # fmt: skip


def _problem(slug: str, title: str, status: int, detail: str, hint: str, **more: Any) -> dict[str, Any]:
    return {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail, "hint": hint, **more}


PROBLEMS: dict[int, dict[str, Any]] = {
    401: _problem(
        "unauthorized", "An API key is needed", 401, "The API key is missing or wrong.",
        "Send it as `Authorization: Bearer …` (HABITUE_API_KEY).",
    ),
    403: _problem(
        "forbidden", "Not allowed from there", 403, "Cypher is answered on the server's own machine only.",
        "Ask from there.",
    ),
    404: _problem("not-found", "Not found", 404, "There is no customer 'C9999'.", "Check the id."),
    409: _problem(
        "not-trained", "No model has been trained", 409, "No scores have been published in this workspace.",
        "Run `habitue train` and `habitue score` first.",
    ),
    413: _problem("too-large", "The request is too large", 413, "The body is too large.", "Send less at once."),
    422: _problem(
        "invalid-parameter", "A parameter is not valid", 422,
        "query depth: Input should be less than or equal to 3.", "See `errors`, and /docs for what is expected.",
        errors=[{"where": "query", "name": "depth", "message": "Input should be less than or equal to 3"}],
    ),
    429: _problem("busy", "Too many at a time", 429, "4 statements are running.", "Try again in a moment."),
    503: _problem(
        "store-unavailable", "The graph store cannot answer", 503, "The graph store cannot be reached.",
        "Start it, or check HABITUE_STORE.",
    ),
}  # fmt: skip
