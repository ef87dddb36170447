"""A server that clients of LibreTranslate can be pointed at, and requests to it byte by byte."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

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


def model_arguments() -> list[str]:
    """Arguments of `regard serve` that name the models."""
    return [part for name, model in DIRECTIONS.items() for part in ("--model", f"{name}={MODELS / model}")]


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """Runs `regard serve` in a process of its own on any free port.

    Args:
        *arguments: Further arguments.

    Yields:
        The address of the server.
    """
    command = [sys.executable, "-m", "regard", "serve", "--port", "0", "--threads", "1", *model_arguments(), *arguments]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    urls: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read_log, args=(process, urls), daemon=True)
    reader.start()
    try:
        yield urls.get(timeout=WAIT)
    finally:
        process.kill()
        process.wait(WAIT)
        reader.join(WAIT)
        assert process.stderr is not None
        process.stderr.close()


def _read_log(process: subprocess.Popen[str], urls: queue.Queue[str]) -> None:
    """Reads the whole log, so that the server can always write, and finds the address in it."""
    assert process.stderr is not None
    for line in process.stderr:
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("event") == "listening":
            urls.put(entry["url"])


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
