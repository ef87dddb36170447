"""Normalization: NFC, single plain spaces, and nothing else."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text.normalize import normalize, replace_blanks, replace_surrogates

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
