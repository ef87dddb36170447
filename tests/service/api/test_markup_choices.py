"""What is not translated, and names that stand for placeholders: fields of requests, and of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from regard.service.glossaries import NamedGlossary
from regard.service.keys import KeyFile
from regard.service.sentences import SentenceService
from regard.translation.documents import STAND_IN_LINES
from regard.translation.result import Translation

MakeClient = Callable[..., TestClient]
DIRECTIONS = {"en-fr": "transformer"}
LANGUAGES = {"source": "en", "target": "fr"}


def translate(client: TestClient, text: str, **fields: object) -> dict[str, Any]:
    """The translation of a text, with its sentences."""
    answer = client.post("/v1/translate", json={"text": text, **LANGUAGES, **fields})
    assert answer.status_code == 200, answer.text
    translation: dict[str, Any] = answer.json()["translations"][0]
    return translation


def translate_file(client: TestClient, name: str, text: str, **fields: object) -> str:
    """The translation of a file."""
    answer = client.post("/translate_file", data={**LANGUAGES, **fields}, files={"file": (name, text.encode())})
    assert answer.status_code == 200, answer.text
    return client.get(answer.json()["translatedFileUrl"]).text


def test_patterns_are_not_translated(make_client: MakeClient) -> None:
    client = make_client(directions=DIRECTIONS)
    text = "The cat sleeps AB-12 and cd-34."
    found = translate(client, text, keep=[r"[A-Z]{2}-\d+", r"cd-\d+"])
    assert "AB-12" in found["text"]
    assert "cd-34" in found["text"]
    assert found["sentences"][0]["source"] == "The cat sleeps and."
    assert translate(client, text)["sentences"][0]["source"] == text
    output = translate_file(client, "a.txt", text, keep=[r"[A-Z]{2}-\d+", r"cd-\d+"])
    assert "AB-12" in output
    assert "cd-34" in output
    events = client.post("/v1/stream", json={"text": text, **LANGUAGES, "keep": ["AB-12"]}).text
    assert '"source": "The cat sleeps and cd-34."' in events


def test_attributes_are_translated_if_asked(make_client: MakeClient) -> None:
    client = make_client(directions=DIRECTIONS)
    page = '<p>The cat. <img alt="The dog sleeps." src="a.png"></p>'
    assert 'alt="The dog sleeps."' in translate(client, page, format="html")["text"]
    found = translate(client, page, format="html", attributes=True)
    assert [sentence["source"] for sentence in found["sentences"]] == ["The cat.", "The dog sleeps."]
    assert 'alt="The dog sleeps."' not in found["text"]
    assert translate_file(client, "a.html", page, attributes="true") == found["text"]
    assert 'alt="The dog sleeps."' in translate_file(client, "a.html", page, attributes="false")


@pytest.mark.parametrize("copies", [True, False])
def test_the_model_reads_a_name_that_it_copies(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, copies: bool
) -> None:
    read: list[str] = []
    probes: list[int] = []

    async def translate_sentences(
        self: SentenceService, entries: object, sentences: tuple[str, ...], *_: object, **__: object
    ) -> list[Translation]:
        if tuple(sentences) == STAND_IN_LINES:
            probes.append(1)
        else:
            read.extend(sentences)
        texts = [line if copies else "" for line in sentences]
        return [Translation(line, text, 0.0) for text, line in zip(texts, sentences, strict=True)]

    monkeypatch.setattr(SentenceService, "translate_sentences", translate_sentences)
    client = make_client(directions=DIRECTIONS)
    for _ in range(2):
        assert translate(client, "See {who} now.", stand_ins=True)["text"] == "See {who} now."
    assert all("{" not in text and (len(text.split()) == 3) == copies for text in read), read
    assert probes == [1]  # found once
    read.clear()
    assert translate(client, "See {who} now.")["text"].count("{who}") == 1
    assert read == ["See now."]
    assert translate_file(client, "a.txt", "See {who} now.") == "See {who} now."
    assert (read[1] != "See now.") == copies


def test_files_use_glossaries(make_client: MakeClient, tmp_path: Path) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("cat\tle chien|chat noir\n")
    keys = KeyFile(tmp_path / "keys.json")
    limited, free = (keys.add("x", glossaries=names)[0] for names in (["other"], None))
    client = make_client(directions=DIRECTIONS, glossaries=[NamedGlossary("pets", terms)], keys=tmp_path / "keys.json")
    output = translate_file(client, "a.txt", "The cat sleeps.", glossary="pets", api_key=free).lower()
    assert "le chien" in output or "chat noir" in output
    for key, name, source in ((limited, "pets", "en"), (free, "none", "en"), (free, "none", "auto")):
        answer = client.post(
            "/v1/files",
            data={"source": source, "target": "fr", "glossary": name, "api_key": key},
            files={"file": ("a.txt", b"The cat sleeps.")},
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_glossary")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"keep": ["("]}, 409, "invalid_pattern"),
        ({"keep": ["(a|aa)*$"]}, 409, "invalid_request"),
        ({"keep": ["a"] * 101}, 422, "invalid_request"),
        ({"keep": ["a" * 1001]}, 422, "invalid_request"),
        ({"keep": "a"}, 422, "invalid_request"),
        ({"attributes": 1}, 422, "invalid_request"),
    ],
)
def test_refusals(make_client: MakeClient, fields: dict[str, object], status: int, code: str) -> None:
    client = make_client(directions=DIRECTIONS)
    answer = client.post("/v1/translate", json={"text": "a" * 500 + "!", **LANGUAGES, **fields})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_refusals_of_files(make_client: MakeClient) -> None:
    client = make_client(directions=DIRECTIONS)
    for fields, status in (({"keep": "("}, 409), ({"attributes": "maybe"}, 400)):
        answer = client.post("/v1/files", data={**LANGUAGES, **fields}, files={"file": ("a.txt", b"The cat.")})
        assert answer.status_code == status, answer.text
