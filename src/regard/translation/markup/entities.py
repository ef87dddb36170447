"""Decodes character references, remembers how each character was written, and escapes new text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from enum import Enum
from html.entities import html5

_REFERENCE = re.compile("&(?:#(?:[0-9]{1,9}|[xX][0-9a-fA-F]{1,8});?|[A-Za-z][A-Za-z0-9]{1,31};?)")
_BARE_AMPERSAND = re.compile("&(?!#?[A-Za-z0-9]+;)")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_MARKDOWN_MARKS = re.compile(r"[*`\[\]|]|\\(?=[!-/:-@\[-`{-~]|\Z)|(?<!\w)_|_(?!\w)|~(?=~)|<(?=[A-Za-z/!?])|&(?=#?\w+;)")
_MOVABLE_MARKS = re.compile(r"(?<!\\)(?:[*`]|(?<!\w)_|_(?!\w)|~(?=~))")
"""What text that is copied from Markdown might begin or end next to other words."""


class Escaping(Enum):
    """How special characters are written in a format."""

    NONE = "plain text"
    HTML = "HTML"
    XML = "XML"
    MARKDOWN = "Markdown"


@dataclass(frozen=True, slots=True)
class SpelledText:
    """Decoded text, and how each of its characters is written in the document.

    Attributes:
        text: The decoded text.
        raw: The text in the document.
        offsets: Where each character of `text` begins in `raw`, and at the end the length of `raw`; None if `raw` is
            `text`. For a character reference (such as `&NotEqualTilde;`) that decodes to two characters, the first
            begins at the reference, and the second at its end, as if written with no characters.
    """

    text: str
    raw: str
    offsets: tuple[int, ...] | None = None

    def spelling(self, start: int, end: int) -> str:
        """How a part of the text is written in the document.

        Args:
            start: Index of the first character of the part in `text`.
            end: Index after the last character of the part in `text`.

        Returns:
            The part of `raw`.
        """
        if self.offsets is None:
            return self.raw[start:end]
        return self.raw[self.offsets[start] : self.offsets[end]]

    def part(self, start: int, end: int) -> SpelledText:
        """A part of the decoded text, together with how that part is written in the document.

        Args:
            start: Index of the first character of the part in `text`.
            end: Index after the last character of the part in `text`.

        Returns:
            A new object for the part, whose `text` and `raw` begin at the part.
        """
        if self.offsets is None:
            return SpelledText(self.text[start:end], self.raw[start:end])
        first = self.offsets[start]
        offsets = tuple(offset - first for offset in self.offsets[start : end + 1])
        return SpelledText(self.text[start:end], self.spelling(start, end), offsets)


def decode(raw: str, escaping: Escaping) -> SpelledText:
    """Decodes the character references of a text.

    Args:
        raw: Text between tags.
        escaping: The format. In XML, a reference ends with a semicolon.

    Returns:
        The decoded text; unknown references stay as they are.

    >>> decode("a &lt; b", Escaping.HTML).text
    'a < b'
    """
    if escaping is Escaping.NONE or "&" not in raw:
        return SpelledText(raw, raw)
    parts: list[str] = []
    offsets: list[int] = []
    position = 0
    for match in _REFERENCE.finditer(raw):
        reference = _known_prefix(match[0], escaping)
        value = html.unescape(reference) if reference else ""
        if not value or value == reference:
            continue
        start, end = match.start(), match.start() + len(reference)
        parts += [raw[position:start], value]
        offsets += [*range(position, start), start, *[end] * (len(value) - 1)]
        position = end
    if not parts:
        return SpelledText(raw, raw)
    parts.append(raw[position:])
    offsets += range(position, len(raw) + 1)
    return SpelledText("".join(parts), raw, tuple(offsets))


def escape(text: str, escaping: Escaping) -> str:
    """Writes new text so that none of its characters act as markup.

    Args:
        text: Decoded text.
        escaping: The format.

    Returns:
        The text with `&`, `<` and `>` escaped. For XML, characters that XML does not allow are removed. For Markdown,
        marks of emphasis, code, links, tables and HTML are escaped.

    >>> escape("R&D <b>", Escaping.HTML)
    'R&amp;D &lt;b&gt;'
    """
    if escaping is Escaping.NONE:
        return text
    if escaping is Escaping.MARKDOWN:
        return _MARKDOWN_MARKS.sub(r"\\\g<0>", text)
    if escaping is Escaping.XML:
        text = _NOT_XML.sub("", text)
    return html.escape(text, quote=False)


def make_movable(raw: str, escaping: Escaping, *, within_word: bool) -> str:
    """Escapes what might act as markup if a piece of the document's text is moved next to other text.

    In HTML, a bare `<` or `&` before white space or a tag is text. It becomes markup only if letters follow it.

    Args:
        raw: Text between tags, as it is written in the document.
        escaping: The format.
        within_word: Whether other text may follow without white space.

    Returns:
        The same text with bare `<` and bare `&` escaped where that is needed.
    """
    if escaping is Escaping.MARKDOWN:
        return _MOVABLE_MARKS.sub(r"\\\g<0>", raw)
    if escaping is Escaping.NONE or not ("<" in raw or "&" in raw):
        return raw
    if escaping is Escaping.HTML and not within_word:
        return raw
    return _BARE_AMPERSAND.sub("&amp;", raw).replace("<", "&lt;")


def _known_prefix(reference: str, escaping: Escaping) -> str:
    """The part of a reference that is decoded; empty for an unknown one."""
    name = reference[1:]
    if name[0] == "#" or name in html5:
        return reference if escaping is Escaping.HTML or name.endswith(";") else ""
    if escaping is Escaping.XML:
        return ""
    return next((reference[: end + 1] for end in range(len(name) - 1, 1, -1) if name[:end] in html5), "")
