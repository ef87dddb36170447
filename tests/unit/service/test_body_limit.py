"""Bodies of requests that are too large, compressed, or framed in two ways."""

from __future__ import annotations

import asyncio
import json

import pytest

pytest.importorskip("starlette")  # the extra `serve`

from starlette.types import Message, Receive, Scope, Send

from regard.service.body_limit import BodyLimit


def answer(
    headers: dict[bytes, bytes], parts: list[bytes], *, is_early: bool = False
) -> tuple[list[Message], list[str]]:
    """What is sent to the client, and the types of the messages that the application received."""
    sent: list[Message] = []
    received: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if is_early:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(len(parts) + 1):
            received.append((await receive())["type"])
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive() -> Message:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/translate", "headers": list(headers.items())}
    asyncio.run(BodyLimit(application, max_bytes=10, max_file_bytes=100)(scope, receive, send))
    return sent, received


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({b"content-length": b"11"}, 413, "body_too_large"),
        ({b"content-length": b"3", b"transfer-encoding": b"chunked"}, 400, "invalid_http"),
        ({b"content-encoding": b"GZIP"}, 415, "compressed_body"),
    ],
)
def test_requests_are_refused_by_their_headers(headers: dict[bytes, bytes], status: int, code: str) -> None:
    (start, body), received = answer(headers, [])
    assert start["status"] == status
    assert json.loads(body["body"])["code"] == code
    assert received == []


def test_a_body_that_grows_too_large_is_refused_and_its_client_has_left_for_the_application() -> None:
    (start, body), received = answer({b"transfer-encoding": b"chunked"}, [b"a" * 6] * 2)
    assert start["status"] == 413
    assert json.loads(body["body"])["code"] == "body_too_large"
    assert received == ["http.request", "http.disconnect", "http.disconnect"]


def test_an_answer_that_has_begun_is_not_followed_by_a_refusal() -> None:
    sent, received = answer({b"transfer-encoding": b"chunked"}, [b"a" * 6] * 2, is_early=True)
    assert [message.get("status") for message in sent] == [200]
    assert received[-1] == "http.disconnect"
