"""Chunks of sentence pairs whose attention fits into memory, however long some pairs are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

AT_ONCE = 512
"""Largest number of sentence pairs per chunk: attention takes much more memory than text."""
AREA = 64_000_000
"""Limit of a chunk's sum of (source bytes · target bytes) over its pairs, unless the chunk is a single pair. Sentences
have at most as many subwords as bytes, so this also limits the number of attention weights."""


def chunks(sources: Sequence[str], targets: Sequence[str]) -> Iterator[slice]:
    """Divides sentence pairs into chunks whose attention fits into memory, by number and length of the pairs.

    No chunk extends across a multiple of `AT_ONCE` pairs, so a text that is cut at such a multiple has the same chunks
    as the whole text.

    >>> list(chunks(["a"] * 600, ["b"] * 600))
    [slice(0, 512, None), slice(512, 600, None)]

    Args:
        sources: Source sentences.
        targets: One translation per source sentence.

    Yields:
        Slice of each chunk's sentence pairs, in order.
    """
    start = total = 0
    for number, (src, tgt) in enumerate(zip(sources, targets, strict=True)):
        area = len(src.encode(errors="replace")) * len(tgt.encode(errors="replace"))
        if number > start and (number % AT_ONCE == 0 or total + area > AREA):
            yield slice(start, number)
            start, total = number, 0
        total += area
    if len(sources) > start:
        yield slice(start, len(sources))
