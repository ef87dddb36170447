"""Documents made to take long do not."""

from __future__ import annotations

import pytest
from growth import growth
from translators import shuffled, translations, unaligned

from regard.translation.markup.document import parse
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file
from regard.translation.markup.tokens import tokenize
from regard.translation.markup.xml_tree import read_attributes

FLOODS = [
    "<b>",
    "</b>",
    "<",
    "<b>w ",
    "w </b>",
    "<a b='<a b=\"",
    "<!--",
    "<!-- x",
    "<code>",
    "<code>x<p>",
    "&",
    "&amp;",
    "{{ a",
    "http://a.example/)))))",
    "a@",
    "a.",
    "%5",
    "<br>",
    "x<br>",
    "<script>",
    "x<i></i> ",
    "<b>x</b> <i>y</i> ",
    "<li translate=no>x",
    "<b><i>x</b></i> ",
    "<![CDATA[",
    "<?php",
    "<u>x <i>y</i> ",
    "({x}) ",
    "</",
    "x</b> <i>y ",
]


@pytest.mark.parametrize("format", ["html", "xml"])
@pytest.mark.parametrize("flood", FLOODS)
def test_time_is_linear(flood: str, format: str) -> None:
    def work(text: str) -> None:
        document = parse(text, format)
        document.render(translations(document, unaligned))
        document.render(translations(document, shuffled(1, "s")))

    short, long = (flood * (size // len(flood)) for size in (1_000, 16_000))
    assert growth(work, short, long) < 16 * 6


@pytest.mark.parametrize(
    ("first", "second"), [("<b>", "</i>"), ("<b>", "</b>x"), ("<code>", "<p>"), ("{", "}"), ("x</b>", "<b>")]
)
def test_time_is_linear_for_two_floods(first: str, second: str) -> None:
    def work(text: str) -> None:
        document = parse(text, "html")
        document.render(translations(document, unaligned))

    short, long = (first * (size // len(first)) + second * (size // len(second)) for size in (1_000, 16_000))
    assert growth(work, short, long) < 16 * 6


@pytest.mark.parametrize(
    "flood", ["<a b='<a b=\"", "<!--", "<!DOCTYPE [", "<![CDATA[", "<?", "</a ", "<a =  ", "<title>", "&#", "<"]
)
@pytest.mark.parametrize("xml", [False, True])
def test_tokens_of_incomplete_markup_take_linear_time(flood: str, xml: bool) -> None:
    short, long = (flood * (size // len(flood)) for size in (5_000, 80_000))
    assert growth(lambda text: tokenize(text, xml=xml), short, long) < 16 * 6


def test_deep_nesting_is_valid() -> None:
    for depth in (200, 2_000):
        text = "<p>Never " + "<span>" * depth + "say never" + "</span>" * depth + " again</p>"
        document = parse(text, "html")
        for translate in (unaligned, shuffled(2, "s")):
            output = document.render(translations(document, translate))
            assert output.count("<span>") == output.count("</span>") == depth
            assert output.rindex("<span>") < output.index("</span>")


XLIFF = "<xliff version='1.2'><file source-language='en'><trans-unit><source>{}</source></trans-unit></file></xliff>"


@pytest.mark.parametrize(
    ("name", "frame", "first", "second"),
    [
        ("a.md", "{}", "[*", "*]"),
        ("a.md", "{}", "*a ", "[] "),
        ("a.md", "{}", "[ ", "a* "),
        ("a.md", "{}", ">", "- "),
        ("a.md", "[a]: b\n\n{}", "[", "]"),
        ("a.md", "{}", "`` a ` ", "![a]("),
        ("a.md", "|a|\n|-|\n{}", "|a", "|"),
        ("a.xlf", XLIFF, "a <bx id='1'/>", "<ex id='2'/>"),
        ("a.xlf", XLIFF, "<bpt id='1'/>a", "<ept id='1'/>b"),
        ("a.csv", "text\n{}\n", '"",', "a,"),
        ("a.jsonl", '{{"text": "a", "b": "{}"}}\n', "{{", "}}"),
        ("a.po", 'msgid "{}"\nmsgstr ""\n', "<a ", "&a"),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n", "<c.", "<00:01.000>"),
    ],
)
def test_files_of_any_format_take_linear_time(name: str, frame: str, first: str, second: str) -> None:
    def work(text: str) -> None:
        file = open_file(name, frame.format(text).encode(), FileOptions("en", "fr"))
        file.render(translations(file, shuffled(1, "s")))

    short, long = (first * (size // len(first)) + second * (size // len(second)) for size in (2_000, 32_000))
    assert growth(work, short, long) < 16 * 6


@pytest.mark.parametrize("flood", ["x", "x ", "x=", "x='", 'x="', " ", "x=y "])
def test_time_of_attributes_is_linear(flood: str) -> None:
    short, long = (f"<a {flood * (size // len(flood))}>" for size in (2_000, 32_000))
    assert growth(read_attributes, short, long) < 16 * 6
