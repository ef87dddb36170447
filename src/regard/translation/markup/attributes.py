"""Attributes of HTML and XML whose values readers see: they are translated if the user asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from regard.translation.markup.dialects import Dialect, Role, is_protected
from regard.translation.markup.embedded import ATTRIBUTES, Embedded, EmbeddedDocument
from regard.translation.markup.entities import decode
from regard.translation.markup.icu import parse_icu
from regard.translation.markup.markup_document import document_of
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.open_elements import OpenElements
from regard.translation.markup.pieces import text_pieces
from regard.translation.markup.sentence import TranslatedSentence
from regard.translation.markup.tokens import Token, TokenKind, words

TRANSLATED = words("alt title placeholder aria-label")
"""Names of the attributes that are translated."""
_ATTRIBUTE = re.compile(
    r"""[\s/"']([^\s"'<>/=]+)\s*=\s*(?:(?P<double>"[^"]*")|(?P<single>'[^']*')|(?P<bare>[^\s"'<>=`]+))"""
)


@dataclass(frozen=True, slots=True)
class _Value:
    """The value of an attribute; see `regard.translation.markup.embedded.EmbeddedDocument`.

    Attributes:
        document: The value as a document.
        quote: The quotation mark before and after the value; empty if there is none.
        raw: The value as the document has it, without quotation marks.
    """

    document: EmbeddedDocument
    quote: str
    raw: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of the value."""
        return self.document.sentences

    @property
    def needs_alignment(self) -> bool:
        """Whether the value has placeholders."""
        return self.document.needs_alignment

    @property
    def placeholders(self) -> Iterator[str]:
        """The placeholders of the value."""
        return iter(self.document.placeholders)

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """Writes the value with its translated sentences, and escapes quotation marks in it.

        Only marks like those around the value are escaped. A value without quotation marks gets them if it changes.
        """
        text = self.document.render(translations)
        if text == self.raw:
            return text
        quote = self.quote or '"'
        text = text.replace(quote, "&quot;" if quote == '"' else "&#39;")
        return text if self.quote else f'"{text}"'


def mark_attributes(
    tokens: Sequence[Token], dialect: Dialect, options: MarkupOptions
) -> tuple[list[Token], list[Embedded]]:
    """Replaces the attribute values to be translated by marks, which stand for them while the document is parsed.

    Args:
        tokens: The document.
        dialect: The format.
        options: What is translated and what is not.

    Returns:
        The tokens with the marks, and what each mark stands for. The attributes of an element such as `<textarea>` are
        translated, although its content is not. Attributes of the elements inside it are not translated, and neither
        are those of an element that is marked as not to be translated (`translate="no"`).
    """
    if any(ATTRIBUTES.occur_in(token.raw) for token in tokens):
        return list(tokens), []
    result: list[Token] = []
    values: list[Embedded] = []
    protected = OpenElements[bool]()
    for token in tokens:
        if token.kind in (TokenKind.OPEN, TokenKind.EMPTY):
            outer = protected.innermost(False)
            own = is_protected(token)
            opaque = dialect.role(token) in (Role.OPAQUE, Role.BLOCK_OPAQUE)
            if token.kind is TokenKind.OPEN:
                protected.open(token.name, outer or own or opaque)
            if not outer and not own:
                token = _marked(token, dialect, options, values)
        elif token.kind is TokenKind.CLOSE:
            protected.close(token.name)
        result.append(token)
    return result, values


def _marked(token: Token, dialect: Dialect, options: MarkupOptions, values: list[Embedded]) -> Token:
    raw, parts, position = token.raw, [], 0
    for match in _ATTRIBUTE.finditer(raw, 1 + len(token.name)):
        if match[1].lower() not in TRANSLATED:
            continue
        start, end = match.span(match.lastgroup or 0)
        quote = "" if match["bare"] else raw[start]
        start, end = start + len(quote), end - len(quote)
        value = _value(raw[start:end], quote, dialect, options)
        if value is not None:
            parts += [raw[position:start], ATTRIBUTES.mark(len(values))]
            values.append((value,))
            position = end
    return replace(token, raw="".join(parts) + raw[position:]) if parts else token


def _value(raw: str, quote: str, dialect: Dialect, options: MarkupOptions) -> _Value | None:
    def parse(text: str) -> EmbeddedDocument:
        return document_of([text_pieces(decode(text, dialect.escaping), options)], dialect)

    document = parse_icu(raw, parse)
    return _Value(document, quote, raw) if document.sentences else None
