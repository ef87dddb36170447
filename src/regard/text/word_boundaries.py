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

    A letter here is a letter, digit or combining mark of a script that separates words by spaces.

    Attributes:
        is_text: The subword is not a special token.
        has_space: The subword begins with a space.
        begins_word: The subword begins with a space, or in a script without spaces.
        continues_word: After a letter, the subword continues the same word: it begins with a letter, or is a byte of a
            character that the vocabulary does not contain.
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
        True for such a character: two of them next to each other belong to the same word. False for an empty string.
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
        position: Index of the character after the position, from 0.

    Returns:
        True if a cut at the position would split a word; False at both ends of the text.
    """
    return 0 < position < len(text) and is_letter(text[position - 1]) and is_letter(text[position])
