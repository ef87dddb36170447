from __future__ import annotations

import pytest

from regard.translation.markup.entities import Escaping, decode, escape, make_movable


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a &lt;b&gt; &#65;&#x42; &AMP;", "a <b> AB &"),
        ("&copy2024 &notit; &nosuch; & &;", "©2024 ¬it; &nosuch; & &;"),
        ("&#0;&#1;x&nbsp;&NotEqualTilde;y", "\ufffd&#1;x\u00a0\u2242\u0338y"),
    ],
)
def test_html_references(raw: str, text: str) -> None:
    spelled = decode(raw, Escaping.HTML)
    assert spelled.text == text
    assert "".join(spelled.spelling(index, index + 1) for index in range(len(text))) == raw
    part = spelled.part(2, len(text))
    assert (part.text, part.raw) == (text[2:], spelled.spelling(2, len(text)))
    assert part.spelling(0, 1) == spelled.spelling(2, 3)


def test_references_in_xml_end_with_a_semicolon() -> None:
    assert decode("&copy &eacute; &own; &#65;", Escaping.XML).text == "&copy é &own; A"
    assert decode("&lt;", Escaping.NONE).text == "&lt;"


def test_escaping() -> None:
    assert [escape('<a b="&">\x01', kind) for kind in Escaping] == [
        '<a b="&">\x01',
        '&lt;a b="&amp;"&gt;\x01',
        '&lt;a b="&amp;"&gt;',
        '\\<a b="&">\x01',
    ]


def test_bare_characters_are_escaped_where_text_may_follow() -> None:
    assert make_movable("a< &x &lt;", Escaping.HTML, within_word=True) == "a&lt; &amp;x &lt;"
    assert make_movable("a< &x", Escaping.HTML, within_word=False) == "a< &x"
    assert make_movable("a< &x", Escaping.XML, within_word=False) == "a&lt; &amp;x"
    assert make_movable("a< &x", Escaping.NONE, within_word=True) == "a< &x"
