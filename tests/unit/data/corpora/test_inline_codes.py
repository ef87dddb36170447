"""Inline codes are left out without gluing words, in the shapes in which tools write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from xml_corpora import outcome, tmx, trans_unit, tu, xliff

from regard.data.corpora.tmx import TmxReader
from regard.data.corpora.unit import ReadOptions
from regard.data.corpora.xliff import XliffReader

EN_FR = ReadOptions(langs=("en", "fr"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Paired codes stand within words, and never make a gap.
        ('Click <bpt i="1">&lt;b&gt;</bpt>here<ept i="1">&lt;/b&gt;</ept> now', "Click here now"),
        ('un<bpt i="1">&lt;i&gt;</bpt>believ<ept i="1">&lt;/i&gt;</ept>able', "unbelievable"),
        ('un<bpt i="1" x="1" type="8"/>believ<ept i="1"/>able', "unbelievable"),
        ("a <hi>kept</hi>word", "a keptword"),
        ('in<g id="1">si</g>de', "inside"),
        ('<it pos="begin">&lt;I&gt;</it>Slanted', "Slanted"),
        # Standalone codes are a gap between two letters or digits, but for formatting.
        ("one<ph>{0}</ph>two", "one two"),
        ("one<x/>two", "one two"),
        ("one <ph>{0}</ph>two", "one two"),
        ("one<ph>{0}</ph>.", "one."),
        ("H<ph>&lt;sub&gt;</ph>2<ph>&lt;/sub&gt;</ph>O", "H2O"),
        ("so<ph>&lt;b&gt;</ph>called", "socalled"),
        # Line breaks, tabs and cells are a gap also at punctuation, but not before a closing mark.
        ("End.<ph>&lt;br/&gt;</ph>Next", "End. Next"),
        ("End<ph>&lt;br/&gt;</ph>.", "End."),
        ("a<ph>\\n</ph>b", "a b"),
        ("(<ph type='tab'/>b", "(b"),
        ('A<bpt i="1">&lt;td&gt;</bpt>B', "A B"),
        # A code whose own content has the space.
        ("A<ut>{\\b </ut>bold word", "A bold word"),
        ("A<ph> </ph>b", "A b"),
        # Scripts without spaces between words.
        ("消耗<ph>c</ph>40<ph>c</ph>点", "消耗40点"),
        ("ไทย<ph>&lt;br/&gt;</ph>ไทย", "ไทยไทย"),
        # Markup that does not belong to the format.
        ("a<b>bold</b>b", "aboldb"),
        ("a<br/>b", "a b"),
        ("<ph>only</ph>", ""),
        ('See <ph>&lt;img alt="<sub>a cat</sub>"&gt;</ph> here', "See  here"),
    ],
)
def test_codes_of_tmx(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(tmx(tu(text, "x")), encoding="utf-8")
    assert outcome(TmxReader(path, EN_FR)).pairs == [(expected, "x")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('un<x id="START_ITALIC_TEXT" ctype="x-i"/>believ<x id="CLOSE_ITALIC_TEXT" ctype="x-i"/>able', "unbelievable"),
        ('Now<x id="LINE_BREAK" ctype="lb"/>here', "Now here"),
        ('a.<x id="START_TAG_DIV" ctype="x-div"/>b', "a. b"),
        ('a<x id="INTERPOLATION" equiv-text="{{ name }}"/>b', "a b"),
        ('a <mrk mtype="protected">IBM</mrk>s', "a IBMs"),
        ('<bx id="1"/>a<ex id="1"/>b', "ab"),
    ],
)
def test_codes_of_xliff(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "a.xlf"
    path.write_text(xliff(trans_unit(text, "x")), encoding="utf-8")
    assert outcome(XliffReader(path, EN_FR)).pairs == [(expected, "x")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a<pc id="1">b</pc>c', "abc"),
        ('a<ph id="1" subType="xlf:lb"/>b', "a b"),
        ('a<sc id="1" subType="xlf:b"/>b<ec startRef="1"/>c', "abc"),
        ('bell<cp hex="0007"/>.', "bell."),
    ],
)
def test_codes_of_xliff_2(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "a.xlf"
    path.write_text(
        '<xliff version="2.0" srcLang="en" trgLang="fr" xmlns="urn:oasis:names:tc:xliff:document:2.0"><file id="f">'
        f'<unit id="1"><segment><source>{text}</source><target>x</target></segment></unit></file></xliff>'
    )
    assert outcome(XliffReader(path, EN_FR)).pairs == [(expected, "x")]
