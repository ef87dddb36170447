"""Language codes: spelling, aliases, directions, and the language that a request means."""

from __future__ import annotations

import pytest

from regard.errors import ConfigError
from regard.text.languages import canonical, closest, english_name, parse_direction


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("EN", "en"),
        ("pt_br", "pt-BR"),
        ("pb", "pt-BR"),
        ("zh-hans", "zh-Hans"),
        ("zt", "zh-Hant"),
        ("zh-TW", "zh-Hant"),
        ("zh_Hant_HK", "zh-Hant-HK"),
        ("deu", "de"),
        ("ger", "de"),
        ("iw", "he"),
        ("no", "nb"),
        ("es-419", "es-419"),
        (" fr ", "fr"),
    ],
)
def test_codes_have_one_spelling(given: str, expected: str) -> None:
    assert canonical(given) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize("text", ["", "e", "english", "en-", "en--US", "12", "en-US-x", "fr;", "ｅｎ"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a language code"):
        canonical(text)


@pytest.mark.parametrize(
    ("code", "available", "expected"),
    [
        ("fr", ["fr", "fr-CA"], "fr"),
        ("fr-CA", ["fr", "en"], "fr"),
        ("fr", ["fr-CA", "en"], "fr-CA"),
        ("zh", ["zh-Hant", "zh-Hans"], "zh-Hans"),
        ("zh-Hans", ["zh"], "zh"),
        ("zh-Hant", ["zh-Hans"], None),
        ("zh-Hant", ["zh"], None),
        ("pt-PT", ["pt-BR"], "pt-BR"),
        ("pt", ["pt-BR", "pt-PT"], None),
        ("de", ["nl", "en"], None),
        ("en", [], None),
    ],
)
def test_a_request_means_the_closest_language(code: str, available: list[str], expected: str | None) -> None:
    assert closest(code, available) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("en-fr", ("en", "fr")),
        ("EN_FR", ("en", "fr")),
        ("en-pt-BR", ("en", "pt-BR")),
        ("en-pt-br", ("en", "pt-BR")),
        ("pt-BR-en", ("pt-BR", "en")),
        ("zh-Hant-ko", ("zh-Hant", "ko")),
        ("eng-fra", ("en", "fr")),
    ],
)
def test_directions(text: str, expected: tuple[str, str]) -> None:
    assert parse_direction(text) == expected


@pytest.mark.parametrize("text", ["", "en", "enfr", "en-", "-fr", "en-fr-de-ko-it", "model/en-fr"])
def test_what_is_no_direction_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a direction"):
        parse_direction(text)


def test_names() -> None:
    assert [english_name(code) for code in ("ko", "zh-Hant", "fr-CA", "qqq")] == [
        "Korean",
        "Chinese (Traditional)",
        "French (CA)",
        "qqq",
    ]
