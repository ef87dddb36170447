"""Shapes of the answers of LibreTranslate's routes."""

from __future__ import annotations

import json

import httpx
import pytest

from regard.translation.documents import as_sentence
from regard.translation.result import Translation

DIRECTION = {"source": "en", "target": "fr"}


def test_a_text_is_answered_with_a_text(http: httpx.Client) -> None:
    answer = http.post("/translate", json={"q": "Hello.", **DIRECTION}).json()
    assert list(answer) == ["translatedText"]
    assert answer["translatedText"]


def test_a_list_is_answered_with_a_list(http: httpx.Client) -> None:
    texts = ["The cat sleeps.", "", "A dog sings."]
    answer = http.post("/translate", json={"q": texts, **DIRECTION}).json()
    alone = [http.post("/translate", json={"q": text, **DIRECTION}).json()["translatedText"] for text in texts if text]
    assert answer == {"translatedText": [alone[0], "", alone[1]]}
    assert len(http.post("/translate", json={"q": ["Hello."], **DIRECTION}).json()["translatedText"]) == 1


@pytest.mark.parametrize("text", [" ", "\n\n", "😀", "…", "123"])
def test_what_has_no_words_comes_back(http: httpx.Client, text: str) -> None:
    answer = http.post("/translate", json={"q": text, "source": "auto", "target": "fr"}).json()
    assert answer["translatedText"].strip() or not text.strip()
    assert answer["detectedLanguage"] == {"confidence": 0, "language": "en"}
    if not any(character.isalnum() for character in text):
        assert answer["translatedText"] == text


def test_a_translation_is_never_empty() -> None:
    assert as_sentence(Translation("Hello.", "", 0.0)).text == "Hello."


def test_languages_are_detected_text_by_text(http: httpx.Client) -> None:
    texts = ["The children are playing in the garden.", "Les enfants jouent dans le jardin."]
    answer = http.post("/translate", json={"q": texts, "source": "auto", "target": "es"}).json()
    assert [found["language"] for found in answer["detectedLanguage"]] == ["en", "fr"]
    single = http.post("/translate", json={"q": texts[1], "source": "auto", "target": "es"}).json()
    assert single["detectedLanguage"]["language"] == "fr"
    assert single["translatedText"] == answer["translatedText"][1]


def test_a_text_that_is_in_the_target_language_comes_back(http: httpx.Client) -> None:
    text = "Les enfants jouent dans le jardin."
    answer = http.post("/translate", json={"q": text, "source": "AUTO", "target": "fr"}).json()
    assert answer["translatedText"] == text
    assert answer["detectedLanguage"]["language"] == "fr"


def test_confidences_have_no_fraction(http: httpx.Client) -> None:
    texts = http.post("/translate", data={"q": "Good morning", "source": "auto", "target": "fr"}).text
    found = http.post("/detect", data={"q": "Good morning, how are you?"}).text
    confidences = [json.loads(texts)["detectedLanguage"]["confidence"], json.loads(found)[0]["confidence"]]
    assert [type(confidence) for confidence in confidences] == [int, int]
    assert all(0 <= confidence <= 100 for confidence in confidences)
    assert confidences[1] > 50


def test_detect(http: httpx.Client) -> None:
    found = http.post("/detect", data={"q": "Les enfants jouent dans le jardin."}).json()
    assert found[0]["language"] == "fr"
    assert 1 <= len(found) <= 3
    assert all(set(language) == {"confidence", "language"} for language in found)
    assert found == sorted(found, key=lambda language: -language["confidence"])
    many = http.post("/detect", json={"q": ["Les enfants", "jouent dans le jardin."]}).json()
    assert many[0]["language"] == "fr"


@pytest.mark.parametrize("count", [2, "2"])
def test_alternatives(http: httpx.Client, count: object) -> None:
    single = http.post("/translate", json={"q": "The cat sleeps.", "alternatives": count, **DIRECTION}).json()
    assert set(single) == {"translatedText", "alternatives"}
    assert 1 <= len(single["alternatives"]) <= 2
    assert single["translatedText"] not in single["alternatives"]
    assert len(set(single["alternatives"])) == len(single["alternatives"])
    many = http.post("/translate", json={"q": ["The cat sleeps.", ""], "alternatives": count, **DIRECTION}).json()
    assert many["alternatives"] == [single["alternatives"], []]


@pytest.mark.parametrize("count", [0, -3, "-3", "0", "", None])
def test_no_alternatives_unless_asked(http: httpx.Client, count: object) -> None:
    answer = http.post("/translate", json={"q": "Hello.", "alternatives": count, **DIRECTION}).json()
    assert set(answer) == {"translatedText"}


@pytest.mark.parametrize("text_format", ["", None, "text"])
def test_text_is_the_format_unless_named(http: httpx.Client, text_format: str | None) -> None:
    answer = http.post("/translate", json={"q": "A &lt; B <b>", "format": text_format, **DIRECTION}).json()
    plain = http.post("/translate", json={"q": "A &lt; B <b>", **DIRECTION}).json()
    assert answer == plain


def test_html_stays_escaped(http: httpx.Client) -> None:
    text = "<p>one &lt; two &amp; <b>three</b></p><p>&lt;img src=x onerror=alert(1)&gt;</p>"
    answer = http.post("/translate", json={"q": text, "format": "html", "alternatives": 1, **DIRECTION}).json()
    for translated in (answer["translatedText"], *answer["alternatives"]):
        assert translated.count("<b>") == translated.count("</b>") == 1
        assert translated.count("<p>") == 2
        assert "<img" not in translated


def test_languages(http: httpx.Client) -> None:
    languages = {language["code"]: language for language in http.get("/languages").json()}
    assert set(languages) == {"en", "fr", "es", "pt-BR", "zh-Hans", "zh-Hant"}
    assert languages["en"] == {"code": "en", "name": "English", "targets": ["es", "fr", "pt-BR", "zh-Hans", "zh-Hant"]}
    assert languages["fr"]["targets"] == ["en", "es", "pt-BR", "zh-Hans", "zh-Hant"]  # through English
    assert languages["zh-Hans"]["targets"] == []


def test_frontend_settings(http: httpx.Client) -> None:
    settings = http.get("/frontend/settings").json()
    assert {name: settings[name] for name in ("charLimit", "frontendTimeout")} == {
        "charLimit": 100_000,
        "frontendTimeout": 500,
    }
    flags = {name: settings[name] for name in ("apiKeys", "keyRequired", "suggestions", "filesTranslation")}
    assert flags == {"apiKeys": False, "keyRequired": False, "suggestions": False, "filesTranslation": True}
    assert {".txt", ".odt", ".odp", ".docx", ".pptx", ".epub", ".html", ".srt"} <= set(settings["supportedFilesFormat"])
    assert settings["language"]["source"] == {"code": "auto", "name": "Auto Detect"}
    assert settings["language"]["target"] == {"code": "fr", "name": "French"}  # of the first model


def test_health_and_readiness(http: httpx.Client) -> None:
    assert http.get("/health").json() == {"status": "ok"}
    assert http.get("/ready").json() == {"status": "ready"}


@pytest.mark.parametrize("name", ["letter.txt", "LETTER.TXT", "a/../letter.txt"])
def test_files(http: httpx.Client, name: str) -> None:
    text = "The cat sleeps.\n\nA dog sings.\n"
    answer = http.post("/translate_file", data=DIRECTION, files={"file": (name, text.encode())}).json()
    assert set(answer) == {"translatedFileUrl"}
    file = http.get(answer["translatedFileUrl"])
    assert file.status_code == 200
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["content-disposition"].lower().endswith("letter_fr.txt")
    assert file.text == http.post("/translate", json={"q": text, **DIRECTION}).json()["translatedText"]


def test_files_with_translations_beside_the_text(http: httpx.Client) -> None:
    source, target = DIRECTION["source"], DIRECTION["target"]
    memory = f'<tmx><body><tu><tuv xml:lang="{source}"><seg>The cat.</seg></tuv></tu></body></tmx>'
    files = {
        "a.po": ('msgid "The cat."\nmsgstr ""\n', 'msgid "The cat."\nmsgstr "{}"\n'),
        "a.tmx": (memory, memory.replace("</tuv>", f'</tuv><tuv xml:lang="{target}"><seg>{{}}</seg></tuv>')),
        "a.csv": (f"{source},x\nThe cat.,1\n", f"{source},x,{target}\nThe cat.,1,{{}}\n"),
        "a.md": ("# The cat.\n", "# {}\n"),
    }
    translated = http.post("/translate", json={"q": "The cat.", **DIRECTION}).json()["translatedText"]
    for name, (text, expected) in files.items():
        answer = http.post("/translate_file", data=DIRECTION, files={"file": (name, text.encode())}).json()
        assert http.get(answer["translatedFileUrl"]).text == expected.format(translated), name
    broken = http.post("/translate_file", data=DIRECTION, files={"file": ("a.tmx", b"<tmx>")})
    assert broken.status_code == 409
    assert "a.tmx:1:6: expected well-formed XML" in broken.json()["error"]
