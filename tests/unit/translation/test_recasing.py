"""Sentences in capitals and in title case, translated from their ordinary case."""

from __future__ import annotations

import pytest
from random_translators import ENGLISH, random_model

from regard.text.subword import Subword
from regard.translation.glossary import Glossary
from regard.translation.glossary_files import parse_entry
from regard.translation.recasing import case_of, ordinary_case
from regard.translation.translator import Translator

SENTENCE = ENGLISH[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HOW WAS YOUR DAY?", "capitals"),
        ("ÇA VA BIEN", "capitals"),
        ("ПРИВЕТ МИР", "capitals"),
        ("HOW WAs YOUR DAY?", None),
        ("NATO", None),
        ("F16 (USA)", None),
        ("How Was Your Day?", "title"),
        ("How to Read a Long Book", "title"),
        ("Mr. New York likes books a lot", None),
        ("Tom and Mary", None),
        ("how was your day?", "lower"),
        ("cat food", None),
        ("12 34 56", None),
        ("猫が好き", None),
        ("", None),
    ],
)
def test_case_of_a_sentence(text: str, expected: str | None) -> None:
    assert case_of(text) == expected


def test_ordinary_case_is_that_of_the_vocabulary() -> None:
    text = ["Tom saw me at the USA house.", "We saw Tom and the house.", "I saw the USA house."] * 30
    subword = Subword.train(text, vocab_size=330)
    assert ordinary_case("WE SAW TOM AT THE USA HOUSE. I SAW ME.", subword) == "We saw Tom at the USA house. I saw me."
    assert ordinary_case("We Saw Tom At The House.", subword) == "We saw Tom at the house."


def test_capitals_are_translated_from_ordinary_case_and_put_into_capitals(random_translator: Translator) -> None:
    plain = random_translator.translate(SENTENCE, beam=2, n_best=2, alignment=True)[0]
    loud = random_translator.translate(SENTENCE.upper(), beam=2, n_best=2, alignment=True)[0]
    assert loud.text == plain.text.upper()
    assert [translation.text for translation in loud.n_best] == [other.text.upper() for other in plain.n_best]
    assert (loud.tokens, loud.token_spans, loud.score, loud.alignment) == (
        plain.tokens, plain.token_spans, plain.score, plain.alignment,
    )  # fmt: skip
    assert loud.source == SENTENCE.upper()
    assert loud.read_as == SENTENCE
    assert loud.to_dict()["read_as"] == SENTENCE
    assert any(f"translated as {SENTENCE!r}, and put into capitals" in warning for warning in loud.warnings)
    assert not plain.read_as
    assert "read_as" not in plain.to_dict()


def test_title_case_is_translated_from_ordinary_case_and_left_as_translated(random_translator: Translator) -> None:
    title = " ".join(word.capitalize() for word in SENTENCE.split())
    translation = random_translator.translate(title)[0]
    assert translation.read_as == SENTENCE
    assert translation.text == random_translator.translate(SENTENCE)[0].text
    assert translation.source == title


def test_lower_case_is_translated_from_ordinary_case_where_that_is_more_probable() -> None:
    text = ["Tom saw the house.", "We saw Tom and the house.", "I saw the house."] * 30
    subword = Subword.train(text, vocab_size=330)
    translator = Translator.of([random_model("bahdanau", subword)])
    plain, lower = translator.translate(["Tom saw the house.", "tom saw the house."])
    assert (lower.read_as, lower.source) == ("Tom saw the house.", "tom saw the house.")
    assert lower.text == plain.text[:1].lower() + plain.text[1:]
    assert any("and begun in lower case" in warning for warning in lower.warnings)
    long_line = translator.translate(" ".join(["tom saw the house and the house"] * 60))[0]
    assert long_line.read_as.startswith("Tom saw")
    assert "tom saw" in long_line.read_as  # of further segments, which continue the line


def test_recasing_can_be_turned_off_and_leaves_other_sentences_alone(random_translator: Translator) -> None:
    assert not random_translator.translate(SENTENCE.upper(), recase=False)[0].read_as
    assert not random_translator.translate(SENTENCE.upper(), prefixes="LE")[0].read_as
    for text in (SENTENCE, SENTENCE.lower(), "NATO", "", "!!!"):
        with_option, without = random_translator.translate(text)[0], random_translator.translate(text, recase=False)[0]
        assert with_option.text == without.text
        assert with_option.warnings == without.warnings


def test_segments_of_a_long_line_say_what_was_read(random_translator: Translator) -> None:
    text = " ".join([SENTENCE.upper()] * 30)
    translation = random_translator.translate(text)[0]
    assert translation.read_as.count(SENTENCE) == 30
    assert any("and put into capitals" in warning for warning in translation.warnings)
    assert translation.text == translation.text.upper()


def test_terms_of_a_glossary_are_found_in_capitals(random_translator: Translator) -> None:
    word = SENTENCE.split()[1]
    glossary = Glossary([parse_entry(word, "chat"), parse_entry(SENTENCE.split()[0].upper(), "le", "case")])
    translation = random_translator.translate(SENTENCE.upper(), glossary=glossary)[0]
    assert translation.read_as
    assert "CHAT" in translation.text
    assert "le" in translation.text.replace("CHAT", "").split()
    assert not translation.unmet


def test_impossible_terms_are_unmet_and_do_not_end_the_translation(random_translator: Translator) -> None:
    word = SENTENCE.split()[1]
    glossary = Glossary(
        [parse_entry(word, "x\ufffdy"), parse_entry(SENTENCE.split()[0], "chat|!chat noir"), parse_entry("", "!chat")]
    )
    translation = random_translator.translate(SENTENCE, glossary=glossary)[0]
    assert set(translation.unmet) >= {"x\ufffdy", "chat"}
    assert any("is impossible here" in warning for warning in translation.warnings)


def test_many_terms_are_cut_to_what_the_search_takes(random_translator: Translator) -> None:
    words = [f"w{number}" for number in range(100)]
    glossary = Glossary(parse_entry(word, f"le {word}") for word in words)
    translation = random_translator.translate(" ".join(words[:60]), glossary=glossary, beam=1)[0]
    assert translation.unmet


def test_glossary_is_applied_by_every_way_to_translate(random_translator: Translator) -> None:
    glossary = Glossary([parse_entry(SENTENCE.split()[1], "chat|chats")])
    assert "chat" in random_translator.translate(SENTENCE, glossary=glossary)[0].text
    lines = random_translator.translate_lines([SENTENCE] * 3, glossary=glossary)
    assert all("chat" in translation.text for translation in lines)
