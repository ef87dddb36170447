"""Replicas of the service: settings, what they are built from, and errors of their proxies. Nothing here needs Ray."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from regard.cli.serve import serve
from regard.errors import ConfigError
from regard.service import cluster
from regard.service.access import Access
from regard.service.app import create_app
from regard.service.catalog import ModelEntry
from regard.service.cluster_proxy import RETRY_SECONDS, ProxyErrors, middlewares
from regard.service.metrics import Metrics
from regard.service.server import build_service
from regard.service.settings import ServiceSettings


def _answer(status: int, content_type: str, *, path: str = "/translate", body: bytes = b"plain") -> list[Message]:
    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"Content-Type", content_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(ProxyErrors(proxy)({"type": "http", "path": path, "method": "GET", "headers": []}, receive, send))
    return sent


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [(404, 503, "not_ready"), (408, 503, "deadline_exceeded"), (429, 429, "queue_full"), (503, 503, "overloaded")],
)
def test_an_error_of_a_proxy_becomes_json_that_says_when_to_retry(status: int, expected: int, code: str) -> None:
    start, body = _answer(status, "text/plain; charset=utf-8")
    assert start["status"] == expected
    assert (b"retry-after", str(RETRY_SECONDS).encode()) in start["headers"]
    answer = json.loads(body["body"])
    assert answer["code"] == code
    assert answer["error"]


def test_an_internal_error_of_a_proxy_does_not_show_its_text() -> None:
    start, body = _answer(500, "text/plain", body=b"ray::Replica Traceback")
    assert start["status"] == 500
    assert not any(name == b"retry-after" for name, _ in start["headers"])
    assert json.loads(body["body"])["code"] == "internal_error"


@pytest.mark.parametrize(
    ("status", "content_type", "path"),
    [
        (503, "application/json", "/translate"),
        (200, "text/plain", "/metrics"),
        (405, "text/plain", "/translate"),
        (503, "text/plain", "/-/healthz"),
    ],
)
def test_other_answers_pass_unchanged(status: int, content_type: str, path: str) -> None:
    start, *bodies = _answer(status, content_type, path=path)
    assert (start["status"], start["headers"]) == (status, [(b"Content-Type", content_type.encode())])
    assert b"".join(body["body"] for body in bodies) == b"plain"


def test_ray_serve_is_given_the_middleware() -> None:
    (middleware,) = middlewares()
    assert middleware.cls is ProxyErrors  # type: ignore[comparison-overlap]


def test_settings_of_replicas_are_taken_from_the_others() -> None:
    settings, others = cluster.split_settings(["char_limit=5", "max_replicas=8", "target_requests=2.5"])
    assert (settings.min_replicas, settings.max_replicas, settings.target_requests) == (1, 8, 2.5)
    assert others == ["char_limit=5"]


@pytest.mark.parametrize("texts", [["max_replicas=0"], ["min_replicas=5"], ["replica_requests=many"]])
def test_impossible_settings_of_replicas_are_refused(texts: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"^--set: .*replica"):
        cluster.split_settings(texts)


@pytest.mark.parametrize(("options", "name"), [({"demo": True}, "--demo"), ({"port": 0}, "--port 0")])
def test_options_that_one_process_needs_are_refused_by_name(options: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} cannot be used with --cluster"):
        serve(["model"], cluster="auto", **options)


def test_without_ray_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    plan = cluster.ReplicaPlan((), ServiceSettings())
    with pytest.raises(ConfigError, match=r"--cluster: the package ray.* is missing: pip install 'regard\[cluster\]'"):
        cluster.serve_cluster(plan, cluster.ClusterSettings(), address="auto", host="127.0.0.1", port=0)


def test_a_replica_is_healthy_while_its_decoder_is() -> None:
    replica, decoder = cluster.Replica(), SimpleNamespace(is_alive=True)
    replica.app = SimpleNamespace(state=SimpleNamespace(service=SimpleNamespace(decoder=decoder)))  # type: ignore[assignment]
    replica.check_health()
    decoder.is_alive = False
    with pytest.raises(RuntimeError, match="decoding thread"):
        replica.check_health()


def test_other_machines_get_absolute_paths_and_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entry = ModelEntry("en", "fr", (Path("model"),))
    plan = cluster.on_all_machines(cluster.ReplicaPlan((entry,), ServiceSettings(), keys=Path("keys.json")))
    assert plan.entries[0].paths == (tmp_path / "model",)
    assert plan.keys == tmp_path / "keys.json"
    assert not plan.settings.files


def test_measurements_name_their_replica() -> None:
    metrics = Metrics(replica="a1")
    metrics.add_request("/translate", "POST", 200, 0.01)
    lines = [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    assert lines
    assert all('replica="a1"' in line for line in lines)
    assert 'regard_requests_total{method="POST",replica="a1",route="/translate",status="200"} 1.0' in lines
    assert metrics.text().decode().count('replica="a1"') == len(lines), "the labels are not added twice"


def test_without_files_the_application_refuses_and_describes_none() -> None:
    settings = ServiceSettings(files=False)
    service = build_service([], settings, Metrics())
    client = TestClient(create_app(service, access=Access(), metrics=Metrics()))  # without starting the service
    for method, path in (("POST", "/translate_file"), ("GET", "/v1/files/x"), ("GET", "/download_file/x.txt")):
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (501, "files_disabled")
    paths = client.get("/openapi.json").json()["paths"]
    assert "/v1/translate" in paths
    assert not any("file" in path for path in paths)


class FakeRay:
    """Records to which clusters a connection was tried; some cannot be reached."""

    def __init__(self, *unreachable: str) -> None:
        self.unreachable = unreachable
        self.tried: list[str] = []
        self.exceptions = SimpleNamespace(RayError=ZeroDivisionError)

    def init(self, *, address: str, **_: object) -> None:
        self.tried.append(address)
        if address in self.unreachable:
            raise ConnectionError("no cluster there")

    def shutdown(self) -> None:
        self.tried.append("shutdown")


def test_auto_means_a_new_cluster_if_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for address, unreachable, tried in (
        ("auto", (), ["auto"]),
        ("auto", ("auto",), ["auto", "local"]),
        ("local", ("auto",), ["local"]),
        ("a:1", (), ["a:1"]),
    ):
        ray = FakeRay(*unreachable)
        cluster._connect(ray, address)
        assert ray.tried == tried
    with pytest.raises(ConfigError, match="--cluster a:1: cannot reach Ray: no cluster there"):
        cluster._connect(FakeRay("a:1"), "a:1")
    monkeypatch.setenv("RAY_ADDRESS", "b:2")
    with pytest.raises(ConfigError, match="--cluster auto: cannot reach Ray"):
        cluster._connect(FakeRay("auto"), "auto")


class FakeServe:
    """Ray Serve, whose proxies become healthy and whose application ends after some queries."""

    def __init__(self, *healths: str, deletions: int = 0) -> None:
        self.healths = list(healths)
        self.deletions = deletions
        self.events: list[str] = []

    def status(self) -> SimpleNamespace:
        health = self.healths.pop(0) if len(self.healths) > 1 else self.healths[0]
        proxies = {} if health == "none" else {"node": SimpleNamespace(value=health)}
        return SimpleNamespace(proxies=proxies, applications=[cluster.NAME] if self.deletions else [])

    def delete(self, name: str) -> None:
        self.events.append(f"delete {name}")
        self.deletions -= 1
        if self.deletions:
            raise TimeoutError

    def start(self, **_: object) -> None:
        self.events.append("start")

    def run(self, *_: object, **__: object) -> None:
        raise RuntimeError("the stack of another process\nno memory")

    def shutdown(self) -> None:
        self.events.append("shutdown")


def test_proxies_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    cluster._wait_for_proxies(FakeServe("STARTING", "STARTING", "HEALTHY"))
    assert len(waits) == 2
    monkeypatch.setattr(cluster, "PROXY_SECONDS", -1.0)
    with pytest.raises(RuntimeError, match="the HTTP proxies of Ray Serve do not listen after -1 seconds"):
        cluster._wait_for_proxies(FakeServe("UNHEALTHY"))


def test_replicas_have_time_to_answer_what_they_accepted(caplog: pytest.LogCaptureFixture) -> None:
    serve = FakeServe("HEALTHY", deletions=3)
    cluster._delete(serve, 60.0)
    assert serve.events == [f"delete {cluster.NAME}"] * 3
    serve = FakeServe("HEALTHY", deletions=3)
    cluster._delete(serve, -1.0)
    assert serve.events == [f"delete {cluster.NAME}"]
    assert "the replicas did not stop in time" in caplog.text


@pytest.mark.parametrize(
    ("health", "message", "events"),
    [
        ("HEALTHY", "Ray Serve runs there already", []),
        ("none", "the service did not start: no memory$", ["start", "shutdown"]),
    ],
)
def test_a_service_that_does_not_start_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, health: str, message: str, events: list[str]
) -> None:
    ray, serve = FakeRay(), FakeServe(health)
    monkeypatch.setattr(cluster, "_imported", lambda: (ray, serve))
    monkeypatch.setattr(cluster, "_deployment", lambda *_: None)
    monkeypatch.setattr(cluster, "_raise_at_signals", lambda: None)
    monkeypatch.setattr(cluster, "start_logging", lambda: None)
    plan = cluster.ReplicaPlan((), ServiceSettings(), None, None, "cpu", 1, None, ())
    with pytest.raises(ConfigError, match=message):
        cluster.serve_cluster(plan, cluster.ClusterSettings(), address="local", host="x", port=1)
    assert ray.tried == ["local", "shutdown"]
    assert serve.events == events


def test_signals_end_the_service_and_the_second_sigint_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    cluster._raise_at_signals()
    assert set(handlers) == {signal.SIGTERM, signal.SIGINT}
    with pytest.raises(cluster._StoppedBySignal):
        handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert handlers == {signal.SIGTERM: signal.SIG_IGN, signal.SIGINT: signal.default_int_handler}
