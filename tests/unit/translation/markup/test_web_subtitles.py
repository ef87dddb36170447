"""WebVTT: what is translated, and what is refused."""

from __future__ import annotations

import pytest
from translators import capitals, table, translations, unchanged

from regard.errors import DataError
from regard.translation.markup.files import open_file

VTT = (
    "\ufeffWEBVTT - a film\r\nKind: captions\r\n\r\nNOTE not this\nnor this\r\n\r\nSTYLE\n::cue { color: red }\n\n"
    "intro\n00:01.000 --> 00:04.000 position:10%\n<v.loud Mary>It was <c.yellow>late</c>\n"
    "<00:02.500>and dark &amp; so\n\n"
    "01:00:00.000 --> 01:00:01.000\n- Yes?\n- No.\n"
)


def test_cues_are_translated_and_nothing_else() -> None:
    file = open_file("a.vtt", VTT.encode())
    assert file.sentences == ("It was late and dark & so", "- Yes?", "- No.")
    assert file.render(translations(file, unchanged)).decode() == VTT
    expected = VTT
    for text in ("It was", "late", "and dark", "so\n", "Yes", "No."):
        expected = expected.replace(text, text.upper())
    assert file.render(translations(file, capitals)).decode() == expected


def test_tags_follow_the_words_and_new_text_is_escaped() -> None:
    file = open_file("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:04.000\n<c.red.big>red</c> fox\n")
    entries = {"red fox": ("renard <rouge>", "0-1 1-0")}
    output = file.render(translations(file, table(entries))).decode()
    assert output.endswith("\nrenard <c.red.big>&lt;rouge&gt;</c>\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("WEBVTTX\n", r"a\.vtt:1: expected a first line that begins with WEBVTT, found 'WEBVTTX"),
        ("1\n00:01.000 --> 00:02.000\nHi\n", r"a\.vtt:1: expected a first line"),
        ("WEBVTT\n\n00:01 --> 00:02\nHi\n", r"a\.vtt:3: expected times such as .* found '00:01 --> 00:02'"),
        ("WEBVTT\n\n00:01,000 --> 00:02,000\nHi\n", r"a\.vtt:3: expected times"),
    ],
)
def test_subtitles_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_file("a.vtt", text.encode())
