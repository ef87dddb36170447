"""Sentence pairs in portions whose attention fits into memory, however long some of them are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

AT_ONCE = 512
"""Pairs of a portion, at most: attention takes much more room than text."""
AREA = 64_000_000
"""Products of the sides' bytes in a portion, unless it is one pair: there are no more subwords than bytes."""


def chunks(sources: Sequence[str], targets: Sequence[str]) -> Iterator[slice]:
    """Divides pairs by their number and their lengths.

    >>> list(portions(["a"] * 600, ["b"] * 600))
    [slice(0, 512, None), slice(512, 600, None)]

    Args:
        sources: Source sentences.
        targets: As many translations.

    Yields:
        Which pairs belong to each portion, in order; usual sentences fill one by their number.
    """
    start = area = 0
    for number, (src, tgt) in enumerate(zip(sources, targets, strict=True)):
        own = len(src.encode(errors="replace")) * len(tgt.encode(errors="replace"))
        if number > start and (number - start == AT_ONCE or area + own > AREA):
            yield slice(start, number)
            start, area = number, 0
        area += own
    if len(sources) > start:
        yield slice(start, len(sources))
