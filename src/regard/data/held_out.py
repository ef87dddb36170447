"""Sentence pairs that are held out of a corpus, for validation or as a test set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from regard.values import Pair


def hold_out(pairs: Sequence[Pair], choose: Callable[[Sequence[str]], Iterable[str]]) -> tuple[list[Pair], list[Pair]]:
    """Holds out some source sentences with all their translations, so that no source is in both parts.

    Args:
        pairs: The corpus.
        choose: Chooses the sources to hold out from all different ones, which are in the order of the corpus.

    Returns:
        The other pairs, and the pairs held out, both in the order of the corpus.

    >>> corpus = [Pair("a", "x", 1), Pair("b", "y", 2), Pair("a", "z", 3)]
    >>> rest, held_out = hold_out(corpus, lambda sources: sources[:1])
    >>> [pair.tgt for pair in rest], [pair.tgt for pair in held_out]
    (['y'], ['x', 'z'])
    """
    chosen = set(choose(list(dict.fromkeys(pair.src for pair in pairs))))
    return [pair for pair in pairs if pair.src not in chosen], [pair for pair in pairs if pair.src in chosen]
