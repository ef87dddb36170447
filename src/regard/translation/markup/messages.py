"""Parses texts of catalogs, tables and JSON: as HTML if they contain tags or entities, else as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from regard.translation.markup.dialects import HTML, PLAIN
from regard.translation.markup.document import parse_dialect
from regard.translation.markup.embedded import EmbeddedDocument
from regard.translation.markup.entities import SpelledText
from regard.translation.markup.icu import parse_icu
from regard.translation.markup.markup_document import document_of
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.markup.pieces import Part, text_pieces
from regard.values import Span

_HTML = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|button|cite|code|del|div|em|font|h[1-6]|hr|i|img|input|ins|kbd|label|li|mark|ol|"
    r"option|p|pre|q|s|samp|script|select|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul|var)"
    r"(?:\s[^<>]*)?/?>|&(?:[A-Za-z]{2,8}\d{0,2}|#\d{1,7}|#x[0-9A-Fa-f]{1,6});",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"\s*([}\]]+)")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def contains_html(text: str) -> bool:
    """Whether a text contains an HTML tag, such as `<b>`, or a character reference, such as `&amp;`."""
    return ("<" in text or "&" in text) and _HTML.search(text) is not None


def parse_message(text: str, options: MarkupOptions = DEFAULT_MARKUP) -> EmbeddedDocument:
    r"""Finds the sentences of a text that may be HTML or plain text.

    Args:
        text: The text. If it contains tags of HTML or character references, it is HTML. Otherwise each line is a
            paragraph, except that a line that begins with a lowercase letter continues the line before it. Lines of
            code, such as JSON, are not translated: from a line that ends with `{` or `[` to the line that begins with
            the closing bracket.
        options: What is translated and what is not.

    Returns:
        The document: its sentences, and a method that writes it with their translations.

    >>> parse_message("Your session\nhas expired.\nLog in.").sentences
    ('Your session has expired.', 'Log in.')
    >>> parse_message("See <b>here</b>").sentences
    ('See here',)
    """
    if contains_html(text):
        return parse_dialect(text, HTML, options)
    return parse_icu(text, lambda part: _parse_plain(part, options))


def _parse_plain(text: str, options: MarkupOptions) -> EmbeddedDocument:
    lines = _LINE.findall(text)
    code = _code_lines(lines)
    if not code and not any(map(_continues, lines[1:])):
        return parse_dialect(text, PLAIN, options)
    paragraphs: list[str] = []
    raw: set[int] = set()
    for number, line in enumerate(lines):
        if number in code:
            raw.add(len(paragraphs))
        elif paragraphs and paragraphs[-1].strip() and _continues(line) and len(paragraphs) - 1 not in raw:
            paragraphs[-1] += line
            continue
        paragraphs.append(line)
    parts: list[Part] = [
        text_pieces(SpelledText(paragraph, paragraph), options)
        if paragraph.strip() and number not in raw
        else paragraph
        for number, paragraph in enumerate(paragraphs)
    ]
    return document_of(parts, PLAIN)


def _code_lines(lines: Sequence[str]) -> set[int]:
    """Numbers of the lines of JSON and similar code: from a bracket at the end of a line to its partner in another."""
    starts: list[int] = []
    spans: list[Span] = []
    for number, line in enumerate(lines):
        closing = _CLOSING.match(line)
        for _ in range(min(len(closing[1]), len(starts)) if closing else 0):
            spans.append((starts.pop(), number + 1))
        if line.rstrip().endswith(("{", "[")):
            starts.append(number)
    code: set[int] = set()
    position = 0
    for start, end in sorted(spans):
        code.update(range(max(start, position), end))
        position = max(position, end)
    return code


def _continues(line: str) -> bool:
    return line.lstrip()[:1].islower()
