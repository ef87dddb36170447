"""The web page and its files."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from regard.service.errors import ServiceError
from regard.service.page_assets import PAGE, POLICY, asset

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes() -> APIRouter:
    """Makes the HTTP routes of the service's web page: the page at `/`, and its scripts and styles under `/page/`.

    Returns:
        A router for the application.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page() -> Response:
        """The web page for translating texts."""
        return _file(PAGE)

    @router.get("/page/{name}")
    async def file(name: str) -> Response:
        """A script, style or picture of the page."""
        return _file(name)

    return router


def _file(name: str) -> Response:
    try:
        content, media_type = asset(name)
    except KeyError:
        raise ServiceError("Not Found", status=404, code="not_found") from None
    return Response(content, media_type=media_type, headers=_HEADERS)
