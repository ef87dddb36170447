"""Work for a client ends when the client leaves, and what a service answers that stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine

import pytest

pytest.importorskip("fastapi")  # the extra `serve`

from fastapi import Request
from starlette.types import Message, Receive, Scope, Send

from regard.service.disconnect import while_connected
from regard.service.errors import ServiceError
from regard.service.logs import RequestLog
from regard.service.metrics import Metrics
from regard.service.server import build_service
from regard.service.settings import ServiceSettings


def outcome(work: Coroutine[object, None, str], *, leaves: bool) -> str:
    """The result of work for a client that may leave."""

    async def main() -> str:
        messages = [{"type": "http.request"}, {"type": "http.disconnect"}] if leaves else []

        async def receive() -> Message:
            if not messages:
                await asyncio.sleep(3600)
            return messages.pop(0)

        service = build_service([], ServiceSettings(), Metrics(), threads=1)
        return await while_connected(Request({"type": "http"}, receive), service, work)

    return asyncio.run(main())


def test_work_stops_when_the_client_leaves() -> None:
    events: list[str] = []

    async def long() -> str:
        try:
            await asyncio.sleep(3600)
        finally:
            events.append("stopped")
        return "never"

    async def short() -> str:
        return "done"

    assert outcome(short(), leaves=False) == "done"
    with pytest.raises(ServiceError, match="the client has left") as caught:
        outcome(long(), leaves=True)
    assert caught.value.status == 499
    assert events == ["stopped"]


@pytest.mark.parametrize("is_started", [False, True])
def test_a_request_that_a_stopping_service_cuts_off_is_answered_if_it_can_be(is_started: bool) -> None:
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if is_started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("x", 1)}
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(RequestLog(application, metrics=Metrics())(scope, receive, send))
    assert [message["status"] for message in sent if "status" in message] == [200 if is_started else 503]
    if not is_started:
        assert json.loads(sent[1]["body"])["code"] == "shutting_down"
