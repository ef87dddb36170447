"""Places where clients put the arguments of LibreTranslate's routes."""

from __future__ import annotations

import httpx
import pytest
from compatible import as_text, exchange

DIRECTION = {"source": "en", "target": "fr"}


@pytest.fixture
def expected(http: httpx.Client) -> str:
    """The translation of `Hello world.`, asked for in JSON."""
    return as_text(http.post("/translate", json={"q": "Hello world.", **DIRECTION}).json()["translatedText"])


@pytest.mark.parametrize("kind", ["json", "data", "params"])
def test_json_form_and_query(http: httpx.Client, expected: str, kind: str) -> None:
    body = {"q": "Hello world.", **DIRECTION}
    json, data, params = (body if kind == place else None for place in ("json", "data", "params"))
    answer = http.post("/translate", json=json, data=data, params=params)
    assert answer.json() == {"translatedText": expected}


def test_multipart(http: httpx.Client, expected: str) -> None:
    parts = {name: (None, value) for name, value in {"q": "Hello world.", **DIRECTION}.items()}
    assert http.post("/translate", files=parts).json() == {"translatedText": expected}


def test_other_json_types_are_json(http: httpx.Client, expected: str) -> None:
    answer = http.post(
        "/translate",
        content=b'{"q": "Hello world.", "source": "en", "target": "fr"}',
        headers={"Content-Type": "application/vnd.api+json; charset=utf-8"},
    )
    assert answer.json() == {"translatedText": expected}


def test_query_wins_over_form(http: httpx.Client, expected: str) -> None:
    answer = http.post("/translate?q=Hello+world.", data={"q": "Something else.", **DIRECTION})
    assert answer.json() == {"translatedText": expected}


def test_beside_json_the_query_does_not_count(http: httpx.Client) -> None:
    answer = http.post("/translate?q=Hello&source=en&target=fr", json={"source": "en", "target": "fr"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid request: missing q parameter")


def test_body_that_starts_with_ampersand(http: httpx.Client, expected: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"&q=Hello%20world.&source=en&target=fr&api_key="
    assert http.post("/translate", content=body, headers=headers).json() == {"translatedText": expected}


def test_query_with_an_empty_body_and_no_content_type(url: str, expected: str) -> None:
    request = (
        b"POST /translate?q=Hello+world.&source=en&target=fr HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"
    )
    assert exchange(url, request).json() == {"translatedText": expected}


def test_plain_text_is_not_read(http: httpx.Client) -> None:
    answer = http.post("/translate", content=b"q=a&source=en&target=fr", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid request: missing q parameter")


@pytest.mark.parametrize("path", ["/languages", "/frontend/settings", "/health", "/spec"])
@pytest.mark.parametrize(("kind", "body"), [("application/json", b"{}"), ("application/x-www-form-urlencoded", b"")])
def test_get_with_a_body(url: str, path: str, kind: str, body: bytes) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: {kind}\r\nContent-Length: {{length}}\r\n\r\n"
    assert exchange(url, head.encode() + body).status == 200


def test_repeated_q_is_a_list(http: httpx.Client, expected: str) -> None:
    answer = http.post("/translate", data={"q": ["Hello world.", "Hello world."], **DIRECTION})
    assert answer.json() == {"translatedText": [expected, expected]}


def test_of_other_repeated_fields_the_first_counts(http: httpx.Client, expected: str) -> None:
    answer = http.post("/translate", data={"q": "Hello world.", "source": ["en", "zz"], "target": ["fr", "zz"]})
    assert answer.json() == {"translatedText": expected}


def test_line_ends_of_forms_become_those_of_texts(http: httpx.Client) -> None:
    form = http.post("/translate", data={"q": "Hello.\r\nHello.", **DIRECTION}).json()["translatedText"]
    json = http.post("/translate", json={"q": "Hello.\r\nHello.", **DIRECTION}).json()["translatedText"]
    assert form.count("\n") == 1
    assert "\r" not in form
    assert json == form.replace("\n", "\r\n")


def test_unknown_fields_and_keys_are_ignored(http: httpx.Client, expected: str) -> None:
    extra = {"api_key": None, "secret": "x", "apiKey": "y", "other": [1]}
    answer = http.post("/translate", json={"q": "Hello world.", **DIRECTION, **extra})
    assert answer.json() == {"translatedText": expected}


@pytest.mark.parametrize(
    ("spelled", "code"),
    [
        *[("FR", "fr"), ("fra", "fr"), ("pb", "pt-BR"), ("pt-br", "pt-BR"), ("PT_br", "pt-BR"), ("pt", "pt-BR")],
        *[("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("ZH-hans", "zh-Hans"), ("zh_Hant", "zh-Hant"), ("zt", "zh-Hant")],
    ],
)
def test_aliases_of_codes(http: httpx.Client, spelled: str, code: str) -> None:
    alias, plain = (
        http.post("/translate", data={"q": "The cat sees the garden.", "source": "EN", "target": target}).json()
        for target in (spelled, code)
    )
    assert alias == plain
    assert set(alias) == {"translatedText"}


def test_every_route_ignores_the_language_of_the_client(http: httpx.Client) -> None:
    headers = {"Accept-Language": "fr", "X-Override-Accept-Language": "fr", "Cookie": "preferred_lang=fr"}
    answer = http.post("/translate?lang=fr", data=DIRECTION, headers=headers)
    assert answer.json()["error"] == "Invalid request: missing q parameter"
    names = {language["code"]: language["name"] for language in http.get("/languages", headers=headers).json()}
    assert names["fr"] == "French"


@pytest.mark.parametrize("path", ["/translate/", "/languages/", "/detect/", "/health/"])
def test_no_trailing_slash(http: httpx.Client, path: str) -> None:
    answer = http.request("POST" if path in ("/translate/", "/detect/") else "GET", path)
    assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")
