"""The pages for people: the landing page, and the documentation of the API without anything from elsewhere."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

STATIC = Path(__file__).parent.parent / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def landing() -> FileResponse:
    """The landing page."""
    return FileResponse(STATIC / "index.html")


@router.get("/docs")
async def documentation() -> FileResponse:
    """Swagger UI over the OpenAPI document."""
    return FileResponse(STATIC / "docs.html")


def add_static_files(app: FastAPI) -> None:
    """Serve the pages' own files, and Swagger UI's from the package that brings them."""
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    package = find_spec("fastapi_offline")
    if package is not None and package.origin is not None:
        app.mount("/docs/assets", StaticFiles(directory=Path(package.origin).parent / "static"), name="docs-assets")
