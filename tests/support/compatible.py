"""A server that clients of LibreTranslate can be pointed at, and requests to it byte by byte."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regard.service.access import Access
from regard.service.app import create_app
from regard.service.catalog import ModelEntry
from regard.service.glossaries import NamedGlossary
from regard.service.keys import KeyFile
from regard.service.metrics import Metrics
from regard.service.server import _listen, _serve, _server, build_service
from regard.service.service import TranslationService
from regard.service.settings import ServiceSettings
from regard.text.languages import parse_direction

MODELS = Path(__file__).parents[1] / "golden" / "models"
DIRECTIONS = {
    "en-fr": "transformer",
    "fr-en": "luong",
    "en-es": "luong",
    "es-en": "transformer",
    "en-zh-Hans": "transformer",
    "en-zh-Hant": "luong",
    "en-pt-BR": "luong",
}
"""Direction -> model; what the models were trained on does not matter here."""
WAIT = 60.0
"""Seconds after which a wait has failed."""


@dataclass(frozen=True)
class Answer:
    """An answer, read from a socket.

    Attributes:
        status: Its status.
        headers: Its headers, with names in lower case.
        body: Its body.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)

    def fields(self) -> dict[str, object]:
        """The body, which is a JSON object."""
        return as_dict(self.json())

    def rows(self) -> list[dict[str, object]]:
        """The body, which is a JSON list of objects."""
        return [as_dict(row) for row in as_list(self.json())]


def as_dict(value: object) -> dict[str, object]:
    """A value of an answer that must be a JSON object."""
    assert isinstance(value, dict)
    return value


def as_list(value: object) -> list[object]:
    """A value of an answer that must be a JSON list."""
    assert isinstance(value, list)
    return value


def as_text(value: object) -> str:
    """A value of an answer that must be a text."""
    assert isinstance(value, str)
    return value


def make_service(
    metrics: Metrics,
    *,
    keys: Path | None = None,
    directions: dict[str, str] = DIRECTIONS,
    glossaries: Sequence[NamedGlossary] = (),
    **settings: object,
) -> tuple[TranslationService, Access]:
    """Makes a service that has not been started.

    Args:
        metrics: Receives its measurements.
        keys: File of API keys; None = no keys.
        directions: Directory of the model, by direction.
        glossaries: Named glossaries.
        **settings: Settings of the service.

    Returns:
        The service, and the checks of its requests.
    """
    chosen = ServiceSettings.model_validate({"api_keys": keys is not None, **settings})
    entries = [ModelEntry(*parse_direction(name), (MODELS / model,)) for name, model in directions.items()]
    service = build_service(entries, chosen, metrics, device="cpu", threads=1, glossaries=glossaries)
    return service, Access(None if keys is None else KeyFile(keys), per_minute=chosen.req_limit)


@contextmanager
def running(*, keys: Path | None = None, **settings: Any) -> Iterator[str]:  # noqa: ANN401 - those of `make_service`
    """Runs a server in a thread of this process on any free port.

    Args:
        keys: File of API keys; None = no keys.
        **settings: Settings of the service.

    Yields:
        The address of the server.
    """
    metrics = Metrics()
    service, access = make_service(metrics, keys=keys, **settings)
    server = _server(create_app(service, access=access, metrics=metrics), service.settings, metrics)
    listener = _listen("127.0.0.1", 0)
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, service, listener)), name="server", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(WAIT)
        assert not thread.is_alive(), "the server did not stop"


def exchange(url: str, request: bytes) -> Answer:
    """Sends bytes, and reads one answer.

    Args:
        url: Address of the server.
        request: The request with its headers; `{host}` stands for the server, and `{length}` for the size of the body.

    Returns:
        The answer.
    """
    host = url.removeprefix("http://")
    head, _, body = request.partition(b"\r\n\r\n")
    head = head.replace(b"{host}", host.encode()).replace(b"{length}", str(len(body)).encode())
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=WAIT) as connection:
        connection.sendall(head + b"\r\n\r\n" + body)
        received = b""
        while b"\r\n\r\n" not in received:
            received += _some(connection)
        first, _, rest = received.partition(b"\r\n\r\n")
        status, *lines = first.decode("latin-1").split("\r\n")
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
        while len(rest) < int(headers["content-length"]):
            rest += _some(connection)
    return Answer(int(status.split(" ")[1]), headers, rest)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    assert data, "the server closed the connection before the answer was complete"
    return data


def fetch(command: Sequence[str | Path], directory: Path, *, what: str) -> None:
    """Runs a command that fetches a package; skips the test if it cannot.

    Args:
        command: The command.
        directory: Where it runs.
        what: What it fetches, for the reason.
    """
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"cannot fetch {what}: {error}")
    if done.returncode:
        pytest.skip(f"cannot fetch {what}: {(done.stderr or done.stdout).strip()[-300:]}")
