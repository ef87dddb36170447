"""Checks of sizes, characters and content: what fails, and what only resembles it."""

from __future__ import annotations

import pytest

from regard.data.cleaning import checks_characters, checks_content, checks_lengths
from regard.values import Pair

FRENCH = "Il a dit « À l'été, l'œuvre n’est pas finie »"


def wrongly_decoded(text: str, encoding: str = "cp1252") -> str:
    return "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in text.encode())


@pytest.mark.parametrize(
    ("src", "tgt", "fails"),
    [("", "b", 1), ("a", "", 1), (" \u00a0\t", "b", 1), ("a", "\ufeff", 1), ("a", "b", 0), ("?", "!", 0)],
)
def test_empty_sides(src: str, tgt: str, fails: float) -> None:
    assert checks_lengths.empty([Pair(src, tgt)]) == [fails]


@pytest.mark.parametrize(
    ("src", "tgt", "score"),
    [
        ("Save File", "save  file.", 2),
        ("“Hello” Tom", "Hello Tom", 2),
        ("1.", "1.", 0),
        ("Save File", "Save Files", 0),
        ("\u00e9t\u00e9", "e\u0301te\u0301", 1),
    ],
)
def test_identical_sides_score_their_words(src: str, tgt: str, score: float) -> None:
    assert checks_lengths.identical([Pair(src, tgt)]) == [score]


def test_long_words_are_not_addresses_nor_texts_without_spaces() -> None:
    pairs = [Pair("x" * 61, ""), Pair("", "https://example.org/" + "x" * 80), Pair("日本語" * 40, "ไทย" * 40)]
    assert checks_lengths.longest_word(pairs) == [61, 0, 0]


def test_the_length_ratio_is_relative_to_the_corpus() -> None:
    sample = [Pair("a" * (20 + number % 30), "b" * (40 + 2 * (number % 30))) for number in range(200)]
    ratio = checks_lengths.LengthRatio.learn(sample)
    assert ratio is not None
    assert ratio.usual == 2
    usual, long, short = ratio([Pair("a" * 50, "b" * 100), Pair("a" * 50, "b" * 400), Pair("a" * 50, "b" * 8)])
    assert usual == 1
    assert long > 3
    assert short > 3
    assert checks_lengths.LengthRatio.learn(sample[:50]) is None


@pytest.mark.parametrize("text", [FRENCH, "안녕하세요", "Привет", "jusqu'à", "déjà vu", "Łódź", "“quoted”"])
def test_text_decoded_wrongly_is_mojibake(text: str) -> None:
    assert checks_characters.mojibake([Pair("", text)]) == [0]
    assert checks_characters.mojibake([Pair("", wrongly_decoded(text))])[0] >= 1
    # A no-break space is often replaced by a plain one.
    assert checks_characters.mojibake([Pair(wrongly_decoded(text).replace("\u00a0", " "), "")])[0] >= 1


@pytest.mark.parametrize("text", ["été", "안녕하세요", "l’œil"])
def test_text_decoded_as_mac_roman_is_mojibake(text: str) -> None:
    assert checks_characters.mojibake([Pair("", wrongly_decoded(text, "mac-roman"))])[0] >= 1


@pytest.mark.parametrize("text", ["« CAFÉ»", "MANHÃ\u00a0", "“É”", "Ø»", "ÉTÉ…", "naïve – così", "5 × 3 ± 2°"])
def test_good_text_is_no_mojibake(text: str) -> None:
    assert checks_characters.mojibake([Pair(text, text)])[0] <= 0.5


def test_broken_characters_are_counted_on_both_sides() -> None:
    pairs = [Pair("a\ufffdb\ufffd", "c\x9d"), Pair("tab\there\n", "ok\u00a0\u200b"), Pair("\ue000", "")]
    assert checks_characters.broken_characters(pairs) == [3, 0, 1]


@pytest.mark.parametrize(
    ("src", "tgt", "score"),
    [
        ("1,500 of 20", "1 500 sur 20", 0),
        ("1,500.5", "1.500,5", 0),
        ("in 1995", "en 1996", 1),
        ("two dogs of 3", "2 chiens sur 3", 0),
        ("at 3 p.m.", "à 15 h", 0),
        ("the 1990s", "les années 90", 0),
        ("10,000 won", "1만 원", 0),
        ("３ cats", "3 chats", 0),
        ("7 and 8", "8 et 9", 1),
        ("page 12", "page " + "9" * 5000, 1),
    ],
)
def test_numbers(src: str, tgt: str, score: float) -> None:
    assert checks_content.numbers([Pair(src, tgt)]) == [score]


@pytest.mark.parametrize(
    ("src", "tgt", "score"),
    [
        ("See http://a.org/b.", "Voir http://a.org/b !", 0),
        ("See https://docs.a.org/en/b", "Voir http://docs.a.org/fr/b", 0),
        ("See http://a.org/b", "http://a.org/b에서", 0),
        ("See http://a.org/b", "Voir http://a.org/c", 1),
        ("Mail me@a.org", "Écrire à toi@a.org", 1),
        ("See http://a.org/b", "Voir la page", 1),
        ("over http:// and @", "par http:// et", 0),
    ],
)
def test_urls(src: str, tgt: str, score: float) -> None:
    assert checks_content.urls([Pair(src, tgt)]) == [score]


@pytest.mark.parametrize(
    ("src", "tgt", "score"),
    [
        ("a <b>cat</b>", "un chat", 2),
        ("--to=<file>", "--to=<파일>", 0),
        ("Q&A &amp; more", "Q&A et plus", 1),
        ("1 < 2 and 3 > 2", "1 est plus petit", 0),
    ],
)
def test_markup(src: str, tgt: str, score: float) -> None:
    assert checks_content.markup([Pair(src, tgt)]) == [score]


@pytest.mark.parametrize(
    ("src", "tgt", "score"),
    [
        ("good", "bon bon bon bon bon bon bon", 6),
        ("a b a b a b a b a b", "x", 8),
        ("ha ha ha ha ha", "ah ah ah ah ah", 0),
        ("Nooooooooo", "Non", 8),
        ("0000000000000", "x", 0),
        ("the cat and the dog and the cow", "x", 2),
    ],
)
def test_repetition(src: str, tgt: str, score: float) -> None:
    assert checks_content.repetition([Pair(src, tgt)]) == [score]
