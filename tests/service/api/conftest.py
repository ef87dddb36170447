"""Fixtures of the tests of the HTTP API: running servers, and applications with other limits within the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")  # the extra `serve`

import httpx
from compatible import DIRECTIONS, MODELS, WAIT, running
from fastapi import FastAPI
from fastapi.testclient import TestClient

from regard.service.access import Access
from regard.service.app import create_app
from regard.service.catalog import ModelEntry
from regard.service.glossaries import NamedGlossary
from regard.service.keys import KeyFile
from regard.service.metrics import Metrics
from regard.service.server import build_service
from regard.service.settings import ServiceSettings
from regard.text.languages import parse_direction

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Address of a server without API keys."""
    with running("--set", "max_files=100000") as address:
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


@pytest.fixture(scope="session")
def locked_url(key_file: Path, key: str, slow_key: str) -> Iterator[str]:
    """Address of a server that requires an API key, and accepts five characters."""
    with running("--keys", str(key_file), "--set", "char_limit=5") as address:
        yield address


@pytest.fixture
def make_app() -> Callable[..., FastAPI]:
    """Makes applications with other settings."""

    def make(
        *,
        keys: Path | None = None,
        directions: dict[str, str] = DIRECTIONS,
        glossaries: Sequence[NamedGlossary] = (),
        **settings: object,
    ) -> FastAPI:
        metrics = Metrics()
        chosen = ServiceSettings.model_validate({"api_keys": keys is not None, **settings})
        entries = [ModelEntry(*parse_direction(name), (MODELS / model,)) for name, model in directions.items()]
        service = build_service(entries, chosen, metrics, device="cpu", threads=1, glossaries=glossaries)
        access = Access(None if keys is None else KeyFile(keys), per_minute=chosen.req_limit)
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
