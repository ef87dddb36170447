"""Which subwords of a vocabulary begin, continue and end words."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from regard.text.sentences import written_without_spaces
from regard.text.tokenizers import SPACE, Surface


@dataclass(frozen=True, slots=True)
class WordBoundaries:
    """Properties of the subwords of a vocabulary, one entry per id; special tokens have none of them.

    Letters are those of scripts with spaces between words, with their marks; digits count as letters.

    Attributes:
        is_text: The subword is not a special token.
        has_space: The subword begins with a space.
        begins_word: The subword begins with a space, or in a script without spaces.
        continues_word: Directly after a letter, the subword makes the word longer: it begins with a letter, or is a
            byte of a character that the vocabulary does not contain.
        ends_with_letter: The subword ends with a letter.
    """

    is_text: tuple[bool, ...]
    has_space: tuple[bool, ...]
    begins_word: tuple[bool, ...]
    continues_word: tuple[bool, ...]
    ends_with_letter: tuple[bool, ...]

    @classmethod
    def of(cls, surfaces: Sequence[Surface]) -> WordBoundaries:
        """Computes which subwords of a vocabulary begin, continue and end words.

        Args:
            surfaces: Surface form of each subword, by id: its characters (with `▁` for a space), the value of one byte,
                or None for a special token.

        Returns:
            The properties, one entry per id.
        """
        texts = [surface if isinstance(surface, str) else "" for surface in surfaces]
        return cls(
            tuple(surface is not None for surface in surfaces),
            tuple(text.startswith(SPACE) for text in texts),
            tuple(text.startswith(SPACE) or written_without_spaces(text[:1]) for text in texts),
            tuple(
                isinstance(surface, int) or is_letter(text[:1]) for surface, text in zip(surfaces, texts, strict=True)
            ),
            tuple(is_letter(text[-1:]) for text in texts),
        )


def is_letter(character: str) -> bool:
    """Whether a character is a letter, digit or combining mark of a script with spaces between words.

    Args:
        character: One character, or an empty string.

    Returns:
        True if the character is part of a word, such that another such character next to it belongs to the same word.
    """
    if not character or written_without_spaces(character):
        return False
    return unicodedata.category(character)[0] in "LNM"


def is_within_word(text: str, position: int) -> bool:
    """Whether a position of a text is within a word: between two letters, as `is_letter` judges them.

    >>> is_within_word("a bc", 2), is_within_word("a bc", 3)
    (False, True)

    Args:
        text: A text.
        position: A position between two characters, counted from zero.

    Returns:
        True if a cut at the position parts two letters of one word.
    """
    return 0 < position < len(text) and is_letter(text[position - 1]) and is_letter(text[position])
