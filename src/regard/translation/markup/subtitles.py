"""Subtitles in SubRip format (.srt): numbers and times stay as they are, the text of each cue is translated."""

from __future__ import annotations

import re
from collections.abc import Iterator

from regard.errors import DataError
from regard.translation.markup.dialects import Dialect, Role
from regard.translation.markup.entities import Escaping
from regard.translation.markup.file_options import DEFAULT_OPTIONS, FileOptions
from regard.translation.markup.markup_document import MarkupDocument, document_of
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.pieces import Part, split_document
from regard.translation.markup.tokens import Token, tokenize

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_TIMES = re.compile(r"\s*\d{1,4}:\d{2}:\d{2}[,.]\d{1,3}\s*-->\s*\d{1,4}:\d{2}:\d{2}[,.]\d{1,3}")
_SPEAKER = re.compile(r"(?:<[^<>]{1,40}>)*\s*[-–—]")


def _role(tag: Token) -> Role:
    return Role.LINE_BREAK if tag.name == "br" else Role.INLINE


SUBTITLES = Dialect("srt", Escaping.NONE, _role)
"""Text of a cue: inline tags such as `<i>`, but no entities."""


def parse_subtitles(name: str, text: str, options: FileOptions = DEFAULT_OPTIONS) -> MarkupDocument:
    """Finds the sentences of subtitles in SubRip format.

    The lines of a cue (a text with its times) are one paragraph. If one of them begins with a dash, as when two people
    talk, each line is a paragraph.

    Args:
        name: Name of the file, for messages.
        text: The content of the file.
        options: What is translated and what is not.

    Returns:
        The document: its sentences, and a method that writes it with their translations.

    Raises:
        DataError: There are no lines with times.
    """
    if not any(_TIMES.match(line) for line in _LINE.findall(text)):
        raise DataError(
            f"{name}: expected SubRip subtitles, found no line such as 00:00:01,000 --> 00:00:04,000: give an SRT file"
        )
    return document_of(list(_parts(text, options.markup)), SUBTITLES)


def _parts(text: str, options: MarkupOptions) -> Iterator[Part]:
    cue: list[str] = []
    within_cue = False
    for line in _LINE.findall(text):
        if within_cue and line.strip():
            cue.append(line)
            continue
        yield from _cue(cue, options)
        cue = []
        within_cue = _TIMES.match(line) is not None
        yield line
    yield from _cue(cue, options)


def _cue(lines: list[str], options: MarkupOptions) -> Iterator[Part]:
    paragraphs = lines if any(_SPEAKER.match(line) for line in lines) else ["".join(lines)]
    for paragraph in paragraphs:
        yield from split_document(tokenize(paragraph), SUBTITLES, options)
