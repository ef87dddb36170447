"""Content of segments of XLIFF and TMX: text with inline codes, which follow the words of the translation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from regard.translation.markup.dialects import Dialect, Role, is_protected
from regard.translation.markup.embedded import EmbeddedDocument
from regard.translation.markup.entities import Escaping, decode, escape
from regard.translation.markup.icu import parse_icu
from regard.translation.markup.markup_document import Document, document_of
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.markup.messages import contains_html, parse_message
from regard.translation.markup.open_elements import OpenElements
from regard.translation.markup.pieces import split_document
from regard.translation.markup.tokens import Token, TokenKind, tokenize, words
from regard.translation.markup.xml_tree import local_name, read_attributes

_INLINE = words("g pc hi mrk")
_INVISIBLE = words("bpt ept bx ex it ut sc ec sm em")
_ENDS = {"ept": "bpt", "ex": "bx", "ec": "sc", "em": "sm"}
"""Codes that end a range, and the codes that begin it."""
_REFERENCES = ("startRef", "i", "rid", "id")
"""Attributes that connect the codes at both ends of a range, most specific first."""
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_PAIR = "pair "
"""Beginning of the names of tokens that are paired codes; no element has such a name."""


def _role(tag: Token) -> Role:
    name = local_name(tag)
    if tag.name.startswith(_PAIR):
        return Role.INLINE
    if name in _INLINE:
        return Role.OPAQUE if is_protected(tag) or read_attributes(tag.raw).get("mtype") == "protected" else Role.INLINE
    return Role.INVISIBLE if name in _INVISIBLE else Role.OPAQUE


CODES = Dialect("codes", Escaping.XML, _role, xml=True, ordered=frozenset(_INVISIBLE))
"""Segments of XLIFF and TMX: no element ends the sentence, and all but `g`, `pc`, `hi`, `mrk` are codes."""


@dataclass(frozen=True, slots=True)
class SegmentText:
    """The content of a segment.

    Attributes:
        document: The parsed text of the segment, with its sentences.
        write: A function that converts the translated text of the document to the content of the translated segment.
        has_codes: Whether the segment contains inline codes, whose places depend on the word alignment.
        is_empty: Whether the segment contains neither text nor codes.
    """

    document: Document
    write: Callable[[str], str]
    has_codes: bool
    is_empty: bool


def parse_segment(tokens: Sequence[Token], options: MarkupOptions = DEFAULT_MARKUP) -> SegmentText:
    """Finds the sentences of a segment.

    HTML in a CDATA section or with escaped tags, such as `&lt;b&gt;`, is read as HTML.

    Args:
        tokens: The content of a `source` or `seg` element.
        options: What is translated and what is not.

    Returns:
        The sentences of the segment, and the function that writes their translations.
    """
    raw = "".join(token.raw for token in tokens)
    content = [token for token in tokens if token.raw.strip()]
    if len(content) == 1 and _is_cdata(content[0]):
        text = content[0].raw[len(_CDATA) : -len(_CDATA_END)]
        before, after = raw.split(content[0].raw, 1)
        return SegmentText(
            parse_message(text, options),
            lambda text: before + _as_cdata(text) + after,
            contains_html(text),
            not text.strip(),
        )
    if all(token.kind is TokenKind.TEXT for token in tokens):
        text = decode(raw, Escaping.XML).text
        if contains_html(text):
            return SegmentText(
                parse_message(text, options),
                lambda text: escape(text, Escaping.XML).replace("\r", "&#13;"),
                True,
                False,
            )
    text = "".join(_with_references(token).raw for token in tokens)
    document = parse_icu(text, lambda part: _parse_codes(part, options))
    has_codes = any(token.kind is not TokenKind.TEXT and not _is_cdata(token) for token in tokens)
    return SegmentText(document, str, has_codes, not raw.strip())


def _parse_codes(text: str, options: MarkupOptions) -> EmbeddedDocument:
    tokens = _joined_pairs(tokenize(text, xml=True))
    return document_of(split_document(tokens, CODES, options), CODES)


def is_blank(tokens: Sequence[Token]) -> bool:
    """Whether the content of an element is nothing but white space and comments."""
    return not any(map(_is_content, tokens))


def _is_content(token: Token) -> bool:
    if _is_cdata(token):
        return token.raw != _CDATA + _CDATA_END
    return token.kind is not TokenKind.COMMENT and bool(token.raw.strip())


def _is_cdata(token: Token) -> bool:
    return token.kind is TokenKind.COMMENT and token.raw.startswith(_CDATA)


def _as_cdata(text: str) -> str:
    return _CDATA + text.replace(_CDATA_END, "]]]]><![CDATA[>") + _CDATA_END


def _with_references(token: Token) -> Token:
    """A CDATA section as text with character references."""
    if not _is_cdata(token):
        return token
    return Token(TokenKind.TEXT, escape(token.raw[len(_CDATA) : -len(_CDATA_END)], Escaping.XML))


def _joined_pairs(tokens: Sequence[Token]) -> list[Token]:
    """Makes one token of each code, and a start tag and an end tag of the codes at both ends of a range.

    Ranges that overlap other ranges or elements keep their codes as they are, in the order of the source.
    """
    codes = _joined_codes(tokens)
    open_codes = OpenElements[int]()  # positions of their starts
    pairs: list[tuple[int, int]] = []
    for position, token in enumerate(codes):
        name = local_name(token)
        if token.kind is TokenKind.OPEN:
            open_codes.open(token.name, position)
        elif token.kind is TokenKind.CLOSE:
            open_codes.close(token.name)
        elif name in _ENDS.values():
            open_codes.open(f"{name} {_reference(token)}", position)
        elif name in _ENDS:  # ranges that begin within this one and have not ended overlap it: they are no elements
            pairs += [(start, position) for start in open_codes.close(f"{_ENDS[name]} {_reference(token)}")[-1:]]
    for number, (start, end) in enumerate(pairs):
        codes[start] = replace(codes[start], kind=TokenKind.OPEN, name=f"{_PAIR}{number}")
        codes[end] = replace(codes[end], kind=TokenKind.CLOSE, name=f"{_PAIR}{number}")
    return codes


def _joined_codes(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with each code that has content as one token."""
    result: list[Token] = []
    code: list[Token] = []
    depth = 0
    for token in tokens:
        if not code and not (token.kind is TokenKind.OPEN and local_name(token) not in _INLINE):
            result.append(token)
            continue
        code.append(token)
        depth += (token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE)
        if depth == 0:
            result.append(Token(TokenKind.EMPTY, "".join(part.raw for part in code), code[0].name))
            code = []
    return result + code


def _reference(token: Token) -> str:
    tag = token.raw[: token.raw.index(">") + 1]
    attributes = read_attributes(tag)
    names = _REFERENCES if local_name(token) in ("ec", "em") else _REFERENCES[1:]
    return next((attributes[name] for name in names if name in attributes), "")
