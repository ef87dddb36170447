"""Generated documents of four formats: nothing is lost, for any translator.

`make markup` tries 10,000 documents of each format; MARKUP_DOCUMENTS sets the number.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from xml.parsers import expat

import markdown
import pytest
from generated_markup import PLACEHOLDERS, html, html_soup, icu, xliff
from generated_markup import markdown as markdown_text
from justhtml import JustHTML
from lxml import etree
from markdown_it import MarkdownIt
from translators import Translate, shuffled, translations, unaligned, unchanged

from regard.translation.markup.document import parse
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file
from regard.translation.markup.icu import find_arguments
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.tokens import TokenKind, tokenize

NUMBER = int(os.environ.get("MARKUP_DOCUMENTS", "60"))
ATTRIBUTES = MarkupOptions(attributes=True)
UNIT = re.compile(r"<source>((?:(?!</source>).)*)</source>\n <target [^>]*>(.*?)</target>", re.DOTALL)
LANGS = FileOptions("en", "fr")
TRANSLATORS: dict[str, Callable[[int], Translate]] = {
    "shuffled": lambda seed: shuffled(seed, "z"),
    "unaligned": lambda seed: unaligned,
}
CHANGES = pytest.mark.parametrize("name", sorted(TRANSLATORS))


def documents(make: Callable[[random.Random], str]) -> Iterator[tuple[int, str]]:
    for seed in range(NUMBER):
        yield seed, make(random.Random(seed))


def render(text: str, name: str, translate: Translate, options: FileOptions = LANGS) -> str:
    file = open_file(name, text.encode(), options)
    return file.render(translations(file, translate)).decode()


def tags(text: str, *, xml: bool = False) -> Counter[str]:
    return Counter(token.raw for token in tokenize(text, xml=xml) if token.kind is not TokenKind.TEXT)


def placeholders(text: str) -> list[int]:
    return [text.count(placeholder) for placeholder in PLACEHOLDERS]


def html_errors(text: str) -> tuple[Counter[str], Counter[int]]:
    """The errors that a parser by the WHATWG standard and libxml2 find."""
    parser = etree.HTMLParser(recover=True)
    etree.fromstring(f"<html><body>{text}</body></html>", parser)
    return (
        Counter(error.code for error in JustHTML(text, collect_errors=True, fragment=True).errors),
        Counter(entry.type for entry in parser.error_log),
    )


@pytest.mark.parametrize("make", [html, html_soup, icu])
def test_text_that_is_not_translated_is_identical(make: Callable[[random.Random], str]) -> None:
    for seed, text in documents(make):
        for options in (MarkupOptions(), ATTRIBUTES):
            document = parse(text, "text" if make is icu else "html", options)
            assert document.render(translations(document, unchanged)) == text, seed


def test_files_that_are_not_translated_are_identical() -> None:
    for seed, text in documents(markdown_text):
        assert render(text, "a.md", unchanged) == text, seed
    for seed, text in documents(xliff):
        output = render(text, "a.xlf", unchanged)
        assert re.sub(r"\n <target [^>]*>.*?</target>", "", output, flags=re.DOTALL) == text, seed
        assert all(source == target for source, target in UNIT.findall(output)), seed


@CHANGES
def test_html(name: str) -> None:
    for seed, text in documents(html):
        document = parse(text, "html", ATTRIBUTES)
        output = document.render(translations(document, TRANSLATORS[name](seed)))
        without = parse(text, "html")
        plain = without.render(translations(without, TRANSLATORS[name](seed)))
        assert tags(plain) == tags(text), seed
        assert sum(tags(output).values()) == sum(tags(text).values()), seed
        assert placeholders(plain) == placeholders(output) == placeholders(text), seed
        (spec, libxml), (spec_after, libxml_after) = html_errors(text), html_errors(output)
        assert not spec_after - spec, (seed, spec_after - spec)
        assert not libxml_after - libxml, (seed, libxml_after - libxml)


@CHANGES
def test_broken_html_loses_and_gains_no_tag(name: str) -> None:
    for seed, text in documents(html_soup):
        document = parse(text, "html")
        output = document.render(translations(document, TRANSLATORS[name](seed)))
        assert tags(output) == tags(text), seed


@CHANGES
def test_xliff(name: str) -> None:
    for seed, text in documents(xliff):
        output = render(text, "a.xlf", TRANSLATORS[name](seed))
        expat.ParserCreate().Parse(output.encode(), True)
        for target in etree.fromstring(output.encode()).iter("target"):
            assert_pairs_in_order(target)
        for source, target in UNIT.findall(output):
            assert tags(target, xml=True) == tags(source, xml=True), seed
            assert placeholders(target) == placeholders(source), seed


def assert_pairs_in_order(target: etree._Element) -> None:
    begun: set[str] = set()
    ids = {code.get("id") for code in target.iter("ex", "ept")}
    for code in target.iter("bx", "bpt", "ex", "ept"):
        if code.tag in ("bx", "bpt"):
            begun.add(code.get("id", ""))
        elif code.get("id") in ids:
            assert code.get("id") in begun, etree.tostring(target)


def markdown_shape(text: str) -> tuple[Counter[str], Counter[str]]:
    """What two parsers of Markdown find: blocks, links, images and code, without emphasis, which may go."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    kept = ("code", "link", "image", "heading", "list", "table", "fence", "hr", "html", "blockquote")
    found: Counter[str] = Counter()
    for token in parser.parse(text):
        for part in (token, *(token.children or ())):
            if part.type.startswith(kept):
                found[f"{part.type} {part.attrGet('href') or part.attrGet('src') or ''}"] += 1
    rendered = markdown.markdown(text, extensions=["tables", "fenced_code"])
    names = re.findall(r"</?(?:a|code|img|h\d|ul|ol|li|table|td|th|pre|hr|blockquote)\b", rendered)
    return found, Counter(names)


@CHANGES
def test_markdown(name: str) -> None:
    for seed, text in documents(markdown_text):
        output = render(text, "a.md", TRANSLATORS[name](seed))
        assert placeholders(output) == placeholders(text), (seed, text, output)
        assert markdown_shape(output) == markdown_shape(text), (seed, text, output)


def skeleton(text: str) -> object:
    """The arguments of a message with the skeletons of their branches, in any order, without text."""
    shapes = []
    for argument in find_arguments(text):
        edges = [argument.start, *(edge for branch in argument.branches for edge in branch), argument.end]
        frame = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
        shapes.append(repr((frame, [skeleton(text[start:end]) for start, end in argument.branches])))
    return sorted(shapes)


@CHANGES
def test_icu(name: str) -> None:
    for seed, text in documents(icu):
        document = parse(text, "text")
        output = document.render(translations(document, TRANSLATORS[name](seed)))
        assert skeleton(output) == skeleton(text), (seed, text, output)
        for part in ("{x}", "#", "{n, number}", "{d, date, short}"):
            assert output.count(part) == text.count(part), (seed, text, output)
