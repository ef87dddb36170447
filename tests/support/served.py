"""A server in a process of its own, and raw requests to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MODELS = Path(__file__).parents[1] / "golden" / "models"
SLOW = Path(__file__).with_name("slow_serve.py")
WAIT = 120.0
"""Seconds after which anything that is waited for has failed."""


def free_port() -> int:
    """A port that no process listens at now.

    Returns:
        The port.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Served:
    """A running server.

    Args:
        arguments: Arguments of `regard serve`.
        directory: Where its log is written.
        step: Seconds that each step of a search sleeps, to make it slow.
        port: Its port; any free one when not given.
    """

    def __init__(self, *arguments: str, directory: Path, step: float = 0.0, port: int | None = None) -> None:
        self.port = port or free_port()
        self._log = directory / f"serve-{self.port}.log"
        command = [sys.executable, str(SLOW), str(step)] if step else [sys.executable, "-m", "regard"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "serve", "--port", str(self.port), "--threads", "1", *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        self.until(self._answers, "the server answers")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log()
        with suppress(OSError, http.client.HTTPException):
            return self.get("/ready")[0] == 200
        return False

    def log(self) -> str:
        """What the server has logged so far."""
        return self._log.read_text(errors="replace")

    def whole_log(self) -> str:
        """The log with the entries of all requests that were answered so far: they follow the answers."""
        marker = f"/marker-{time.monotonic_ns()}"
        self.get(marker)
        self.until(lambda: marker in self.log(), "the requests are logged")
        return self.log()

    def events(self, event: str) -> list[dict[str, object]]:
        """Entries of the log.

        Args:
            event: The event that they tell of.

        Returns:
            The entries, oldest first.
        """
        entries = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry["event"] == event]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until something is true.

        Args:
            condition: Whether it is.
            what: What is waited for, for the error.
        """
        end = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < end, f"waited too long until {what}: {self.log()[-3000:]}"
            time.sleep(0.05)

    def request(
        self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Sends a request on a connection of its own.

        Args:
            method: Its method.
            path: Its target.
            body: Its body.
            headers: Its headers.

        Returns:
            Status, headers with names in lower case, and body of the answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Sends a GET request.

        Args:
            path: Its target.
            **headers: Its headers.

        Returns:
            As `request`.
        """
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, str], dict[str, object]]:
        """Sends JSON.

        Args:
            path: The target.
            body: What is sent.
            **headers: Headers; `_` stands for `-`.

        Returns:
            Status, headers, and the JSON of the answer.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, received, content = self.request(
            "POST", path, json.dumps(body), {"Content-Type": "application/json", **named}
        )
        return status, received, json.loads(content)

    def translate(self, text: object, **fields: object) -> tuple[int, dict[str, str], dict[str, object]]:
        """Translates by LibreTranslate's route.

        Args:
            text: The text or texts.
            **fields: Further fields.

        Returns:
            As `post`.
        """
        return self.post("/translate", {"q": text, "source": "en", "target": "fr", **fields})

    def metric(self, name: str) -> float:
        """Sum of a measurement over its labels.

        Args:
            name: Its name.

        Returns:
            The sum; 0 if it has not been measured.
        """
        lines = self.get("/metrics")[2].decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def connect(self) -> socket.socket:
        """Opens a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)

    def raw(self, data: bytes) -> bytes:
        """Sends bytes, and reads until the server closes the connection.

        Args:
            data: The bytes.

        Returns:
            What the server sent.
        """
        with self.connect() as connection:
            with suppress(ConnectionError):
                connection.sendall(data)
            return read_all(connection)

    @property
    def memory(self) -> int:
        """Resident memory of the process, in bytes."""
        status = Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """Stops the process.

        Args:
            sign: The signal.

        Returns:
            Its exit status.
        """
        self.process.send_signal(sign)
        return self.process.wait(WAIT)


def read_all(connection: socket.socket) -> bytes:
    """Reads until the other side closes the connection.

    Args:
        connection: The connection.

    Returns:
        What was read.
    """
    received = b""
    with suppress(ConnectionError):
        while data := connection.recv(1 << 16):
            received += data
    return received


def status_of(answer: bytes) -> int:
    """Status of a raw answer.

    Args:
        answer: The answer.

    Returns:
        The status; 0 if there was no answer.
    """
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@contextmanager
def serving(*arguments: str, directory: Path, step: float = 0.0, port: int | None = None) -> Iterator[Served]:
    """Runs a server, and kills it at the end.

    Args:
        *arguments: Arguments of `regard serve`.
        directory: Where its log is written.
        step: Seconds that each step of a search sleeps.
        port: Its port; any free one when not given.

    Yields:
        The server.
    """
    server = Served(*arguments, directory=directory, step=step, port=port)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
