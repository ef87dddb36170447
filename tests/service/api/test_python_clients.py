"""Clients of LibreTranslate from PyPI, unchanged: every method of each."""

from __future__ import annotations

import asyncio
import inspect
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from compatible import as_text

WORDS = "The cat sleeps."


@pytest.fixture
def words_in_french(url: str) -> str:
    """The translation of `WORDS`."""
    request = urllib.request.Request(
        f"{url}/translate",
        json.dumps({"q": WORDS, "source": "en", "target": "fr"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return as_text(json.load(answer)["translatedText"])


def methods(client: type) -> set[str]:
    """Names of the public methods of a client."""
    return {name for name, _ in inspect.getmembers(client, inspect.isfunction) if not name.startswith("_")}


class TestLibretranslatepy:
    """libretranslatepy, of LibreTranslate's authors."""

    api = pytest.importorskip("libretranslatepy")

    def test_these_are_all_methods(self) -> None:
        assert methods(self.api.LibreTranslateAPI) == {"translate", "detect", "languages"}

    def test_all_methods(self, url: str, words_in_french: str) -> None:
        client = self.api.LibreTranslateAPI(url)
        assert client.translate(WORDS, "en", "fr", timeout=60) == words_in_french
        assert client.detect("Les enfants jouent dans le jardin.", timeout=60)[0]["language"] == "fr"
        assert {"en", "fr"} <= {language["code"] for language in client.languages(timeout=60)}

    def test_keys(self, locked_url: str, key: str) -> None:
        client = self.api.LibreTranslateAPI(locked_url, api_key=key)
        assert client.translate("Hey!", "en", "fr", timeout=60)
        assert client.detect("Hey!", timeout=60)
        assert client.languages(timeout=60)
        for wrong, status in (("x", 403), (None, 400)):
            with pytest.raises(urllib.error.HTTPError) as error:
                self.api.LibreTranslateAPI(locked_url, api_key=wrong).translate("Hey!", "en", "fr", timeout=60)
            assert error.value.code == status
            error.value.close()


class TestDeepTranslator:
    """`LibreTranslator` of deep-translator, which puts everything in the query."""

    module = pytest.importorskip("deep_translator")

    def test_these_are_all_methods(self) -> None:
        names = {"translate", "translate_file", "translate_batch", "get_supported_languages", "is_language_supported"}
        assert methods(self.module.LibreTranslator) == names

    def test_all_methods(self, url: str, words_in_french: str, tmp_path: Path) -> None:
        client = self.module.LibreTranslator(source="en", target="fr", api_key="any", custom_url=f"{url}/")
        assert client.translate(WORDS) == words_in_french
        assert client.translate_batch([WORDS, WORDS]) == [words_in_french] * 2
        (tmp_path / "letter.txt").write_text(f"{WORDS}\n")
        assert client.translate_file(str(tmp_path / "letter.txt")) == words_in_french
        assert "French" in client.get_supported_languages()
        assert client.is_language_supported("fr")
        by_name = self.module.LibreTranslator(source="auto", target="French", api_key="any", custom_url=f"{url}/")
        assert by_name.translate("The children are playing in the garden.")

    def test_errors(self, url: str, locked_url: str, key: str) -> None:
        from deep_translator.exceptions import AuthorizationException, ServerException

        def translate(words: str, address: str, **options: str) -> object:
            client = self.module.LibreTranslator(**{"source": "en", "custom_url": f"{address}/", **options})
            return client.translate(words)

        assert translate("Hey!", locked_url, target="fr", api_key=key)
        with pytest.raises(AuthorizationException):
            translate("Hey!", locked_url, target="fr", api_key="x")
        with pytest.raises(ServerException):
            translate(WORDS, url, target="ga", api_key="any")


class TestLibretranslateAio:
    """libretranslate-aio: form and multipart, synchronous, asynchronous and on the command line."""

    module = pytest.importorskip("libretranslate_aio")

    def test_these_are_all_methods(self) -> None:
        names = {"translate", "translate_file", "detect", "languages", "suggest", "frontend_settings", "health"}
        assert methods(self.module.LibreTranslate) == names | {"close"}
        assert methods(self.module.AsyncLibreTranslate) == names | {"close"}

    def test_all_methods(self, url: str, words_in_french: str, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text(WORDS)
        with self.module.LibreTranslate(url, timeout=60) as client:
            assert client.translate(WORDS, "en", "fr").translated_text == words_in_french
            many = client.translate([WORDS, WORDS], "auto", "es", alternatives=2)
            assert len(many.translated_text) == len(many.alternatives) == len(many.detected_language) == 2
            single = client.translate("<b>The children</b> play.", "auto", "fr", format="html", alternatives=1)
            assert single.detected_language.language == "en"
            assert "<b>" in single.translated_text
            assert client.detect("Les enfants jouent dans le jardin.")[0].language == "fr"
            assert {"en", "fr"} <= {language.code for language in client.languages()}
            with pytest.raises(self.module.ForbiddenError, match=r"^Suggestions are disabled on this server\.$"):
                client.suggest("Hello", "Bonjour", "en", "fr")
            settings = client.frontend_settings()
            assert (settings.char_limit, settings.language.source.code) == (100_000, "auto")
            assert client.health() is True
            for file in (tmp_path / "letter.txt", (tmp_path / "letter.txt").open("rb")):
                address = client.translate_file(file, "en", "fr").translated_file_url
                with urllib.request.urlopen(address, timeout=60) as answer:
                    assert answer.read().decode() == words_in_french
                if not isinstance(file, Path):
                    file.close()

    def test_all_asynchronous_methods(self, url: str, words_in_french: str, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text(WORDS)

        async def use() -> None:
            async with self.module.AsyncLibreTranslate(url, timeout=60) as client:
                assert (await client.translate(WORDS, "en", "fr")).translated_text == words_in_french
                assert (await client.detect("Les enfants jouent dans le jardin."))[0].language == "fr"
                assert await client.languages()
                with pytest.raises(self.module.ForbiddenError):
                    await client.suggest("Hello", "Bonjour", "en", "fr")
                assert (await client.frontend_settings()).key_required is False
                assert await client.health()
                assert (await client.translate_file(tmp_path / "letter.txt", "en", "fr")).translated_file_url

        asyncio.run(use())

    def test_errors(self, url: str, locked_url: str, key: str, slow_key: str) -> None:
        def error(
            address: str, text: str = "Hey!", target: str = "fr", api_key: str | None = None
        ) -> tuple[type[Exception], str]:
            with (
                self.module.LibreTranslate(address, api_key=api_key, timeout=60) as client,
                pytest.raises(self.module.LibreTranslateError) as caught,
            ):
                for _ in range(2):
                    client.translate(text, "en", target)
            return type(caught.value), caught.value.message

        bad = self.module.BadRequestError
        for (found, message), kind, sentence in (
            (error(url, target="zz"), bad, "zz is not supported"),
            (error(locked_url), bad, "Please contact the server operator to get an API key"),
            (error(locked_url, api_key="x"), self.module.ForbiddenError, "Invalid API key"),
            (error(locked_url, "sechs!", api_key=key), bad, "Invalid request: request (6) exceeds text limit (5)"),
            (error(locked_url, api_key=slow_key), self.module.RateLimitError, "Slowdown: 1 per 1 minute"),
        ):
            assert found is kind
            assert message == sentence

    def test_command_line(
        self, url: str, words_in_french: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from libretranslate_aio.cli import main

        letter, translated = tmp_path / "letter.txt", tmp_path / "translated.txt"
        letter.write_text(WORDS)
        assert main(["--url", url, "translate", WORDS, "-s", "en", "-t", "fr"]) == 0
        assert capsys.readouterr().out == f"{words_in_french}\n"
        assert main(["--url", url, "translate", WORDS, "-t", "fr", "--alternatives", "1", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["detectedLanguage"]["language"]
        assert main(["--url", url, "detect", "Les enfants jouent dans le jardin."]) == 0
        assert capsys.readouterr().out.startswith("fr\t")
        assert main(["--url", url, "languages"]) == 0
        assert "fr\tFrench\n" in capsys.readouterr().out
        assert main(["--url", url, "translate-file", str(letter), "-s", "en", "-t", "fr", "-o", str(translated)]) == 0
        assert translated.read_text() == words_in_french
