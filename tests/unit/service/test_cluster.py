"""Replicas of the service: settings, what they are built from, and errors of their proxies. Nothing here needs Ray."""

from __future__ import annotations

import asyncio
import json
import sys
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
