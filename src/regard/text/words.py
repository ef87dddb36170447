"""Whitespace-separated words, the units of word alignments and of output for users."""

from __future__ import annotations

import re
from collections.abc import Iterable

from regard.text.normalize import normalize
from regard.text.tokenizers import SPACE
from regard.values import Encoding, Span

_WORD = re.compile(r"\S+")


def word_spans(text: str) -> tuple[Span, ...]:
    """Finds the characters of each word, where words are separated by spaces.

    Args:
        text: A normalized sentence.

    Returns:
        Per word, in order, the range `[start, end)` of its characters.

    >>> word_spans("ta journée ?")
    ((0, 2), (3, 10), (11, 12))
    """
    return tuple(match.span() for match in _WORD.finditer(text))


def words_of(text: str) -> tuple[str, ...]:
    """Splits a text into its words, which are separated by spaces.

    >>> words_of("ta journée ?")
    ('ta', 'journée', '?')
    """
    return tuple(text[start:end] for start, end in word_spans(text))


def word_counts(sources: Iterable[str], targets: Iterable[str]) -> list[tuple[int, int]]:
    r"""Counts the words of each sentence pair after normalization, as word alignments number them.

    >>> word_counts(["How was your day?"], ["ta\u00a0journée"])
    [(4, 2)]

    Args:
        sources: Source sentences.
        targets: Target sentences, one per source sentence.

    Returns:
        Per sentence pair, the numbers of source words and target words.
    """
    pairs = zip(sources, targets, strict=True)
    return [(len(word_spans(normalize(src))), len(word_spans(normalize(tgt)))) for src, tgt in pairs]


def word_of_piece(encoding: Encoding) -> tuple[int | None, ...]:
    """Maps each subword of a text to the word that contains it.

    Args:
        encoding: The text and its subwords.

    Returns:
        Per subword, the 0-based number of its word. A subword that is only the space before a word belongs to that
        word; None for a subword that is part of no word, such as the end-of-sentence token.
    """
    owner: list[int | None] = [None] * (len(encoding.text) + 1)
    for number, (start, end) in enumerate(word_spans(encoding.text)):
        owner[start:end] = [number] * (end - start)
    return tuple(
        owner[start] if start < end or piece.startswith(SPACE) else None
        for piece, (start, end) in zip(encoding.pieces, encoding.spans, strict=True)
    )
