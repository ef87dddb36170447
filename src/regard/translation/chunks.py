"""Chunks of sentence pairs whose attention fits into memory, however long some pairs are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

AT_ONCE = 512
"""Most pairs per chunk: attention takes much more memory than text."""
AREA = 64_000_000
"""Most products of both sides' bytes per chunk, unless it is a single pair: there are no more subwords than bytes."""


def chunks(sources: Sequence[str], targets: Sequence[str]) -> Iterator[slice]:
    """Divides sentence pairs by their number and their lengths.

    >>> list(chunks(["a"] * 600, ["b"] * 600))
    [slice(0, 512, None), slice(512, 600, None)]

    Args:
        sources: Source sentences.
        targets: As many translations.

    Yields:
        The pairs of each chunk, in order.
    """
    start = total = 0
    for number, (src, tgt) in enumerate(zip(sources, targets, strict=True)):
        area = len(src.encode(errors="replace")) * len(tgt.encode(errors="replace"))
        if number > start and (number - start == AT_ONCE or total + area > AREA):
            yield slice(start, number)
            start, total = number, 0
        total += area
    if len(sources) > start:
        yield slice(start, len(sources))
