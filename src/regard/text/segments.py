"""Splits text that is too long for a model into segments, at sentence boundaries where possible."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from regard.text.sentences import Boundary, BoundaryKind, find_boundaries, written_without_spaces
from regard.text.subword import Subword
from regard.values import Encoding

_POSITION = attrgetter("position")
BLOCK_SIZE = 20_000
"""Number of characters tokenized at once, to bound the memory and time that a line of many megabytes takes."""


@dataclass(frozen=True, slots=True)
class TextSegment:
    """A segment of a longer text, tokenized, for translation on its own.

    Attributes:
        first_word: 0-based number, among the words of the whole text, of the word in which the segment begins.
        encoding: The segment, segmented into subwords; character ranges count from the start of the segment.
        within_word: Whether the segment begins inside a word, because the length limit split the word. Always False in
            scripts without spaces between words.
    """

    first_word: int
    encoding: Encoding
    within_word: bool = False


def segments_of_lines(lines: Sequence[str], subword: Subword, *, limit: int) -> list[list[TextSegment]]:
    """Splits each line into segments of at most `limit` subwords, as `segments` does, but faster for many short lines.

    Args:
        lines: Normalized texts.
        subword: The subword vocabulary that tokenizes the segments.
        limit: Largest number of subwords in a segment.

    Returns:
        The segments of each line.
    """
    short = [line if 0 < len(line) <= BLOCK_SIZE else "" for line in lines]
    encodings = subword.encode_all(short)
    return [
        [TextSegment(0, encoding)]
        if encoding.ids and len(encoding.ids) <= limit
        else segments(line, subword, limit=limit)
        for line, encoding in zip(lines, encodings, strict=True)
    ]


def segments(text: str, subword: Subword, *, limit: int) -> list[TextSegment]:
    """Splits a text into segments of at most `limit` subwords, at sentence boundaries where possible.

    Each segment contains as many whole sentences as the limit allows. If the next sentence alone is too long, the
    segment ends at the last clause boundary in the second half of the text that the limit allows; without such a
    boundary, at the last space or clause boundary; and inside a word only if the word alone is too long. Time and
    memory are linear in the length of the text.

    Args:
        text: Normalized text, whose words are separated by single spaces.
        subword: The subword vocabulary that tokenizes the segments.
        limit: Largest number of subwords in a segment. A character is never split, even if the vocabulary spells it
            in more than `limit` byte subwords.

    Returns:
        The segments in order; together they contain the whole text except the spaces between segments. An empty text
        has no segments.
    """
    result: list[TextSegment] = []
    start, num_words, size, split_word = 0, 0, BLOCK_SIZE, False
    while start < len(text):
        pieces = list(_split_block(subword.encode(text[start : start + size].rstrip(" ")), subword, limit))
        if start + size < len(text):
            pieces.pop()  # the last segment may continue beyond the block
        size = BLOCK_SIZE if pieces else 2 * size
        for piece in pieces:
            result.append(TextSegment(num_words, piece.encoding, split_word))
            num_words += text.count(" ", start, start + piece.length)
            start += piece.length
            split_word = piece.splits_word
    return result


@dataclass(frozen=True, slots=True)
class _BlockSegment:
    """A segment of the part of a text that is tokenized at once.

    Attributes:
        encoding: The tokenized segment.
        length: Number of characters from the start of the segment to the start of the next segment.
        splits_word: Whether the segment ends within a word.
    """

    encoding: Encoding
    length: int
    splits_word: bool


def _split_block(whole: Encoding, subword: Subword, limit: int) -> Iterator[_BlockSegment]:
    text = whole.text
    if len(whole.ids) <= limit:
        yield _BlockSegment(whole, len(text), False)
        return
    boundaries, starts = list(find_boundaries(text)), [start for start, _ in whole.spans]
    begin = 0
    while begin < len(text):
        room = limit
        while True:
            stop, splits_word = _best_split(text, boundaries, begin, _farthest_end(starts, begin, room, len(text)))
            encoding = subword.encode(text[begin:stop])
            over = len(encoding.ids) - limit
            if over <= 0 or room == 1:
                break
            room = max(1, room - over)  # tokenized on its own, a segment may need more subwords than within the text
        following = stop + text.startswith(" ", stop)
        yield _BlockSegment(encoding, following - begin, splits_word)
        begin = following


def _farthest_end(starts: Sequence[int], begin: int, room: int, end: int) -> int:
    """End of the `room` subwords that start at `begin`; at least one character beyond `begin`."""
    index = bisect_left(starts, begin) + room
    if index < len(starts) and starts[index] <= begin:
        index = bisect_right(starts, begin)
    return starts[index] if index < len(starts) else end


def _best_split(text: str, boundaries: Sequence[Boundary], begin: int, farthest: int) -> tuple[int, bool]:
    """The best position to split a text, after `begin` and up to `farthest`, and whether it is within a word."""
    if farthest == len(text):
        return farthest, False
    candidates = boundaries[
        bisect_right(boundaries, begin, key=_POSITION) : bisect_right(boundaries, farthest, key=_POSITION)
    ]
    for kind, earliest in (
        (BoundaryKind.SENTENCE, begin),
        (BoundaryKind.CLAUSE, (begin + farthest) // 2),
        (BoundaryKind.SPACE, begin),
    ):
        for boundary in reversed(candidates):
            if boundary.kind >= kind and boundary.position >= earliest:
                return boundary.position, False
    if text[farthest - 1] == " ":  # a space before a closing mark, as in French
        return farthest - 1, False
    return farthest, not written_without_spaces(text[farthest - 1])
