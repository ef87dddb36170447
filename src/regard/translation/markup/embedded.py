"""Texts within a text that are translated on their own: branches of a plural, values of attributes.

While the text around them is parsed, a mark stands in the place of each of them: two characters that no text contains
(Unicode calls them noncharacters), with the number of the embedded text between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from regard.translation.markup.markup_document import Document
from regard.translation.markup.placeholders import MESSAGE_MARK
from regard.translation.markup.sentence import TranslatedSentence


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks that stand for texts within a text while it is parsed: `begin`, a number, `end`.

    The number is the index of the embedded text, from 0.

    Attributes:
        begin: The character with which each mark begins, a noncharacter of Unicode.
        end: The character with which each mark ends, another noncharacter.
    """

    begin: str
    end: str

    def mark(self, number: int) -> str:
        """The mark that stands for the embedded text with this index, from 0."""
        return f"{self.begin}{number}{self.end}"

    def occur_in(self, text: str) -> bool:
        """Whether a text already contains `begin` or `end`, so that no marks may be put into it."""
        return self.begin in text or self.end in text

    @property
    def pattern(self) -> re.Pattern[str]:
        """A regular expression that matches a mark; its only group is the index of the embedded text."""
        return re.compile(f"{self.begin}([0-9]{{1,9}}){self.end}")


MESSAGES = Marks(MESSAGE_MARK, "\ufdd3")
"""Marks for plural and select arguments of ICU messages; parsers treat them as placeholders."""
ATTRIBUTES = Marks("\ufdd4", "\ufdd5")
"""Marks for values of attributes; they stand within tags."""


class EmbeddedDocument(Document, Protocol):
    """A document with a list of its placeholders, some of which may be marks that stand for other documents."""

    @property
    def placeholders(self) -> Iterator[str]:
        """The placeholders, such as `{name}`, and other untranslated parts that readers see, except for elements."""
        ...


Embedded = tuple[str | EmbeddedDocument, ...]
"""What a mark stands for: raw characters and documents, in order."""


class EmbeddingDocument:
    """A document that contains other documents, such as the values of attributes.

    It implements `regard.translation.markup.markup_document.Document`.

    Args:
        outer: The document around the others. A mark (see `Marks`) stands in the place of each of them.
        embedded: What each mark stands for, in the order of the numbers of the marks.
        marks: The marks used in `outer`: `MESSAGES` or `ATTRIBUTES`.
        braces: Whether braces in the translations become parentheses, because braces are syntax in ICU messages.
    """

    def __init__(
        self, outer: EmbeddedDocument, embedded: Sequence[Embedded], marks: Marks, *, braces: bool = False
    ) -> None:
        self._outer, self._embedded, self._braces = outer, tuple(embedded), braces
        self._pattern = marks.pattern
        self._inner = [part for parts in embedded for part in parts if not isinstance(part, str)]
        self._sentences = tuple(chain(outer.sentences, *(document.sentences for document in self._inner)))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of the outer document, then those of the embedded ones. See `Document.sentences`."""
        return self._sentences

    @property
    def needs_alignment(self) -> bool:
        """Whether the outer or an embedded document uses word alignments. See `Document.needs_alignment`."""
        return any(document.needs_alignment for document in (self._outer, *self._inner))

    @property
    def placeholders(self) -> Iterator[str]:
        """The placeholders of the outer document, then those of the embedded documents."""
        return chain.from_iterable(document.placeholders for document in (self._outer, *self._inner))

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """Writes the text with its translations; see `Document.render`."""
        if len(translations) != len(self._sentences):
            raise ValueError(f"expected {len(self._sentences)} translations, one per sentence, got {len(translations)}")
        if self._braces:
            translations = [_without_braces(translation) for translation in translations]
        start = len(self._outer.sentences)
        outer = self._outer.render(translations[:start])
        written: list[str] = []
        for parts in self._embedded:
            texts: list[str] = []
            for part in parts:
                if isinstance(part, str):
                    texts.append(part)
                    continue
                end = start + len(part.sentences)
                texts.append(part.render(translations[start:end]))
                start = end
            written.append("".join(texts))
        return self._pattern.sub(lambda match: written[int(match[1])], outer)


def _without_braces(translation: TranslatedSentence) -> TranslatedSentence:
    if translation.text == translation.source:
        return translation
    return replace(translation, text=translation.text.replace("{", "(").replace("}", ")"))
