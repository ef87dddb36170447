"""Fixtures of the tests of the HTTP API: running servers, and applications with other limits within the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")  # the extra `serve`

import httpx
from compatible import WAIT, make_service, running
from fastapi import FastAPI
from fastapi.testclient import TestClient

from regard.service.app import create_app
from regard.service.keys import KeyFile
from regard.service.metrics import Metrics

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Address of a server without API keys."""
    with running(max_files=100_000) as address:
        yield address


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    """A client of that server."""
    with httpx.Client(base_url=url, timeout=WAIT) as client:
        yield client


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of API keys."""
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="session")
def key(key_file: Path) -> str:
    """An API key."""
    return KeyFile(key_file).add("tests")[0]


@pytest.fixture(scope="session")
def slow_key(key_file: Path) -> str:
    """An API key with which one request is accepted in a minute."""
    return KeyFile(key_file).add("slow", requests_per_minute=1)[0]


@pytest.fixture(scope="module")
def locked_url(key_file: Path, key: str, slow_key: str) -> Iterator[str]:
    """Address of a server that requires an API key, and accepts five characters."""
    with running(keys=key_file, char_limit=5) as address:
        yield address


@pytest.fixture
def make_app() -> Callable[..., FastAPI]:
    """Makes applications with other settings."""

    def make(**options: Any) -> FastAPI:  # noqa: ANN401 - those of `make_service`
        metrics = Metrics()
        service, access = make_service(metrics, **options)
        return create_app(service, access=access, metrics=metrics)

    return make


@pytest.fixture
def make_client(make_app: Callable[..., FastAPI]) -> Iterator[MakeClient]:
    """Makes clients of such applications, within the process of the test."""
    with ExitStack() as stack:

        def make(**settings: object) -> TestClient:
            client = TestClient(make_app(**settings), raise_server_exceptions=False)
            stack.enter_context(client)
            return client

        yield make
