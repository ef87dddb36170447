"""Words of sentences and of terms without differences of case and typography, by which a glossary finds its terms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regard.text.word_boundaries import is_letter
from regard.values import Span

_LETTER, _SPACE, _OTHER = "w", " ", "o"
_UNITS = re.compile("w+| +|o")
_SAME = {"’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "…": "..."}
"""Characters that are compared as if they were others: typographic apostrophes, hyphens and the ellipsis."""


class _Kinds(dict[int, str]):
    """The kind of each character, found when it is first needed."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = _SPACE if character.isspace() else _LETTER if is_letter(character) else _OTHER
        self[code] = kind
        return kind


_KINDS = _Kinds()


def fold(text: str) -> str:
    """Folds a text for comparison: upper and lower case letters, and variants of apostrophes and hyphens, are equal.

    >>> fold("Don’t PANIC")
    "don't panic"
    """
    if text.isascii():
        return text.lower()
    return "".join(_SAME.get(character, character) for character in text).casefold()


@dataclass(frozen=True, slots=True)
class Words:
    """A text divided into units: words, runs of spaces, and single other characters.

    A character of a script without spaces, such as Chinese, is a unit of its own.

    Attributes:
        text: The text.
        spans: Range `[start, end)` of the characters of each unit.
        folded: The units as `fold` changes them for comparison, one after the other without separator.
        starts: Index in `folded` of the start of each unit, and of the end of the last one.
        is_word: Per unit, whether it is a word.
    """

    text: str
    spans: tuple[Span, ...]
    folded: str
    starts: tuple[int, ...]
    is_word: tuple[bool, ...]

    @classmethod
    def of(cls, text: str) -> Words:
        """Divides a text into units.

        Args:
            text: Any text; the comparison of texts expects them to be normalized.

        Returns:
            The units.
        """
        kinds = text.translate(_KINDS)
        spans = tuple(match.span() for match in _UNITS.finditer(kinds))
        if text.isascii():  # folding changes no length
            return cls(
                text,
                spans,
                text.lower(),
                (*(start for start, _ in spans), len(text)),
                tuple(kinds[start] == _LETTER for start, _ in spans),
            )
        folded, starts, length = [], [0], 0
        for start, end in spans:
            unit = fold(text[start:end])
            folded.append(unit)
            length += len(unit)
            starts.append(length)
        return cls(text, spans, "".join(folded), tuple(starts), tuple(kinds[start] == _LETTER for start, _ in spans))

    def __len__(self) -> int:
        """Number of units."""
        return len(self.spans)

    def unit(self, index: int) -> str:
        """A unit (a word, a run of spaces or another character) as `fold` changes it for comparison."""
        return self.folded[self.starts[index] : self.starts[index + 1]]

    def joined(self, start: int, end: int) -> str:
        """Text of consecutive units as `fold` changes it for comparison.

        Args:
            start: Index of the first unit, from 0.
            end: Index of the unit after the last one.

        Returns:
            The units with the spaces between them, which are units, too.
        """
        return self.folded[self.starts[start] : self.starts[end]]
