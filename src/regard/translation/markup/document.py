"""Finds the sentences of a text: plain text, HTML or XML."""

from __future__ import annotations

from regard.errors import ConfigError
from regard.translation.markup.attributes import mark_attributes
from regard.translation.markup.dialects import DIALECTS, PLAIN, Dialect
from regard.translation.markup.embedded import ATTRIBUTES, EmbeddedDocument, EmbeddingDocument
from regard.translation.markup.icu import parse_icu
from regard.translation.markup.markup_document import document_of
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.markup.pieces import split_document, split_plain
from regard.translation.markup.tokens import tokenize

FORMATS = tuple(DIALECTS)
"""The formats of `parse`."""


def parse(text: str, format: str, options: MarkupOptions = DEFAULT_MARKUP) -> EmbeddedDocument:
    """Finds the sentences of a text.

    In plain text, each line is a paragraph of its own; in HTML and XML, tags separate paragraphs. Broken markup is not
    refused: tags without a partner stay where they are.

    Args:
        text: The text.
        format: `"text"`, `"html"` or `"xml"`.
        options: What is translated and what is not.

    Returns:
        The document.

    Raises:
        ConfigError: The format is unknown, or a pattern of the options takes too long.

    >>> from regard.translation.markup.sentence import TranslatedSentence
    >>> document = parse("<p>Press <b>Start</b> now.</p>", "html")
    >>> document.sentences
    ('Press Start now.',)
    >>> links = ((0, 1), (1, 2), (2, 0))
    >>> document.render([TranslatedSentence(document.sentences[0], "Jetzt drücke Start.", links)])
    '<p>Jetzt drücke <b>Start.</b></p>'
    """
    dialect = DIALECTS.get(format)
    if dialect is None:
        raise ConfigError(f"format: expected one of {', '.join(FORMATS)}, got {format!r:.40}: choose one of them")
    return parse_dialect(text, dialect, options)


def parse_dialect(text: str, dialect: Dialect, options: MarkupOptions = DEFAULT_MARKUP) -> EmbeddedDocument:
    """Finds the sentences of a text by the rules of its format.

    Args:
        text: The text.
        dialect: The rules of the format.
        options: What is translated and what is not.

    Returns:
        The document.
    """
    return parse_icu(text, lambda part: _parse(part, dialect, options))


def _parse(text: str, dialect: Dialect, options: MarkupOptions) -> EmbeddedDocument:
    if dialect is PLAIN:
        return document_of(split_plain(text, options), dialect)
    tokens = tokenize(text, xml=dialect.xml)
    if not options.attributes:
        return document_of(split_document(tokens, dialect, options), dialect)
    marked, values = mark_attributes(tokens, dialect, options)
    return EmbeddingDocument(document_of(split_document(marked, dialect, options), dialect), values, ATTRIBUTES)
