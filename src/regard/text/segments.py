"""Text too long for a model, cut into stretches that it can take: whole sentences where that is possible."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from regard.text.sentences import Boundary, BoundaryKind, find_boundaries, written_without_spaces
from regard.text.subword import Subword
from regard.values import Encoding

_AT = attrgetter("position")
BLOCK_SIZE = 20_000
"""Characters that are looked at together, so that one line of many megabytes takes neither memory nor time to match."""


@dataclass(frozen=True, slots=True)
class TextSegment:
    """A part of a text.

    Attributes:
        first_word: Number of the text's word that it begins with, or within.
        encoding: The part, cut into subwords.
        within_word: Whether it begins within a word, where the script has words: then nothing but the limit divides
            it from the stretch before.
    """

    first_word: int
    encoding: Encoding
    within_word: bool = False


def segments(text: str, subword: Subword, *, limit: int) -> list[TextSegment]:
    """Cuts a text so that no stretch has more subwords than a model can take, and as few stretches as that allows.

    Each stretch takes as many whole sentences as fit. Where not even one does, it ends at the last clause in the
    latter half of what fits, else at the last space or clause, and within a word only where that alone is too long.
    Time and memory grow with the length of the text, not faster.

    Args:
        text: Normalized: single spaces are all that separates its words.
        subword: The vocabulary.
        limit: Most subwords of a stretch. A character that needs more bytes than this stays whole.

    Returns:
        The stretches in order, together the text without the spaces between them; none for an empty text.
    """
    found: list[TextSegment] = []
    start, words, size, torn = 0, 0, BLOCK_SIZE, False
    while start < len(text):
        parts = list(_fitting(subword.encode(text[start : start + size].rstrip(" ")), subword, limit))
        if start + size < len(text):
            parts.pop()  # it may go on behind the block
        size = BLOCK_SIZE if parts else 2 * size
        for part in parts:
            found.append(TextSegment(words, part.encoding, torn))
            words += text.count(" ", start, start + part.length)
            start += part.length
            torn = part.torn
    return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a block.

    Attributes:
        encoding: The stretch.
        length: Characters from its start to that of the next.
        torn: Whether it ends within a word.
    """

    encoding: Encoding
    length: int
    torn: bool


def _fitting(whole: Encoding, subword: Subword, limit: int) -> Iterator[_Part]:
    text = whole.text
    if len(whole.ids) <= limit:
        yield _Part(whole, len(text), False)
        return
    ends, starts = list(find_boundaries(text)), [start for start, _ in whole.spans]
    begin = 0
    while begin < len(text):
        room = limit
        while True:
            stop, torn = _stop(text, ends, begin, _reach(starts, begin, room, len(text)))
            encoding = subword.encode(text[begin:stop])
            over = len(encoding.ids) - limit
            if over <= 0 or room == 1:
                break
            room = max(1, room - over)  # out of its text, a stretch may need more subwords than it had there
        following = stop + text.startswith(" ", stop)
        yield _Part(encoding, following - begin, torn)
        begin = following


def _reach(starts: Sequence[int], begin: int, room: int, end: int) -> int:
    """Where so many subwords from a place on end; at least one character further."""
    place = bisect_left(starts, begin) + room
    if place < len(starts) and starts[place] <= begin:
        place = bisect_right(starts, begin)
    return starts[place] if place < len(starts) else end


def _stop(text: str, ends: Sequence[Boundary], begin: int, reach: int) -> tuple[int, bool]:
    """The best place to divide a text at, behind `begin` and up to `reach`, and whether that is within a word."""
    if reach == len(text):
        return reach, False
    within = ends[bisect_right(ends, begin, key=_AT) : bisect_right(ends, reach, key=_AT)]
    for strength, least in (
        (BoundaryKind.SENTENCE, begin),
        (BoundaryKind.CLAUSE, (begin + reach) // 2),
        (BoundaryKind.SPACE, begin),
    ):
        for one in reversed(within):
            if one.kind >= strength and one.position >= least:
                return one.position, False
    if text[reach - 1] == " ":  # one before a closing mark, as in French
        return reach - 1, False
    return reach, not written_without_spaces(text[reach - 1])
