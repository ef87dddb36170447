from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.translation.markup.tokens import TokenKind, tokenize


def kinds(text: str, *, xml: bool = False) -> list[tuple[str, str]]:
    return [(token.kind.name, token.raw) for token in tokenize(text, xml=xml)]


@given(st.text(alphabet="<>/!?-[]=\"' \n&;abBSscriptle\0\ud800é", max_size=80), st.booleans())
def test_no_character_is_lost(text: str, xml: bool) -> None:
    assert "".join(token.raw for token in tokenize(text, xml=xml)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2<3 a< b<", [("TEXT", "2<3 a< b<")]),
        ("<a t='x>y' u=\"'>\">z", [("OPEN", "<a t='x>y' u=\"'>\">"), ("TEXT", "z")]),
        ("<B>x</b >", [("OPEN", "<B>"), ("TEXT", "x"), ("CLOSE", "</b >")]),
        ("<hr><x-y/>", [("EMPTY", "<hr>"), ("EMPTY", "<x-y/>")]),
        ("<!--a--b>--><!---->.", [("COMMENT", "<!--a--b>-->"), ("COMMENT", "<!---->"), ("TEXT", ".")]),
        (
            "<!DOCTYPE html><?php if (1 > 0) ?></ x>",
            [("COMMENT", "<!DOCTYPE html>"), ("COMMENT", "<?php if (1 > 0) ?>"), ("COMMENT", "</ x>")],
        ),
        ("<ScRiPt>a</b></SCRIPT >c", [("OPEN", "<ScRiPt>"), ("RAW", "a</b>"), ("CLOSE", "</SCRIPT >"), ("TEXT", "c")]),
        ("<title>a<b>&amp;</title>", [("OPEN", "<title>"), ("TEXT", "a<b>&amp;"), ("CLOSE", "</title>")]),
        ("x<b y='>z", [("TEXT", "x"), ("COMMENT", "<b y='>z")]),
        ("<style>p{}", [("OPEN", "<style>"), ("RAW", "p{}")]),
    ],
)
def test_html(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


def test_xml_has_no_void_and_no_raw_elements() -> None:
    text = '<?xml version="1.0" x=">"?><!DOCTYPE r [<!ENTITY a "b>">]><br>1</br><script/><![CDATA[<i>]]><é>'
    assert kinds(text, xml=True) == [
        ("COMMENT", '<?xml version="1.0" x=">"?>'),
        ("COMMENT", '<!DOCTYPE r [<!ENTITY a "b>">]>'),
        ("OPEN", "<br>"),
        ("TEXT", "1"),
        ("CLOSE", "</br>"),
        ("EMPTY", "<script/>"),
        ("COMMENT", "<![CDATA[<i>]]>"),
        ("OPEN", "<é>"),
    ]


def test_names_are_in_lower_case_in_html_only() -> None:
    assert [token.name for token in tokenize("<Ab c=D></AB>")] == ["ab", "ab"]
    assert [token.name for token in tokenize("<Ab c=D></AB>", xml=True)] == ["Ab", "AB"]
    assert tokenize("<b")[0].kind is TokenKind.COMMENT
