"""Products: which are like one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import examples, schemas
from api.identifiers import ProductId
from api.openapi import answers
from api.routes.dependencies import GivenEngine
from habitue.views import ScoreOf

router = APIRouter(prefix="/v1/products", tags=["Products"])


@router.get(
    "/{product_id}/similar",
    summary="The products most like one",
    response_model=schemas.SimilarProducts,
    responses=answers(examples.SIMILAR_PRODUCTS, 401, 404, 409, 422),
)
def similar(
    engine: GivenEngine,
    product_id: ProductId,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many, of those kept for each product")] = 10,
) -> dict[str, Any]:
    """By the cosine of their centred vectors, the most alike first: bought by like customers, and of like kind."""
    manifest = engine.model()
    return {
        "id": product_id,
        "items": engine.similar_products(product_id, limit=limit),
        "score_of": ScoreOf(manifest.id, manifest.as_of, manifest.task.horizon_days),
    }
