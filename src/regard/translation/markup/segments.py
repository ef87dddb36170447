"""Documents that contain texts and places for their translations, such as catalogs, translation memories and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from regard.translation.markup.markup_document import Document
from regard.translation.markup.sentence import TranslatedSentence

Write = Callable[[Sequence[str], bool], Sequence[str]]
"""A function of the translated texts of a segment, and of whether the word alignment of all of them is known, which
returns what to write in each of the segment's holes."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A position in a document at which text is written once a segment is translated.

    A segment is a unit of texts to translate. It has several holes if more than its translation is written, such as a
    tag with its new state.

    Attributes:
        segment: Index of the segment in the document, from 0.
        number: Index, from 0, of the text for this hole in the list that `Segment.write` returns.
    """

    segment: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """Texts to translate together, with a function that returns what to write into the document.

    Attributes:
        documents: The texts.
        write: Function called with the translated texts, and with whether the word alignments of all are known. It
            returns a string for each of the segment's holes, the positions in the document where it is written.
    """

    documents: tuple[Document, ...]
    write: Write


DocumentPart = str | Hole
"""Raw characters, or a hole."""


class SegmentedDocument:
    """A document of strings that stay as they are and of holes, the positions where translations are written.

    It implements `regard.translation.markup.markup_document.Document`.

    Args:
        parts: Strings and holes, in order.
        segments: The segments that fill the holes.
    """

    def __init__(self, parts: Sequence[DocumentPart], segments: Sequence[Segment]) -> None:
        self._parts, self._segments = tuple(parts), tuple(segments)
        documents = chain.from_iterable(segment.documents for segment in segments)
        self._sentences = tuple(chain.from_iterable(document.sentences for document in documents))

    @property
    def sentences(self) -> tuple[str, ...]:
        """Source sentences of the texts that have no translation yet, in order. See `Document.sentences`."""
        return self._sentences

    @property
    def needs_alignment(self) -> bool:
        """Whether a text has tags or placeholders that word alignment places. See `Document.needs_alignment`."""
        return any(document.needs_alignment for segment in self._segments for document in segment.documents)

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """Writes the document with the translations in their places; see `Document.render`."""
        if len(translations) != len(self._sentences):
            raise ValueError(
                f"expected {len(self._sentences)} translations, one per sentence, got {len(translations)}: give one "
                "for each string of the document's `sentences`, in order"
            )
        start = 0
        contents: list[Sequence[str]] = []
        for segment in self._segments:
            texts, first = [], start
            for document in segment.documents:
                end = start + len(document.sentences)
                texts.append(document.render(translations[start:end]))
                start = end
            contents.append(segment.write(texts, all(map(_is_aligned, translations[first:start]))))
        return "".join(part if isinstance(part, str) else contents[part.segment][part.number] for part in self._parts)


class SegmentBuilder:
    """Builds a `SegmentedDocument`: collects texts to translate, and replaces parts of the document by holes.

    A hole is a position at which a translation is written.

    Args:
        pieces: The document, cut into consecutive strings, such as one string per XML token.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = pieces
        self._segments: list[Segment] = []
        self._edits: list[tuple[int, int, tuple[DocumentPart, ...]]] = []

    @property
    def num_segments(self) -> int:
        """Number of segments so far."""
        return len(self._segments)

    def add(self, documents: Sequence[Document], write: Write) -> int:
        """Adds a segment, a unit of texts to translate; `replace` then puts its holes into the document.

        Args:
            documents: Texts of the segment.
            write: Function called with the translated texts, and with whether the word alignments of all are known. It
                returns a string for each of the segment's holes, the positions in the document where it is written.

        Returns:
            Index of the segment, from 0, for `Hole.segment`.
        """
        self._segments.append(Segment(tuple(documents), write))
        return len(self._segments) - 1

    def replace(self, start: int, end: int, *parts: DocumentPart) -> None:
        """Replaces pieces of the original document; the ranges of several calls must not overlap.

        Args:
            start: Index, among the pieces of the original document, of the first one to replace.
            end: Index after the last piece to replace; equal to `start` to insert something before a piece.
            *parts: Strings, and holes for translations, that take the place of the pieces.
        """
        self._edits.append((start, end, parts))

    def build(self) -> SegmentedDocument:
        """The document with all segments that were added and all changes of the text that `replace` made."""
        parts: list[DocumentPart] = []
        position = 0
        for start, end, replacement in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += ["".join(self._pieces[position:start]), *replacement]
            position = end
        parts.append("".join(self._pieces[position:]))
        return SegmentedDocument(parts, self._segments)


def _is_aligned(translation: TranslatedSentence) -> bool:
    return bool(translation.alignment) or translation.text == translation.source
