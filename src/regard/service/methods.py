"""HTTP methods and origins: HEAD, OPTIONS, the header `Allow`, and requests from pages of other servers."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY_ORIGIN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
"""Headers of every answer: pages of any server may read it."""
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "1728000",
}
_METHODS = ("GET", "POST", "DELETE")


class AnyOrigin:
    """ASGI middleware that allows cross-origin requests (CORS) from any site, and answers HEAD as GET without a body.

    Allowing any site is safe because answers do not depend on cookies: a site gets nothing through a visitor's browser
    that its own server could not request directly.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the application, HEAD as GET, and adds the CORS headers to the response.

        Args:
            scope: ASGI scope of the request.
            receive: Receives parts of the request's body.
            send: Sends the response; the server leaves out the body after HEAD.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**ANY_ORIGIN, **(_PREFLIGHT if method == "OPTIONS" else {})})
            await send(message)

        inner = {**scope, "method": "GET"} if method == "HEAD" else scope
        await self._app(inner, receive, send_with_headers)
        if "route" in inner:
            scope["route"] = inner["route"]  # the log names it


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """The methods that a path supports.

    Args:
        routes: Routes of the application.
        scope: ASGI scope of a request for the path; its method is ignored.

    Returns:
        Value of the header `Allow`, such as `GET, HEAD, OPTIONS`.
    """
    probe = dict(scope)
    supported = []
    for method in _METHODS:
        probe["method"] = method
        if any(route.matches(probe)[0] is Match.FULL for route in routes):
            supported.append(method)
    head = ["HEAD"] if "GET" in supported else []
    return ", ".join([*supported, *head, "OPTIONS"])
