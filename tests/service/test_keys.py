"""API keys: stored as hashes, compared in constant time, revoked at once, slow to guess, never shown again."""

from __future__ import annotations

import hmac
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Request
from served import MODELS, Served, serving

from regard.errors import DataError
from regard.service import keys
from regard.service.access import MAX_FAILURES, Access
from regard.service.errors import ServiceError
from regard.service.keys import KeyFile

SECRET = "The minister's secret resignation"


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    """A file of keys, not written yet."""
    return KeyFile(tmp_path / "secret" / "keys.json")


def _request(address: str = "192.0.2.1", **headers: str) -> Request:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "client": (address, 1), "headers": pairs})


def test_a_key_is_found_and_its_name_is_kept(file: KeyFile) -> None:
    key, stored = file.add("newspaper", requests_per_minute=5)
    assert file.find(key) == stored
    assert (stored.name, stored.requests_per_minute) == ("newspaper", 5)
    assert file.find(key + "x") is None
    assert file.find("") is None


def test_a_key_that_does_not_exist_cannot_be_revoked(file: KeyFile) -> None:
    _, stored = file.add("a")
    with pytest.raises(DataError, match=f"there is no API key with the id 00; known ids: {stored.id}$"):
        file.revoke("00")
    assert file.revoke(stored.id) == stored
    with pytest.raises(DataError, match=r"known ids: none$"):
        file.revoke(stored.id)


def test_the_key_itself_is_not_stored(file: KeyFile, tmp_path: Path) -> None:
    key, _ = file.add("a")
    path = tmp_path / "secret" / "keys.json"
    assert key not in path.read_text()
    assert key.removeprefix("regard-") not in path.read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_the_owner_can_read_the_file(file: KeyFile, tmp_path: Path) -> None:
    file.add("a")
    file.add("b")
    assert (tmp_path / "secret" / "keys.json").stat().st_mode & 0o077 == 0


def test_keys_have_256_random_bits(file: KeyFile) -> None:
    made = {file.add("a")[0] for _ in range(5)}
    assert len(made) == 5
    assert all(key.startswith("regard-") and len(key) == len("regard-") + 43 for key in made)


def test_hashes_are_compared_in_constant_time(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [file.add(str(number))[0] for number in range(4)]
    compared: list[str] = []
    compare = hmac.compare_digest

    def counted(first: str, second: str) -> bool:
        compared.append(first)
        return bool(compare(first, second))

    monkeypatch.setattr(hmac, "compare_digest", counted)
    for key in (made[0], made[3], "unknown"):
        compared.clear()
        file.find(key)
        assert len(compared) == 4  # all of them, whichever it is


@pytest.mark.parametrize("key", ["x" * 2_000_000, "\ud800", "\0", "é" * 100])
def test_odd_keys_are_unknown(file: KeyFile, key: str) -> None:
    file.add("a")
    assert file.find(key) is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"keys": 3}', '{"keys": [{"id": "a"}]}', '{"keys": [[]]}',
     '{"keys": [{"id": "a", "name": "", "sha256": "é", "created": ""}]}'],
)  # fmt: skip
def test_a_damaged_file_keeps_the_keys_that_were_read(
    file: KeyFile, tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "CHECK_SECONDS", 0.0)
    key, _ = file.add("a")
    assert file.find(key) is not None
    (tmp_path / "secret" / "keys.json").write_text(content)
    assert file.find(key) is not None
    with pytest.raises(DataError, match=r"keys\.json"):
        file.read()


def _add_keys(path: Path) -> None:
    for _ in range(10):
        KeyFile(path).add("a")


def test_keys_that_are_made_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_keys, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len(KeyFile(path).read()) == 30


# Admission


def test_a_key_may_stand_in_the_header_or_among_the_parameters(file: KeyFile) -> None:
    key, stored = file.add("a")
    access = Access(file)
    assert access.admit(_request(authorization=f"Bearer {key}"), None) == f"key:{stored.id}"
    assert access.admit(_request(authorization=f"bearer  {key} "), None) == f"key:{stored.id}"
    assert access.admit(_request(), key) == f"key:{stored.id}"
    for wrong in (_request(authorization=f"Basic {key}"), _request(authorization=key), _request()):
        with pytest.raises(ServiceError, match="to get an API key") as caught:
            access.admit(wrong, None)
        assert caught.value.status == 400
    for value in (5, ["a"], {"a": 1}, True):
        with pytest.raises(ServiceError, match="to get an API key"):
            access.admit(_request(), value)


def test_guessing_is_slowed_down_for_each_address(file: KeyFile) -> None:
    key, _ = file.add("a")
    access = Access(file)
    for number in range(MAX_FAILURES):
        with pytest.raises(ServiceError, match="Invalid API key") as caught:
            access.admit(_request(), f"guess {number}")
        assert caught.value.status == 403
    with pytest.raises(ServiceError, match="Too many request limits violations") as caught:
        access.admit(_request(), "another guess")
    assert caught.value.status == 429
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 60
    with pytest.raises(ServiceError, match="Invalid API key"):
        access.admit(_request("192.0.2.2"), "guess")
    access.admit(_request(), key)  # others at the address are not locked out


def test_a_key_has_its_own_limit_whatever_its_address(file: KeyFile) -> None:
    small, large = file.add("a", requests_per_minute=1)[0], file.add("b", requests_per_minute=100)[0]
    usual = file.add("c")[0]
    access = Access(file, per_minute=2)
    access.admit(_request("192.0.2.1"), small)
    with pytest.raises(ServiceError, match="Slowdown: 1 per 1 minute"):
        access.admit(_request("192.0.2.2"), small)
    for _ in range(50):
        access.admit(_request(), large)
    access.admit(_request(), usual)
    access.admit(_request(), usual)
    with pytest.raises(ServiceError, match="Slowdown: 2 per 1 minute"):
        access.admit(_request(), usual)


# A running server


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the running server's keys."""
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[Served]:
    """A server that requires keys."""
    KeyFile(path).add("first")
    with serving("--model", f"en-fr={MODELS / 'transformer'}", "--keys", str(path), directory=path.parent) as server:
        yield server


def test_every_route_that_works_requires_a_key(server: Served) -> None:
    for route, body in {
        "/translate": {"q": "a", "source": "en", "target": "fr"},
        "/detect": {"q": "a"},
        "/v1/translate": {"text": "a"},
        "/v1/stream": {"text": "a"},
        "/v1/score": {"text": "a", "translation": "b"},
        "/v1/align": {"text": "a", "translation": "b"},
        "/v1/alternatives": {"text": "a", "prefix": ""},
    }.items():
        assert server.post(route, body)[0] == 400, route
        assert server.post(route, body, Authorization="Bearer regard-wrong")[0] in (403, 429), route
    for route in ("/translate_file", "/v1/files"):
        assert server.post(route, {"source": "en", "target": "fr"})[0] == 400, route


def test_new_keys_count_and_revoked_ones_are_refused_within_two_seconds(server: Served, path: Path) -> None:
    key, stored = KeyFile(path).add("second")
    server.until(lambda: server.translate("a", api_key=key)[0] == 200, "the key counts")
    KeyFile(path).revoke(stored.id)
    time.sleep(2.0)
    assert server.translate("a", api_key=key)[0] in (403, 429)


def test_keys_and_texts_reach_neither_the_log_nor_the_metrics(server: Served, path: Path) -> None:
    key, stored = KeyFile(path).add("third")
    server.until(lambda: server.translate("a", api_key=key)[0] == 200, "the key counts")
    word = SECRET.split()[1]
    server.translate(SECRET, api_key=key)
    server.post("/v1/translate", {"text": SECRET, "attention": True}, Authorization=f"Bearer {key}")
    server.request("POST", f"/translate?q={word}&source=en&target=fr&api_key={key}")
    server.request("POST", "/translate", f"q={word}&source=en&target=fr&api_key={key}")
    server.request("GET", f"/translate?q={word}&api_key={key}")
    server.get(f"/nowhere/{key}")
    server.post("/v1/translate", {"text": [SECRET, 3], "api_key": key})
    server.post("/v1/translate", {"text": SECRET, "source": SECRET, "api_key": key})
    server.translate(f"{SECRET}\0", api_key=key)
    wrong = "regard-wrong-key-of-a-stranger"
    server.translate("a", api_key=wrong)
    log, metrics = server.whole_log(), server.get("/metrics")[2].decode()
    for hidden in (key, wrong, stored.sha256, word, "resignation", "third"):
        assert hidden not in log
        assert hidden not in metrics
    assert f"key:{stored.id}" in log
    assert stored.id not in metrics


def test_a_damaged_key_file_is_reported_to_the_operator_only(server: Served, path: Path) -> None:
    content = path.read_text()
    try:
        path.write_text("{")
        time.sleep(1.5)
        status, _, answer = server.translate("a", api_key="regard-wrong")
        assert status in (403, 429)
        assert path.name not in json.dumps(answer)
        assert server.events("keys not read")
    finally:
        path.write_text(content)
