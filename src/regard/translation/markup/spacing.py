"""White space between translated words: copied from the source if the aligned words are neighbors, else a space."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import accumulate, pairwise

from regard.text.sentences import separator
from regard.translation.markup.block import Block
from regard.translation.markup.entities import Escaping, escape
from regard.translation.markup.target import TargetAtom

_NO_BREAK = "\u00a0\u2007\u202f\u3000"
"""White space of a translation that is kept; any other becomes a space, so that no line breaks are added."""


def boundary_gap(block: Block, targets: Sequence[TargetAtom], number: int) -> int | None:
    """Finds the gap between source words that corresponds to the boundary between two target words.

    Args:
        block: The source. Gap `i` is what is before source word `i`; the last gap is after the last word.
        targets: The words of the translation.
        number: Index of the target word after the boundary; the number of target words for the end of the block.

    Returns:
        Index of the gap between two adjacent source words of which the first is aligned to the target word before the
        boundary, and the second to the target word after it. For the start and the end of the block, index of the first
        and of the last gap. None if there is no such gap.
    """
    if not targets:
        return None
    last = len(block.atoms)
    if number == 0 or number == len(targets):
        return last if number else 0
    known = set(targets[number - 1].sources)
    return next((source for source in targets[number].sources if source - 1 in known), None)


def boundary_spaces(block: Block, targets: Sequence[TargetAtom]) -> list[str]:
    """The white space before each target word; empty before the first and within words.

    Args:
        block: The source.
        targets: The words of the translation.

    Returns:
        One string per target word, as it is to be written in the document. If the translations of two source words are
        not neighbors, a no-break space between the source words replaces a plain space before or after one of the
        translations, if there is such a space.
    """
    spaces = [""] * len(targets)
    used: set[int] = set()
    for number in range(1, len(targets)):
        if targets[number].glued:
            continue
        source = _gap(block, targets, number)
        if source is not None and source not in used:
            used.add(source)
            spaces[number] = block.space(source)
        spaces[number] = _chosen(block, targets, number, spaces[number])
    ordinary = _ordinary(block)
    special = [gap for gap in range(1, len(block.atoms)) if gap not in used and block.space(gap).strip(ordinary)]
    if special:
        linked = _linked(block, targets)
        for gap in special:
            places = (place for place in _places(linked, gap) if _is_free(spaces, targets, place, ordinary))
            place = next(places, None)
            if place is not None:
                spaces[place] = block.space(gap)
    return spaces


def _ordinary(block: Block) -> str:
    """White space that may be replaced by a space: in plain text, line breaks matter."""
    return " \t" if block.escaping is Escaping.NONE else " \t\n\r\f"


def _gap(block: Block, targets: Sequence[TargetAtom], number: int) -> int | None:
    first = targets[number].sentence
    if first == targets[number - 1].sentence:
        return boundary_gap(block, targets, number)
    sources = [source for source in targets[number].sources if block.atoms[source].sentence == first]
    start = sources[0] if sources else 0
    while start and block.atoms[start - 1].sentence == first:
        start -= 1
    return start or None


def _chosen(block: Block, targets: Sequence[TargetAtom], number: int, source_space: str) -> str:
    """The white space of the source, or that of the translation where it is not a plain space."""
    before, target = targets[number - 1], targets[number]
    if before.sentence != target.sentence:
        return source_space or separator(before.text, target.text)
    if (
        target.space.strip(_NO_BREAK) == ""
        and target.space not in ("", " ")
        and not source_space.strip(_ordinary(block))
    ):
        return escape(target.space, block.escaping)
    return source_space or " "


def _linked(block: Block, targets: Sequence[TargetAtom]) -> list[list[int]]:
    linked: list[list[int]] = [[] for _ in block.atoms]
    for number, target in enumerate(targets):
        for source in target.sources:
            linked[source].append(number)
    return linked


def _places(linked: Sequence[Sequence[int]], gap: int) -> Iterator[int]:
    """Boundaries next to the translations of the words around a gap."""
    before, after = linked[gap - 1], linked[gap]
    yield from (number + 1 for number in before[-1:])
    yield from after[:1]
    yield from (number + 1 for number in after[-1:])
    yield from before[:1]


def _is_free(spaces: Sequence[str], targets: Sequence[TargetAtom], number: int, ordinary: str) -> bool:
    is_between_words = 0 < number < len(targets) and not targets[number].glued
    return is_between_words and spaces[number] in (" ", "\n") and not spaces[number].strip(ordinary)


def with_line_breaks(block: Block, parts: Sequence[str]) -> list[str]:
    """Adds line breaks to translated plain text until it has as many as the source, dividing the longest lines.

    Args:
        block: The source.
        parts: The translation, cut into strings: words, placeholders, and the white space between them.

    Returns:
        The parts; for each missing line break, a part that is a single space is replaced by white space of the source
        that contains a line break. If there are too few single spaces, fewer line breaks are added.
    """
    breaks = [space for gap in range(1, len(block.atoms)) if "\n" in (space := block.space(gap))]
    outside = sum("\n" in block.space(gap) for gap in {0, len(block.atoms)})
    missing = len(breaks) + outside - sum("\n" in part for part in parts)
    if missing <= 0:
        return list(parts)
    result = list(parts)
    places = sorted(_even_places(parts, missing))
    for place, space in zip(places, breaks[len(breaks) - missing :], strict=False):
        result[place] = space
    return result


def _even_places(parts: Sequence[str], count: int) -> Iterator[int]:
    """Indices of single spaces at which line breaks divide the longest lines in two."""
    ends = [0, *accumulate(map(len, parts))]
    spaces = [index for index, part in enumerate(parts) if part == " "]
    positions = [ends[index] for index in spaces]
    edges = [0, *(index + 1 for index, part in enumerate(parts) if "\n" in part), len(parts)]
    lines = [(ends[start] - ends[end], start, end) for start, end in pairwise(edges)]
    heapify(lines)
    while lines and count:
        _, start, end = heappop(lines)
        first, last = bisect_left(spaces, start), bisect_left(spaces, end)
        if first == last:
            continue
        middle = (ends[start] + ends[end]) / 2
        after = bisect_left(positions, middle, first, last)
        chosen = min({max(first, after - 1), min(after, last - 1)}, key=lambda place: abs(positions[place] - middle))
        place = spaces[chosen]
        yield place
        count -= 1
        for begin, stop in ((start, place), (place + 1, end)):
            heappush(lines, (ends[begin] - ends[stop], begin, stop))
