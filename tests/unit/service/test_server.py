"""How the server ends: by signals, and while a batch is decoded that cannot be stopped."""

from __future__ import annotations

import logging
import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("uvicorn")  # the extra `serve`

from regard.service import server
from regard.service.access import Access
from regard.service.metrics import Metrics
from regard.service.settings import ServiceSettings


async def application(*_: object) -> None:
    """Answers nothing."""


@pytest.mark.parametrize(
    ("signals", "is_forced"),
    [
        ([signal.SIGTERM], False),
        ([signal.SIGTERM, signal.SIGTERM], False),
        ([signal.SIGINT], False),
        ([signal.SIGTERM, signal.SIGINT], True),
    ],
)
def test_a_second_sigint_does_not_wait_for_requests(signals: list[int], is_forced: bool) -> None:
    running = server._server(application, ServiceSettings(), Metrics())
    for number in signals:
        running.handle_exit(number, None)
    assert (running.should_exit, running.force_exit) == (True, is_forced)


@pytest.mark.parametrize("is_decoding", [False, True])
def test_a_batch_that_cannot_be_stopped_ends_with_the_process(
    monkeypatch: pytest.MonkeyPatch, is_decoding: bool
) -> None:
    statuses: list[int] = []

    async def serve(*_: object) -> None: ...

    monkeypatch.setattr(server, "_serve", serve)
    monkeypatch.setattr(server, "_listen", lambda *_: None)
    monkeypatch.setattr(server, "start_logging", lambda: None)
    monkeypatch.setattr(server, "create_app", lambda *_, **__: application)
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    monkeypatch.setattr(os, "_exit", statuses.append)
    service: Any = SimpleNamespace(settings=ServiceSettings(), is_decoding=is_decoding)
    server.serve(service, access=Access(None), metrics=Metrics(), host="127.0.0.1", port=0)
    assert statuses == ([0] if is_decoding else [])
