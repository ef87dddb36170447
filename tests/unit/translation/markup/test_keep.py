"""Patterns of the user for text that is not translated."""

from __future__ import annotations

import pytest
from translators import capitals, translations

from regard.errors import ConfigError
from regard.translation.markup.document import parse
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file
from regard.translation.markup.keep import KeepPatterns
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.placeholders import find_placeholders

OPTIONS = MarkupOptions(keep=KeepPatterns([r"[A-Z]{2}-\d+", "Blue Fox"]))


@pytest.mark.parametrize("format", ["text", "html", "xml"])
def test_matches_stay(format: str) -> None:
    document = parse("order AB-12 of Blue Fox today", format, OPTIONS)
    assert document.render(translations(document, capitals)) == "ORDER AB-12 OF Blue Fox TODAY"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.md", "# by *Blue Fox*\n\n| AB-1 | a |\n|--|--|\n", "# BY *Blue Fox*\n\n| AB-1 | A |\n|--|--|\n"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nby Blue Fox\n", "1\n00:00:01,000 --> 00:00:02,000\nBY Blue Fox\n"),
        (
            "a.vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000\nby Blue Fox\n",
            "WEBVTT\n\n00:01.000 --> 00:02.000\nBY Blue Fox\n",
        ),
        ("a.po", 'msgid "by Blue Fox"\nmsgstr ""\n', 'msgid "by Blue Fox"\nmsgstr "BY Blue Fox"\n'),
        ("a.csv", "text,fr\nby AB-3,\n", "text,fr\nby AB-3,BY AB-3\n"),
        ("a.jsonl", '{"text": "by AB-3", "fr": ""}\n', '{"text": "by AB-3", "fr": "BY AB-3"}\n'),
        ("a.txt", "by AB-3\n", "BY AB-3\n"),
    ],
)
def test_every_format_keeps_matches(name: str, text: str, expected: str) -> None:
    file = open_file(name, text.encode(), FileOptions("en", "fr", markup=OPTIONS))
    assert file.render(translations(file, capitals)).decode() == expected


def test_patterns_and_placeholders_that_overlap_are_one() -> None:
    text = "{a} AB-1{b} x{AB-2}y"
    spans = find_placeholders(text, KeepPatterns([r"\{AB-\d\}y", r"[A-Z]{2}-\d\{", "x*"]))
    assert [text[start:end] for start, end in spans] == ["{a}", "AB-1{b}", "x", "{AB-2}y"]


@pytest.mark.parametrize(("pattern", "problem"), [("(a", "regular expression"), ("a" * 2_000, "1000 characters")])
def test_patterns_are_checked(pattern: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        KeepPatterns([pattern])
    with pytest.raises(ConfigError, match="at most 100"):
        KeepPatterns(["a"] * 101)


def test_a_search_that_explodes_is_stopped() -> None:
    """Without a limit, this search takes years."""
    with pytest.raises(ConfigError, match="too many combinations"):
        KeepPatterns([r"(a|a)*(a|aa)*(b|a)+$"]).find("a" * 60 + "!")
