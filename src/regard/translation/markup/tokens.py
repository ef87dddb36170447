"""Tokenizes HTML and XML; the tokens contain every character of the text, and broken markup is never refused.

The tokenizer follows the HTML standard where that decides what a reader sees: quoted attribute values may contain `>`,
`<` before anything but a letter is text, and the content of `<script>` ends only at `</script`. It builds no tree and
corrects nothing. The time is linear in the length of the text, for any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class TokenKind(Enum):
    """The kinds of tokens of HTML and XML text."""

    TEXT = "text"
    OPEN = "start tag"
    CLOSE = "end tag"
    EMPTY = "void element or self-closing tag"
    COMMENT = "comment, declaration, processing instruction, CDATA section or incomplete tag"
    RAW = "content of an element such as script, in which tags and entities have no meaning"


@dataclass(frozen=True, slots=True)
class Token:
    """A token of HTML or XML: a tag, the text between two tags, a comment, or the content of a script.

    Attributes:
        kind: Kind of the token, such as start tag, text or comment.
        raw: The characters of the token in the document.
        name: Name of the element, in lower case in HTML; empty unless the token is a tag.
    """

    kind: TokenKind
    raw: str
    name: str = ""


def words(text: str) -> frozenset[str]:
    """The words of a text, separated by white space, as a set."""
    return frozenset(text.split())


VOID_ELEMENTS = words("area base br col embed frame hr img input link meta param source track wbr")
"""Elements of HTML without content and end tag."""

_RAW_TEXT = words("script style xmp iframe noembed noframes textarea")
_TITLE = "title"
"""An element in which entities have a meaning but tags have none."""

_NAME = re.compile(r"[^\t\n\f\r />]+")
_HTML_START, _XML_START = re.compile("[A-Za-z]"), re.compile("[A-Za-z_:\u0080-\U0010ffff]")
_QUOTE_OR_END = re.compile("""=[\t\n\f\r ]*(["'])|>""")
_COMMENT_END = re.compile("--!?>")
_SUBSET = re.compile(r"<!DOCTYPE[^>\[]*\[", re.IGNORECASE)
_SUBSET_END = re.compile(r"\][\t\n\r ]*>")


def tokenize(text: str, *, xml: bool = False) -> list[Token]:
    """Tokenizes a document or a fragment.

    A construct without an end, such as a comment or a quoted attribute value, takes the rest of the text, as in a
    browser.

    Args:
        text: HTML or XML.
        xml: Whether the rules of XML hold: names are case-sensitive, no element is void, scripts contain markup.

    Returns:
        The tokens; joined, their `raw` strings are the text.

    >>> [(token.kind.name, token.raw) for token in tokenize("1 < 2<br>&amp;</B >")]
    [('TEXT', '1 < 2'), ('EMPTY', '<br>'), ('TEXT', '&amp;'), ('CLOSE', '</B >')]
    """
    return list(_tokens(text, xml))


def _tokens(text: str, xml: bool) -> Iterator[Token]:
    text_start, position = 0, text.find("<")
    while position >= 0:
        token = _markup_at(text, position, xml)
        if token is None:
            position = text.find("<", position + 1)
            continue
        if text_start < position:
            yield Token(TokenKind.TEXT, text[text_start:position])
        yield token
        text_start = position + len(token.raw)
        if token.kind is TokenKind.OPEN and not xml and (token.name in _RAW_TEXT or token.name == _TITLE):
            content = _raw_content(text, text_start, token.name)
            if content:
                yield Token(TokenKind.TEXT if token.name == _TITLE else TokenKind.RAW, content)
            text_start += len(content)
        position = text.find("<", text_start)
    if text_start < len(text):
        yield Token(TokenKind.TEXT, text[text_start:])


def _markup_at(text: str, start: int, xml: bool) -> Token | None:
    """The token that `<` at `start` begins; None if it is a character of the text."""
    following = text[start + 1 : start + 2]
    if following == "!" or following == "?":
        end = _declaration_end(text, start, xml)
        return Token(TokenKind.COMMENT, text[start:end])
    closing = following == "/"
    name_start = start + 1 + closing
    if not (_XML_START if xml else _HTML_START).match(text, name_start):
        if not closing or name_start == len(text):
            return None
        return Token(TokenKind.COMMENT, text[start : _end_after(text, ">", name_start)])
    end = _tag_end(text, name_start)
    if end < 0:
        return Token(TokenKind.COMMENT, text[start:])
    return _tag(text, start, end, closing, xml)


def _tag(text: str, start: int, end: int, closing: bool, xml: bool) -> Token:
    match = _NAME.match(text, start + 1 + closing, end)
    name = match[0] if match else ""
    if not xml:
        name = name.lower()
    raw = text[start:end]
    if closing:
        return Token(TokenKind.CLOSE, raw, name)
    if not xml and (name in VOID_ELEMENTS or (raw.endswith("/>") and name not in _RAW_TEXT and name != _TITLE)):
        return Token(TokenKind.EMPTY, raw, name)
    return Token(TokenKind.EMPTY if xml and raw.endswith("/>") else TokenKind.OPEN, raw, name)


def _tag_end(text: str, position: int) -> int:
    """End of the tag after `>` outside quoted attribute values; -1 if the text ends within the tag."""
    while match := _QUOTE_OR_END.search(text, position):
        if not match[1]:
            return match.end()
        closing_quote = text.find(match[1], match.end())
        if closing_quote < 0:
            return -1
        position = closing_quote + 1
    return -1


def _declaration_end(text: str, start: int, xml: bool) -> int:
    if text.startswith("<!--", start):
        if not xml and text.startswith((">", "->"), start + 4):
            return text.index(">", start) + 1
        match = _COMMENT_END.search(text, start + 4)
        return match.end() if match else len(text)
    if text.startswith("<![CDATA[", start):
        return _end_after(text, "]]>", start)
    if text.startswith(("<?php", "<?="), start) or (xml and text.startswith("<?", start)):
        return _end_after(text, "?>", start)
    subset = _SUBSET.match(text, start) if xml else None
    if subset:
        match = _SUBSET_END.search(text, subset.end())
        return match.end() if match else len(text)
    return _end_after(text, ">", start)


def _end_after(text: str, mark: str, start: int) -> int:
    end = text.find(mark, start)
    return len(text) if end < 0 else end + len(mark)


def _raw_content(text: str, start: int, name: str) -> str:
    match = re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE).search(text, start)
    return text[start : match.start() if match else len(text)]
