"""Checks of the sides' lengths: empty, identical and overlong sides, and sides of very different length."""

from __future__ import annotations

from collections.abc import Sequence

from regard.text.normalize import normalize
from regard.values import Pair


def empty(pairs: Sequence[Pair]) -> list[float]:
    """Scores 1 for each pair with a side that has no text, or only blanks.

    >>> empty([Pair("Hello", " "), Pair("Hello", "Bonjour")])
    [1.0, 0.0]
    """
    return [float(not normalize(pair.src) or not normalize(pair.tgt)) for pair in pairs]


def identical(pairs: Sequence[Pair]) -> list[float]:
    """Scores 1 for each pair whose sides are the same text, ignoring case and blanks.

    >>> identical([Pair("Hello", "hello "), Pair("Hello", "Bonjour")])
    [1.0, 0.0]
    """
    return [float(normalize(pair.src).casefold() == normalize(pair.tgt).casefold()) for pair in pairs]


def longest_side(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the number of characters of its longer side.

    >>> longest_side([Pair("Hello", "Bonjour")])
    [7.0]
    """
    return [float(max(len(pair.src), len(pair.tgt))) for pair in pairs]
