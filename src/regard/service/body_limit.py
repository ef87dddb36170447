"""Refuses requests whose body is too large or compressed, or has both Content-Length and Transfer-Encoding."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.service.answers import error_answer

MAX_IGNORED = 64 << 20
"""Bytes beyond the limit that a client may send before it reads the refusal; if it announces more, it is cut off."""


class BodyLimit:
    """ASGI middleware that refuses requests whose body is too large, by its header or while it arrives.

    Args:
        app: The application.
        max_bytes: Largest size of a body in bytes.
        max_file_bytes: Largest size of a body in bytes for the routes that take files.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_file_bytes: int) -> None:
        self._app = app
        self._max_bytes, self._max_file_bytes = max_bytes, max_file_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on to the application, or answers it with an error.

        Args:
            scope: Description of the request.
            receive: Receives parts of the request's body.
            send: Sends the response.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        limit = self._max_file_bytes if scope["path"] in ("/translate_file", "/v1/files") else self._max_bytes
        refusal = _refusal(headers, limit)
        if refusal is not None:
            await error_answer(*refusal, _closing(headers, limit))(scope, receive, send)
            return
        body = _LimitedBody(limit, scope, receive, send)
        await self._app(scope, body.receive, body.send)


class _LimitedBody:
    """The body of a request, which is refused when more of it arrives than the limit."""

    def __init__(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        self._limit, self._scope, self._receive, self._send = limit, scope, receive, send
        self._num_received = 0
        self._is_started = self._is_refused = False

    async def receive(self) -> Message:
        """Receives the next part of the body; for the application, the client of a refused one has left."""
        if not self._is_refused:
            message = await self._receive()
            self._num_received += len(message.get("body", b""))
            if self._num_received <= self._limit:
                return message
            await self._refuse()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Sends a part of the answer, unless the request was refused."""
        self._is_started = True
        if not self._is_refused:
            await self._send(message)

    async def _refuse(self) -> None:
        self._is_refused = True
        if not self._is_started:
            await error_answer(*_too_large(self._limit))(self._scope, self._receive, self._send)


def _refusal(headers: dict[bytes, bytes], limit: int) -> tuple[int, str, str] | None:
    """Status, message and code of the refusal of a request by its headers; None if they are in order."""
    length = headers.get(b"content-length")
    if length is not None and b"transfer-encoding" in headers:  # a proxy may have read the request in another way
        return 400, "a request has either Content-Length or Transfer-Encoding, not both", "invalid_http"
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        return 415, "compressed bodies are not accepted: send the body without Content-Encoding", "compressed_body"
    return _too_large(limit) if length is not None and int(length) > limit else None


def _too_large(limit: int) -> tuple[int, str, str]:
    return 413, f"the body of the request is larger than {limit:,} bytes", "body_too_large"


def _closing(headers: dict[bytes, bytes], limit: int) -> dict[str, str]:
    """Closes the connection where the body will not come, or is not worth reading; otherwise it is read and ignored."""
    is_framed_twice = b"transfer-encoding" in headers and b"content-length" in headers
    is_huge = int(headers.get(b"content-length", b"0")) > limit + MAX_IGNORED
    return {"Connection": "close"} if is_framed_twice or is_huge or b"expect" in headers else {}
