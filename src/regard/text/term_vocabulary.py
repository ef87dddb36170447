"""Index of a subword vocabulary by text: which subwords spell a part of a given term."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import accumulate

from regard.text.normalize import replace_blanks
from regard.text.tokenizers import SPACE, Surface, unescape_text
from regard.text.word_boundaries import is_letter
from regard.values import Specials

INVALID = "\ufffd"
"""The character that stands for bytes that are not valid UTF-8."""
CONTINUATION_BYTES, LEAD_BYTES = range(0x80, 0xC0), range(0xC2, 0xF5)
"""Values of the bytes that continue a character, and of those that begin a character of several bytes."""
SPACE_CLASS, LETTER_CLASS, OTHER_CLASS, NO_CLASS = 0, 1, 2, 3
"""Classes of characters: a space, a letter or digit of a script with spaces between words, or another character;
`NO_CLASS` stands for no character."""
_SPACES = re.compile("  +")


@cache
def character_class(character: str) -> int:
    """Classifies a character as a space, a letter or another character.

    Args:
        character: One character.

    Returns:
        `SPACE_CLASS` for a space; `LETTER_CLASS` for a letter or digit of a script with spaces between words;
        `OTHER_CLASS` for any other character.
    """
    if character == " ":
        return SPACE_CLASS
    return LETTER_CLASS if is_letter(character) else OTHER_CLASS


def _is_letter(character: str) -> bool:
    return character_class(character) == LETTER_CLASS


@cache
def fold_character(character: str) -> str:
    """Case-folds a character; a character whose folded form has several characters, such as `ß`, stays as it is."""
    folded = character.casefold()
    return folded if len(folded) == 1 else character


def fold(text: str) -> str:
    """Case-folds each character of a text; the length stays the same, so `ß` is not folded to `ss`.

    >>> fold("Straße À Paris")
    'straße à paris'
    """
    return "".join(map(fold_character, text))


class TextIndex:
    """Finds the subwords that begin with, end with, equal or contain a text.

    Args:
        texts: Text of each subword, in the order of the ids; empty for subwords that are not to be found.

    Attributes:
        longest: Number of characters of the longest text.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._ids: dict[str, list[int]] = {}
        for token, text in enumerate(texts):
            if text:
                self._ids.setdefault(text, []).append(token)
        self.longest = max(map(len, self._ids), default=0)
        self._sorted = sorted(self._ids)
        self._joined = "\0".join((*self._sorted, ""))
        self._starts = list(accumulate((len(text) + 1 for text in self._sorted), initial=0))
        self._word_suffixes: dict[str, list[int]] = {}
        for text, tokens in self._ids.items():
            for start in range(len(text)):
                if start == 0 or not is_letter(text[start - 1]):
                    self._word_suffixes.setdefault(text[start:], []).extend(tokens)
        self._all_suffixes: dict[str, list[int]] = {}

    def equal(self, text: str) -> Sequence[int]:
        """The ids of the subwords whose text is exactly `text`."""
        return self._ids.get(text, ())

    def starting_with(self, text: str, *, whole_word: bool) -> list[int]:
        """Finds the subwords that begin with a text and are longer.

        Args:
            text: The text.
            whole_word: Whether the character after the text in the subword must not be a letter.

        Returns:
            Ids of the subwords.
        """
        first, end = bisect_right(self._sorted, text), bisect_left(self._sorted, text + "\U0010ffff")
        words = self._sorted[first:end]
        if whole_word:
            words = [word for word in words if character_class(word[len(text)]) != LETTER_CLASS]
        return [token for word in words for token in self._ids[word]]

    def containing(self, text: str, *, starts_word: bool, ends_word: bool) -> Iterator[int]:
        """Finds the subwords that contain a text.

        Args:
            text: The text.
            starts_word: Whether no letter may precede the text.
            ends_word: Whether no letter may follow the text.

        Yields:
            Ids of the subwords.
        """
        position = self._joined.find(text)
        while position >= 0:
            before, after = self._joined[position - 1 : position], self._joined[position + len(text)]
            if (starts_word and _is_letter(before)) or (ends_word and _is_letter(after)):
                position += 1
            else:
                number = bisect_right(self._starts, position) - 1
                yield from self._ids[self._sorted[number]]
                position = self._starts[number + 1]
            position = self._joined.find(text, position)

    def ending_with(self, text: str, *, whole_word: bool) -> Sequence[int]:
        """Finds the subwords that end with a text.

        Args:
            text: The text.
            whole_word: Whether the text must be at the start of the subword, or follow a character that is not a
                letter.

        Returns:
            Ids of the subwords.
        """
        if whole_word:
            return self._word_suffixes.get(text, ())
        if not self._all_suffixes:
            suffixes: dict[str, list[int]] = {}
            for word, tokens in self._ids.items():
                for start in range(len(word)):
                    suffixes.setdefault(word[start:], []).extend(tokens)
            self._all_suffixes = suffixes  # other threads see all of it or nothing
        return self._all_suffixes.get(text, ())


class TermVocabulary:
    """The texts of a target vocabulary's subwords, as they appear in detokenized text.

    Args:
        surfaces: Surface form of each subword, by id: its characters (with `▁` for a space), the value of one byte, or
            None for a special token.
        specials: Ids of the special tokens.
        encode: Function that segments texts into subword ids.

    Attributes:
        texts: Text of each subword, with single spaces; empty for special tokens and for bytes that begin a character
            of several bytes. Other bytes have the text that they decode to by themselves.
        surfaces: Surface form of each subword, as given.
        byte_ids: Id of each byte, by its value; empty if the vocabulary has no bytes.
        lead_ids: Ids of the bytes that begin a multi-byte UTF-8 character; a subset of `part_ids`.
        part_ids: Ids of the bytes from 0x80 on, which are not characters by themselves.
        invalid_ids: Ids of the bytes in `part_ids` that cannot begin a character.
        first_classes: Class of the first character of each text, one byte per id: `SPACE_CLASS`, `LETTER_CLASS` or
            `OTHER_CLASS`; `NO_CLASS` if the text is empty.
        last_classes: The same for the last character of each text.
        specials: Ids of the special tokens.
    """

    def __init__(
        self,
        surfaces: Sequence[Surface],
        specials: Specials,
        encode: Callable[[Sequence[str]], list[list[int]]],
    ) -> None:
        self.specials = specials
        self.surfaces = tuple(surfaces)
        self.texts = tuple(map(_text, surfaces))
        self.byte_ids = {surface: token for token, surface in enumerate(surfaces) if isinstance(surface, int)}
        self.lead_ids = tuple(token for value, token in self.byte_ids.items() if value in LEAD_BYTES)
        self.part_ids = frozenset(token for value, token in self.byte_ids.items() if value >= 0x80)
        self.invalid_ids = tuple(
            token for value, token in self.byte_ids.items() if value >= 0x80 and value not in LEAD_BYTES
        )
        self.first_classes = bytes(character_class(text[0]) if text else NO_CLASS for text in self.texts)
        self.last_classes = bytes(character_class(text[-1]) if text else NO_CLASS for text in self.texts)
        self._encode = encode
        self._indexes: dict[bool, TextIndex] = {}

    def __len__(self) -> int:
        """Number of subwords."""
        return len(self.texts)

    def index(self, *, ignore_case: bool) -> TextIndex:
        """Returns the index of the subwords by their texts; with `ignore_case`, by case-folded texts. Built once."""
        if ignore_case not in self._indexes:
            texts = [fold(text) for text in self.texts] if ignore_case else self.texts
            self._indexes[ignore_case] = TextIndex(texts)
        return self._indexes[ignore_case]

    def without_bytes(self, tokens: Sequence[int]) -> Sequence[int]:
        """Removes single bytes from the ids of subwords that have the same text; if all are bytes, keeps the first."""
        if len(tokens) < 2:
            return tokens
        return [token for token in tokens if not isinstance(self.surfaces[token], int)] or tokens[:1]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Segments texts into subwords; the result has one list of ids per text."""
        return self._encode(texts)


def _text(surface: Surface) -> str:
    if surface is None:
        return ""
    if isinstance(surface, str):
        return unescape_text(_SPACES.sub(" ", replace_blanks(surface.replace(SPACE, " "))))
    if surface < 0x80:
        return replace_blanks(chr(surface))
    return "" if surface in LEAD_BYTES else INVALID
