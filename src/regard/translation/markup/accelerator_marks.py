"""Keyboard shortcuts in texts of menus: the mark before a letter, `&` or `_`, gets a place in the translation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from regard.translation.markup.placeholders import find_placeholders

_TYPICAL = {"&": re.compile(r"(?<![^\s(])&[A-Z][a-z]+(?![\w;])"), "_": re.compile(r"(?<![^\s(])_[A-Z][a-z]+(?![\w(])")}
"""By mark, what is hardly anything but a word with a shortcut."""
_LEAST = 2
"""Smallest number of messages with such a word."""
_END = re.compile(r"[\s.…:：。]*\Z")
_QUOTES = "\"'`“‘"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """The keyboard shortcut of a text.

    Attributes:
        mark: The mark, `&` or `_`.
        letter: The letter or digit after the mark.
        marked: The text with the mark.
        text: The text without it.
    """

    mark: str
    letter: str
    marked: str
    text: str

    def put_into(self, translation: str) -> str:
        """Marks a letter of the translation.

        Args:
            translation: The translation of the text without mark.

        Returns:
            The translation with one mark: before the same letter at the beginning of a word, or else anywhere, or else
            before the first word. In a script without upper and lower case, the letter is added in parentheses.

        >>> find_accelerator("Sa_ve", "_").put_into("Enregistrer sous")
        '_Enregistrer sous'
        >>> find_accelerator("&Open...", "&").put_into("開く...")
        '開く(&O)...'
        """
        if translation == self.text:
            return self.marked
        protected = {index for span in find_placeholders(translation) for index in range(*span)}
        letters = [index for index, letter in enumerate(translation) if letter.isalnum() and index not in protected]
        starts = [index for index in letters if not translation[max(0, index - 1) : index].isalnum()]
        same = [index for index in (*starts, *letters) if translation[index].lower() == self.letter.lower()]
        cased = [index for index in (*starts, *letters) if translation[index].lower() != translation[index].upper()]
        places = same or cased
        if places:
            return translation[: places[0]] + self.mark + translation[places[0] :]
        end = _END.search(translation)
        assert end is not None
        return f"{translation[: end.start()]}({self.mark}{self.letter.upper()}){end[0]}"


def accelerator_mark(texts: Iterable[str], mark: str | None = None) -> str | None:
    """Finds out which mark, `&` or `_`, stands before the letters of keyboard shortcuts in a gettext catalog.

    Args:
        texts: The source strings of the catalog.
        mark: The mark that the header of the catalog names; None if it names none.

    Returns:
        `&` or `_`; None if fewer than two texts seem to have a shortcut, or if the header names another mark.
    """
    if mark is not None:
        return mark if mark in _TYPICAL else None
    counts = dict.fromkeys(_TYPICAL, 0)
    for text in texts:
        for candidate, pattern in _TYPICAL.items():
            counts[candidate] += pattern.search(text) is not None
    best = max(counts, key=lambda candidate: counts[candidate])
    return best if counts[best] >= _LEAST else None


def find_accelerator(text: str, mark: str) -> Accelerator | None:
    """Finds the keyboard shortcut of a text.

    Args:
        text: The text.
        mark: The mark before the letter of a shortcut, `&` or `_`.

    Returns:
        The shortcut; None if the text has none or several. A mark within a word counts if the word begins with an
        uppercase letter, as in `E&xit`; a mark in an identifier, a placeholder or a character reference does not count.
    """
    places = list(_marks(text, mark)) if mark in text else []
    if len(places) != 1:
        return None
    place = places[0]
    return Accelerator(mark, text[place + 1], text, text[:place] + text[place + 1 :])


def _marks(text: str, mark: str) -> Iterator[int]:
    protected = {index for span in find_placeholders(text) for index in range(*span)}
    for match in re.finditer(rf"\w*{re.escape(mark)}\w+;?", text):
        word = match[0]
        place = match.start() + word.index(mark)
        if word.count(mark) > 1 or word[-1:] == ";" or place in protected:
            continue
        if text[max(0, match.start() - 1) : match.start()] in (*_QUOTES, mark) and match.start():
            continue  # a name in quotation marks; a doubled mark is the character itself
        if place == match.start() or (word[:1].isupper() and text[place + 1].islower() and word.isascii()):
            yield place
