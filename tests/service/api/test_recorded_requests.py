"""Requests as programs with a LibreTranslate client send them, byte by byte; answers are read as those programs do."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from compatible import Answer, as_dict, as_list, as_text, exchange
from fastapi.testclient import TestClient

POST = b"POST %s HTTP/1.1\r\nHost: {host}\r\n%sContent-Length: {length}\r\n\r\n%s"
GET = b"GET %s HTTP/1.1\r\nHost: {host}\r\n%s\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


class TestWeblate:
    """Batches of 20 texts as JSON; placeholders are `[X` offset `X]`."""

    HEADERS = (
        b"User-Agent: Weblate/5.14.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: application/json\r\n"
        b"Connection: keep-alive\r\nReferer: https://weblate.example.org/\r\n"
    )

    def test_languages(self, url: str) -> None:
        codes = [language["code"] for language in exchange(url, GET % (b"/languages", self.HEADERS)).rows()]
        assert {"en", "fr", "pt-BR", "zh-Hans"} <= set(codes)

    @pytest.mark.parametrize("target", ["fr", "zh-Hans", "pt-BR"])
    def test_a_batch(self, url: str, target: str) -> None:
        texts = [f"[X{n}X] opened the door of [X{n + 7}X] in the garden." for n in range(19)] + ["Save changes?"]
        body = json.dumps({"api_key": "", "q": texts, "source": "en", "target": target}).encode()
        headers = self.HEADERS + b"Content-Type: application/json\r\n"
        answer = exchange(url, POST % (b"/translate", headers, body))
        assert answer.status == 200
        found = as_list(answer.fields()["translatedText"])
        translations = [as_text(found[index]) for index in range(20)]
        assert all(translations)
        for n, translation in enumerate(translations[:19]):
            assert translation.count(f"[X{n}X]") == translation.count(f"[X{n + 7}X]") == 1

    def test_an_error(self, url: str) -> None:
        body = b'{"api_key": "", "q": ["One."], "source": "en", "target": "xx"}'
        answer = exchange(url, POST % (b"/translate", self.HEADERS + b"Content-Type: application/json\r\n", body))
        assert answer.status == 400
        assert answer.fields().get("error") == "xx is not supported"


class TestMastodon:
    """Lists of HTML fragments as JSON."""

    HEADERS = b"Content-Type: application/json\r\nConnection: close\r\nUser-Agent: http.rb/5.3.1\r\n"
    LINK = '<a href="https://example.org/tags/garden" class="mention hashtag" rel="tag">'
    FRAGMENTS = (
        f"<p>The children are playing in the {LINK}#<span>garden</span></a>.</p>",
        "Les enfants jouent dans le jardin &amp; la maison.",
        "",
    )

    def translate(self, url: str, source: str) -> dict[str, object]:
        body = {"q": self.FRAGMENTS, "source": source, "target": "es", "format": "html", "api_key": None}
        answer = exchange(url, POST % (b"/translate", self.HEADERS, json.dumps(body).encode()))
        assert answer.status == 200
        return answer.fields()

    def test_detected_languages(self, url: str) -> None:
        found = self.translate(url, "auto")
        texts = [as_text(text) for text in as_list(found["translatedText"])]
        detected = as_list(found["detectedLanguage"])
        pairs = [(text, as_dict(detected[i])["language"]) for i, text in enumerate(texts)]
        assert [language for _, language in pairs[:2]] == ["en", "fr"]
        assert pairs[0][0].count(self.LINK) == 1
        assert pairs[2][0] == ""

    def test_a_given_language(self, url: str) -> None:
        found = self.translate(url, "en")
        assert "detectedLanguage" not in found
        assert len(as_list(found["translatedText"])) == 3

    def test_languages(self, url: str) -> None:
        languages = exchange(url, GET % (b"/languages", self.HEADERS)).rows()
        targets = {
            language["code"]: [code for code in as_list(language["targets"]) if code != "en"] for language in languages
        }
        assert targets["fr"] == ["es", "pt-BR", "zh-Hans", "zh-Hant"]

    def test_refusals(self, locked_url: str, slow_key: str) -> None:
        def status(key: str | None) -> int:
            body = {"q": ["One."], "source": "en", "target": "es", "format": "html", "api_key": key}
            return exchange(locked_url, POST % (b"/translate", self.HEADERS, json.dumps(body).encode())).status

        assert status("x") == 403
        assert [status(slow_key) for _ in range(2)][-1] == 429


class TestDiscourse:
    """Forms with HTML."""

    HEADERS = FORM + b"User-Agent: excon/1.2.5\r\n"

    def post(self, url: str, path: bytes, body: bytes) -> Answer:
        return exchange(url, POST % (path, self.HEADERS, body))

    def test_detection_then_translation(self, url: str) -> None:
        text = "<p>Les enfants jouent dans le <b>jardin</b>.</p>"
        detected = self.post(url, b"/detect", f"q={quote(text)}&api_key=".encode()).rows()
        source = detected[0]["language"]
        assert source == "fr"
        body = f"q={quote(text)}&source={source}&target=en&format=html&api_key="
        translated = as_text(self.post(url, b"/translate", body.encode()).fields()["translatedText"])
        assert translated.startswith("<p>")
        assert translated.count("<b>") == 1
        assert exchange(url, GET % (b"/languages", b"User-Agent: excon/1.2.5\r\n")).rows()[0]["code"]


class TestDialect:
    """Form and JSON; asks for the description, the settings and the languages first."""

    HEADERS = b"User-Agent: Dialect\r\nAccept: */*\r\n"
    JSON = HEADERS + b"Content-Type: application/json\r\n"

    def test_the_title_is_a_setting(self, url: str, make_client: Callable[..., TestClient]) -> None:
        assert as_dict(exchange(url, GET % (b"/spec", self.HEADERS)).fields()["info"])["title"] == "regard"
        client = make_client(spec_title="LibreTranslate")
        assert client.get("/spec").json()["info"]["title"] == "LibreTranslate"

    def test_start(self, url: str, locked_url: str) -> None:
        assert [language["code"] for language in exchange(url, GET % (b"/languages", self.HEADERS)).rows()]
        for address, needs_key in ((url, False), (locked_url, True)):
            data = exchange(address, GET % (b"/frontend/settings", self.HEADERS)).fields()
            assert data.get("suggestions", False) is False
            assert data["apiKeys"] is needs_key
            assert data["keyRequired"] is needs_key
            limit = data["charLimit"]
            assert isinstance(limit, int)
            assert limit > 0

    def test_the_check_of_a_key(self, locked_url: str, key: str) -> None:
        for given, error in ((key, None), ("x", "Invalid API key")):
            body = f"q=hello&api_key={given}".encode()
            data = exchange(locked_url, POST % (b"/detect", self.HEADERS + FORM, body)).json()
            assert (data.get("error") if isinstance(data, dict) else None) == error

    @pytest.mark.parametrize(("source", "detected"), [("auto", "en"), ("en", None)])
    def test_translation(self, url: str, source: str, detected: str | None) -> None:
        body = json.dumps({"q": "The children are playing.", "source": source, "target": "fr"}).encode()
        data = exchange(url, POST % (b"/translate", self.JSON, body)).fields()
        assert data["translatedText"]
        assert as_dict(data.get("detectedLanguage", {})).get("language", None) == detected

    def test_suggestion(self, url: str) -> None:
        body = b"q=Hello&s=Bonjour&source=en&target=fr"
        data = exchange(url, POST % (b"/suggest", self.HEADERS + FORM, body)).fields()
        assert data.get("success", False) is False

    def test_errors(self, url: str, locked_url: str, key: str) -> None:
        def error(address: str, **fields: str) -> str:
            body = {"q": "sechs!", "source": "en", "target": "fr", **fields}
            answer = exchange(address, POST % (b"/translate", self.JSON, json.dumps(body).encode()))
            return as_text(answer.fields()["error"])

        assert error(locked_url, api_key="x") == "Invalid API key"
        assert "exceeds text limit" in error(locked_url, api_key=key)
        assert "is not supported" in error(url, target="xx")
        assert "format is not supported" in error(url, format="md")


class TestCrowTranslate:
    """Forms that start with an ampersand; the language is always detected first."""

    HEADERS = (
        FORM
        + b"Connection: Keep-Alive\r\nAccept-Encoding: gzip, deflate\r\n"
        + b"Accept-Language: fr-FR,*\r\nUser-Agent: Mozilla/5.0\r\n"
    )

    def test_detection_then_translation(self, url: str) -> None:
        text = quote("Les enfants jouent dans le jardin.\nIls chantent.")
        detected = exchange(url, POST % (b"/detect", self.HEADERS, f"&q={text}&api_key=".encode()))
        assert detected.rows()[0]["language"] == "fr"
        body = f"&q={text}&source=fr&target=en&api_key=".encode()
        translated = exchange(url, POST % (b"/translate", self.HEADERS, body)).fields()["translatedText"]
        assert as_text(translated).count("\n") == 1
