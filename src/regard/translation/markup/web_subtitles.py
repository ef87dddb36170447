"""Subtitles in WebVTT format (.vtt): times, settings, notes and styles stay as they are, the text is translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from regard.errors import DataError
from regard.translation.markup.dialects import Dialect, Role
from regard.translation.markup.entities import Escaping
from regard.translation.markup.file_options import DEFAULT_OPTIONS, FileOptions
from regard.translation.markup.markup_document import MarkupDocument, document_of
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.pieces import Part, split_document
from regard.translation.markup.tokens import Token, TokenKind, tokenize

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_TIMES = re.compile(r"\s*(?:\d{2,}:)?\d{2}:\d{2}\.\d{3}\s*-->\s*(?:\d{2,}:)?\d{2}:\d{2}\.\d{3}(?:\s|\Z)")
_TIME_WITHIN = re.compile(r"(<(?:\d{2,}:)?\d{2}:\d{2}\.\d{3}>)")
_SPEAKER = re.compile(r"(?:<[^<>]{1,80}>)*\s*[-–—]|<v[\s.]")
_TIME = "time"


def _role(tag: Token) -> Role:
    return Role.INVISIBLE if tag.name == _TIME else Role.INLINE


WEB_SUBTITLES = Dialect("vtt", Escaping.HTML, _role, ordered=frozenset({_TIME}))
"""Text of a cue: inline tags such as `<i>`, `<c.yellow>` and `<v Mary>`, times within the text, and entities."""


def parse_web_subtitles(name: str, text: str, options: FileOptions = DEFAULT_OPTIONS) -> MarkupDocument:
    """Finds the sentences of subtitles in WebVTT format.

    The lines of a cue (a text with its times) are one paragraph. If a line after the first begins with a dash or a
    voice tag (`<v Mary>`), each line is a paragraph.

    Args:
        name: Name of the file, for messages.
        text: The content of the file.
        options: What is translated and what is not.

    Returns:
        The document: its sentences, and a method that writes it with their translations.

    Raises:
        DataError: The file does not begin with `WEBVTT`, or times are wrong; the message names the line.
    """
    if not re.match(r"WEBVTT(?:[ \t\r\n]|\Z)", text):
        raise DataError(
            f"{name}:1: expected a first line that begins with WEBVTT, found {text[:20]!r}: give a WebVTT file, or add "
            "this line"
        )
    return document_of(list(_parts(name, text, options.markup)), WEB_SUBTITLES)


def _parts(name: str, text: str, options: MarkupOptions) -> Iterator[Part]:
    cue: list[str] = []
    within_cue = False
    for number, line in enumerate(_LINE.findall(text), start=1):
        if within_cue and line.strip("\r\n"):
            cue.append(line)
            continue
        yield from _cue(cue, options)
        cue, within_cue = [], False
        if "-->" in line:
            if not _TIMES.match(line):
                raise DataError(
                    f"{name}:{number}: expected times such as 00:01.000 --> 00:04.000, found {line.strip()[:40]!r}: "
                    "correct the line"
                )
            within_cue = True
        yield line
    yield from _cue(cue, options)


def _cue(lines: list[str], options: MarkupOptions) -> Iterator[Part]:
    paragraphs = lines if any(_SPEAKER.match(line) for line in lines[1:]) else ["".join(lines)]
    for paragraph in paragraphs:
        yield from split_document(list(_tokens(paragraph)), WEB_SUBTITLES, options)


def _tokens(text: str) -> Iterator[Token]:
    """Tokens of a cue; the name of a tag ends at its first class, and times are tags."""
    for token in tokenize(text):
        if token.kind is TokenKind.TEXT and _TIME_WITHIN.search(token.raw):
            for number, part in enumerate(_TIME_WITHIN.split(token.raw)):
                if part:
                    yield Token(TokenKind.EMPTY, part, _TIME) if number % 2 else Token(TokenKind.TEXT, part)
        else:
            yield replace(token, name=token.name.partition(".")[0]) if "." in token.name else token
