"""Normalising: NFC, plain single spaces, and nothing more."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text.normalise import normalise, plain_blanks, without_surrogates

ANY = st.text(st.characters(exclude_categories=()))  # surrogates too


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301te\u0301", "été"),
        ("\u1112\u1161\u11ab", "한"),
        ("a\u00a0?\u202f!\u3000b", "a ? ! b"),
        ("a\r\nb\tc\x00d\x85e\u2028f\u2029g", "a b c d e f g"),
        ("\ufeffjoined\u200bfiles ", "joined files"),
        ("  \t ", ""),
        ("", ""),
        ("👩\u200d👩\u200d👧 می\u200cخواهم", "👩\u200d👩\u200d👧 می\u200cخواهم"),  # joiners carry meaning
        ("a\ud800b", "a\ufffdb"),
        ("▁▂▃", "▁▂▃"),
        ("ﬁ ½ Ａ", "ﬁ ½ Ａ"),  # compatibility characters stay: NFC, not NFKC
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(ANY)
def test_nothing_is_left_to_normalise(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once.split() == once.split(" ") or once == ""
    once.encode()


def test_every_control_and_space_of_unicode_is_a_blank() -> None:
    by_hand = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Zs", "Zl", "Zp") or chr(code).isspace()
    }
    found = {chr(code) for code in range(sys.maxunicode + 1) if plain_blanks(chr(code)) == " "}
    assert found == by_hand | {"\u200b", "\ufeff"}


@given(ANY)
def test_helpers_keep_the_length(text: str) -> None:
    assert len(plain_blanks(text)) == len(without_surrogates(text)) == len(text)
