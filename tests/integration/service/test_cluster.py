"""Replicas on a local Ray cluster, which is started and stopped by the command line itself."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def _has_ray_serve() -> bool:
    """Whether Ray is installed with what its serving part needs, which its import alone shows."""
    if importlib.util.find_spec("ray") is None:
        return False
    return subprocess.run([sys.executable, "-c", "from ray import serve"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not _has_ray_serve(), reason="Ray Serve is not installed: pip install 'regard[cluster]'"
)
MODEL = Path(__file__).resolve().parents[2] / "golden" / "models" / "transformer"
START_SECONDS, STOP_SECONDS = 180, 120
_STOPPED = '"batch stopped: its clients have left"'
LONG = [f"the small cat number {number} sees the big dog in the house and the dog sees it ." for number in range(400)]


@dataclass
class Answer:
    """An answer over HTTP.

    Attributes:
        status: Its status.
        headers: Its headers, with lower-case names.
        body: Its body.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


@dataclass
class Server:
    """A running `regard serve --cluster local`.

    Attributes:
        process: The process.
        port: Its port.
        log: File with what it and all replicas wrote.
    """

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def request(self, path: str, fields: object = None, *, method: str | None = None, seconds: float = 60.0) -> Answer:
        data = None if fields is None else json.dumps(fields).encode()
        headers = {} if fields is None else {"Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as response:
                return Answer(response.status, _lower(response.headers.items()), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers.items()), error.read())

    def translate(self, texts: str | list[str]) -> Answer:
        return self.request("/translate", {"q": texts, "source": "en", "target": "fr"})


def _lower(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _wait(condition: Callable[[], object], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _running(tmp_path: Path, *arguments: str) -> Iterator[Server]:
    # A short name, since it is part of the names of sockets.
    directory, port, log = tempfile.mkdtemp(prefix="ray"), _free_port(), tmp_path / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_TMPDIR": directory}
    command = [sys.executable, "-m", "regard", "serve", "--cluster", "local", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--model", f"en-fr={MODEL}", "--threads", "1", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        _wait(lambda: '"listening"' in log.read_text() or process.poll() is not None, START_SECONDS, "a start")
        assert process.poll() is None, log.read_text()
        yield Server(process, port, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = ("min_replicas=2", "max_replicas=2", "replica_requests=2", "queued_requests=2")
    arguments = [part for limit in limits for part in ("--set", limit)]
    with _running(tmp_path_factory.mktemp("cluster"), *arguments) as server:
        yield server


def test_replicas_answer_as_one_server_does(server: Server) -> None:
    import regard

    texts = LONG[:3]
    expected = [result.text for result in regard.load(MODEL, device="cpu").translate(texts)]
    answer = server.translate(texts)
    assert answer.status == 200
    assert answer.json == {"translatedText": expected}
    typed = server.request("/v1/translate", {"text": texts[0], "source": "en", "target": "fr"})
    assert typed.json["translations"][0]["text"] == expected[0]  # type: ignore[index]


def test_the_page_and_the_description_are_served(server: Server) -> None:
    page = server.request("/")
    assert page.status == 200
    assert "default-src" in page.headers["content-security-policy"]
    assert "/v1/translate" in server.request("/openapi.json").json["paths"]  # type: ignore[operator]
    assert server.request("/ready").json == {"status": "ready"}


def test_files_are_refused_and_clients_are_told_before(server: Server) -> None:
    assert server.request("/frontend/settings").json["filesTranslation"] is False
    requests = [("POST", "/translate_file"), ("POST", "/v1/files"), ("GET", "/v1/files/x"), ("DELETE", "/v1/files/x")]
    for method, path in [*requests, ("GET", "/download_file/x.txt")]:
        answer = server.request(path, method=method)
        assert (answer.status, answer.json["code"]) == (501, "files_disabled")


def test_errors_are_json(server: Server) -> None:
    for answer, status in ((server.request("/nothing"), 404), (server.request("/translate", {"q": "a"}), 400)):
        assert answer.status == status
        assert answer.json["error"]


def test_both_replicas_work_and_count_for_themselves(server: Server) -> None:
    found: set[str] = set()

    def both() -> bool:
        server.translate("the cat")
        text = server.request("/metrics").body.decode()
        names = set(re.findall(r'replica="(\w+)"', text))
        assert len(names) == 1
        found.update(names)
        return len(found) == 2

    _wait(both, 60, "measurements of both replicas")


def test_more_requests_than_are_accepted_are_told_to_retry(server: Server) -> None:
    with ThreadPoolExecutor(24) as clients:
        answers = list(clients.map(server.translate, [LONG] * 24))
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {200, 503}, statuses
    for answer in answers:
        if answer.status == 503:
            assert answer.json["code"] == "overloaded"
            assert int(answer.headers["retry-after"]) > 0
    assert server.translate("the cat").status == 200


def test_work_stops_when_its_client_leaves(server: Server) -> None:
    body = json.dumps({"q": LONG * 2, "source": "en", "target": "fr"}).encode()
    head = (
        f"POST /translate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    assert _STOPPED not in server.log.read_text()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(head.encode() + body)
        time.sleep(0.5)
    _wait(lambda: _STOPPED in server.log.read_text(), 30, "the end of the abandoned work")


def test_accepted_requests_are_answered_after_sigterm_and_ray_ends(tmp_path: Path) -> None:
    with _running(tmp_path, "--set", "max_replicas=1") as server:
        assert server.translate("the cat").status == 200
        with ThreadPoolExecutor(1) as clients:
            accepted = clients.submit(server.translate, LONG * 2)
            time.sleep(0.5)
            assert not accepted.done()
            server.process.send_signal(signal.SIGTERM)
            answer = accepted.result(60)
        assert answer.status == 200
        assert len(answer.json["translatedText"]) == 2 * len(LONG)  # type: ignore[arg-type]
        assert server.process.wait(STOP_SECONDS) == 0
        log = server.log.read_text()
        assert '"stopped"' in log
        pids = {int(pid) for pid in re.findall(r"pid=(\d+)", log)}
        assert pids, "no process of Ray is known"
        _wait(lambda: not any(_is_alive(pid) for pid in pids), 30, "the end of the replicas")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
