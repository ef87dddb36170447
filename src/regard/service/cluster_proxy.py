"""Turns the plain-text errors of Ray Serve's HTTP proxies into JSON errors like those of the translation service.

Ray Serve calls `middlewares` in each proxy process, which loads no model, so this module must be quick to import.
"""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.service.answers import error_answer

RETRY_SECONDS = 5
"""Seconds after which a client may ask again."""
_ANSWERS = {
    404: (503, "the service is starting or stopping; try again later", "not_ready"),
    408: (503, "the translation took too long; try again later", "deadline_exceeded"),
    429: (429, "Slowdown: too many requests are waiting; try again later", "queue_full"),
    500: (500, "internal error; the logs of Ray Serve have the reason", "internal_error"),
    503: (503, "too many requests are waiting, or the service is not running; try again later", "overloaded"),
}
# Status, sentence and code for each status of a proxy. Its 404 says that there is no application yet, or no longer.


class ProxyErrors:
    """ASGI middleware that turns the plain-text errors of a Ray Serve HTTP proxy into JSON.

    Errors of the translation service are already JSON and are passed on unchanged. The proxy's own pages under `/-/`
    are unchanged as well.

    Args:
        app: The proxy, as an ASGI application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the proxy, and replaces a plain-text error in the response by JSON.

        Args:
            scope: ASGI scope of the request.
            receive: Receives parts of the request's body.
            send: Sends the response.
        """
        if scope["type"] != "http" or scope["path"].startswith("/-/"):
            await self._app(scope, receive, send)
            return
        is_replaced = False

        async def send_json(message: Message) -> None:
            nonlocal is_replaced
            if message["type"] == "http.response.start" and _is_error_of_proxy(message):
                is_replaced = True
                status, sentence, code = _ANSWERS[message["status"]]
                headers = {} if status == 500 else {"Retry-After": str(RETRY_SECONDS)}
                await error_answer(status, sentence, code, headers)(scope, receive, send)
            elif not is_replaced:
                await send(message)

        await self._app(scope, receive, send_json)


def middlewares() -> list[Middleware]:
    """Lists the ASGI middleware to add to Ray Serve's HTTP proxies; Ray Serve calls this function.

    Returns:
        One item: `ProxyErrors`, which turns the plain-text errors of a proxy into JSON.
    """
    return [Middleware(ProxyErrors)]


def _is_error_of_proxy(message: Message) -> bool:
    headers = {name.lower(): value for name, value in message.get("headers", ())}
    return message["status"] in _ANSWERS and headers.get(b"content-type", b"").startswith(b"text/plain")
