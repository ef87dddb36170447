"""A limit on the size of request bodies, applied while they arrive."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.service.answers import error_answer


class BodyLimit:
    """ASGI middleware that refuses larger bodies with status 413.

    Args:
        app: The application.
        max_bytes: Largest body.
        max_file_bytes: Largest body of the routes that take files.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_file_bytes: int) -> None:
        self._app = app
        self._max_bytes, self._max_file_bytes = max_bytes, max_file_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request.

        Args:
            scope: The request.
            receive: Receives parts of its body.
            send: Sends the response.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._max_file_bytes if scope["path"] in ("/translate_file", "/v1/files") else self._max_bytes
        if _declared_length(scope) > limit:
            await self._refuse(limit, scope, receive, send)
            return
        received, is_refused = 0, False

        async def limited_receive() -> Message:
            nonlocal received, is_refused
            if is_refused:
                return {"type": "http.disconnect"}
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                is_refused = True
                await self._refuse(limit, scope, receive, send)
                return {"type": "http.disconnect"}
            return message

        async def send_unless_refused(message: Message) -> None:
            if not is_refused:
                await send(message)

        await self._app(scope, limited_receive, send_unless_refused)

    async def _refuse(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"the body of the request is larger than {limit:,} bytes"
        answer = error_answer(413, message, "body_too_large", {"Connection": "close"})
        await answer(scope, receive, send)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
