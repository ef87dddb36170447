"""Finds the terms of a glossary in a sentence, in time that hardly depends on their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regard.translation.glossary_words import Words
from regard.values import Span

MAX_ENDING = 3
"""Largest number of letters by which an inflected word may be longer than the word of the term."""
MIN_STEM = 3
"""Fewest letters of a word that may have an ending; a syllable of Hangul counts as this many letters."""
_HANGUL = range(0xAC00, 0xD7A4)


class TermIndex:
    """Terms by their words, to find all that occur in a sentence.

    Sentences and terms are divided into units: words, runs of spaces and other characters (see `Words`). A term is
    looked up by the whole text of its units, so a search takes one look-up for each unit of the sentence and each
    length of a term that begins with this unit. Where a term may be inflected, its first and its last word may be up to
    `MAX_ENDING` letters longer in the sentence, which takes up to 16 times as many look-ups.
    """

    def __init__(self) -> None:
        self._exact: dict[str, list[int]] = {}
        self._inflected: dict[str, list[int]] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._inflected_lengths: dict[str, tuple[int, ...]] = {}

    def add(self, term: str, number: int, *, inflect: bool) -> None:
        """Adds a term.

        Args:
            term: The term, normalized and not empty.
            number: Number by which `find` names it.
            inflect: Whether its first and its last word may have endings.
        """
        words = Words.of(term)
        terms, lengths = (self._inflected, self._inflected_lengths) if inflect else (self._exact, self._lengths)
        terms.setdefault(words.folded, []).append(number)
        first = words.unit(0)
        known = lengths.get(first, ())
        if len(words) not in known:
            lengths[first] = tuple(sorted((*known, len(words)), reverse=True))

    def find(self, words: Words) -> Iterator[tuple[Span, Sequence[int]]]:
        """Finds all occurrences of terms, which may overlap.

        Args:
            words: The sentence, normalized and divided into units.

        Yields:
            Range of the characters of an occurrence, and the numbers of the terms that occur there.
        """
        for start in range(len(words)):
            first = words.unit(start)
            for length in self._lengths.get(first, ()):
                if start + length <= len(words):
                    numbers = self._exact.get(words.joined(start, start + length), ())
                    if numbers:
                        yield _span(words, start, length), numbers
            if self._inflected:
                yield from self._find_inflected(words, start, first)

    def _find_inflected(self, words: Words, start: int, first: str) -> Iterator[tuple[Span, Sequence[int]]]:
        for stem in _stems(first) if words.is_word[start] else (first,):
            for length in self._inflected_lengths.get(stem, ()):
                end = start + length
                if end > len(words):
                    continue
                if length == 1:
                    texts: Sequence[str] = (stem,)
                else:
                    head = stem + words.joined(start + 1, end - 1)
                    last = words.unit(end - 1)
                    texts = [head + tail for tail in (_stems(last) if words.is_word[end - 1] else (last,))]
                for text in texts:
                    if numbers := self._inflected.get(text, ()):
                        yield _span(words, start, length), numbers


def _span(words: Words, start: int, length: int) -> Span:
    return words.spans[start][0], words.spans[start + length - 1][1]


def _stems(word: str) -> list[str]:
    """What a word may be the inflected form of: itself, and its beginnings that lack up to `MAX_ENDING` letters."""
    shortest = 1 if ord(word[0]) in _HANGUL else MIN_STEM
    return [word, *(word[:-cut] for cut in range(1, MAX_ENDING + 1) if len(word) - cut >= shortest)]
