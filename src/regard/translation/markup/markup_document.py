"""Documents made of blocks: their sentences, and the text with the translations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from regard.translation.markup.block import Block, walk
from regard.translation.markup.building import build_block
from regard.translation.markup.dialects import Dialect, Role
from regard.translation.markup.pieces import Part, Piece
from regard.translation.markup.plain import PlainLine
from regard.translation.markup.render import render_block
from regard.translation.markup.sentence import TranslatedSentence


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
    """A `Document` made of parts with sentences, such as paragraphs, and of strings between them.

    Args:
        parts: The parts in order: strings stay as they are; sentences of `Paragraph` and `Block` parts are translated.
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
        """Whether `render` uses word alignments: False if all parts are strings or plain lines without placeholders."""
        return any(not isinstance(part, (str, PlainLine)) for part in self._parts)

    @property
    def placeholders(self) -> Iterator[str]:
        """Words and placeholders that are copied to the translation, such as `{name}`, `10` and `km`; no tags."""
        for part in self._parts:
            if isinstance(part, Block):
                yield from (atom.raw for atom in part.atoms if atom.copied)
                for node, _ in walk(part.root):
                    if node.is_point and node.role is Role.OPAQUE and not node.opening.startswith("<"):
                        yield node.opening

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """Writes the document with its sentences replaced by their translations; see `Document.render`."""
        if len(translations) != len(self._sentences):
            raise ValueError(
                f"expected {len(self._sentences)} translations, one per sentence, got {len(translations)}: give one "
                "for each string of the document's `sentences`, in order"
            )
        remaining = iter(translations)
        return "".join(_rendered(part, remaining) for part in self._parts)


def document_of(parts: Sequence[Part | PlainLine], dialect: Dialect) -> MarkupDocument:
    """Builds a document from its parts: parses the content of each block, such as a paragraph, into sentences.

    Args:
        parts: The parts in order. A string is raw characters that are not translated; a list has the texts, tags and
            points (such as `<br>`) of one block; a `PlainLine` is a line of plain text.
        dialect: The rules of the format.

    Returns:
        The document.
    """
    return MarkupDocument([part if isinstance(part, (str, PlainLine)) else _build(part, dialect) for part in parts])


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
