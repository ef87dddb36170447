"""Normalization: NFC, single plain spaces, and nothing else."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text.normalize import normalize, replace_blanks, replace_surrogates

BLANKS = re.compile("[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
MARKS_WORDS = "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f]"
ZERO_WIDTH_SPACES = re.compile(f"((?<={MARKS_WORDS})\u200b+(?={MARKS_WORDS}))|\u200b+")


def num_marks(character: str) -> int:
    decomposed = unicodedata.normalize("NFD", character)
    return len(decomposed) if all(map(unicodedata.combining, decomposed)) else 0


def split_runs(text: str) -> str:
    """With a joiner before a mark that would be the 101st after its base letter."""
    parts, count = [], 0
    for character in text:
        marks = num_marks(character)
        count = count + marks if marks else len(unicodedata.normalize("NFD", character)) - 1
        if count > 100 and marks:
            parts.append("\u034f")
            count = marks
        parts.append(character)
    return "".join(parts)


def defined(text: str) -> str:
    """The definition of normalization, step by step, for every text alike."""
    composed = unicodedata.normalize("NFC", split_runs(re.sub("[\ud800-\udfff]", "\ufffd", text)))
    composed = ZERO_WIDTH_SPACES.sub(lambda match: "\u200b" if match[1] else "", composed)
    return BLANKS.sub(" ", composed).strip(" ")


def check(texts: Iterable[str]) -> None:
    assert [text for text in texts if normalize(text) != defined(text)] == []


ANY = st.text(st.characters(exclude_categories=()))  # surrogates too


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301te\u0301", "été"),
        ("\u1112\u1161\u11ab", "한"),
        ("a\u00a0?\u202f!\u3000b", "a ? ! b"),
        ("a\r\nb\tc\x00d\x85e\u2028f\u2029g", "a b c d e f g"),
        ("\ufeffjoined\ufefffiles ", "joined files"),
        ("auto\u200bmobile 你\u200b好 a\u200b \u200bb\u200b", "automobile 你好 a b"),
        # a zero width space, invisible to readers, ends words in Thai, Khmer and Burmese
        ("ไป\u200bโรงเรียน", "ไป\u200bโรงเรียน"),
        ("ខ្ញុំ\u200b\u200bទៅ\u200b សាលា\u200b។A\u200bស", "ខ្ញុំ\u200bទៅ សាលា\u200b។Aស"),
        ("\u200bသွား\u200bမယ်\u200b", "သွား\u200bမယ်"),
        ("  \t ", ""),
        ("", ""),
        ("👩\u200d👩\u200d👧 می\u200cخواهم", "👩\u200d👩\u200d👧 می\u200cخواهم"),  # joiners carry meaning
        ("a\ud800b", "a\ufffdb"),
        ("▁▂▃", "▁▂▃"),
        ("ﬁ ½ Ａ", "ﬁ ½ Ａ"),  # compatibility characters stay: NFC, not NFKC
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert normalize(text) == expected


@given(ANY)
def test_normalization_is_idempotent(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once.split() == once.split(" ") or once == ""
    once.encode()


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0344\u0316", "\u0f73\u0301", "\u0316"])
def test_long_runs_of_marks_are_split(marks: str) -> None:
    """NFC sorts each run in quadratic time: a run of 1 MB would take an hour."""
    for number in range(30, 130):
        text = "ế\u0316" + marks * number
        assert normalize(normalize(text)) == normalize(text)
    assert normalize("e" + "\u0316" * 100) == "e" + "\u0316" * 100
    assert normalize("e" + "\u0316" * 101) == "e" + "\u0316" * 100 + "\u034f\u0316"
    long = normalize("e" + marks * 50_000)
    assert len(long) > 50_000


def test_every_unicode_control_and_space_is_replaced() -> None:
    expected = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Zs", "Zl", "Zp") or chr(code).isspace()
    }
    blanks = {chr(code) for code in range(sys.maxunicode + 1) if replace_blanks(chr(code)) == " "}
    assert blanks == expected | {"\ufeff"}


@given(ANY)
def test_replacements_keep_the_length(text: str) -> None:
    assert len(replace_blanks(text)) == len(replace_surrogates(text)) == len(text)


FRAME = "{}a{} {}{} é{} ก{}ก e{}\u0301{}"


def test_characters_are_normalized_as_defined() -> None:
    """All that are alike are sampled: ideographs, syllables and unassigned characters."""
    codes = [*range(0x3400), *range(0x3400, sys.maxunicode + 1, 29)]
    check(frame.replace("{}", chr(code)) for code in codes for frame in (FRAME, "{}"))


FRAGMENTS = [*"e éกế한", "  ", *"\u0301\u0344\u0f73\u1161", *"\t\x1c\x7f\u00a0\u2000\u2028\u200b\u200d\ufeff\ud800"]
FRAGMENTS += ["\u0301" * 60, "\u0316" * 120, "x" * 39, "x" * 99]


@given(ANY | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_texts_are_normalized_as_defined(text: str) -> None:
    check([text])


@pytest.mark.parametrize("num_marks_before", [0, 1, 2, 3])
def test_long_runs_at_any_position_are_split_as_defined(num_marks_before: int) -> None:
    base = unicodedata.normalize("NFC", "e" + "\u0302\u0301\u0316"[:num_marks_before])
    check("x" * start + base + "\u0317" * length for start in range(0, 90, 7) for length in range(94, 104))


def test_a_corpus_is_normalized_as_defined(real_data: Path) -> None:
    for path in sorted(real_data.glob("*/*.[ef][nr]")):
        with path.open(encoding="utf-8", newline="\n") as file:
            check(line for number, line in enumerate(file) if number % 50 == 0)
