"""Documents that contain texts and places for their translations, such as catalogs, translation memories and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from regard.markup.document import MarkupDocument
from regard.markup.sentence import TranslatedSentence

Write = Callable[[Sequence[str], bool], Sequence[str]]
"""A function of the translated texts of a segment, and of whether the word alignment of all of them is known, which
returns what to write in each of the segment's holes."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a document for the result when a segment is translated.

    Attributes:
        segment: Number of the segment.
        number: Number of the hole among those of the segment.
    """

    segment: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """Texts that are translated, and then written in other places of the document.

    Attributes:
        documents: The texts.
        write: Gives the content of the holes.
    """

    documents: tuple[MarkupDocument, ...]
    write: Write


DocumentPart = str | Hole
"""Raw characters, or a hole."""


class SegmentedDocument:
    """A document of raw parts and holes for translations; see `regard.markup.document.Document`.

    Args:
        parts: Raw characters, which stay as they are, and holes, in order.
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
            raise ValueError(f"expected {len(self._sentences)} translations, one per sentence, got {len(translations)}")
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
    """Collects the segments of a document and the replacements of its pieces.

    Args:
        pieces: The document in pieces, such as the characters of its tokens.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = pieces
        self._segments: list[Segment] = []
        self._edits: list[tuple[int, int, tuple[DocumentPart, ...]]] = []

    @property
    def num_segments(self) -> int:
        """Number of segments so far."""
        return len(self._segments)

    def add(self, documents: Sequence[MarkupDocument], write: Write) -> int:
        """Adds a segment.

        Args:
            documents: Its texts.
            write: Gives the content of its holes.

        Returns:
            The number of the segment.
        """
        self._segments.append(Segment(tuple(documents), write))
        return len(self._segments) - 1

    def replace(self, start: int, end: int, *parts: DocumentPart) -> None:
        """Replaces pieces of the document; the ranges of several calls do not overlap.

        Args:
            start: First piece to be replaced.
            end: End of these pieces; equal to `start` to insert something before a piece.
            *parts: What takes their place.
        """
        self._edits.append((start, end, parts))

    def build(self) -> SegmentedDocument:
        """The document with all segments and replacements."""
        parts: list[DocumentPart] = []
        position = 0
        for start, end, replacement in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += ["".join(self._pieces[position:start]), *replacement]
            position = end
        parts.append("".join(self._pieces[position:]))
        return SegmentedDocument(parts, self._segments)


def _is_aligned(translation: TranslatedSentence) -> bool:
    return bool(translation.alignment) or translation.text == translation.source
