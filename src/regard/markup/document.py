"""Documents: the sentences of a text in some format, and the text with their translations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from regard.errors import ConfigError
from regard.markup.block import Block
from regard.markup.building import build_block
from regard.markup.dialects import DIALECTS, PLAIN, Dialect
from regard.markup.pieces import Part, Piece, split_document, split_plain
from regard.markup.plain import PlainLine
from regard.markup.render import render_block
from regard.markup.sentence import TranslatedSentence
from regard.markup.tokens import tokenize

FORMATS = tuple(DIALECTS)
"""The formats of `parse`."""


class Document(Protocol):
    """A text with sentences to be translated."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences to be translated, in order: normalized, without tags, entities and placeholders."""
        ...

    @property
    def needs_alignment(self) -> bool:
        """Whether `render` uses the word alignments of the translations."""
        ...

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """Writes the text with translated sentences.

        Args:
            translations: One per sentence, in order.

        Returns:
            The text in its format. If no sentence changes, it is the original text.

        Raises:
            ValueError: There are more or fewer translations than sentences.
        """
        ...


class Paragraph(Protocol):
    """Interface of a part of a document that can write itself with given translations of its sentences."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Text of each sentence."""
        ...

    def render(self, translations: Sequence[TranslatedSentence | None]) -> str:
        """Writes this part of the document with translated sentences.

        Args:
            translations: One per sentence; None keeps the sentence.

        Returns:
            The text of the part, in the format of the document.
        """
        ...


class MarkupDocument:
    """A text that consists of blocks, paragraphs and raw parts between them; see `Document`.

    Args:
        parts: Raw parts, which stay as they are, paragraphs, and blocks.
    """

    def __init__(self, parts: Sequence[str | Paragraph | Block]) -> None:
        self._parts = tuple(parts)
        self._sentences = tuple(
            sentence
            for part in self._parts
            if not isinstance(part, str)
            for sentence in part.sentences
            if _has_letters(sentence)
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences to be translated, in order, without sentences that have no letter, such as numbers."""
        return self._sentences

    @property
    def needs_alignment(self) -> bool:
        """Whether the word alignment has a use: plain lines without placeholders need none."""
        return any(not isinstance(part, (str, PlainLine)) for part in self._parts)

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """Writes the text with its translations; see `Document.render`."""
        if len(translations) != len(self._sentences):
            raise ValueError(f"expected {len(self._sentences)} translations, one per sentence, got {len(translations)}")
        remaining = iter(translations)
        return "".join(_rendered(part, remaining) for part in self._parts)


def parse(text: str, format: str) -> MarkupDocument:
    """Finds the sentences of a text.

    In plain text, each line is a paragraph of its own; in HTML and XML, tags decide. Broken markup is not refused:
    tags without a partner stay where they are.

    Args:
        text: The text.
        format: `"text"`, `"html"` or `"xml"`.

    Returns:
        The document.

    Raises:
        ConfigError: The format is unknown.

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
    return parse_dialect(text, dialect)


def parse_dialect(text: str, dialect: Dialect) -> MarkupDocument:
    """Finds the sentences of a text in a dialect of HTML, of XML, or in plain text.

    Args:
        text: The text.
        dialect: The rules of the format.

    Returns:
        The document.
    """
    if dialect is not PLAIN:
        return document_of(split_document(tokenize(text, xml=dialect.xml), dialect), dialect)
    return MarkupDocument(
        [part if isinstance(part, (str, PlainLine)) else _build(part, dialect) for part in split_plain(text)]
    )


def document_of(parts: Sequence[Part], dialect: Dialect) -> MarkupDocument:
    """Builds a document from its parts: parses the content of each block, such as a paragraph, into sentences.

    Args:
        parts: The parts in order. A string is raw characters that are not translated; a list has the texts, tags and
            points (such as `<br>`) of one block.
        dialect: The rules of the format.

    Returns:
        The document.
    """
    return MarkupDocument([part if isinstance(part, str) else _build(part, dialect) for part in parts])


def _build(pieces: Sequence[Piece], dialect: Dialect) -> Block:
    return build_block(pieces, dialect.escaping, bare_text=dialect.bare_text)


def _rendered(part: str | Paragraph | Block, remaining: Iterator[TranslatedSentence]) -> str:
    if isinstance(part, str):
        return part
    translations = list(_of_block(part, remaining))
    return render_block(part, translations) if isinstance(part, Block) else part.render(translations)


def _of_block(block: Paragraph | Block, remaining: Iterator[TranslatedSentence]) -> Iterator[TranslatedSentence | None]:
    for sentence in block.sentences:
        yield next(remaining) if _has_letters(sentence) else None


def _has_letters(text: str) -> bool:
    return any(character.isalpha() for character in text)
