"""Languages are detected among those that can be translated, with honest confidence."""

from __future__ import annotations

import pytest

from regard.service.detection import LanguageDetector

ENGLISH_FRENCH = LanguageDetector(["en", "fr"])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The children are playing in the garden.", "en"),
        ("Les enfants jouent dans le jardin.", "fr"),
        ("아이들이 정원에서 놀고 있습니다.", "ko"),
        ("孩子们在花园里玩。", "zh-Hans"),
        ("As crianças estão brincando no jardim.", "pt-BR"),
    ],
)
def test_sentences(text: str, language: str) -> None:
    best = LanguageDetector(["en", "fr", "ko", "zh-Hans", "pt-BR"]).rank(text)[0]
    assert best.language == language
    assert best.confidence >= 50


def test_only_candidates_are_returned_best_first() -> None:
    ranked = ENGLISH_FRENCH.rank("The house. La maison est grande.")
    assert {language.language for language in ranked} <= {"en", "fr"}
    confidences = [language.confidence for language in ranked]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) <= 100


@pytest.mark.parametrize("text", ["Die Kinder spielen im Garten hinter dem Haus.", "아이들이 정원에서 놀고 있습니다."])
def test_a_text_in_no_candidate_has_low_confidence(text: str) -> None:
    assert ENGLISH_FRENCH.rank(text)[0].confidence < 20


@pytest.mark.parametrize("text", ["", "   ", "123 456", "🙂🙂", "?!"])
def test_a_text_without_letters_has_no_confidence(text: str) -> None:
    [language] = ENGLISH_FRENCH.rank(text)
    assert (language.language, language.confidence) == ("en", 0)


def test_without_candidates_nothing_is_found() -> None:
    assert LanguageDetector([]).rank("The house") == []


def test_a_long_text_is_read_in_part() -> None:
    assert ENGLISH_FRENCH.rank("The children play. " * 100_000)[0].language == "en"
