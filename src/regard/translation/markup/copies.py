"""Texts that a translation must contain unchanged, such as `10 km`: puts them back where the model changed them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from regard.text.words import word_spans
from regard.translation.markup.sentence import TranslatedSentence
from regard.values import Span

_LEAD, _TAIL = re.compile(r"[(\[{\"'«“‘„¿¡]*"), re.compile(r"[)\]}\"'»”’“.,;:!?…。，！？]*\Z")
_FINAL_MARKS = ".,;:!?…。！？"


@dataclass(frozen=True, slots=True)
class Copy:
    """A text of a sentence that is copied to the translation.

    Attributes:
        words: For each part of the text, the number of the source word to which the part belongs.
        texts: The parts of the text: words, or parts of words next to punctuation.
        is_stand_in: Whether the text stands for a placeholder, so that the translation must not contain further copies.
    """

    words: tuple[int, ...]
    texts: tuple[str, ...]
    is_stand_in: bool = False


@dataclass(slots=True)
class _Word:
    """A word of the translation.

    Attributes:
        text: The word.
        space: The white space before it.
        sources: The source words aligned to it.
        copied: The parts of copied texts that it contains.
    """

    text: str
    space: str
    sources: set[int]
    copied: list[str] = field(default_factory=list)

    def free_text(self, fold: Callable[[str], str] = str) -> str:
        """The text, folded, with a noncharacter in place of each character of the copied parts.

        Args:
            fold: Function that folds the word and the copied parts before they are compared, such as `str.lower`.

        Returns:
            The text.
        """
        text = fold(self.text)
        for part in self.copied:
            text = text.replace(fold(part), "\ufdd0" * len(part), 1)
        return text


def with_copies(translation: TranslatedSentence, copies: Sequence[Copy]) -> TranslatedSentence:
    """Makes a translation contain each copied text of the source as often as the source, where the alignment puts it.

    A text that the translation already contains stays where it is. Otherwise it takes the place of the words that are
    aligned to it and to nothing else; without such words, it follows the translation of the words before it.

    Args:
        translation: The translation.
        copies: The texts of the source sentence to copy, in order.

    Returns:
        The translation with the texts. Each word of a text is aligned to the same word of the source; translated words
        that contain no copied text lose their alignment to these source words.

    >>> translation = TranslatedSentence("Walk 10 km.", "Marchez dix kilomètres.", ((0, 0), (1, 1), (2, 2)))
    >>> with_copies(translation, [Copy((1, 2), ("10", "km"))]).text
    'Marchez 10 km.'
    """
    if not copies:
        return translation
    words = _words(translation)
    for copy in copies:
        start = _occurrence(words, copy, str)
        if start is None:
            start = _occurrence(words, copy, str.lower)
        if start is None:
            start = _replaced(words, copy)
        if start is None:
            start = _inserted(words, copy)
        _align(words, copy, start)
    _remove_others(words, {copy.texts[0] for copy in copies if copy.is_stand_in})
    links = sorted((source, number) for number, word in enumerate(words) for source in word.sources)
    return replace(translation, text="".join(word.space + word.text for word in words), alignment=tuple(links))


def find_whole(part: str, word: str) -> Span | None:
    """Finds a part of a word where no letter or digit stands directly before or after it.

    Args:
        part: The part.
        word: The word.

    Returns:
        The characters `[start, end)` of the first such place in the word; None if there is none.
    """
    start = word.find(part)
    while start >= 0:
        end = start + len(part)
        if not word[max(0, start - 1) : start].isalnum() and not word[end : end + 1].isalnum():
            return start, end
        start = word.find(part, start + 1)
    return None


def _words(translation: TranslatedSentence) -> list[_Word]:
    text, position = translation.text, 0
    words: list[_Word] = []
    for start, end in word_spans(text):
        words.append(_Word(text[start:end], text[position:start] if words else "", set()))
        position = end
    for source, target in translation.alignment:
        if 0 <= target < len(words):
            words[target].sources.add(source)
    return words


def _occurrence(words: Sequence[_Word], copy: Copy, fold: Callable[[str], str]) -> int | None:
    """The first word of the best aligned place that contains the text; without alignment, the first one."""
    starts = [start for start in range(len(words) - len(copy.texts) + 1) if _is_at(words, copy, start, fold)]

    def links(start: int) -> int:
        return sum(len(words[start + number].sources & set(copy.words)) for number in range(len(copy.texts)))

    best = max(starts, key=links, default=None)
    if best is not None:
        for part, word in zip(copy.texts, words[best:], strict=False):
            begin, end = find_whole(fold(part), word.free_text(fold)) or (0, 0)
            word.text = word.text[:begin] + part + word.text[end:]
    return best


def _is_at(words: Sequence[_Word], copy: Copy, start: int, fold: Callable[[str], str]) -> bool:
    last = len(copy.texts) - 1
    for number, part in enumerate(copy.texts):
        word = words[start + number]
        span = find_whole(fold(part), word.free_text(fold))
        if span is None or (number and span[0]) or (number < last and span[1] < len(word.text)):
            return False
    return True


def _replaced(words: list[_Word], copy: Copy) -> int | None:
    """Puts the text in the place of the first run of words that are aligned to nothing else, and removes the others."""
    own = set(copy.words)
    places = [number for number, word in enumerate(words) if not word.copied and word.sources and word.sources <= own]
    if not places:
        return None
    start, end = places[0], places[0] + 1
    while end in places:
        end += 1
    removed = words[start:end]
    lead, tail = _LEAD.match(removed[0].text), _TAIL.search(removed[-1].text)
    words[start:end] = _as_words(copy, removed[0].space)
    words[start].text = (lead[0] if lead else "") + words[start].text
    words[start + len(copy.texts) - 1].text += tail[0] if tail else ""
    for place in reversed(places):
        if place >= end:
            del words[place - len(removed) + len(copy.texts)]
    return start


def _inserted(words: list[_Word], copy: Copy) -> int:
    """Adds the text after the translation of the words before it; at the beginning if there are none."""
    before = [number for number, word in enumerate(words) if any(source < copy.words[0] for source in word.sources)]
    nearest = max(before, key=lambda number: max(s for s in words[number].sources if s < copy.words[0]), default=None)
    start = 0 if nearest is None else nearest + 1
    if nearest is None and not any(word.sources for word in words):
        start = len(words)
    new = _as_words(copy, " " if start else "")
    if start < len(words) and not start:
        words[0].space = " "
    words[start:start] = new
    if 0 < start < len(words) or start == len(words):
        _move_final_marks(words, start, len(new))
    return start


def _move_final_marks(words: Sequence[_Word], start: int, count: int) -> None:
    """Moves the final punctuation of the sentence from the word before an inserted text behind the text."""
    if not start or start + count < len(words):
        return
    text = words[start - 1].text
    stem = text.rstrip(_FINAL_MARKS)
    if stem:
        words[start + count - 1].text += text[len(stem) :]
        words[start - 1].text = stem


def _remove_others(words: list[_Word], stand_ins: set[str]) -> None:
    """Removes stand-ins that the model wrote more often than the source has them."""
    for stand_in in stand_ins:
        for number in reversed(range(len(words))):
            word = words[number]
            span = find_whole(stand_in, word.free_text())
            if span is None:
                continue
            word.text = word.text[: span[0]] + word.text[span[1] :]
            if not any(character.isalnum() for character in word.text):
                _remove(words, number)


def _remove(words: list[_Word], number: int) -> None:
    """Removes a word that is punctuation; that of the end of the sentence goes to the word before it."""
    marks = words.pop(number).text
    if 0 < number == len(words) and marks:
        words[-1].text = words[-1].text.rstrip(_FINAL_MARKS) + marks
    elif not number and words:
        words[0].space = ""


def _as_words(copy: Copy, space: str) -> list[_Word]:
    return [_Word(text, " " if number else space, set()) for number, text in enumerate(copy.texts)]


def _align(words: Iterable[_Word], copy: Copy, start: int) -> None:
    own = set(copy.words)
    for number, word in enumerate(words):
        part = number - start
        if 0 <= part < len(copy.texts):
            word.sources = word.sources | {copy.words[part]}
            word.copied.append(copy.texts[part])
        elif not word.copied:
            word.sources -= own
