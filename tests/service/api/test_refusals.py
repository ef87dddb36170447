"""Refusals of LibreTranslate's routes: sentences, statuses, their order, and errors as JSON everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from compatible import MODELS, as_dict, as_text, exchange
from fastapi import FastAPI
from fastapi.testclient import TestClient

from regard.service.errors import QueueFullError
from regard.service.service import TranslationService

MakeClient = Callable[..., TestClient]
GOOD = {"q": "Hello.", "source": "en", "target": "fr"}
MISSING = "Invalid request: missing {} parameter"
UNAVAILABLE = "{} is not available as a target language from {}"


class Response(Protocol):
    """A response of httpx, or of the other package that Starlette's test client may be built on."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> object: ...


def refusal(answer: Response) -> tuple[int, str]:
    """Status and sentence of a refusal, which is JSON."""
    assert answer.headers["content-type"] == "application/json"
    body = as_dict(answer.json())
    assert set(body) == {"error", "code"}
    return answer.status_code, as_text(body["error"])


@pytest.mark.parametrize("name", ["q", "source", "target"])
@pytest.mark.parametrize("value", ["absent", "", None])
def test_missing_parameters(http: httpx.Client, name: str, value: str | None) -> None:
    body = {**GOOD, name: value}
    if value == "absent":
        del body[name]
    assert refusal(http.post("/translate", json=body)) == (400, MISSING.format(name))


def test_an_empty_list_is_missing(http: httpx.Client) -> None:
    assert refusal(http.post("/translate", json={**GOOD, "q": []})) == (400, MISSING.format("q"))
    assert refusal(http.post("/detect", json={"q": []})) == (400, MISSING.format("q"))
    assert refusal(http.post("/detect")) == (400, MISSING.format("q"))


@pytest.mark.parametrize("value", [3, {"a": 1}, [1, 2], ["a", None], True])
def test_texts_of_other_types(http: httpx.Client, value: object) -> None:
    sentence = "Invalid request: q parameter must be a text or a list of texts"
    assert refusal(http.post("/translate", json={**GOOD, "q": value})) == (400, sentence)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"[" * 100_000, b"\xff"])
def test_damaged_json(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/translate", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, "Invalid JSON format")


@pytest.mark.parametrize("value", ["x", "1.5", 1.5, True, [], {}, float("nan"), "-", "0x1", "٣"])
def test_alternatives_that_are_no_number(http: httpx.Client, value: object) -> None:
    body = json.dumps({**GOOD, "alternatives": value})
    answer = http.post("/translate", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, "Invalid request: alternatives parameter is not a number")


@pytest.mark.parametrize("value", [11, "11", 10**30, "1" + "0" * 5000])
def test_too_many_alternatives(http: httpx.Client, value: object) -> None:
    sentence = "Invalid request: alternatives parameter must be <= 10"
    assert refusal(http.post("/translate", json={**GOOD, "alternatives": value})) == (400, sentence)


@pytest.mark.parametrize(
    ("name", "value"), [("source", "zz"), ("target", "zz"), ("source", "xx yy"), ("target", "auto")]
)
def test_unknown_languages(http: httpx.Client, name: str, value: str) -> None:
    assert refusal(http.post("/translate", data={**GOOD, name: value})) == (400, f"{value} is not supported")


@pytest.mark.parametrize("value", ["xml", "HTML", "txt"])
def test_unknown_formats(http: httpx.Client, value: str) -> None:
    assert refusal(http.post("/translate", data={**GOOD, "format": value})) == (400, f"{value} format is not supported")


@pytest.mark.parametrize(
    ("source", "target", "names"),
    [("en", "en", ("English (en)",) * 2), ("fr", "fr", ("French (fr)",) * 2), ("es", "es", ("Spanish (es)",) * 2)],
)
def test_the_same_language_twice(http: httpx.Client, source: str, target: str, names: tuple[str, str]) -> None:
    answer = http.post("/translate", data={**GOOD, "source": source, "target": target})
    assert refusal(answer) == (400, UNAVAILABLE.format(*names))


def test_a_direction_without_a_model(make_client: MakeClient) -> None:
    client = make_client(directions={"es-en": "luong", "fr-zh": "transformer"})
    answer = client.post("/translate", data={**GOOD, "source": "es", "target": "zh"})
    assert refusal(answer) == (400, UNAVAILABLE.format("Chinese (zh)", "Spanish (es)"))


def test_limits_have_one_sentence(make_client: MakeClient) -> None:
    client = make_client(char_limit=5, batch_limit=2)
    sentence = "Invalid request: request ({}) exceeds text limit ({})"
    assert refusal(client.post("/translate", data={**GOOD, "q": "sechs!"})) == (400, sentence.format(6, 5))
    assert refusal(client.post("/translate", json={**GOOD, "q": ["abc", "def"]})) == (400, sentence.format(6, 5))
    assert refusal(client.post("/translate", json={**GOOD, "q": ["a", "b", "c"]})) == (400, sentence.format(3, 2))
    assert refusal(client.post("/detect", data={"q": "sechs!"})) == (400, sentence.format(6, 5))
    assert client.get("/frontend/settings").json()["charLimit"] == 5
    assert make_client(char_limit=None).get("/frontend/settings").json()["charLimit"] == -1


def test_order_of_refusals(make_client: MakeClient, key_file: Path, key: str) -> None:
    client = make_client(keys=key_file, char_limit=5, batch_limit=2, alternatives_limit=1)
    faults: dict[str, object] = {"api_key": "", "alternatives": 2, "format": "xml", "q": [], "source": "", "target": ""}
    steps: list[tuple[dict[str, object], str]] = [
        ({"api_key": "wrong"}, "Please contact the server operator to get an API key"),
        ({"api_key": key}, "Invalid API key"),
        ({"q": ["a", "b", "c", "d"]}, MISSING.format("q")),
        ({"source": "yy"}, MISSING.format("source")),
        ({"target": "zz"}, MISSING.format("target")),
        ({"alternatives": "1"}, "Invalid request: alternatives parameter must be <= 1"),
        ({"q": ["sechs!"]}, "Invalid request: request (4) exceeds text limit (2)"),
        ({"q": ["five!"]}, "Invalid request: request (6) exceeds text limit (5)"),
        ({"source": "en"}, "yy is not supported"),
        ({"target": "en"}, "zz is not supported"),
        ({"format": "text"}, "xml format is not supported"),
        ({"target": "fr"}, UNAVAILABLE.format("English (en)", "English (en)")),
    ]
    for mended, sentence in steps:
        status = 403 if sentence == "Invalid API key" else 400
        assert refusal(client.post("/translate", json=faults)) == (status, sentence)
        faults |= mended
    assert client.post("/translate", json=faults).status_code == 200


def test_api_keys(make_client: MakeClient, key_file: Path, key: str) -> None:
    client = make_client(keys=key_file)
    assert client.get("/frontend/settings").json()["apiKeys"] is True
    assert client.get("/frontend/settings").json()["keyRequired"] is True
    assert [client.get(path).status_code for path in ("/languages", "/health", "/spec")] == [200, 200, 200]
    bearer = {"Authorization": f"Bearer {key}"}
    for path in ("/translate", "/detect"):
        assert client.post(path, data={**GOOD, "api_key": key}).status_code == 200
        assert client.post(f"{path}?api_key={key}", data=GOOD).status_code == 200
        assert client.post(path, json={**GOOD, "api_key": key}).status_code == 200
        assert client.post(path, json=GOOD, headers=bearer).status_code == 200
        assert refusal(client.post(path, data=GOOD))[0] == 400
        assert refusal(client.post(path, data={**GOOD, "api_key": "x"})) == (403, "Invalid API key")


def test_too_many_requests(make_client: MakeClient) -> None:
    client = make_client(req_limit=2)
    assert [client.post("/detect", data={"q": "Hello."}).status_code for _ in range(2)] == [200, 200]
    answer = client.post("/translate", data=GOOD)
    assert refusal(answer) == (429, "Slowdown: 2 per 1 minute")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert client.get("/languages").status_code == 200


def test_a_server_that_cannot_translate_says_when_to_come_back(
    make_app: Callable[..., FastAPI], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(_: TranslationService) -> None: ...

    monkeypatch.setattr(TranslationService, "start", lambda _: None)
    monkeypatch.setattr(TranslationService, "stop", stop)
    with TestClient(make_app(deadline=0.05)) as client:
        answer = client.post("/translate", data=GOOD)
        ready = client.get("/ready")
    assert refusal(answer)[0] == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "5")


def test_suggestions_are_disabled(http: httpx.Client) -> None:
    answer = http.post("/suggest", data={**GOOD, "s": "Bonjour."})
    assert refusal(answer) == (403, "Suggestions are disabled on this server.")


def test_refused_files(http: httpx.Client) -> None:
    direction = {"source": "en", "target": "fr"}
    letter = {"file": ("letter.txt", b"Hello.")}

    def refused(data: dict[str, str], files: dict[str, tuple[str, bytes]] | None = letter) -> tuple[int, str]:
        return refusal(http.post("/translate_file", data=data, files=files))

    assert refused(direction, None) == (400, MISSING.format("file"))
    assert refused({"target": "fr"}) == (400, MISSING.format("source"))
    assert refused({"source": "en"}) == (400, MISSING.format("target"))
    assert refused(direction, {"file": ("letter.exe", b"")}) == (400, "Invalid request: file format not supported")
    assert refused({"source": "zz", "target": "fr"}) == (400, "zz is not supported")
    assert refused({"source": "en", "target": "en"}) == (400, UNAVAILABLE.format("English (en)", "English (en)"))
    assert refused(direction, {"file": ("letter.txt", b"\xff\xfe\xff")})[0] == 409
    assert refusal(http.get("/download_file/none.letter.txt"))[0] == 404


@pytest.mark.parametrize(("error", "status"), [(QueueFullError(7.0), 429), (RuntimeError("secret"), 500)])
def test_files_that_could_not_be_translated(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(TranslationService, "translate_sentences", broken)
    answer = make_client().post(
        "/translate_file", data={"source": "en", "target": "fr"}, files={"file": ("a.txt", b"Hello.")}
    )
    assert refusal(answer)[0] == status
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
    assert "secret" not in answer.text


@pytest.mark.parametrize("character", ["\\u0000", "\\ud800"])
def test_what_is_no_text(http: httpx.Client, character: str) -> None:
    body = f'{{"q": "ab{character}", "source": "en", "target": "fr"}}'
    answer = http.post("/translate", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer)[0] == 400
    assert "character 3" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"q=%FF", b"q=\xff"])
def test_forms_that_are_no_utf8(http: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refusal(http.post("/translate", content=body, headers=headers))[0] == 400


def test_damaged_multipart(http: httpx.Client) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = http.post("/translate_file", content=b"--y\r\nnothing", headers={"Content-Type": kind})
        assert refusal(answer)[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/page/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/download_file/", 404),
        ("GET", "/translate", 405),
        ("GET", "/detect", 405),
        ("POST", "/languages", 405),
        ("POST", "/health", 405),
        ("POST", "/spec", 405),
        ("POST", "/frontend/settings", 405),
        ("PUT", "/translate", 405),
        ("DELETE", "/v1/translate", 405),
    ],
)
def test_other_paths_and_methods(http: httpx.Client, method: str, path: str, status: int) -> None:
    assert refusal(http.request(method, path))[0] == status


def test_large_bodies(make_client: MakeClient) -> None:
    client = make_client(body_limit=1000)
    answer = client.post("/translate", data={**GOOD, "q": "x" * 1000})
    assert refusal(answer)[0] == 413
    assert answer.headers["access-control-allow-origin"] == "*"
    assert refusal(client.post("/translate", content=iter([b"x" * 600] * 2)))[0] == 413


def test_fields_of_another_type_under_v1(http: httpx.Client) -> None:
    for option in ({"beam": True}, {"n_best": "2"}, {"coverage_penalty": False}, {"retry": 1}, {"attention": "yes"}):
        assert refusal(http.post("/v1/translate", json={"text": "a", **option}))[0] == 422
    status, sentence = refusal(http.post("/v1/translate", json={"text": 3}))
    assert status == 422
    assert sentence.startswith("Invalid request: text")


@pytest.mark.parametrize(
    ("route", "body", "sentence"),
    [
        ("translate", {"text": "a", "target": "xx"}, "xx is not supported"),
        ("translate", {"text": "a", "source": "fr", "target": "fr"}, UNAVAILABLE.format(*["French (fr)"] * 2)),
    ],
)
def test_what_does_not_exist_under_v1(http: httpx.Client, route: str, body: dict[str, object], sentence: str) -> None:
    assert refusal(http.post(f"/v1/{route}", json={"source": "en", **body})) == (404, sentence)


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("translate", {"text": ["a", "b"], "prefix": ["c"]}),
        ("translate", {"text": "a", "beam": 2, "n_best": 3}),
        ("translate", {"text": "a", "prefix": "une fleur " * 50}),
        ("translate", {"text": "a", "attention": {"layers": [999]}}),
        ("score", {"text": ["a", "b"], "translation": "c"}),
        ("align", {"text": "a", "translation": ["c", "d"]}),
        ("alternatives", {"text": "a", "prefix": "une fleur " * 50}),
        ("translate", {"text": "a", "source": None, "target": None}),
    ],
)
def test_what_does_not_fit_under_v1(http: httpx.Client, route: str, body: dict[str, object]) -> None:
    assert refusal(http.post(f"/v1/{route}", json={"source": "en", "target": "fr", **body}))[0] == 409


def test_an_internal_error(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(TranslationService, "translate", broken)
    answer = make_client().post("/translate", data=GOOD)
    assert refusal(answer) == (500, "internal error; the log of the service has the reason")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_what_is_no_http(url: str) -> None:
    answer = exchange(url, b"nonsense\r\n\r\n")
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.fields()) == {"error", "code"}


def test_a_model_that_cannot_be_opened(make_client: MakeClient, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    client = make_client(directions={"en-fr": str(tmp_path / "model"), "fr-en": str(MODELS / "luong")})
    answer = client.post("/translate", data=GOOD)
    assert refusal(answer)[0] == 503
    assert int(answer.headers["retry-after"]) >= 1
