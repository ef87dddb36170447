"""Glossaries of the service and terms of requests, under `/v1`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from regard.errors import ConfigError, DataError
from regard.service.glossaries import Glossaries, NamedGlossary, parse_named_glossary
from regard.service.keys import KeyFile

MakeClient = Callable[..., TestClient]
DIRECTIONS = {"en-fr": "transformer", "fr-en": "luong"}
TEXT = "The cat sleeps."


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    """A glossary of two directions."""
    path = tmp_path / "terms.tsv"
    path.write_text(
        "source\ttarget\tflags\tlanguages\ncat\tle chien|chat noir\t\ten-fr\nchat\tdog\t\tfr-en\n\t!xyz\t\ten-fr\n"
    )
    return path


def translate(client: TestClient, **fields: object) -> dict[str, Any]:
    """The first sentence of a translation."""
    answer = client.post("/v1/translate", json={"text": TEXT, "source": "en", "target": "fr", **fields})
    assert answer.status_code == 200, answer.text
    sentence: dict[str, Any] = answer.json()["translations"][0]["sentences"][0]
    return sentence


def test_a_named_glossary_is_used_for_its_direction(make_client: MakeClient, terms: Path) -> None:
    client = make_client(directions=DIRECTIONS, glossaries=[NamedGlossary("pets", terms)])
    assert client.get("/v1/models").json()["glossaries"] == ["pets"]
    sentence = translate(client, glossary="pets")
    assert "le chien" in sentence["text"].lower() or "chat noir" in sentence["text"].lower()
    (use,) = sentence["terms"]
    assert (use["source"], use["span"], use["targets"], use["met"]) == ("cat", [4, 7], ["le chien", "chat noir"], True)
    start, end = use["target_spans"][0]
    assert sentence["text"][start:end].lower() in ("le chien", "chat noir")
    back = translate(client, text="Un chat dort.", source="fr", target="en", glossary="pets")
    assert "dog" in back["text"].lower()
    plain = translate(client)
    assert (plain["terms"], plain["unmet"], plain["read_as"]) == ([], [], None)


def test_terms_of_a_request(make_client: MakeClient) -> None:
    client = make_client(directions=DIRECTIONS)
    terms = [{"source": "cat|cats", "target": "lapin|!chat"}, {"source": "sleeps", "keep": True}]
    sentence = translate(client, terms=terms)
    assert "lapin" in sentence["text"].lower()
    assert "sleeps" in sentence["text"]
    assert [use["forbidden"] for use in sentence["terms"]] == [False, True, False]
    assert all(use["met"] for use in sentence["terms"])
    assert translate(client, terms=[])["terms"] == []


def test_terms_in_a_stream_in_capitals_and_in_html(make_client: MakeClient) -> None:
    client = make_client(directions=DIRECTIONS)
    terms = [{"source": "cat", "target": "lapin"}]
    events = client.post("/v1/stream", json={"text": TEXT, "source": "en", "target": "fr", "terms": terms}).text
    assert '"met": true' in events
    loud = translate(client, text=TEXT.upper(), terms=terms)
    assert loud["read_as"] is None or "LAPIN" in loud["text"]
    marked = client.post(
        "/v1/translate",
        json={
            "text": "<p>The <b>cat</b> sleeps.</p>",
            "source": "en",
            "target": "fr",
            "format": "html",
            "terms": terms,
        },
    ).json()["translations"][0]
    assert "lapin" in marked["text"].lower()


def test_unmet_terms_are_reported(make_client: MakeClient) -> None:
    client = make_client(directions=DIRECTIONS)
    sentence = translate(client, terms=[{"source": "cat", "target": "\ufffd"}])
    assert sentence["unmet"] == ["\ufffd"]
    assert not sentence["terms"][0]["met"]
    assert any("\ufffd" in warning for warning in sentence["warnings"])


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"glossary": "none"}, 404, "unknown_glossary"),
        ({"glossary": "pets", "terms": [{"source": "cat", "target": "x"}]}, 409, "two_glossaries"),
        ({"terms": [{"source": "cat", "target": "x"}] * 4}, 400, "too_large"),
        ({"terms": [{"source": "cat"}]}, 409, "invalid_terms"),
        ({"terms": [{"source": "cat", "target": "c" * 501}]}, 409, "invalid_terms"),
        ({"terms": [{"source": "c\0at", "target": "x"}]}, 400, "not_text"),
        ({"terms": [{"source": "cat", "target": "x|!x"}]}, 409, "invalid_terms"),
        (
            {"terms": [{"source": "cat", "target": "x"}, {"source": "cat", "target": "!x"}]},
            409,
            "invalid_terms",
        ),
        ({"terms": [{"source": "cat", "target": "x", "flags": "case"}]}, 422, "invalid_request"),
        ({"terms": {"cat": "x"}}, 422, "invalid_request"),
        ({"glossary": "p" * 65}, 422, "invalid_request"),
        ({"glossary": "fr-only"}, 404, "unknown_glossary"),
    ],
)
def test_refusals(make_client: MakeClient, terms: Path, fields: dict[str, object], status: int, code: str) -> None:
    other = terms.with_name("other.tsv")
    other.write_text("chat\tcat\n")
    glossaries = [NamedGlossary("pets", terms), NamedGlossary("fr-only", other, ("fr", "en"))]
    client = make_client(directions=DIRECTIONS, glossaries=glossaries, terms_limit=3)
    answer = client.post("/v1/translate", json={"text": TEXT, "source": "en", "target": "fr", **fields})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_terms_need_a_single_model(make_client: MakeClient) -> None:
    client = make_client(directions={"fr-en": "luong", "en-es": "luong"})
    body = {"text": "Un chat.", "source": "fr", "target": "es", "terms": [{"source": "chat", "target": "gato"}]}
    answer = client.post("/v1/translate", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unavailable_direction")


def test_a_key_may_be_limited_to_glossaries(make_client: MakeClient, terms: Path) -> None:
    keys = KeyFile(terms.with_name("keys.json"))
    limited, free, none = (keys.add("x", glossaries=names)[0] for names in (["other"], None, []))
    glossaries = [NamedGlossary("pets", terms), NamedGlossary("other", terms)]
    client = make_client(directions=DIRECTIONS, glossaries=glossaries, keys=terms.with_name("keys.json"))

    def status(key: str, name: str) -> int:
        body = {"text": TEXT, "source": "en", "target": "fr", "glossary": name, "api_key": key}
        return client.post("/v1/translate", json=body).status_code

    assert [status(limited, "pets"), status(limited, "other"), status(free, "pets"), status(none, "pets")] == [
        404, 200, 200, 404,
    ]  # fmt: skip


def test_routes_of_libretranslate_are_unchanged(make_client: MakeClient, terms: Path) -> None:
    body = {"q": TEXT, "source": "en", "target": "fr", "glossary": "pets"}
    plain = make_client(directions=DIRECTIONS).post("/translate", json=body).json()
    with_glossary = make_client(directions=DIRECTIONS, glossaries=[NamedGlossary("pets", terms)]).post(
        "/translate", json=body
    )
    assert with_glossary.json() == plain


def test_names_of_glossaries(terms: Path) -> None:
    assert parse_named_glossary("a-b.c=x=y.tsv") == NamedGlossary("a-b.c", Path("x=y.tsv"))
    for text in ("terms.tsv", "=x.tsv", "a b=x.tsv", "a:=x.tsv", "a=", "a:english=x.tsv"):
        with pytest.raises(ConfigError, match="expected"):
            parse_named_glossary(text)
    with pytest.raises(ConfigError, match="pets was given to two files for the same direction"):
        Glossaries([NamedGlossary("pets", terms), NamedGlossary("pets", terms)])
    Glossaries([NamedGlossary("pets", terms, ("en", "fr")), NamedGlossary("pets", terms, ("fr", "en"))])


def test_faulty_files_are_found_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "bad.tsv").write_text("cat\n")
    with pytest.raises(DataError, match=r"bad\.tsv:1: expected at least 2 columns"):
        Glossaries([NamedGlossary("bad", tmp_path / "bad.tsv")]).load([("en", "fr")])


def test_reloading_reads_files_again_and_keeps_those_that_became_faulty(
    terms: Path, caplog: pytest.LogCaptureFixture
) -> None:
    glossaries = Glossaries([NamedGlossary("pets", terms)])
    glossaries.load([("en", "fr")])
    terms.write_text("cat\tlapin\n")
    glossaries.reload()
    assert glossaries.get("pets", ("en", "fr")).entries[0].targets == ("lapin",)
    terms.write_text("cat\n")
    with caplog.at_level(logging.ERROR, logger="regard.service"):
        glossaries.reload()
    assert "glossary not reloaded" in caplog.text
    assert glossaries.get("pets", ("en", "fr")).entries[0].targets == ("lapin",)


def test_terms_in_the_source_need_a_model_that_reads_them(make_client: MakeClient) -> None:
    client = make_client(directions=DIRECTIONS)
    body = {"text": TEXT, "source": "en", "target": "fr", "terms": [{"source": "cat", "target": "chat"}]}
    assert client.post("/v1/translate", json={**body, "terms_in_source": False}).status_code == 200
    answer = client.post("/v1/translate", json={**body, "terms_in_source": True})
    assert answer.status_code == 409
    assert "the model was not trained to read terms" in answer.json()["error"]
