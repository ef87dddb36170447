"""Text too long for a model, cut into stretches that it can take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regard.text.subword import Subword
from regard.values import Encoding, Span


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text.

    Attributes:
        first_word: Number of the text's word that it begins with, or within.
        encoding: The part, cut into subwords.
    """

    first_word: int
    encoding: Encoding


def stretches(text: str, subword: Subword, *, limit: int) -> list[Stretch]:
    """Cuts a text where it has spaces, and within a word only where that alone exceeds the limit.

    Args:
        text: Normalised: single spaces are all that separates its words.
        subword: The vocabulary.
        limit: Most subwords of a stretch. A character that needs more bytes than this stays whole.

    Returns:
        The stretches in order, together the text without the spaces between them; none for an empty text.
    """
    if not text:
        return []
    return [Stretch(text.count(" ", 0, start), part) for start, part in _fitting(text, subword, limit, (0, len(text)))]


def _fitting(text: str, subword: Subword, limit: int, span: Span) -> Iterator[tuple[int, Encoding]]:
    start, end = span
    whole = subword.encode(text[start:end].rstrip(" "))
    cuts = [(0, len(whole.text))] if len(whole.ids) <= limit else list(_cuts(whole, limit))
    if len(cuts) == 1:
        yield start, whole
        return
    for begin, stop in cuts:  # out of its text, a stretch may need more subwords than it had there
        yield from _fitting(text, subword, limit, (start + begin, start + stop))


def _cuts(whole: Encoding, limit: int) -> Iterator[Span]:
    begin, count = 0, 0
    space, since_space = 0, 0  # where the last word began, and the subwords from there
    for start, _ in whole.spans:
        if start > max(begin, space) and whole.text[start - 1] == " ":
            space, since_space = start, 0
        if count >= limit and start > begin:
            cut, carried = (space, since_space) if space > begin else (start, 0)
            yield begin, cut
            begin, count = cut, carried
        count += 1
        since_space += 1
    yield begin, len(whole.text)
